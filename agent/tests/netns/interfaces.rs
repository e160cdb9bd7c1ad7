//! Interfaces that go away and come back.

use crate::{
    agent::{Agent, Home, Settings},
    lab::{Lab, eventually},
};

#[test]
fn an_agent_survives_the_loss_of_an_interface_and_says_so() {
    let lab = Lab::new();
    let [h1, h2, h3] = &lab.hosts;
    let home = Home::new();
    let mut agent = Agent::start(&lab.switch, &home, &Settings::default());
    agent.add(&format!("--source {} --duration 10m", h3.ip()));
    let degraded = |agent: &Agent| agent.get("/readyz")["degraded"].to_string();
    assert_eq!(degraded(&agent), "[]");

    lab.switch.ip("link del p1");
    eventually("the agent says that p1 is gone", || {
        degraded(&agent).contains("p1").then_some(())
    });
    // A new interface of the same name is another interface.
    h1.plug(&lab.switch);
    assert_eq!(lab.switch.xdp("p1"), None);
    assert_eq!((h1.ping(h2.ip(), 2), h3.ping(h2.ip(), 2)), (2, 0));
    assert!(degraded(&agent).contains("p1"), "p1 is not watched");

    // A restart watches the new one, whether the old agent ended well or not.
    agent.signal(nix::sys::signal::Signal::SIGKILL);
    agent.ended();
    let mut agent = Agent::start(&lab.switch, &home, &Settings::default());
    assert!(lab.switch.xdp("p1").is_some());
    assert_eq!(degraded(&agent), "[]");
    assert_eq!(h3.ping(h2.ip(), 2), 0);

    lab.switch.ip("link del p1");
    assert!(agent.is_alive());
    agent.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(agent.ended(), Some(0));
    assert!(!home.is_mounted());
}

#[test]
fn detach_works_after_an_interface_is_gone() {
    let lab = Lab::new();
    let [_, h2, h3] = &lab.hosts;
    let home = Home::new();
    let agent = Agent::start(&lab.switch, &home, &Settings::default());
    agent.add(&format!("--source {} --duration 10m", h3.ip()));
    lab.switch.ip("link del p1");
    agent.crash();
    let detached = home.detach();
    assert_eq!(detached.code, Some(0), "{detached:?}");
    assert!(!home.is_mounted());
    assert_eq!(lab.switch.xdp("p2"), None);
    assert_eq!(h3.ping(h2.ip(), 2), 2);
}
