//! Fail-open and fail-closed.

use crate::{
    agent::{Agent, Home, Settings},
    lab::{Host, Lab, eventually},
};

fn one_answer(from: &Host, to: &Host) -> Option<()> {
    (from.ping(to.ip(), 1) == 1).then_some(())
}

#[test]
fn fail_open_lets_packets_pass_once_the_agent_is_lost() {
    let lab = Lab::new();
    let [blocked, victim, _] = &lab.hosts;
    let home = Home::new();
    let settings = Settings {
        config: "[dataplane]\nagent_timeout = \"1s\"",
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    agent.add(&format!("--source {} --duration 10m", blocked.ip()));
    // Longer than the timeout: the agent gives signs of life.
    assert_eq!(blocked.ping(victim.ip(), 10), 0);
    agent.crash();
    eventually("a lost agent's verdict is ignored", || {
        one_answer(blocked, victim)
    });
    assert!(lab.is_watched());

    // The next agent takes it up again.
    let agent = Agent::start(&lab.switch, &home, &settings);
    assert!(agent.counter("agent_lost") >= 1);
    assert_eq!(blocked.ping(victim.ip(), 2), 0);
}

#[test]
fn fail_closed_drops_until_the_verdict_expires() {
    let lab = Lab::new();
    let [blocked, victim, neighbour] = &lab.hosts;
    let home = Home::new();
    let settings = Settings {
        config: "[dataplane]\nagent_timeout = \"1s\"\non_agent_loss = \"closed\"",
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    agent.add(&format!("--source {} --duration 8s", blocked.ip()));
    let begin = std::time::Instant::now();
    agent.crash();
    // Three times the silence that would have opened the gate.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let arrived = victim.echo_requests();
    assert_eq!(neighbour.ping(victim.ip(), 1), 1);
    blocked.ping(victim.ip(), 3);
    // A machine that slept through the verdict has shown nothing.
    if begin.elapsed().as_secs() < 8 {
        assert_eq!(victim.echo_requests(), arrived + 1);
    }
    eventually("the verdict expires without its agent", || {
        one_answer(blocked, victim)
    });
}
