//! Usage, configuration and exit codes.

use std::{fs, path::PathBuf};

use crate::process::{run, tidegate};

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tidegate.toml");
    fs::write(&path, text).unwrap();
    (dir, path)
}

#[test]
fn bad_usage_exits_64() {
    for args in [
        &[][..],
        &["fly"],
        &["run", "--interfaces", "eth0"],
        &["run", "-i", "a name too long for linux"],
        &["run", "-i", "eth0", "--mode", "bypass"],
        &["run", "-i", "eth0", "--once-ready-fd", "-1"],
        &["serve", "--api", "8080"],
        &["detach", "--bpf-root", "relative"],
        &["detach", "--bpf-root", "/run/../etc"],
        &["decisions", "add", "--source", "10.0.0.1"],
        &[
            "decisions",
            "add",
            "--source",
            "10.0.0.1",
            "--duration",
            "10",
        ],
        &[
            "decisions",
            "add",
            "--source",
            "10.0.0.1",
            "--duration",
            "10s",
            "--port",
            "22",
        ],
        &[
            "decisions",
            "add",
            "--source",
            "10.0.0.1",
            "--duration",
            "10s",
            "--type",
            "rate-limit",
        ],
        &["decisions", "delete"],
        &["decisions", "delete", "1", "--all"],
        &["status", "--api", "nonsense"],
        &["models", "show", "nothing-of-this-name"],
        &["-o", "xml", "status"],
    ] {
        let ran = run(&mut tidegate(args));
        assert_eq!(ran.code, 64, "{args:?}: {ran:?}");
        assert_eq!(ran.stdout, "", "{args:?}");
        assert!(!ran.stderr.is_empty(), "{args:?}");
    }
    for url in ["http://me:hush@db:8086", "http://db:8086?p=hush"] {
        let ran = run(&mut tidegate(&["run", "-i", "lo", "--influx", url]));
        assert!(ran.failed(64).starts_with("--influx must "), "{ran:?}");
        assert!(!ran.stderr.contains("hush"), "{ran:?}");
    }
    let ran = run(&mut tidegate(&["run"]));
    assert!(ran.failed(64).contains("-i IFACE"), "{ran:?}");
}

#[test]
fn help_and_version_are_data() {
    for args in [
        &["--help"][..],
        &["run", "--help"],
        &["--version"],
        &["help", "decisions"],
    ] {
        let ran = run(&mut tidegate(args));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{args:?}");
        assert!(ran.stdout.contains("tidegate"), "{args:?}");
    }
}

#[test]
fn a_bad_file_exits_78_with_file_and_line() {
    let (_dir, path) = file("mode = \"monitor\"\n[policy]\nconfidense = 1\n");
    let path = path.to_str().unwrap();
    for args in [
        &["config", "check", "--config", path][..],
        &["config", "print", "--config", path],
        &["run", "-i", "eth0", "--config", path],
        &["serve", "--config", path],
        &["doctor", "--config", path],
    ] {
        let ran = run(&mut tidegate(args));
        assert_eq!(
            ran.failed(78),
            format!("{path}:3: unknown key confidense; did you mean confidence?")
        );
    }
    let ran = run(&mut tidegate(&[
        "config",
        "check",
        "--config",
        "/nowhere.toml",
    ]));
    assert!(ran.failed(78).starts_with("/nowhere.toml: "), "{ran:?}");
}

#[test]
fn a_good_file_passes() {
    let (dir, path) = file("interfaces = [\"eth0\"]\n");
    let token = dir.path().join("token");
    let args = [
        "config",
        "check",
        "--config",
        path.to_str().unwrap(),
        "--token-file",
        token.to_str().unwrap(),
    ];
    let ran = run(&mut tidegate(&args));
    assert_eq!(
        (ran.code, ran.stdout),
        (0, format!("{}: ok\n", path.display()))
    );
}

#[test]
fn a_bad_model_is_found_by_the_check() {
    let (_dir, path) = file("{\"format_version\": 99}");
    let path = path.to_str().unwrap();
    for args in [
        &["config", "check", "--model", path][..],
        &["serve", "--model", path],
        &["models", "show", path],
    ] {
        let ran = run(&mut tidegate(args));
        let line = ran.failed(78);
        assert!(
            line.starts_with(path) && line.contains("version 99"),
            "{line}"
        );
    }
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let (_dir, path) = file(
        "mode = \"monitor\"\nplacement = \"transit\"\ninterfaces = [\"file0\"]\n[api]\nlisten = \"127.0.0.1:1\"\n",
    );
    let path = path.to_str().unwrap();
    let printed = |args: &[&str], variables: &[(&str, &str)]| {
        let args = [&["-o", "json", "config", "print", "--config", path], args].concat();
        let ran = run(tidegate(&args).envs(variables.iter().copied()));
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.json()
    };
    let file = printed(&[], &[]);
    assert_eq!(file["mode"], "monitor");
    assert_eq!(file["placement"], "transit");
    assert_eq!(file["interfaces"], serde_json::json!(["file0"]));

    let variables = [
        ("TIDEGATE_API", "127.0.0.1:2"),
        ("TIDEGATE_INTERFACE", "env0,env1"),
        ("TIDEGATE_MODE", "enforce"),
    ];
    let env = printed(&[], &variables);
    assert_eq!(env["api"]["listen"], "127.0.0.1:2");
    assert_eq!(env["interfaces"], serde_json::json!(["env0", "env1"]));
    assert_eq!(env["mode"], "enforce");
    assert_eq!(env["placement"], "transit");

    let flags = printed(
        &["--api", "127.0.0.1:3", "-i", "flag0", "-i", "flag1"],
        &variables,
    );
    assert_eq!(flags["api"]["listen"], "127.0.0.1:3");
    assert_eq!(flags["interfaces"], serde_json::json!(["flag0", "flag1"]));
    assert_eq!(flags["mode"], "enforce");
}

#[test]
fn what_is_printed_is_a_file_that_gives_the_same() {
    let first = run(&mut tidegate(&[
        "config", "print", "-i", "eth0", "--mode", "monitor",
    ]));
    assert_eq!(first.code, 0, "{first:?}");
    assert!(
        first.stdout.contains("confidence = 0.5\n"),
        "{}",
        first.stdout
    );
    let (_dir, path) = file(&first.stdout);
    let second = run(&mut tidegate(&[
        "config",
        "print",
        "--config",
        path.to_str().unwrap(),
    ]));
    assert_eq!(second.stdout, first.stdout);
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let mut child = tidegate(&["config", "print"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stderr, b"");
}
