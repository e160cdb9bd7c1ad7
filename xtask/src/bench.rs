//! `cargo xtask bench NAME`: a promise, measured.

mod captures;
mod exporter;
mod influx;
pub(crate) mod live;
mod models;
mod replay;
mod tracker;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::agent::{self, Agent};
use crate::doctor::{self, Profile};
use crate::floods::Flood;
use crate::lab::{Kind, Lab, leftovers};
use crate::report::Report;
use crate::{build_cmd, interrupt, measure, privilege, process, table};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(value_enum)]
    name: Name,
    /// How often the flood is repeated
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Folder with the KDD files, for models and influx [default: models/data]
    #[arg(long, env = "TIDEGATE_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Shorter and fewer scenarios, for live
    #[arg(long)]
    quick: bool,
    /// A handful of scenarios, judged by who is found and who is wronged, not by times: for live, in tests
    #[arg(long, conflicts_with_all = ["quick", "output"])]
    short: bool,
    /// Set up and built already
    #[arg(long, hide = true)]
    prepared: bool,
    /// Only scenarios whose names begin so, for live; may be repeated
    #[arg(long, value_name = "PREFIX")]
    only: Vec<String>,
    /// Only these parts, for live; may be repeated
    #[arg(long, value_enum)]
    part: Vec<live::Part>,
    /// Model file instead of the shipped one, for live and captures
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Where to add the rows that were judged wrongly, with their scenarios, for live
    #[arg(long, value_name = "FILE")]
    misjudged: Option<PathBuf>,
    #[arg(short, long, value_enum, default_value = "human")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// A flood at 1,000 packets a second: time to the first drop, share dropped
    Reaction,
    /// An agent with nothing to do: CPU and memory
    Idle,
    /// Captures that others made: which of their connections get their class, which benign ones raise an alarm
    Captures,
    /// Classifying while the exporter's InfluxDB is frozen, beside classifying without exporter
    Exporter,
    /// Training rows to an InfluxDB and back
    Influx,
    /// Real tools against an agent that enforces: what is found, how fast, and who is wronged
    Live,
    /// Models beside scikit-learn, LightGBM and XGBoost: fit, predictions, figures of merit
    Models,
    /// A capture of mixed flows: packets a second on one core
    Replay,
    /// Connections followed: bytes each, and events a second on one core
    Tracker,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Human,
    Json,
}

#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Not a number (`null`) where it could not be measured.
    pub(crate) value: f64,
    unit: &'static str,
    /// What another program gets.
    pub(crate) reference: Option<f64>,
    target: f64,
    better: &'static str,
    pub(crate) ok: bool,
}

#[derive(Serialize)]
pub(crate) struct Rows {
    rows: Vec<Row>,
    /// What the rows are taken from, for benches of models.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    figures: Vec<models::Judged>,
}

impl From<Vec<Row>> for Rows {
    fn from(rows: Vec<Row>) -> Self {
        Self {
            rows,
            figures: Vec::new(),
        }
    }
}

impl Row {
    pub(crate) fn less(
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        target: f64,
    ) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            reference: None,
            target,
            better: "less",
            ok: value <= target,
        }
    }

    pub(crate) fn more(
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        target: f64,
    ) -> Self {
        Self {
            better: "more",
            ok: value >= target,
            ..Self::less(name, value, unit, target)
        }
    }

    pub(crate) fn beside(self, reference: f64) -> Self {
        Self {
            reference: Some(reference),
            ..self
        }
    }
}

