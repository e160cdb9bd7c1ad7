//! `cargo xtask bench live`: what a model in enforce mode does to real traffic.
//!
//! Four parts: benign traffic alone; every attack alone; every attack beside
//! thousands of benign connections a second; and what a block leaves behind.

mod choice;
pub(crate) mod load;
mod recovery;
mod tables;
mod tally;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{Row, median};
use crate::interrupt;
use crate::lab::{Kind, Lab};
use crate::record::{self, Owners, Plan, Scenario, Servers};
use crate::table;
pub(super) use choice::{Choice, Part};
use choice::{QUICK_EVERY, chosen};
use load::Load;
use recovery::Recovered;
use tally::Scenarios;
use watch::{FalseBlock, Outcome, Watch};

/// Connections a second beside the attacks.
const BESIDE: u32 = 5_000;
/// Verdicts of ordinary length, as far as a bench can wait.
const TTL: &str = "60s";
/// The standing lab with who is who in it.
struct Stage<'a> {
    lab: Lab,
    owners: Arc<Owners>,
    servers: Servers,
    choice: &'a Choice<'a>,
}

pub(super) fn measure(choice: &Choice<'_>) -> Result<Vec<Row>> {
    let plan = chosen(choice)?;
    let mut lab = Lab::start(Kind::Plain)?;
    let owners = Arc::new(record::give_addresses(&lab, &plan)?);
    let servers = Servers::start(&mut lab, plan.manners)?;
    let mut stage = Stage {
        lab,
        owners,
        servers,
        choice,
    };
    let mut rows = Vec::new();
    if !plan.benign.is_empty() {
        rows.extend(benign(&mut stage, &plan)?);
    }
    if plan.attacks.is_empty() {
        return Ok(rows);
    }
    if choice.plays(Part::Alone) {
        rows.extend(attacks(&mut stage, "alone", &plan.attacks, None)?);
    }
    if choice.plays(Part::Beside) {
        let beside: Vec<Scenario> = if choice.full() {
            plan.attacks.clone()
        } else {
            plan.attacks.iter().step_by(QUICK_EVERY).cloned().collect()
        };
        rows.extend(attacks(&mut stage, "beside", &beside, Some(BESIDE))?);
    }
    if choice.plays(Part::Recovery) {
        rows.extend(recovery(&mut stage, &plan)?);
    }
    Ok(rows)
}

