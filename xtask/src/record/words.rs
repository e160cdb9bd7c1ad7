//! Placeholders that depend on the machine and the lab, and the marks before a
//! command.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Scenario, addresses, servers};
use crate::host::Host;
use crate::lab::Lab;
use crate::{daemons, paths};

/// The names in braces that are filled in here, not by the scenario.
#[cfg(test)]
pub(super) const LATER: [&str; 11] = [
    "dev", "dmac", "quietmac", "words", "attack", "traffic", "keyed", "scratch", "lists",
    "pgbench", "chronyd",
];

/// Stands for a space within a word.
const SPACE: char = '␣';

/// A folder for what a scenario's commands fetch and say.
pub(super) fn scratch(lab: &Lab, scenario: &Scenario) -> Result<PathBuf> {
    let folder = lab.run.directory().join("scratch").join(&scenario.name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Takes the `~` off, which says that the exit code says nothing.
pub(super) fn uncoded(mut words: Vec<String>) -> (bool, Vec<String>) {
    match words.first_mut() {
        Some(first) if first.starts_with('~') => {
            first.remove(0);
            (true, words)
        }
        _ => (false, words),
    }
}

/// Fills in what depends on the machine and the lab.
pub(super) fn complete(
    words: Vec<String>,
    lab: &Lab,
    here: &Host,
    scratch: &Path,
) -> Result<Vec<String>> {
    let python = |script: &str| {
        let script = paths::root().join("mininet").join(script);
        vec![
            "/usr/bin/python3".to_owned(),
            script.to_string_lossy().into_owned(),
        ]
    };
    let passwords = lab.run.directory().join("words");
    if !passwords.exists() {
        fs::write(&passwords, wrong_passwords())?;
    }
    let dmac = lab.h1.mac()?;
    let mut complete = Vec::new();
    for word in words {
        match word.as_str() {
            "{traffic}" => complete.extend(python("traffic.py")),
            "{attack}" => complete.extend(python("attack.py")),
            "{keyed}" => complete.extend(keyed(&servers::key(lab))),
            "{pgbench}" | "{chronyd}" => complete.extend(unpacked(word.trim_matches(['{', '}']))?),
            _ => complete.push(
                word.replace("{dev}", &here.interface)
                    .replace("{dmac}", &dmac)
                    .replace("{quietmac}", addresses::DEAD_MAC)
                    .replace("{words}", &passwords.to_string_lossy())
                    .replace("{scratch}", &scratch.to_string_lossy())
                    .replace("{lists}", &lists().to_string_lossy())
                    .replace(SPACE, " "),
            ),
        }
    }
    Ok(complete)
}

/// More than any tool tries within its time, none of them right, as long or short as people's are.
fn wrong_passwords() -> String {
    let words = [
        "summer",
        "sun",
        "qwertzuiop",
        "x",
        "monday-",
        "correcthorse",
    ];
    words
        .into_iter()
        .cycle()
        .zip(0..4000)
        .map(|(word, number)| format!("{word}{number}\n"))
        .collect()
}

/// Options with which ssh, scp and sftp log in, and read and write nothing of the machine's.
fn keyed(key: &Path) -> Vec<String> {
    let mut words = ["-F", "/dev/null", "-i"].map(str::to_owned).to_vec();
    words.push(key.to_string_lossy().into_owned());
    for option in [
        "BatchMode=yes",
        "LogLevel=ERROR",
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
    ] {
        words.extend(["-o".to_owned(), option.to_owned()]);
    }
    words
}

/// A client out of a server's package, with the libraries it came with.
fn unpacked(program: &str) -> Result<Vec<String>> {
    let path = daemons::find(program).with_context(|| format!("{program} is missing"))?;
    Ok(vec![
        "env".to_owned(),
        format!("LD_LIBRARY_PATH={}", daemons::libraries()),
        path.to_string_lossy().into_owned(),
    ])
}

/// What clients are told to ask.
fn lists() -> PathBuf {
    paths::root().join("xtask/src/record/lists")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_frees_the_exit_code() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(uncoded(words("~a b")), (true, words("a b")));
        assert_eq!(uncoded(words("a ~b")), (false, words("a ~b")));
    }

    #[test]
    fn ssh_reads_nothing_of_the_machines() {
        let words = keyed(Path::new("/k")).join(" ");
        assert!(words.starts_with("-F /dev/null -i /k -o "), "{words}");
        assert!(words.contains("UserKnownHostsFile=/dev/null"), "{words}");
    }
}
