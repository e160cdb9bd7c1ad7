//! Two agents at a time.

use crate::{
    agent::{Agent, Home, Settings},
    lab::Lab,
};

#[test]
fn a_second_agent_on_the_same_pins_is_refused_and_the_first_goes_on() {
    let lab = Lab::new();
    let [h1, h2, h3] = &lab.hosts;
    let home = Home::new();
    let mut agent = Agent::start(&lab.switch, &home, &Settings::default());
    agent.add(&format!("--source {} --duration 5m", h1.ip()));
    let before = lab.switch.xdp("p1");

    let second = Settings {
        port: 8081,
        ..Settings::default()
    };
    let refused = second.refused(&lab.switch, &home);
    let line = refused.failed(69);
    assert!(line.contains("another agent already runs"), "{line}");
    assert!(line.contains("--bpf-root"), "{line}");

    assert!(agent.is_alive());
    assert_eq!(lab.switch.xdp("p1"), before);
    assert_eq!(agent.decisions().len(), 1);
    assert_eq!((h1.ping(h2.ip(), 2), h3.ping(h2.ip(), 2)), (0, 2));
    // Nor does `detach` pull the pins from under a running agent.
    let line = home.detach();
    assert_eq!(line.code, Some(69), "{line:?}");
    assert_eq!(lab.switch.xdp("p1"), before);
}

#[test]
fn an_interface_that_another_agent_watches_is_left_to_it() {
    let lab = Lab::new();
    let [h1, h2, h3] = &lab.hosts;
    let (home, other) = (Home::new(), Home::new());
    let only_p1 = Settings {
        interfaces: &["p1"],
        ..Settings::default()
    };
    let mut agent = Agent::start(&lab.switch, &home, &only_p1);
    agent.add(&format!("--source {} --duration 5m", h1.ip()));
    let before = lab.switch.xdp("p1");

    // p2 is free: what was attached there before p1 failed must go again.
    let second = Settings {
        interfaces: &["p2", "p1"],
        port: 8081,
        ..Settings::default()
    };
    let refused = second.refused(&lab.switch, &other);
    let line = refused.failed(69);
    assert!(
        line.contains("p1 already runs another XDP program"),
        "{line}"
    );

    assert!(agent.is_alive());
    assert_eq!(lab.switch.xdp("p1"), before);
    assert_eq!(lab.switch.xdp("p2"), None);
    assert!(!other.is_mounted(), "a mount was left behind");
    assert_eq!((h1.ping(h2.ip(), 2), h3.ping(h2.ip(), 2)), (0, 2));
}
