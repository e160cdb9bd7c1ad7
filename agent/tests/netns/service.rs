//! What a service manager hears of the agent, by the protocol of `sd_notify(3)`.

use std::{os::unix::net::UnixDatagram, path::PathBuf};

use nix::sys::signal::Signal::SIGTERM;

use crate::{
    agent::{Agent, Home, Settings, without_settings},
    lab::{Lab, PATIENCE},
};

/// The service manager's end.
struct Listening {
    path: PathBuf,
    socket: UnixDatagram,
}

impl Listening {
    fn new(home: &Home) -> Self {
        let path = home.path("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { path, socket }
    }

    fn next(&self) -> String {
        let mut buffer = [0; 4096];
        let len = self.socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..len].to_vec()).unwrap()
    }

    /// Waits for a datagram with a line that begins so.
    fn hears(&self, line: &str) {
        while !self.next().lines().any(|heard| heard.starts_with(line)) {}
    }
}

#[test]
fn a_service_manager_hears_of_its_start_its_life_and_its_end() {
    let lab = Lab::new();
    let home = Home::new();
    let manager = Listening::new(&home);
    let mut command = lab.switch.command(env!("CARGO_BIN_EXE_tidegate"));
    without_settings(&mut command)
        .args(Settings::default().arguments(&home))
        .env("NOTIFY_SOCKET", &manager.path)
        .env("WATCHDOG_USEC", "400000");
    let mut agent = Agent::launch(&mut command, &lab.switch, &home, 8080);
    manager.hears("READY=1");
    assert!(lab.is_watched(), "ready means attached");
    let next = manager.next();
    let (fed, status) = next.split_once('\n').unwrap();
    assert_eq!(fed, "WATCHDOG=1");
    assert!(
        status.starts_with("STATUS=enforce on p1, p2, p3: 0 decisions in force, "),
        "{status}"
    );
    agent.add(&format!("--source {} --duration 5m", lab.hosts[0].ip()));
    manager.hears("STATUS=enforce on p1, p2, p3: 1 decisions in force");
    agent.signal(SIGTERM);
    manager.hears("STOPPING=1");
    assert_eq!(agent.ended(), Some(0));
}

#[test]
fn a_service_manager_that_is_gone_stops_nothing() {
    let lab = Lab::new();
    let home = Home::new();
    let mut command = lab.switch.command(env!("CARGO_BIN_EXE_tidegate"));
    without_settings(&mut command)
        .args(Settings::default().arguments(&home))
        .env("NOTIFY_SOCKET", home.path("nobody"));
    let agent = Agent::launch(&mut command, &lab.switch, &home, 8080);
    assert!(lab.is_watched());
    assert!(agent.log().contains("service manager"), "{}", agent.log());
}
