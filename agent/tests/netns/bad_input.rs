//! What makes an agent refuse to start: one line that says what to do, an exit code, and nothing left behind.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _, process::Command};

use crate::{
    agent::{Agent, Home, Ran, Settings, ran, without_settings},
    lab::{Lab, checked},
};

/// Starts an agent that can't start, and checks that the one line on stderr says all of this.
fn refused(lab: &Lab, settings: &Settings<'_>, code: i32, words: &[&str]) {
    let home = Home::new();
    let ran = settings.refused(&lab.switch, &home);
    says(&ran, code, words);
    assert!(!lab.is_watched(), "a program was left behind");
    assert!(!home.is_mounted(), "a mount was left behind");
}

fn says(ran: &Ran, code: i32, words: &[&str]) {
    let line = ran.failed(code);
    for word in words {
        assert!(line.contains(word), "no {word:?} in {line:?}");
    }
}

#[test]
fn interfaces_that_are_not_there() {
    let lab = Lab::new();
    let settings = |interfaces| Settings {
        interfaces,
        ..Settings::default()
    };
    refused(&lab, &settings(&["p1", "p9"]), 69, &["p9", "ip link"]);
    refused(&lab, &settings(&[]), 64, &["-i IFACE", "interfaces = ["]);
    // The bridge itself takes no native program.
    let native = Settings {
        interfaces: &["p1", "br0"],
        flags: &["--xdp-mode", "native"],
        ..Settings::default()
    };
    refused(&lab, &native, 69, &["br0", "native"]);
}

#[test]
fn a_configuration_that_makes_no_sense() {
    let lab = Lab::new();
    let settings = |config| Settings {
        config,
        ..Settings::default()
    };
    let unknown = settings("mode = \"enforce\"\n[policy]\ndos_tll = \"1s\"\n");
    refused(
        &lab,
        &unknown,
        78,
        &["tidegate.toml:3", "dos_tll", "did you mean dos_ttl?"],
    );
    let of_range = settings("[dataplane]\n\nagent_timeout = \"0s\"\n");
    refused(
        &lab,
        &of_range,
        78,
        &["tidegate.toml:3", "agent_timeout", "1s"],
    );
}

#[test]
fn a_model_file_that_is_none() {
    let lab = Lab::new();
    let home = Home::new();
    let whole = tidegate_models::SHIPPED_LIVE;
    let half = home.write("half.json", &whole[..whole.len() / 2]);
    let version = format!(
        "\"format_version\": {}",
        tidegate_models::format::FORMAT_VERSION
    );
    assert!(whole.contains(&version));
    let newer = home.write(
        "newer.json",
        &whole.replace(&version, "\"format_version\": 99"),
    );
    let missing = home.path("missing.json");
    for (path, words) in [
        (half, ["half.json", "truncated"]),
        (newer, ["newer.json", "unknown format version 99"]),
        (missing, ["missing.json", "cannot be read"]),
    ] {
        let settings = Settings {
            flags: &["--model", path.to_str().unwrap()],
            ..Settings::default()
        };
        refused(&lab, &settings, 78, &words);
    }
}

#[test]
fn a_port_that_is_taken() {
    let lab = Lab::new();
    let _taken = lab
        .switch
        .inside(|| TcpListener::bind("127.0.0.1:8080").unwrap());
    refused(&lab, &Settings::default(), 69, &["8080 is in use", "--api"]);
}

#[test]
fn files_that_cannot_be_written() {
    let lab = Lab::new();
    // Found out when the programs are attached already.
    let record = Settings {
        flags: &["--record", "/nowhere/rows.csv"],
        ..Settings::default()
    };
    let home = Home::new();
    let ran = record.refused(&lab.switch, &home);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("/nowhere/rows.csv"), "{ran:?}");
    assert!(!lab.is_watched(), "a program was left behind");
    assert!(!home.is_mounted(), "a mount was left behind");

    let fd = Settings {
        flags: &["--once-ready-fd", "99"],
        ..Settings::default()
    };
    refused(&lab, &fd, 64, &["--once-ready-fd 99"]);
}

/// The agent's binary where everybody can execute it.
fn public_binary(home: &Home) -> std::path::PathBuf {
    let folder = home.path("");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let binary = home.path("tidegate");
    fs::copy(env!("CARGO_BIN_EXE_tidegate"), &binary).unwrap();
    binary
}

const NOBODY: &str = "--reuid=65534 --regid=65534 --clear-groups";

fn as_nobody(lab: &Lab, words: &str, binary: &std::path::Path) -> Command {
    let mut command = lab.switch.command("setpriv");
    without_settings(&mut command)
        .args(NOBODY.split(' '))
        .args(words.split(' '))
        .arg(binary);
    command
}

#[test]
fn a_user_without_capabilities_is_told_what_is_missing() {
    let lab = Lab::new();
    let home = Home::new();
    let binary = public_binary(&home);
    let arguments = Settings::default().arguments(&home);
    for file in ["tidegate.toml", "model.json"] {
        fs::set_permissions(home.path(file), fs::Permissions::from_mode(0o644)).unwrap();
    }
    fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o777)).unwrap();
    let none = "--bounding-set=-all --inh-caps=-all";
    // Once where there is no BPF file system, and once where there is one that is theirs.
    let ran_without = ran(as_nobody(&lab, none, &binary).args(&arguments));
    says(&ran_without, 77, &[home.bpf_root.to_str().unwrap()]);
    mount_for_nobody(&home);
    let ran_with = ran(as_nobody(&lab, none, &binary).args(&arguments));
    says(&ran_with, 77, &["CAP_BPF", "CAP_NET_ADMIN"]);
    assert!(!lab.is_watched());
    let pins = format!("v{}", tidegate_common::LAYOUT_VERSION);
    assert!(!home.bpf_root.join(pins).exists(), "pins were left behind");
    unmount(&home);
}

#[test]
fn three_capabilities_are_enough() {
    let lab = Lab::new();
    let [h1, h2, _] = &lab.hosts;
    let home = Home::new();
    let binary = public_binary(&home);
    let arguments = Settings::default().arguments(&home);
    fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o777)).unwrap();
    mount_for_nobody(&home);
    let three = "--inh-caps=-all,+bpf,+net_admin,+perfmon --ambient-caps=-all,+bpf,+net_admin,+perfmon --bounding-set=-all,+bpf,+net_admin,+perfmon";
    let mut command = as_nobody(&lab, three, &binary);
    let mut agent = Agent::launch(command.args(&arguments), &lab.switch, &home, 8080);
    agent.add(&format!("--source {} --duration 5m", h1.ip()));
    assert_eq!(h1.ping(h2.ip(), 2), 0);
    agent.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(agent.ended(), Some(0), "{}", agent.log());
    assert!(!lab.is_watched());
    assert_eq!(h1.ping(h2.ip(), 2), 2);
    unmount(&home);
}

/// A BPF file system that is the unprivileged user's, as an administrator would prepare it.
fn mount_for_nobody(home: &Home) {
    fs::create_dir_all(&home.bpf_root).unwrap();
    checked(
        Command::new("mount")
            .args(["-t", "bpf", "-o", "mode=0700", "bpf"])
            .arg(&home.bpf_root),
    );
    checked(Command::new("chown").arg("65534:65534").arg(&home.bpf_root));
}

fn unmount(home: &Home) {
    checked(Command::new("umount").arg(&home.bpf_root));
}
