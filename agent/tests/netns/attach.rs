//! Attaching, and leaving the machine as it was.

use nix::sys::signal::Signal::{SIGINT, SIGTERM};

use crate::{
    agent::{Agent, Home, Settings},
    lab::{Lab, eventually},
};

fn pings_are_counted(lab: &Lab, agent: &Agent) {
    let [h1, h2, _] = &lab.hosts;
    let before = agent.counter("packets");
    assert_eq!(h1.ping(h2.ip(), 5), 5);
    eventually("ten packets are counted", || {
        (agent.counter("packets") >= before + 10).then_some(())
    });
    assert_eq!(agent.counter("dropped"), 0);
}

fn attached_as(flags: &[&str], mode: &str) {
    let lab = Lab::new();
    let home = Home::new();
    let settings = Settings {
        interfaces: &["p1", "p2"],
        flags,
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    for port in ["p1", "p2"] {
        assert_eq!(lab.switch.xdp(port).unwrap().0, mode);
    }
    assert_eq!(lab.switch.xdp("p3"), None, "nobody asked for p3");
    let stats = agent.get("/v1/stats");
    let interfaces = stats["interfaces"].as_array().unwrap();
    let shown: Vec<_> = interfaces
        .iter()
        .map(|interface| (interface["name"].as_str().unwrap(), &interface["xdp"]))
        .collect();
    assert_eq!(shown, [("p1", &mode.into()), ("p2", &mode.into())]);
    pings_are_counted(&lab, &agent);
}

#[test]
fn a_veth_gets_the_native_mode_and_counts() {
    attached_as(&["--placement", "transit"], "native");
}

#[test]
fn the_generic_mode_is_there_for_the_asking_and_counts() {
    attached_as(
        &["--placement", "transit", "--xdp-mode", "generic"],
        "generic",
    );
}

#[test]
fn sigterm_and_sigint_leave_the_machine_as_it_was() {
    let lab = Lab::new();
    let [h1, h2, _] = &lab.hosts;
    for signal in [SIGTERM, SIGINT] {
        let home = Home::new();
        let mut agent = Agent::start(&lab.switch, &home, &Settings::default());
        assert!(lab.is_watched() && home.is_mounted());
        agent.add(&format!("--source {} --duration 5m", h1.ip()));
        assert_eq!(h1.ping(h2.ip(), 2), 0);
        agent.signal(signal);
        assert_eq!(agent.ended(), Some(0), "{signal}");
        assert!(!lab.is_watched(), "{signal}");
        assert!(!home.is_mounted() && !home.bpf_root.exists(), "{signal}");
        assert_eq!(h1.ping(h2.ip(), 2), 2, "{signal}");
    }
}
