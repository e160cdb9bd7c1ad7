//! `cargo xtask compare`: tidegate beside the controller baseline, on the same network under the
//! same floods.

mod baseline;
mod document;
mod figures;
mod watch;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::agent::{self, Agent};
use crate::bench::{self, Output};
use crate::doctor::{self, Profile};
use crate::floods::Flood;
use crate::lab::state::Run;
use crate::lab::{Kind, Lab, Switch, leftovers};
use crate::report::Report;
use crate::table::{self, grouped};
use crate::{build_cmd, interrupt, paths, privilege};
use baseline::{Baseline, Said};
use document::Setting;
use figures::Pair;
use watch::Watched;

/// How long a verdict, or a drop entry, outlives its flood.
const HOLD_SECONDS: u32 = 5;
const FLOODS: [Flood; 2] = [Flood::FixedRate { packets: 8_000 }, Flood::Full];
/// Long enough for the controller to look at its statistics twice.
const QUICK: [Flood; 1] = [Flood::FixedRate { packets: 4_000 }];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each flood is repeated, for medians: when it falls between two looks of the
    /// controller is chance
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=20))]
    runs: u32,
    /// Seconds between the controller's looks at its statistics
    #[arg(long, default_value_t = 1.0, value_parser = seconds)]
    interval: f64,
    /// One short flood each, judged as a test; no file is written
    #[arg(long)]
    quick: bool,
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = "docs/COMPARISON.md")]
    file: PathBuf,
    #[arg(short, long, value_enum, default_value = "human")]
    output: Output,
    /// Set up and built already
    #[arg(long, hide = true)]
    prepared: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|seconds| (0.1..=10.0).contains(seconds))
        .ok_or_else(|| "from 0.1 to 10".to_owned())
}

/// Whoever stands in a flood's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Tidegate,
    Controller,
}

/// What a side itself says of a flood.
struct Verdict {
    class: String,
    /// Packets dropped by it, by its own count.
    dropped: u64,
    /// From the flood's first packet to its first drop.
    first_ms: Option<f64>,
    /// Verdicts against anybody but the attacker.
    others: usize,
}

/// One flood against one side.
struct Played {
    watched: Watched,
    verdict: Verdict,
}

pub(crate) fn command(args: &Args) -> Result<bool> {
    if !args.prepared {
        if args.output == Output::Human {
            doctor::prepare(Profile::Compare)?;
        }
        build_cmd::build()?;
    }
    if privilege::become_root()? {
        return Ok(true);
    }
    interrupt::listen()?;
    leftovers::clean_leftovers()?;
    if args.quick {
        return quick(args);
    }
    let mut pairs = Vec::new();
    let mut setting = Setting {
        runs: args.runs,
        interval: args.interval,
        switch: String::new(),
        load: document::load()?,
    };
    for flood in FLOODS {
        let mut pair = Pair::new(flood);
        for run in 1..=args.runs {
            for side in [Side::Tidegate, Side::Controller] {
                let (played, kind) = play(side, flood, args.interval)?;
                eprintln!("{}, run {run}: {}", flood.name(), line(side, &played));
                pair.add(side, &played);
                setting.switch = kind;
            }
        }
        pairs.push(pair);
    }
    let rows: Vec<bench::Row> = pairs.iter().flat_map(Pair::rows).collect();
    let ok = rows.iter().all(|row| row.ok);
    if args.output == Output::Json {
        bench::print(rows.into(), args.output)?;
    } else {
        for pair in &pairs {
            println!("\n{}", pair.flood.name());
            let header = ["", "tidegate", "controller"];
            print!("{}", table::render(&header, &pair.cells()));
        }
        let file = paths::root().join(&args.file);
        fs::write(&file, document::write(&pairs, &setting))
            .with_context(|| file.display().to_string())?;
        println!("\nwritten: {}", file.display());
    }
    Ok(ok)
}

/// One short flood against each, and what must hold whatever the machine's speed.
fn quick(args: &Args) -> Result<bool> {
    let mut report = Report::default();
    for flood in QUICK {
        let mut delivered = Vec::new();
        for side in [Side::Tidegate, Side::Controller] {
            println!("— {side:?}, {}", flood.name());
            let (played, _) = play(side, flood, args.interval)?;
            let Played { watched, verdict } = &played;
            report.expect(verdict.class == "dos", "called dos", &verdict.class);
            // Open vSwitch counts for a new entry what came just before it, too: more is no loss.
            let unexplained = watched
                .sent
                .saturating_sub(watched.delivered + verdict.dropped);
            report.expect(
                watched.sent >= 1_000 && unexplained <= watched.sent / 100 + 10,
                "what was sent was delivered or dropped",
                &line(side, &played),
            );
            report.expect(
                verdict.dropped > 0,
                "it dropped some",
                &grouped(verdict.dropped),
            );
            report.expect(
                verdict.others == 0,
                "nobody else was dropped",
                &verdict.others.to_string(),
            );
            delivered.push(watched.delivered);
        }
        report.expect(
            delivered[0] < delivered[1],
            "tidegate lets less of it through",
            &format!("{} to {}", grouped(delivered[0]), grouped(delivered[1])),
        );
    }
    report.finish();
    Ok(report.all_held())
}