pub(crate) fn command(args: &Args) -> Result<bool> {
    let (rows, figures) = match args.name {
        Name::Captures => {
            if !args.prepared {
                build_cmd::build()?;
            }
            (captures::measure(args.model.as_deref())?, Vec::new())
        }
        Name::Influx => (influx::measure(args.data.as_deref())?, Vec::new()),
        Name::Models => models::measure(args.data.as_deref())?,
        Name::Replay => (replay::measure()?, Vec::new()),
        Name::Tracker => (tracker::measure()?, Vec::new()),
        Name::Reaction | Name::Idle | Name::Exporter | Name::Live => {
            if args.output == Output::Human && !args.prepared {
                doctor::prepare(if args.name == Name::Live {
                    Profile::Record
                } else if args.name == Name::Exporter {
                    Profile::Test
                } else {
                    Profile::Run
                })?;
            }
            if !args.prepared {
                build_cmd::build()?;
            }
            if privilege::become_root()? {
                return Ok(true);
            }
            interrupt::listen()?;
            leftovers::clean_leftovers()?;
            let rows = match args.name {
                Name::Live => live::measure(&live::Choice {
                    short: args.short,
                    quick: args.quick,
                    model: args.model.as_deref(),
                    misjudged: args.misjudged.as_deref(),
                    only: &args.only,
                    parts: &args.part,
                    tables: args.output == Output::Human,
                })?,
                Name::Idle => idle()?,
                Name::Exporter => exporter::measure(args.runs)?,
                _ => reaction(args.runs)?,
            };
            (rows, Vec::new())
        }
    };
    if args.short {
        return Ok(expect(&rows));
    }
    let ok = rows.iter().all(|row| row.ok);
    print(Rows { rows, figures }, args.output)?;
    Ok(ok)
}

/// What a bench of cargo's prints on one line of JSON; what it says besides is passed on.
fn figures<T: DeserializeOwned>(command: &mut Command) -> Result<T> {
    command.stderr(Stdio::inherit());
    let output = command.output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("`{}` failed", process::line(command));
    }
    serde_json::from_slice(&output.stdout).context("the bench printed no figures")
}

/// What does not depend on how fast the machine is.
fn expect(rows: &[Row]) -> bool {
    let mut report = Report::default();
    for row in rows.iter().filter(|row| !["ms", "1/s"].contains(&row.unit)) {
        report.expect(row.ok, &row.name, &quantity(row.value, row.unit));
    }
    report.finish();
    report.all_held()
}

pub(crate) fn print(rows: Rows, output: Output) -> Result<()> {
    if output == Output::Json {
        println!("{}", serde_json::to_string(&rows)?);
        return Ok(());
    }
    if !rows.figures.is_empty() {
        println!("{}", models::table(&rows.figures));
    }
    let cells: Vec<Vec<String>> = rows
        .rows
        .iter()
        .map(|row| {
            vec![
                row.name.clone(),
                quantity(row.value, row.unit),
                row.reference
                    .map_or(String::new(), |other| quantity(other, row.unit)),
                format!("{} or {}", quantity(row.target, row.unit), row.better),
                if row.ok { "ok" } else { "MISSED" }.to_owned(),
            ]
        })
        .collect();
    print!(
        "{}",
        table::render(&["name", "value", "others", "target", ""], &cells)
    );
    Ok(())
}

fn quantity(value: f64, unit: &str) -> String {
    if value.is_nan() {
        return "not measured".to_owned();
    }
    format!("{value:.3} {unit}").trim_end().to_owned()
}

fn options(api: std::net::SocketAddr) -> agent::Options<'static> {
    agent::Options {
        mode: "enforce",
        ttl: "5s",
        api,
        record: None,
        model: None,
    }
}

