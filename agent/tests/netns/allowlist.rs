//! Who is never blocked.

use crate::{
    agent::{Agent, Home, Settings},
    lab::{GATEWAY, Lab, OWN, eventually},
};

#[test]
fn decisions_on_protected_sources_are_refused_with_a_reason() {
    let lab = Lab::new();
    let home = Home::new();
    let settings = Settings {
        config: "[policy]\nallowlist = [\"10.77.0.3\", \"198.51.100.0/24\"]",
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    for (source, reason) in [
        (OWN.to_string(), "an address of this machine"),
        (GATEWAY.to_string(), "the default gateway"),
        ("10.77.0.3".to_owned(), "allowlisted by 10.77.0.3"),
        ("198.51.100.77".to_owned(), "allowlisted by 198.51.100.0/24"),
    ] {
        let refused = agent.decide(&format!("add --source {source} --duration 5m"));
        let line = refused.failed(1);
        assert!(
            line.contains(&source) && line.contains(reason),
            "{source}: {line}"
        );
    }
    assert!(agent.decisions().is_empty());
    // A neighbour of theirs is fair game.
    agent.add("--source 198.51.101.77 --duration 5m");
}

#[test]
fn a_flood_from_an_allowlisted_source_is_never_dropped() {
    let lab = Lab::new();
    let [friend, victim, stranger] = &lab.hosts;
    let home = Home::new();
    let config = format!("[policy]\nallowlist = [\"{}\"]", friend.ip());
    let settings = Settings {
        config: &config,
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    friend.flood(victim.ip(), 1_000, 1_500).finish();
    assert_eq!(victim.echo_requests(), 1_500);
    let dos = agent.get("/v1/stats")["predictions"]["dos"].clone();
    assert!(dos.as_u64() > Some(2), "the classifier saw no flood: {dos}");
    let all = agent.get("/v1/decisions?all=true");
    assert_eq!(all.as_array().unwrap().len(), 0, "{all}");

    // The same from somebody else is dropped.
    let flood = stranger.flood(victim.ip(), 1_000, 1_500);
    let decision = eventually("a stranger's flood is condemned", || {
        agent.decisions().into_iter().next()
    });
    assert_eq!(decision["source"], stranger.ip().to_string());
    flood.finish();
    assert!(victim.echo_requests() < 3_000);
}

#[test]
fn the_allowlist_of_the_run_time_frees_a_source_and_outlives_the_agent() {
    let lab = Lab::new();
    let [friend, victim, _] = &lab.hosts;
    let home = Home::new();
    let state = home.path("state");
    std::fs::create_dir(&state).unwrap();
    let config = format!("state_dir = {state:?}");
    let settings = Settings {
        config: &config,
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    let id = agent.add(&format!("--source {} --duration 10m", friend.ip()));
    assert_eq!(friend.ping(victim.ip(), 2), 0);
    let added = agent.tell("allowlist add 10.77.0.0/30");
    assert!(added.stdout.contains("\"kept\": true"), "{added:?}");
    let lifted = agent.decision(id);
    assert_eq!(lifted["phase"], "lifted");
    assert_eq!(lifted["ended"], "its source is never blocked any more");
    assert_eq!(friend.ping(victim.ip(), 2), 2);

    // Neither this agent nor the next one blocks it again.
    agent.crash();
    let mut agent = Agent::start(&lab.switch, &home, &settings);
    let before = victim.echo_requests();
    friend.flood(victim.ip(), 1_000, 1_500).finish();
    assert_eq!(victim.echo_requests() - before, 1_500);
    assert_eq!(
        agent
            .get("/v1/decisions?all=true")
            .as_array()
            .unwrap()
            .len(),
        0
    );

    assert_eq!(agent.tell("allowlist remove 10.77.0.0/30").code, Some(0));
    let refused = agent.tell(&format!("allowlist remove {OWN}"));
    assert!(refused.failed(1).contains("address of this machine"));
    friend.flood(victim.ip(), 1_000, 1_500).finish();
    eventually("what was taken back protects no longer", || {
        agent.decisions().into_iter().next()
    });
    agent.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(agent.ended(), Some(0));
}
