//! Decisions made by a person on the command line.

use std::io::{BufRead as _, BufReader};

use serde_json::Value;

use crate::{
    agent::{Agent, Home, Settings},
    lab::{Lab, eventually},
};

/// A lab with an agent on all ports.
fn with_agent() -> (Lab, Home, Agent) {
    let lab = Lab::new();
    let home = Home::new();
    let agent = Agent::start(&lab.switch, &home, &Settings::default());
    (lab, home, agent)
}

#[test]
fn a_source_is_blocked_until_the_decision_is_deleted() {
    let (lab, _home, agent) = with_agent();
    let [h1, h2, h3] = &lab.hosts;
    assert_eq!(h1.ping(h2.ip(), 2), 2);
    let id = agent.add(&format!(
        "--source {} --duration 5m --reason tests",
        h1.ip()
    ));

    let listed: Value = serde_json::from_str(&agent.decide("list").stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    for (field, value) in [("origin", "manual"), ("scope", "source"), ("type", "drop")] {
        assert_eq!(listed[0][field], value);
    }
    assert_eq!(listed[0]["scenario"], "tests");
    assert_eq!((h1.ping(h2.ip(), 3), h1.ping(h3.ip(), 2)), (0, 0));
    assert_eq!(h3.ping(h2.ip(), 2), 2);
    eventually("five drops are counted", || {
        let decision = agent.decision(id);
        assert_eq!(agent.counter("rate_limited"), 0);
        (decision["packets_dropped"] == 5).then_some(())
    });

    let deleted = agent.decide(&format!("delete {id}"));
    assert_eq!(deleted.code, Some(0), "{deleted:?}");
    assert_eq!(agent.decisions(), [] as [Value; 0]);
    assert_eq!(agent.decision(id)["phase"], "deleted");
    assert_eq!(h1.ping(h2.ip(), 3), 3);
    let again = agent.decide(&format!("delete {id}"));
    assert!(again.failed(1).contains(&id.to_string()));
}

#[test]
fn who_listens_and_who_looks_sees_a_decision_come_and_go() {
    let (lab, _home, agent) = with_agent();
    let [h1, h2, h3] = &lab.hosts;
    let mut listener = agent.listen("/v1/decisions/stream", 60);
    let mut lines = BufReader::new(listener.stdout.take().unwrap()).lines();
    let mut event = |name: &str| -> Value {
        let lines = lines.by_ref().map_while(Result::ok);
        let mut lines = lines.skip_while(|line| !line.starts_with("event"));
        assert_eq!(lines.next(), Some(format!("event: {name}")));
        let data = lines.next().unwrap();
        serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap()
    };
    assert_eq!(event("state"), Value::Array(Vec::new()));
    let id = agent.add(&format!("--source {} --duration 5m", h1.ip()));
    assert_eq!(event("delta")["new"][0]["id"], id);
    assert_eq!((h1.ping(h2.ip(), 2), h3.ping(h2.ip(), 2)), (0, 2));

    eventually("top shows who sends and what is blocked", || {
        let top = agent.tell("top --once");
        let look: Value = serde_json::from_str(&top.stdout).unwrap();
        assert_eq!(look["decisions"][0]["id"], id);
        let sources = look["sources"].as_array().unwrap();
        let sends = sources
            .iter()
            .any(|row| row["source"] == h3.ip().to_string());
        let blocks = look["decisions"][0]["packets_dropped"] == 2;
        (sends && blocks).then_some(())
    });
    agent.decide(&format!("delete {id}"));
    let ended = &event("delta")["ended"][0];
    assert_eq!(ended["id"], id);
    assert_eq!(ended["phase"], "deleted");
    listener.kill().unwrap();
    listener.wait().unwrap();
}

#[test]
fn a_decision_ends_when_its_author_said() {
    let (lab, _home, agent) = with_agent();
    let [h1, h2, _] = &lab.hosts;
    let id = agent.add(&format!("--source {} --duration 3s", h1.ip()));
    // Packets all the while: they do not prolong it.
    let knocking = h1.flood(h2.ip(), 20_000, 1_000);
    eventually("packets pass again", || {
        (h2.echo_requests() > 0).then_some(())
    });
    drop(knocking);
    eventually("the decision is over", || {
        agent.decisions().is_empty().then_some(())
    });
    assert_eq!(agent.decision(id)["phase"], "expired");
}

#[test]
fn one_port_of_one_host_is_blocked_and_another_answers() {
    let (lab, home, agent) = with_agent();
    let [h1, h2, h3] = &lab.hosts;
    let folder = home.write("hello", "hello").parent().unwrap().to_owned();
    let _servers = [8001, 8002].map(|port| h2.serve(port, &folder));
    let url = |port: u16| format!("http://{}:{port}/hello", h2.ip());
    assert_eq!(h1.curl(&[&url(8001)]), (0, "hello".to_owned()));

    let id = agent.add(&format!(
        "--source {} --destination {} --protocol tcp --port 8001 --duration 5m",
        h1.ip(),
        h2.ip()
    ));
    assert_eq!(agent.decision(id)["scope"], "tuple");
    let timed_out = 28;
    let (code, _) = h1.curl(&["--connect-timeout", "1", &url(8001)]);
    assert_eq!(code, timed_out);
    assert_eq!(h1.curl(&[&url(8002)]), (0, "hello".to_owned()));
    assert_eq!(h3.curl(&[&url(8001)]), (0, "hello".to_owned()));
    assert_eq!(h1.ping(h2.ip(), 2), 2);
}

#[test]
fn a_rate_limit_lets_about_its_rate_pass() {
    let (lab, _home, agent) = with_agent();
    let [h1, h2, h3] = &lab.hosts;
    let id = agent.add(&format!(
        "--source {} --type rate-limit --rate 20 --duration 5m",
        h1.ip()
    ));
    let begin = std::time::Instant::now();
    let flood = h1.flood(h2.ip(), 2_000, 2_000);
    assert_eq!(h3.ping(h2.ip(), 5), 5);
    flood.finish();
    let seconds = begin.elapsed().as_secs();
    let passed = h2.echo_requests() - 5;
    // The flood takes four seconds; as slow as this machine may be, the limit is the kernel's.
    assert!(
        (60..=40 + 20 * seconds).contains(&passed),
        "{passed} packets in {seconds} s"
    );
    eventually("what exceeds the rate is counted", || {
        let dropped = agent.decision(id)["packets_dropped"].as_u64().unwrap();
        (dropped == 2_000 - passed && agent.counter("rate_limited") == dropped).then_some(())
    });
}

#[test]
fn a_watched_source_is_counted_and_passes() {
    let (lab, _home, agent) = with_agent();
    let [h1, h2, _] = &lab.hosts;
    let id = agent.add(&format!("--source {} --type watch --duration 5m", h1.ip()));
    assert_eq!(h1.ping(h2.ip(), 4), 4);
    eventually("four packets are counted", || {
        let seen = &agent.decision(id)["packets_dropped"];
        (*seen == 4 && agent.counter("watched") == 4).then_some(())
    });
    assert_eq!(agent.counter("dropped"), 0);
}

#[test]
fn an_ipv6_source_is_blocked_without_its_ipv4_address() {
    let (lab, _home, agent) = with_agent();
    let [h1, h2, h3] = &lab.hosts;
    assert_eq!(h1.ping(h2.ip6(), 2), 2);
    let id = agent.add(&format!("--source {} --duration 5m", h1.ip6()));
    assert_eq!(h1.ping(h2.ip6(), 3), 0);
    assert_eq!(h1.ping(h2.ip(), 2), 2);
    assert_eq!(h3.ping(h2.ip6(), 2), 2);
    agent.decide(&format!("delete {id}"));
    assert_eq!(h1.ping(h2.ip6(), 3), 3);
}