/// Each run with a fresh agent: no verdict, no window, no journal of the one before.
fn reaction(runs: u32) -> Result<Vec<Row>> {
    let mut lab = Lab::start(Kind::Plain)?;
    let mut times = Vec::new();
    let mut shares = Vec::new();
    let mut rights = Vec::new();
    for run in 1..=runs {
        let mut agent = Agent::start(&mut lab, &options(agent::free_address()?))?;
        let flood = Flood::FixedRate { packets: 5000 };
        let measured = measure::flood(&lab, &mut agent, flood, false)?;
        agent.stop();
        eprintln!(
            "run {run}: class {:?}, first drop {:?} ms, {:.2} % of {} dropped",
            measured.classes,
            measured.reaction_ms,
            measured.dropped_percent(),
            measured.sent
        );
        // The right verdict counts: a model that condemns everybody would be the
        // fastest. Without it, the flood met nothing for as long as it lasted.
        let right = measured.classes == ["dos"];
        times.push(
            measured
                .reaction_ms
                .filter(|_| right)
                .unwrap_or(flood.duration().as_secs_f64() * 1000.0),
        );
        shares.push(measured.dropped_percent());
        rights.push(if right { 100.0 } else { 0.0 });
    }
    Ok(vec![
        Row::less(
            "reaction first drop, median",
            median(&mut times),
            "ms",
            50.0,
        ),
        Row::more(
            "reaction dropped at 1 kpps, median",
            median(&mut shares),
            "%",
            98.0,
        ),
        Row::more("reaction verdicts of class dos", mean(&rights), "%", 100.0),
    ])
}

fn mean(values: &[f64]) -> f64 {
    let count = u32::try_from(values.len()).map_or(f64::NAN, f64::from);
    values.iter().sum::<f64>() / count
}

/// The middle one, or the mean of the two middle ones; of nothing: not a number.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

fn idle() -> Result<Vec<Row>> {
    const SPAN: Duration = Duration::from_secs(10);
    let mut lab = Lab::start(Kind::Plain)?;
    let agent = Agent::start(&mut lab, &options(agent::free_address()?))?;
    // What starting up costs is not idling.
    interrupt::pause(Duration::from_secs(2))?;
    let before = ticks(agent.pid())?;
    interrupt::pause(SPAN)?;
    let used = ticks(agent.pid())? - before;
    let status = fs::read_to_string(format!("/proc/{}/status", agent.pid()))?;
    let resident = kib(&status, "VmRSS:").context("no VmRSS")?;
    agent.stop();
    // USER_HZ is 100 on every architecture Linux shows /proc/PID/stat on.
    let share = f64::from(u32::try_from(used)?) / 100.0 / SPAN.as_secs_f64() * 100.0;
    let resident = f64::from(u32::try_from(resident)?) / 1024.0;
    Ok(vec![
        Row::less("idle CPU of one core", share, "%", 2.0),
        Row::less("idle resident memory", resident, "MiB", 64.0),
    ])
}

fn ticks(pid: u32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    process::cpu_ticks(&stat).context("unreadable /proc/PID/stat")
}

/// A field of /proc/PID/status that is a size.
fn kib(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert!((median(&mut [9.0, 1.0, 5.0]) - 5.0).abs() < 1e-9);
        assert!((median(&mut [4.0, 1.0, 2.0, 9.0]) - 3.0).abs() < 1e-9);
        assert!(median(&mut []).is_nan() && mean(&[]).is_nan());
        assert!((mean(&[100.0, 0.0]) - 50.0).abs() < 1e-9);
    }

    #[test]
    fn a_target_is_judged_by_what_is_better() {
        assert!(Row::less("a", 1.0, "ms", 2.0).ok && !Row::less("a", 3.0, "ms", 2.0).ok);
        assert!(Row::more("a", 3.0, "%", 2.0).ok && !Row::more("a", 1.0, "%", 2.0).ok);
        assert!(
            !Row::less("a", f64::NAN, "ms", 2.0).ok,
            "nothing measured is no success"
        );
    }

    #[test]
    fn resident_memory_is_read_by_name() {
        assert_eq!(
            kib("VmPeak:\t 9 kB\nVmRSS:\t   5120 kB\n", "VmRSS:"),
            Some(5120)
        );
    }

    #[test]
    fn rows_have_the_agreed_shape() {
        let rows = Rows {
            rows: vec![Row::less("a", 1.0, "ms", 2.0)],
            figures: Vec::new(),
        };
        assert_eq!(
            serde_json::to_string(&rows).expect("json"),
            r#"{"rows":[{"name":"a","value":1.0,"unit":"ms","reference":null,"target":2.0,"better":"less","ok":true}]}"#
        );
    }
}