/// (a) Nobody attacks: no decision, hardly a prediction.
fn benign(stage: &mut Stage<'_>, plan: &Plan) -> Result<Vec<Row>> {
    let least = Duration::from_secs(if stage.choice.full() { 600 } else { 0 });
    let watch = Watch::start(&mut stage.lab, &stage.owners, stage.choice, TTL)?;
    let lab = &stage.lab;
    let over = AtomicBool::new(false);
    let began = Instant::now();
    let failed = thread::scope(|scope| {
        let meanwhile: Vec<_> = plan
            .background
            .iter()
            .map(|scenario| scope.spawn(|| record::play(lab, scenario, &over)))
            .collect();
        let phases = || {
            let mut failed = 0;
            loop {
                for phase in &plan.benign {
                    let names: Vec<&str> = phase.iter().map(|one| one.name.as_str()).collect();
                    eprintln!(
                        "  benign  {:>4.0} s  {}",
                        began.elapsed().as_secs_f64(),
                        names.join(" ")
                    );
                    failed += record::play_phase(lab, phase)?;
                    stage.servers.check()?;
                }
                if began.elapsed() >= least {
                    return Ok::<_, anyhow::Error>(failed);
                }
            }
        };
        let failed = phases();
        over.store(true, Ordering::Relaxed);
        for thread in meanwhile {
            thread
                .join()
                .ok()
                .context("a scenario's thread panicked")??;
        }
        failed
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let blocks = watch.false_blocks()?;
    let scenarios = watch.finish()?;
    let (predictions, accused) = sum_benign(&scenarios);
    if stage.choice.tables {
        println!("\nBenign traffic alone, {seconds:.0} s, {failed} commands failed");
        print!("{}", tables::accusations(&scenarios));
        print!("{}", tables::false_blocks(&blocks));
    }
    Ok(vec![
        Row::less("live benign decisions", count(blocks.len()), "", 0.0),
        Row::less(
            "live benign packets dropped",
            number(blocks.iter().map(|block| block.dropped).sum()),
            "",
            0.0,
        ),
        if stage.choice.short {
            // Of a few thousand, one is already more than that.
            let most = (number(predictions) / 10_000.0).max(1.0);
            Row::less("live benign false predictions", number(accused), "", most)
        } else {
            let share = number(accused) / number(predictions) * 10_000.0;
            Row::less("live benign false predictions in 10,000", share, "", 1.0)
        },
    ])
}

/// (b) and (c) One attack after the other, alone or beside a load.
fn attacks(
    stage: &mut Stage<'_>,
    part: &str,
    attacks: &[Scenario],
    beside: Option<u32>,
) -> Result<Vec<Row>> {
    let mut watch = Watch::start(&mut stage.lab, &stage.owners, stage.choice, TTL)?;
    let load = beside
        .map(|rate| Load::start(&stage.lab, rate))
        .transpose()?;
    // Who is benign is so before the first attack, too.
    interrupt::pause(Duration::from_secs(2))?;
    let mut outcomes = Vec::new();
    for attack in attacks {
        eprintln!("  {part}  {} ({})", attack.name, attack.label.name());
        let outcome = watch.attack(&stage.lab, attack)?;
        if outcome.decisions == 0 {
            eprintln!("         no decision");
        }
        outcomes.push(outcome);
        stage.servers.check()?;
        watch.forget()?;
        interrupt::pause(Duration::from_secs_f64(record::GAP))?;
    }
    let served = load.map(Load::finish).transpose()?;
    let scenarios = watch.finish()?;
    watch::complete(&mut outcomes, &scenarios)?;
    let blocks: Vec<FalseBlock> = outcomes
        .iter()
        .flat_map(|outcome| outcome.false_blocks.clone())
        .collect();
    if stage.choice.tables {
        println!("\nAttacks {part}");
        print!("{}", tables::outcomes(&outcomes));
        print!("{}", tables::false_blocks(&blocks));
    }
    let mut rows = promises(part, &outcomes);
    rows.push(Row::less(
        format!("live {part}: decisions against others"),
        count(blocks.len()),
        "",
        0.0,
    ));
    if let (Some(served), Some(rate)) = (served, beside) {
        // What is promised is the detection at this rate, so the rate is a row.
        let name = format!("live {part}: benign connections");
        rows.push(Row::more(
            name,
            served.rate(),
            "1/s",
            f64::from(rate) * 0.95,
        ));
        let name = format!("live {part}: benign connections failed");
        rows.push(Row::less(name, number(served.failed), "", 0.0));
    }
    let promised = outcomes.iter().filter(|one| one.promise.is_some());
    rows.extend(promised.map(|outcome| {
        let held = if outcome.held { ", held out" } else { "" };
        Row::less(
            format!(
                "live {part}: {} ({}{held})",
                outcome.name,
                outcome.label.name()
            ),
            milliseconds(outcome.reaction),
            "ms",
            // Found while it lasted, or a scan of a moment as fast as promised;
            // otherwise how fast is promised of the median.
            outcome
                .seconds
                .max(outcome.promise.unwrap_or_default().as_secs_f64())
                * 1000.0,
        )
    }));
    Ok(rows)
}

/// Medians and shares of the groups that something is promised of.
fn promises(part: &str, outcomes: &[Outcome]) -> Vec<Row> {
    let mut groups: BTreeMap<(&str, Duration), Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        if let Some(promise) = outcome.promise {
            groups
                .entry((outcome.label.name(), promise))
                .or_default()
                .push(outcome);
        }
    }
    let mut rows = Vec::new();
    for ((label, promise), outcomes) in groups {
        let what = format!("{label} within {} s", promise.as_secs_f64());
        for held in [false, true] {
            let these: Vec<_> = outcomes.iter().filter(|one| one.held == held).collect();
            if these.is_empty() {
                continue;
            }
            let of = if held { "held out" } else { "trained with" };
            let found = these.iter().filter(|one| one.reaction.is_some()).count();
            rows.push(Row::more(
                format!("live {part}: {what}, {of}: found"),
                count(found) / count(these.len()) * 100.0,
                "%",
                100.0,
            ));
            let mut times: Vec<f64> = these
                .iter()
                // What was not found took for ever.
                .map(|one| {
                    one.reaction
                        .map_or(f64::INFINITY, |time| time.as_secs_f64() * 1000.0)
                })
                .collect();
            let median = median(&mut times);
            rows.push(Row::less(
                format!("live {part}: {what}, {of}: median first decision"),
                if median.is_finite() { median } else { f64::NAN },
                "ms",
                promise.as_secs_f64() * 1000.0,
            ));
        }
    }
    rows
}

/// (d) What a block costs the blocked one afterwards, and others at any time.
fn recovery(stage: &mut Stage<'_>, plan: &Plan) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut table = Vec::new();
    let several = if stage.choice.short {
        1
    } else {
        recovery::ATTACKS.len()
    };
    for name in &recovery::ATTACKS[..several] {
        let Some(attack) = plan.attacks.iter().find(|attack| attack.name == *name) else {
            continue;
        };
        eprintln!("  recovery  {name}");
        let recovered = recovery::measure(stage, attack)?;
        table.push(recovered.cells(name));
        rows.extend(recovered.rows(name));
    }
    if stage.choice.tables && !table.is_empty() {
        println!("\nAfter a block (verdicts of {} s)", recovery::TTL_SECONDS);
        print!("{}", table::render(&Recovered::HEADER, &table));
    }
    Ok(rows)
}

/// Predictions of benign traffic, and those among them that accuse.
fn sum_benign(scenarios: &Scenarios) -> (u64, u64) {
    scenarios
        .values()
        .filter(|seen| !seen.attack)
        .fold((0, 0), |(all, accused), seen| {
            (all + seen.predictions, accused + seen.accusations())
        })
}

fn milliseconds(time: Option<Duration>) -> f64 {
    time.map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}

fn count(length: usize) -> f64 {
    u32::try_from(length).map_or(f64::NAN, f64::from)
}

fn number(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let count = count as f64;
    count
}
