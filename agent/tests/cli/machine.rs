//! Commands about the machine and the build.

use std::net::TcpListener;

use serde_json::Value;

use crate::process::{run, tidegate};

fn checks(args: &[&str]) -> (i32, Vec<Value>) {
    let args = [
        &[
            "doctor",
            "-o",
            "json",
            "--bpf-root",
            "/run/tidegate-test/bpf",
        ],
        args,
    ]
    .concat();
    let ran = run(&mut tidegate(&args));
    (ran.code, ran.json().as_array().unwrap().clone())
}

fn status<'a>(checks: &'a [Value], name: &str) -> Vec<&'a str> {
    checks
        .iter()
        .filter(|check| check["name"] == name)
        .map(|check| check["status"].as_str().unwrap())
        .collect()
}

#[test]
fn doctor_finds_what_is_missing_and_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let args = [
        "-i",
        "lo",
        "-i",
        "nosuchif0",
        "--model",
        "/nowhere.json",
        "--api",
        &address,
    ];
    let (code, checks) = checks(&args);
    assert_eq!(code, 1);
    assert_eq!(status(&checks, "interface"), ["ok", "fail"]);
    assert_eq!(status(&checks, "model"), ["fail"]);
    assert_eq!(status(&checks, "api"), ["warn"]);
    for name in ["capabilities", "kernel", "btf", "bpf jit", "bpffs"] {
        assert_eq!(status(&checks, name).len(), 1, "{name}");
    }
    for check in checks.iter().filter(|check| check["status"] == "fail") {
        assert!(!check["advice"].as_str().unwrap().is_empty(), "{check}");
    }
}

#[test]
fn doctor_exits_by_its_checks() {
    let (code, checks) = checks(&["-i", "lo", "--api", "127.0.0.1:0"]);
    assert_eq!(status(&checks, "model"), ["ok"]);
    assert_eq!(status(&checks, "api"), ["ok"]);
    let failed = checks.iter().any(|check| check["status"] == "fail");
    assert_eq!(code, i32::from(failed));
    assert_eq!(status(&checks, "kernel"), ["ok"], "{checks:?}");
}

#[test]
fn detach_where_nothing_is_pinned_is_fine() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    let pins = dir
        .path()
        .join(format!("v{}", tidegate_common::LAYOUT_VERSION));
    std::fs::create_dir_all(pins.join("links")).unwrap();
    std::fs::write(pins.join("precious"), "x").unwrap();
    let ran = run(&mut tidegate(&["detach", "--bpf-root", root]));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stdout, format!("nothing is pinned below {root}\n"));
    assert!(
        pins.join("precious").exists(),
        "a file outside a bpffs is gone"
    );
    let ran = run(&mut tidegate(&["detach", "--bpf-root", "/nowhere/bpf"]));
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = run(&mut tidegate(&["completions", shell]));
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stdout.contains("doctor"), "{shell}");
    }
    assert_eq!(run(&mut tidegate(&["completions", "dos"])).code, 64);
}

#[test]
fn every_command_has_its_manual_page() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("man");
    let ran = run(&mut tidegate(&["manual", folder.to_str().unwrap()]));
    assert_eq!(ran.code, 0, "{ran:?}");
    for (page, words) in [
        ("tidegate.1", "TIDEGATE_OUTPUT"),
        ("tidegate-run.1", "TIDEGATE_XDP_MODE"),
        ("tidegate-decisions-add.1", "duration"),
    ] {
        let text = std::fs::read_to_string(folder.join(page)).unwrap();
        assert!(text.contains(words), "no {words} in {page}");
    }
    let ran = run(&mut tidegate(&["manual", "/proc/nowhere"]));
    assert!(ran.failed(1).contains("/proc/nowhere"), "{ran:?}");
}

#[test]
fn models_are_listed_and_shown() {
    let list = run(&mut tidegate(&["models", "list", "-o", "json"])).json();
    let schemas: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["schema"])
        .collect();
    assert_eq!(schemas, ["kdd41", "live"]);
    for name in ["live", "live-forest"] {
        let shown = run(&mut tidegate(&["models", "show", name, "-o", "json"])).json();
        assert_eq!(shown["sha256"], list[1]["sha256"]);
        assert!(shown["training"]["rows"].as_u64().unwrap() > 1_000);
    }
    let text = run(&mut tidegate(&["models", "show", "kdd41"])).stdout;
    assert!(
        text.contains("kdd41-tree") && text.contains("rows"),
        "{text}"
    );
}
