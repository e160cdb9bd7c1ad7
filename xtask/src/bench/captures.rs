//! `cargo xtask bench captures`: what the live model makes of captures that others made, by `tidegate replay`.
//!
//! Nothing is trained or chosen with them. They are not the project's to publish: `TIDEGATE_PCAPS` names the folder of
//! the attacks, `TIDEGATE_ORACLE` the one with benign connections in its `conn/`.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Row;
use crate::{paths, process};

/// Whether a connection is one of those asked for.
type Belongs = fn(&Connection) -> bool;

/// What each capture is, as its publisher says, and which of its connections belong to that.
const ATTACKS: [(&str, &str, Belongs); 7] = [
    ("stopddos_synflood_spoofed.pcap", "dos", everything),
    ("stopddos_isakmp_amp.pcap", "dos", everything),
    // Scans and stray answers of the same half minute are in it, too.
    ("stopddos_dns_amp_frag.pcap", "dos", dns_answer),
    ("sv_syn_flood.pcap", "dos", everything),
    ("sv_rsmurf6.pcap", "dos", everything),
    ("chris_synscan.pcapng", "probe", everything),
    ("zeek_ftp_bruteforce.pcap", "r2l", everything),
];
/// Percent of an attack's connections that are to get its class.
const FOUND: f64 = 95.0;
/// Percent of benign connections that may be called an attack.
const ALARMS: f64 = 0.1;

const fn everything(_: &Connection) -> bool {
    true
}

/// Or a later fragment of one, which has no ports.
fn dns_answer(connection: &Connection) -> bool {
    connection.protocol == "udp" && matches!(connection.src_port, 0 | 53)
}

/// Connections by class.
type Classes = BTreeMap<String, u32>;

pub(super) fn measure(model: Option<&Path>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let folder = folder("TIDEGATE_PCAPS")?;
    for (name, class, belongs) in ATTACKS {
        let path = folder.join(name);
        if !path.exists() {
            eprintln!("not there: {name}");
            continue;
        }
        let Replayed { classes, decided_s } = replay(&path, model, belongs)?;
        let right = classes.get(class).copied().unwrap_or(0);
        let share = percent(right, classes.values().sum());
        let decided = match decided_s {
            Some(seconds) => format!("decided after {seconds:.2} s"),
            None => "no decision".to_owned(),
        };
        let name = format!("{name}: {class} of {}; {decided}", words(&classes));
        rows.push(Row::more(name, share, "%", FOUND));
    }
    let mut benign = Classes::new();
    for path in captures(&self::folder("TIDEGATE_ORACLE")?.join("conn"))? {
        for (class, count) in replay(&path, model, everything)?.classes {
            *benign.entry(class).or_default() += count;
        }
    }
    let name = format!("benign captures, alarms of {}", words(&benign));
    rows.push(Row::less(name, alarms(&benign), "%", ALARMS));
    rows.extend(made_up(model)?);
    Ok(rows)
}

/// The same of captures that nobody sent: shapes and rates that the testbed does not play. Means over captures, which
/// are of many sizes.
fn made_up(model: Option<&Path>) -> Result<Vec<Row>> {
    let folder = paths::target().join("xtask/made-up");
    let mut make = Command::new("/usr/bin/python3");
    make.arg(paths::root().join("xtask/python/made_up_captures.py"))
        .arg(&folder);
    process::run(&mut make)?;
    let mut found: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut decided: BTreeMap<&str, u32> = BTreeMap::new();
    let mut harmless = Classes::new();
    let mut wronged = 0;
    for path in captures(&folder)? {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let Replayed { classes, decided_s } = replay(&path, model, everything)?;
        match ["dos", "probe", "r2l"]
            .into_iter()
            .find(|class| name.starts_with(class))
        {
            Some(class) => {
                let right = classes.get(class).copied().unwrap_or(0);
                let share = percent(right, classes.values().sum());
                found.entry(class).or_default().push(share);
                *decided.entry(class).or_default() += u32::from(decided_s.is_some());
            }
            None => {
                classes
                    .into_iter()
                    .for_each(|(class, count)| *harmless.entry(class).or_default() += count);
                wronged += u32::from(decided_s.is_some());
            }
        }
    }
    let mut rows = Vec::new();
    for (class, shares) in found {
        let count = u32::try_from(shares.len())?;
        let mean = shares.iter().sum::<f64>() / f64::from(count);
        let name = format!("made-up captures: {class} of {count}, mean");
        rows.push(Row::more(name, mean, "%", FOUND));
        let share = percent(decided[class], count);
        let name = format!("made-up captures: {class} of {count}, with a decision");
        rows.push(Row::more(name, share, "%", FOUND));
    }
    let name = format!("made-up captures, harmless: alarms of {}", words(&harmless));
    rows.push(Row::less(name, alarms(&harmless), "%", ALARMS));
    let name = "made-up captures, harmless: with a decision".to_owned();
    rows.push(Row::less(name, wronged.into(), "", 0.0));
    Ok(rows)
}

