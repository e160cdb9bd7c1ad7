//! `cargo xtask hygiene`: what dependencies may be, whether they are used, spelling, shell scripts.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::doctor::{self, State};
use crate::report::Report;
use crate::{build_cmd, paths, process, python};

/// Where shell scripts are; in the first folder without an extension.
const SCRIPTS: [&str; 3] = [".ci", "deploy", "xtask/src/record/servers"];
/// The database of advisories is fetched: where nothing answers, not for ever.
const FETCH_SECONDS: &str = "120";

/// From the crates' registry, into `target/tools`.
const TOOLS: [(&str, &str); 2] = [("cargo-deny", "0.20.2"), ("cargo-machete", "0.9.2")];

/// Looks for the tools, as doctor does.
pub(crate) fn tools(fix: bool) -> Vec<State> {
    TOOLS
        .iter()
        .map(|(name, version)| {
            let binary = paths::tools().join("bin").join(name);
            doctor::ensure(
                &format!("{name} {version}"),
                fix,
                || {
                    process::run(Command::new(&binary).arg("--version"))
                        .is_ok_and(|text| text.split_whitespace().last() == Some(*version))
                },
                // They work for seconds: not worth the minutes an optimised build takes.
                &format!(
                    "CARGO_PROFILE_DEV_DEBUG=0 cargo install {name} --version {version} --locked --debug --root target/tools"
                ),
            )
        })
        .collect()
}

pub(crate) fn command() -> Result<bool> {
    let mut report = Report::default();
    let words = ["check", "--hide-inclusion-graph", "licenses"];
    let allowed = deny().args(words).args(["bans", "sources"]).status();
    expect(
        &mut report,
        "dependencies are allowed by deny.toml",
        allowed,
    );
    let used = tool("cargo-machete").arg(".").status();
    expect(&mut report, "dependencies are used", used);
    expect(&mut report, "spelling", typos()?.status());
    if let Some(mut shellcheck) = shellcheck()? {
        expect(&mut report, "shell scripts", shellcheck.status());
    }
    advisories()?;
    report.finish();
    Ok(report.all_held())
}

fn expect(report: &mut Report, what: &str, outcome: std::io::Result<std::process::ExitStatus>) {
    match outcome {
        Ok(status) if status.success() => report.expect(true, what, "yes"),
        Ok(status) => report.expect(false, what, &status.to_string()),
        Err(error) => report.expect(
            false,
            what,
            &format!("{error}: cargo xtask doctor --fix --tests"),
        ),
    }
}

/// One of the tools doctor puts below `target/tools`, in the workspace's root.
fn tool(name: &str) -> Command {
    let mut command = Command::new(paths::tools().join("bin").join(name));
    command
        .current_dir(paths::root())
        .env("PATH", build_cmd::search_path())
        .stdin(Stdio::null());
    command
}

fn deny() -> Command {
    tool("cargo-deny")
}

/// Tells of advisories and fails for none: one published tonight must not stop what passed
/// yesterday, and not every machine reaches the database.
fn advisories() -> Result<()> {
    let output = Command::new("timeout")
        .arg(FETCH_SECONDS)
        .arg(paths::tools().join("bin/cargo-deny"))
        .args(["check", "--hide-inclusion-graph", "advisories"])
        .current_dir(paths::root())
        .env("PATH", build_cmd::search_path())
        .stdin(Stdio::null())
        .output()
        .context("cannot start `timeout`")?;
    let words = String::from_utf8_lossy(&output.stderr);
    println!("  note    {}", told(output.status.success(), &words));
    Ok(())
}

/// What cargo-deny's last words about advisories mean.
fn told(success: bool, words: &str) -> String {
    if success {
        return "no advisory concerns a dependency".to_owned();
    }
    if words.contains("error[") {
        return format!("advisories, which fail nothing:\n{}", words.trim_end());
    }
    // It did not come as far as comparing.
    let why = words.lines().rfind(|line| !line.trim().is_empty());
    let why = why.unwrap_or("it took too long");
    format!("advisories not looked at: {why}")
}

/// Comes as a wheel of the same release: seconds instead of minutes of compiling.
fn typos() -> Result<Command> {
    let python = python::with_packages("spelling", "xtask/python/spelling.txt")?;
    let mut command = Command::new(python.with_file_name("typos"));
    command
        .args(["--format", "brief"])
        .current_dir(paths::root());
    Ok(command)
}

/// `None`: there is no script.
fn shellcheck() -> Result<Option<Command>> {
    let mut scripts: Vec<PathBuf> = Vec::new();
    for folder in SCRIPTS {
        let Ok(entries) = fs::read_dir(paths::root().join(folder)) else {
            continue;
        };
        for entry in entries {
            let path = entry?.path();
            let is_script = path.is_file()
                && path
                    .extension()
                    .map_or(folder == SCRIPTS[0], |extension| extension == "sh");
            scripts.extend(is_script.then_some(path));
        }
    }
    if scripts.is_empty() {
        return Ok(None);
    }
    scripts.sort();
    let mut command = Command::new("shellcheck");
    command.args(scripts);
    Ok(Some(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_out_of_reach_is_no_advisory() {
        let words = "[ERROR] failed to fetch advisory database https://github.com/RustSec/advisory-db\n\
            fatal: unable to access it: Could not resolve host: github.com\n\n";
        assert!(told(false, words).starts_with("advisories not looked at: fatal: unable"));
        assert!(told(false, "").ends_with("it took too long"));
        assert_eq!(told(true, ""), "no advisory concerns a dependency");
        let found = "error[vulnerability]: Use after free\n  ID: RUSTSEC-2024-0001\n";
        assert!(told(false, found).contains("RUSTSEC-2024-0001"));
    }

    #[test]
    fn the_scripts_of_this_repository_are_checked() {
        let command = shellcheck().expect("read").expect("scripts");
        let line = process::line(&command);
        assert!(
            line.contains(".ci/run") && line.contains("servers/start.sh"),
            "{line}"
        );
        assert!(!line.contains(".conf"), "{line}");
    }
}
