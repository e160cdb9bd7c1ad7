//! An agent that is killed, and what stands until the next one comes.

use crate::{
    agent::{Agent, Home, Settings},
    lab::{Lab, eventually},
};

/// Far longer than any test takes, so that the verdicts stand all the while.
const PATIENT: &str = "[dataplane]\nagent_timeout = \"5m\"";

#[test]
fn a_killed_agents_verdicts_stand_and_the_next_agent_adopts_them() {
    let lab = Lab::new();
    let [blocked, victim, neighbour] = &lab.hosts;
    let home = Home::new();
    let settings = Settings {
        config: PATIENT,
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    let id = agent.add(&format!("--source {} --duration 10m", blocked.ip()));
    let program = lab.switch.xdp("p1").unwrap();
    agent.crash();

    assert_eq!(lab.switch.xdp("p1"), Some(program));
    assert_eq!(blocked.ping(victim.ip(), 3), 0);
    assert_eq!(neighbour.ping(victim.ip(), 3), 3);

    // Not one packet slips through while the program is replaced.
    let knocking = blocked.flood(victim.ip(), 2_000, 10_000);
    let agent = Agent::start(&lab.switch, &home, &settings);
    let (mode, replaced) = lab.switch.xdp("p1").unwrap();
    assert_eq!(mode, program.0);
    assert_ne!(replaced, program.1, "the old program still runs");
    let decisions = agent.decisions();
    assert_eq!(decisions.len(), 1);
    assert_eq!(
        (&decisions[0]["id"], &decisions[0]["origin"]),
        (&id.into(), &"manual".into())
    );
    let counted = || agent.decision(id)["packets_dropped"].as_u64().unwrap();
    let before = counted();
    eventually("the adopted decision goes on counting", || {
        (counted() > before + 100).then_some(())
    });
    drop(knocking);
    assert_eq!(neighbour.ping(victim.ip(), 3), 3);
    assert_eq!(
        victim.echo_requests(),
        6,
        "only the neighbour's pings arrive"
    );

    // The adopted decision is a decision like any other.
    agent.decide(&format!("delete {id}"));
    assert_eq!(blocked.ping(victim.ip(), 2), 2);
    assert!(agent.add("--source 10.77.9.9 --duration 1m") > id);
}

#[test]
fn detach_after_a_crash_frees_everything() {
    let lab = Lab::new();
    let [blocked, victim, _] = &lab.hosts;
    let home = Home::new();
    let settings = Settings {
        config: PATIENT,
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    agent.add(&format!("--source {} --duration 10m", blocked.ip()));
    agent.crash();
    assert_eq!(blocked.ping(victim.ip(), 2), 0);

    let detached = home.detach();
    assert_eq!(detached.code, Some(0), "{detached:?}");
    assert!(detached.stdout.contains("/links/"), "{detached:?}");
    assert!(detached.stdout.contains("unmounted"), "{detached:?}");
    assert!(!lab.is_watched());
    assert!(!home.is_mounted() && !home.bpf_root.exists());
    assert_eq!(blocked.ping(victim.ip(), 2), 2);
}

#[test]
fn what_an_agent_no_longer_watches_it_lets_go_after_a_crash() {
    let lab = Lab::new();
    let home = Home::new();
    let agent = Agent::start(&lab.switch, &home, &Settings::default());
    agent.crash();
    let other_mode = Settings {
        interfaces: &["p1", "p2"],
        flags: &["--placement", "transit", "--xdp-mode", "generic"],
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &other_mode);
    let mode = |port| lab.switch.xdp(port).map(|(mode, _)| mode);
    assert_eq!(
        [mode("p1"), mode("p2"), mode("p3")],
        [Some("generic"), Some("generic"), None]
    );
    assert_eq!(agent.get("/v1/stats")["interfaces"][0]["xdp"], "generic");
}

#[test]
fn an_adopted_verdict_of_the_classifier_is_not_prolonged_by_what_it_dropped_before() {
    let lab = Lab::new();
    let [attacker, victim, _] = &lab.hosts;
    let home = Home::new();
    let settings = Settings {
        config: "[policy]\ndos_ttl = \"30s\"\n[dataplane]\nagent_timeout = \"5m\"",
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    attacker.flood(victim.ip(), 1_000, 1_500).finish();
    let dropped = eventually("the flood is dropped", || {
        let decision = agent.decisions().into_iter().next()?;
        decision["packets_dropped"].as_u64().filter(|n| *n > 100)
    });
    agent.crash();
    let agent = Agent::start(&lab.switch, &home, &settings);
    let adopted = agent.decisions().remove(0);
    let until = |decision: &serde_json::Value| -> jiff::Timestamp {
        decision["until"].as_str().unwrap().parse().unwrap()
    };
    // Longer than the rate of its hits is measured over.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let later = agent.decisions().remove(0);
    assert_eq!(until(&later), until(&adopted));
    assert!(
        later["packets_dropped"].as_u64() >= Some(dropped),
        "{later}"
    );
}
