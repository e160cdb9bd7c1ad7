//! An agent that does not get to run for a while.

use std::{thread, time::Duration};

use nix::sys::signal::Signal::{SIGCONT, SIGSTOP};

use crate::{
    agent::{Agent, Home, Settings},
    lab::{Lab, eventually},
};

#[test]
fn packets_go_on_while_the_agent_is_stopped_and_it_recovers() {
    let lab = Lab::new();
    let [h1, h2, h3] = &lab.hosts;
    let home = Home::new();
    let settings = Settings {
        // Room for a few hundred events.
        config: "[dataplane]\nring_buffer_bytes = 65_536",
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    let id = agent.add("--source 10.77.0.200 --duration 10m");
    agent.signal(SIGSTOP);
    // A new flow, and so an event, with every packet.
    let many_flows = h1.hping(&format!("-2 -p ++1 -i u1000 -c 3000 {}", h2.ip()));
    assert_eq!(h3.ping(h2.ip(), 10), 10);
    thread::sleep(Duration::from_secs(1));
    agent.signal(SIGCONT);

    eventually("lost events are counted", || {
        (agent.counter("events_lost") > 0).then_some(())
    });
    many_flows.finish();
    eventually("the agent is well again", || {
        let ready = agent.get("/readyz");
        assert_eq!(ready["status"], "ready");
        ready["degraded"]
            .as_array()
            .unwrap()
            .is_empty()
            .then_some(())
    });
    assert_eq!(agent.decision(id)["phase"], "active");
    assert_eq!(h3.ping(h2.ip(), 3), 3);

    // It judges again: events arrive, and verdicts take hold.
    let before = agent.counter("events");
    let flood = h3.flood(h2.ip(), 1_000, 1_500);
    eventually("a flood is condemned", || {
        let decisions = agent.decisions();
        decisions
            .iter()
            .any(|decision| decision["source"] == h3.ip().to_string())
            .then_some(())
    });
    flood.finish();
    assert!(agent.counter("events") > before);
}
