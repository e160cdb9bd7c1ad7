//! What makes an agent refuse to start: one line that says what to do, an exit code, and nothing left behind.

use std::net::TcpListener;

use crate::{
    agent::{Home, Ran, Settings},
    lab::Lab,
};

/// Starts an agent that can't start, and checks that the one line on stderr says all of this.
fn refused(lab: &Lab, settings: &Settings<'_>, code: i32, words: &[&str]) {
    let home = Home::new();
    let ran = settings.refused(&lab.switch, &home);
    says(&ran, code, words);
    assert!(!lab.is_watched(), "a program was left behind");
    assert!(!home.is_mounted(), "a mount was left behind");
}

pub(crate) fn says(ran: &Ran, code: i32, words: &[&str]) {
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
