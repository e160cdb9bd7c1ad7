//! Floods, and what the classifier makes of them.

use std::{thread, time::Duration};

use serde_json::Value;

use crate::{
    agent::{Agent, Home, Settings},
    lab::{Host, Lab, eventually},
};

/// Class of an echo flood by the shipped model.
const FLOOD_CLASS: &str = "dos";

/// Verdicts that end soon enough to be waited for.
const SHORT: &str = "[policy]
dos_ttl = \"2s\"
probe_ttl = \"2s\"
max_ttl = \"2s\"
";

fn first_decision(agent: &Agent) -> Value {
    eventually("the classifier condemns the flood", || {
        agent.decisions().into_iter().next()
    })
}

fn is_about(decision: &Value, source: &Host) -> bool {
    decision["source"] == source.ip().to_string() && decision["origin"] == "tidegate"
}

#[test]
fn a_flood_is_stopped_and_a_neighbour_does_not_notice() {
    let lab = Lab::new();
    let [attacker, victim, neighbour] = &lab.hosts;
    let home = Home::new();
    let settings = Settings {
        shipped_model: true,
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    let before = victim.echo_requests();
    let flood = attacker.flood(victim.ip(), 1_000, 2_000);
    assert_eq!(neighbour.ping(victim.ip(), 10), 10);
    flood.finish();
    let arrived = victim.echo_requests() - before - 10;
    assert!(arrived <= 200, "{arrived} of 2000 reached the victim");

    let decision = first_decision(&agent);
    assert!(is_about(&decision, attacker), "{decision}");
    let class = decision["class"].as_str().unwrap();
    assert_eq!(class, FLOOD_CLASS);
    assert!(!decision["path"].as_array().unwrap().is_empty());
    assert_eq!(decision["simulated"], false);
    eventually("the decision counts what it dropped", || {
        let decision = agent.decision(decision["id"].as_u64().unwrap());
        (decision["packets_dropped"].as_u64() == Some(2_000 - arrived)).then_some(())
    });
    assert_eq!(agent.counter("dropped"), 2_000 - arrived);
}

#[test]
fn a_verdict_holds_while_packets_come_and_ends_after() {
    let lab = Lab::new();
    let [attacker, victim, _] = &lab.hosts;
    let home = Home::new();
    let settings = Settings {
        config: SHORT,
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    let flood = attacker.flood(victim.ip(), 1_000, 1_000);
    let decision = first_decision(&agent);
    let id = decision["id"].as_u64().unwrap();
    let trickle = attacker.flood(victim.ip(), 20_000, 1_000);
    flood.finish();

    let arrived = victim.echo_requests();
    // Three times as long as the verdict would last without the packets.
    thread::sleep(Duration::from_secs(6));
    assert_eq!(victim.echo_requests(), arrived);
    let held = agent.decision(id);
    assert_eq!(held["phase"], "active", "{held}");
    let until = |decision: &Value| -> jiff::Timestamp {
        decision["until"].as_str().unwrap().parse().unwrap()
    };
    assert!(until(&held) > until(&decision), "{decision} {held}");
    assert!(held["packets_dropped"].as_u64() > decision["packets_dropped"].as_u64());

    drop(trickle);
    eventually("the verdict ends", || {
        agent.decisions().is_empty().then_some(())
    });
    assert_eq!(agent.decision(id)["phase"], "expired");
    assert_eq!(attacker.ping(victim.ip(), 3), 3);
    let all = agent.get("/v1/decisions?all=true");
    assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
}

#[test]
fn monitor_mode_drops_nothing_until_it_is_told_to_enforce() {
    let lab = Lab::new();
    let [attacker, victim, _] = &lab.hosts;
    let home = Home::new();
    let settings = Settings {
        config: "mode = \"monitor\"",
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    attacker.flood(victim.ip(), 1_000, 1_000).finish();
    let decision = first_decision(&agent);
    assert!(is_about(&decision, attacker), "{decision}");
    assert_eq!(decision["simulated"], true);
    assert_eq!(
        victim.echo_requests(),
        1_000,
        "monitor mode dropped packets"
    );
    // Two looks, between which the agent may count: they agree in the end.
    let would_drop = eventually("it is counted what would have been dropped", || {
        let decision = agent.decision(decision["id"].as_u64().unwrap());
        let dropped = decision["packets_dropped"].as_u64().filter(|n| *n > 0)?;
        (agent.counter("would_drop") == dropped).then_some(dropped)
    });
    assert!(would_drop < 1_000, "{would_drop}");
    assert_eq!(agent.counter("dropped"), 0);

    agent.put("/v1/mode", r#"{"mode": "enforce"}"#);
    assert_eq!(agent.get("/v1/stats")["mode"], "enforce");
    assert_eq!(attacker.ping(victim.ip(), 3), 0);
    assert_eq!(victim.echo_requests(), 1_000);
    eventually("drops are counted", || {
        (agent.counter("dropped") >= 3).then_some(())
    });
    let decision = agent.decision(decision["id"].as_u64().unwrap());
    assert_eq!(decision["simulated"], false, "it drops: {decision}");
}
