//! An unprivileged user with the capabilities that the documentation and the service's unit name, no more and no less.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, process::Command};

use nix::sys::signal::Signal::SIGTERM;

use crate::{
    agent::{Agent, Home, Ran, Settings, ran, without_settings},
    bad_input::says,
    lab::{Lab, checked, eventually},
};

const NOBODY: &str = "--reuid=65534 --regid=65534 --clear-groups";
const THREE: [&str; 3] = ["bpf", "net_admin", "perfmon"];
/// CAP_NET_ADMIN (12), CAP_PERFMON (38) and CAP_BPF (39), as /proc shows them.
const THREE_BITS: &str = "000000c000001000";

/// A place for an agent of nobody's: a folder of theirs, and a BPF file system as an administrator would prepare it.
struct Nobody<'a> {
    lab: &'a Lab,
    home: Home,
    binary: PathBuf,
}

impl<'a> Nobody<'a> {
    fn new(lab: &'a Lab) -> Self {
        let home = Home::new();
        fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o777)).unwrap();
        let binary = home.path("tidegate");
        fs::copy(env!("CARGO_BIN_EXE_tidegate"), &binary).unwrap();
        Self { lab, home, binary }
    }

    fn mount(&self) {
        let root = &self.home.bpf_root;
        fs::create_dir_all(root).unwrap();
        checked(
            Command::new("mount")
                .args(["-t", "bpf", "-o", "mode=0700", "bpf"])
                .arg(root),
        );
        checked(Command::new("chown").arg("65534:65534").arg(root));
    }

    /// `tidegate` by nobody, with these capabilities and no way to get others.
    fn command(&self, capabilities: &[&str], settings: &Settings<'_>) -> Command {
        let set = capabilities
            .iter()
            .fold("-all".to_owned(), |set, name| format!("{set},+{name}"));
        let mut command = self.lab.switch.command("setpriv");
        without_settings(&mut command)
            .args(NOBODY.split(' '))
            .arg(format!("--bounding-set={set}"))
            .arg(format!("--inh-caps={set}"))
            .arg(format!("--ambient-caps={set}"))
            .arg("--no-new-privs")
            .arg(&self.binary)
            .args(settings.arguments(&self.home));
        for file in ["tidegate.toml", "model.json"] {
            let mode = fs::Permissions::from_mode(0o644);
            fs::set_permissions(self.home.path(file), mode).unwrap();
        }
        command
    }

    /// An agent that is refused, and leaves nothing behind.
    fn refused(&self, capabilities: &[&str]) -> Ran {
        let ran = ran(&mut self.command(capabilities, &Settings::default()));
        assert!(!self.lab.is_watched(), "a program was left behind");
        let pins = format!("v{}", tidegate_common::LAYOUT_VERSION);
        assert!(
            !self.home.bpf_root.join(pins).exists(),
            "pins were left behind"
        );
        ran
    }
}

impl Drop for Nobody<'_> {
    fn drop(&mut self) {
        // What Home would unmount, too; here it is not the agent's own.
        if self.home.is_mounted() {
            let _ = Command::new("umount").arg(&self.home.bpf_root).output();
        }
    }
}

#[test]
fn without_any_one_of_them_it_is_told_what_is_missing() {
    let lab = Lab::new();
    let nobody = Nobody::new(&lab);
    // Once where there is no BPF file system, and then where there is one that is theirs.
    let root = nobody.home.bpf_root.to_str().unwrap();
    says(&nobody.refused(&THREE), 77, &[root]);
    nobody.mount();
    let advice = ["CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"];
    says(&nobody.refused(&[]), 77, &advice);
    for lacking in THREE {
        let others: Vec<_> = THREE.into_iter().filter(|name| *name != lacking).collect();
        says(&nobody.refused(&others), 77, &advice);
    }
}

#[test]
fn three_capabilities_are_enough() {
    let lab = Lab::new();
    let [h1, h2, _] = &lab.hosts;
    let nobody = Nobody::new(&lab);
    nobody.mount();
    for placement in ["transit", "host"] {
        let settings = Settings {
            flags: &["--placement", placement],
            ..Settings::default()
        };
        let mut command = nobody.command(&THREE, &settings);
        let mut agent = Agent::launch(&mut command, &lab.switch, &nobody.home, 8080);
        let status = agent.process_status();
        for (field, value) in [
            ("CapEff", THREE_BITS),
            ("CapBnd", THREE_BITS),
            ("NoNewPrivs", "1"),
            ("Uid", "65534\t65534\t65534\t65534"),
        ] {
            let line = format!("{field}:\t{value}");
            assert!(status.lines().any(|l| l == line), "no {line} in {status}");
        }
        // It attached, it counts, it drops, and it says so.
        assert!(lab.is_watched());
        let before = agent.counter("packets");
        assert_eq!(h1.ping(h2.ip(), 2), 2);
        eventually("the pings are counted", || {
            (agent.counter("packets") >= before + 4).then_some(())
        });
        let id = agent.add(&format!("--source {} --duration 5m", h1.ip()));
        assert_eq!(h1.ping(h2.ip(), 2), 0);
        assert_eq!(agent.get("/readyz")["status"], "ready");
        // Else the journal would bring it back for the next one.
        assert_eq!(agent.decide(&format!("delete {id}")).code, Some(0));
        assert_eq!(h1.ping(h2.ip(), 2), 2);
        agent.signal(SIGTERM);
        assert_eq!(agent.ended(), Some(0), "{}", agent.log());
        assert!(!lab.is_watched());
    }
}