/// Percent of benign connections that are called an attack; `unknown` is shown and blocks nobody.
fn alarms(classes: &Classes) -> f64 {
    let quiet = ["normal", "unknown"].map(|class| classes.get(class).copied().unwrap_or(0));
    let all: u32 = classes.values().sum();
    percent(all - quiet.iter().sum::<u32>(), all)
}

fn folder(variable: &str) -> Result<PathBuf> {
    let folder = env::var_os(variable);
    let folder = folder.with_context(|| format!("{variable} names no folder with captures"))?;
    Ok(folder.into())
}

fn captures(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let is_capture = |extension: &OsStr| extension == "pcap" || extension == "pcapng";
        if path.extension().is_some_and(is_capture) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// A line of `tidegate replay -o jsonl`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Connection(Connection),
    Summary { summary: Summary },
}

#[derive(Deserialize)]
struct Summary {
    /// Time of the first packet.
    start_ns: Option<u64>,
    decisions: Vec<Decision>,
}

#[derive(Deserialize)]
struct Decision {
    at_ns: u64,
}

impl Summary {
    fn first_decision(&self) -> Option<f64> {
        let first = self.decisions.iter().map(|decision| decision.at_ns).min()?;
        let since = Duration::from_nanos(first.saturating_sub(self.start_ns?));
        Some(since.as_secs_f64())
    }
}

/// What a replay says of a capture.
struct Replayed {
    /// Of the connections that were asked for.
    classes: Classes,
    /// From the first packet to the first would-be decision.
    decided_s: Option<f64>,
}

#[derive(Deserialize)]
struct Connection {
    protocol: String,
    src_port: u16,
    class: String,
}

fn replay(capture: &Path, model: Option<&Path>, belongs: Belongs) -> Result<Replayed> {
    let mut command = Command::new(paths::agent());
    command.arg("replay").arg(capture).args(["-o", "jsonl"]);
    if let Some(model) = model {
        command.arg("--model").arg(model);
    }
    let output = command.output().context("cannot start tidegate")?;
    if !output.status.success() {
        bail!("`{}` failed", process::line(&command));
    }
    let mut replayed = Replayed {
        classes: Classes::new(),
        decided_s: None,
    };
    for line in String::from_utf8(output.stdout)?.lines() {
        match serde_json::from_str(line)? {
            Line::Connection(connection) if belongs(&connection) => {
                *replayed.classes.entry(connection.class).or_default() += 1;
            }
            Line::Connection(_) => {}
            Line::Summary { summary } => replayed.decided_s = summary.first_decision(),
        }
    }
    Ok(replayed)
}

fn percent(part: u32, whole: u32) -> f64 {
    f64::from(part) / f64::from(whole) * 100.0
}

/// The largest class first.
fn words(classes: &Classes) -> String {
    let mut counts: Vec<_> = classes.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let words: Vec<String> = counts
        .iter()
        .map(|(class, count)| format!("{count} {class}"))
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_told_largest_class_first() {
        let classes = [("dos", 3), ("normal", 20)].map(|(class, count)| (class.to_owned(), count));
        assert_eq!(words(&classes.into()), "20 normal, 3 dos");
        assert!((percent(3, 23) - 13.04).abs() < 0.01);
    }

    #[test]
    fn lines_are_connections_and_a_summary() {
        let read = |line| serde_json::from_str::<Line>(line).expect("a line");
        let summary = read(
            r#"{"summary":{"classes":{"dos":1},"start_ns":500000000,"decisions":[{"at_ns":2000000000}]}}"#,
        );
        let Line::Summary { summary } = summary else {
            panic!("no summary");
        };
        assert_eq!(summary.first_decision(), Some(1.5));
        let answer = read(r#"{"src":"::1","protocol":"udp","src_port":53,"class":"dos"}"#);
        assert!(matches!(answer, Line::Connection(answer) if dns_answer(&answer)));
    }
}