fn line(side: Side, played: &Played) -> String {
    let Played { watched, verdict } = played;
    format!(
        "{side:?} calls it {}, {} of {} reached h1, {} dropped, the first after {}",
        verdict.class,
        grouped(watched.delivered),
        grouped(watched.sent),
        grouped(verdict.dropped),
        figures::milliseconds(verdict.first_ms)
    )
}

/// A fresh network for every flood: nothing of the one before is known or in force. Also returns
/// what the switches were.
fn play(side: Side, flood: Flood, interval: f64) -> Result<(Played, String)> {
    match side {
        Side::Tidegate => against_tidegate(flood),
        Side::Controller => against_controller(flood, interval),
    }
}

fn against_tidegate(flood: Flood) -> Result<(Played, String)> {
    let mut lab = Lab::start(Kind::Mininet(Switch::Ovs))?;
    if !lab.switch.starts_with("ovs") {
        bail!("Open vSwitch did not start, and the controller needs it");
    }
    let ttl = format!("{HOLD_SECONDS}s");
    let agent = Agent::start(
        &mut lab,
        &agent::Options {
            mode: "enforce",
            ttl: &ttl,
            api: agent::free_address()?,
            record: None,
            model: None,
        },
    )?;
    calm(&lab)?;
    let watched = watch::flood(&lab, flood, &[agent.pid(), switch_pid(&lab)?])?;
    let attacker = lab.attacker.ip.to_string();
    let (against, others): (Vec<_>, Vec<_>) = agent
        .api
        .all_decisions()?
        .into_iter()
        .partition(|decision| decision.is_against(&attacker));
    let verdict = Verdict {
        class: joined(against.iter().map(|decision| decision.class.as_str())),
        dropped: against
            .iter()
            .map(|decision| decision.packets_dropped)
            .sum(),
        first_ms: against
            .iter()
            .filter_map(|decision| decision.reaction_ms)
            .min_by(f64::total_cmp),
        others: others.len(),
    };
    if !agent.stop() {
        bail!("the agent did not detach");
    }
    Ok((Played { watched, verdict }, lab.switch.clone()))
}

fn against_controller(flood: Flood, interval: f64) -> Result<(Played, String)> {
    let mut run = Run::begin()?;
    let mut baseline = Baseline::start(&mut run, interval, HOLD_SECONDS)?;
    let lab = Lab::start_in(run, Kind::Controlled(baseline.address))?;
    calm(&lab)?;
    let [controller, model] = baseline.pids();
    let mut watched = watch::flood(&lab, flood, &[controller, model, switch_pid(&lab)?])?;
    // The first figure is the detector's, whatever it is made of.
    let model = watched.cpu.remove(1);
    watched.cpu[0] += model;
    let attacker = lab.attacker.ip.to_string();
    let mut classes = Vec::new();
    let mut first_ms: Option<f64> = None;
    let mut others = 0;
    for said in baseline.said()? {
        match said {
            Said::Drop {
                source,
                class,
                after_ms,
            } if source == attacker => {
                classes.push(class);
                first_ms = Some(first_ms.map_or(after_ms, |first| first.min(after_ms)));
            }
            Said::Drop { .. } => others += 1,
            Said::Error { .. } => {}
        }
    }
    let verdict = Verdict {
        class: joined(classes.iter().map(String::as_str)),
        dropped: baseline::dropped(&lab)?,
        first_ms,
        others,
    };
    Ok((Played { watched, verdict }, lab.switch.clone()))
}

/// What starting up costs is neither side's.
fn calm(lab: &Lab) -> Result<()> {
    lab.h1
        .ping(&lab.h2.ip.to_string(), 10, Duration::from_millis(100))?;
    interrupt::pause(Duration::from_secs(1))
}

fn switch_pid(lab: &Lab) -> Result<u32> {
    let file = lab.switch_folder().join("ovs-vswitchd.pid");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    text.trim()
        .parse()
        .with_context(|| file.display().to_string())
}

/// Distinct classes, or "nothing".
fn joined<'a>(classes: impl Iterator<Item = &'a str>) -> String {
    let mut classes: Vec<&str> = classes.collect();
    classes.sort_unstable();
    classes.dedup();
    if classes.is_empty() {
        "nothing".to_owned()
    } else {
        classes.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_named_once() {
        assert_eq!(joined(["probe", "dos", "dos"].into_iter()), "dos, probe");
        assert_eq!(joined([].into_iter()), "nothing");
    }

    #[test]
    fn an_interval_is_bounded() {
        assert_eq!(seconds("0.5"), Ok(0.5));
        assert!(seconds("0").is_err() && seconds("NaN").is_err() && seconds("1s").is_err());
    }
}
