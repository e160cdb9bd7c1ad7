//! `cargo xtask bench live`: what a model in enforce mode does to real traffic.
//!
//! Four parts: benign traffic alone; every attack alone; every attack beside
//! thousands of benign connections a second; and what a block leaves behind.

pub(crate) mod load;
mod recovery;
mod tables;
mod tally;
mod watch;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Row, median};
use crate::interrupt;
use crate::lab::{Kind, Lab};
use crate::record::{self, Label, Owners, Phase, Plan, Scenario, Servers};
use crate::table;
use load::Load;
use recovery::Recovered;
use tally::Scenarios;
use watch::{FalseBlock, Outcome, Watch};

/// Connections a second beside the attacks.
const BESIDE: u32 = 5_000;
/// Verdicts of ordinary length, as far as a bench can wait.
const TTL: &str = "60s";
/// Seconds of benign traffic in a quick run.
const QUICK_BENIGN: f64 = 60.0;
/// Attacks last so long in a quick run, at most; of three, one runs.
const QUICK_SECONDS: f64 = 4.0;
const QUICK_EVERY: usize = 3;

/// What a short run plays: of each kind what is found by a wide margin, held out or not.
const SHORT: [&str; 16] = [
    "ping-100",
    "curl-series",
    "web-60",
    "dns-50",
    "ssh-commands",
    "ftp-passive",
    "desk", // benign
    "icmp-1000",
    "syn-1000",
    "udp-flood",
    "ping-f-preload",
    "random-syn", // dos
    "scan-connect-t4",
    "scan-masscan",
    "quiet-sweep", // probe
    "guess-ftp-4", // r2l
];

pub(super) struct Choice<'a> {
    /// A handful of scenarios; nothing is said of times.
    pub(super) short: bool,
    pub(super) quick: bool,
    pub(super) model: Option<&'a Path>,
    /// Where to add the rows that were judged wrongly.
    pub(super) misjudged: Option<&'a Path>,
    pub(super) only: &'a [String],
    /// Print tables on the way.
    pub(super) tables: bool,
}

impl Choice<'_> {
    const fn full(&self) -> bool {
        !self.quick && !self.short
    }
}

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
    if !plan.attacks.is_empty() {
        rows.extend(attacks(&mut stage, "alone", &plan.attacks, None)?);
        let beside: Vec<Scenario> = if choice.full() {
            plan.attacks.clone()
        } else {
            plan.attacks.iter().step_by(QUICK_EVERY).cloned().collect()
        };
        rows.extend(attacks(&mut stage, "beside", &beside, Some(BESIDE))?);
        rows.extend(recovery(&mut stage, &plan)?);
    }
    Ok(rows)
}

fn chosen(choice: &Choice<'_>) -> Result<Plan> {
    let mut plan = record::plan(false);
    if choice.quick || choice.short {
        plan.benign = record::plan(true).benign;
        if !choice.short {
            plan.benign = thinned(plan.benign);
        }
        if choice.only.is_empty() && !choice.short {
            let mut number = 0;
            plan.attacks.retain(|attack| {
                number += 1;
                recovery::ATTACKS.contains(&attack.name.as_str())
                    || attack.comes_again() && number % QUICK_EVERY == 1
            });
        }
        for attack in &mut plan.attacks {
            // Guessing takes its time to begin with.
            if attack.label != Label::R2l {
                attack.seconds = attack.seconds.min(QUICK_SECONDS);
            }
        }
    }
    let mut plan = plan.only(choice.only);
    if choice.short {
        let wanted = |scenario: &Scenario| SHORT.contains(&scenario.name.as_str());
        for phase in &mut plan.benign {
            phase.retain(wanted);
        }
        plan.benign.retain(|phase| !phase.is_empty());
        plan.attacks.retain(wanted);
    }
    if plan.benign.is_empty() && plan.attacks.is_empty() {
        bail!("no scenario's name begins with {:?}", choice.only);
    }
    Ok(plan)
}

/// As many of the phases as fit into a minute, from all over the table.
fn thinned(phases: Vec<Phase>) -> Vec<Phase> {
    let longest = |phase: &Phase| phase.iter().map(|one| one.seconds).fold(0.0, f64::max);
    let all: f64 = phases.iter().map(|phase| longest(phase) + 0.4).sum();
    let mut due = 0.0;
    phases
        .into_iter()
        .filter(|phase| {
            due += (QUICK_BENIGN / all).min(1.0) * (longest(phase) + 0.4);
            let taken = due >= longest(phase) + 0.4;
            if taken {
                due -= longest(phase) + 0.4;
            }
            taken
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_run_takes_a_minute_from_all_over_the_table() {
        let all = record::plan(true).benign;
        let (first, last) = (all[0][0].number(), all[all.len() - 1][0].number());
        let few = thinned(all);
        let seconds: f64 = few
            .iter()
            .map(|phase| phase.iter().map(|one| one.seconds).fold(0.0, f64::max))
            .sum();
        assert!((30.0..=QUICK_BENIGN).contains(&seconds), "{seconds}");
        let middle = u16::midpoint(first, last);
        let later = few
            .iter()
            .filter(|phase| phase[0].number() > middle)
            .count();
        assert!(later > 0 && later < few.len());
    }

    #[test]
    fn choices_name_what_there_is() {
        let choose = |quick, only: &[String]| {
            chosen(&Choice {
                short: false,
                quick,
                model: None,
                misjudged: None,
                only,
                tables: false,
            })
        };
        assert!(choose(false, &["nothing-like-it".to_owned()]).is_err());
        let quick = choose(true, &[]).expect("a plan").attacks;
        let labels = [Label::Dos, Label::Probe, Label::R2l];
        for label in labels {
            assert!(
                quick
                    .iter()
                    .any(|attack| attack.label == label && attack.held)
            );
            assert!(
                quick
                    .iter()
                    .any(|attack| attack.label == label && !attack.held)
            );
        }
    }

    #[test]
    fn a_short_run_has_all_that_it_names() {
        let plan = chosen(&Choice {
            short: true,
            quick: false,
            model: None,
            misjudged: None,
            only: &[],
            tables: false,
        });
        let plan = plan.expect("a plan");
        let played = plan.benign.iter().flatten().chain(&plan.attacks);
        assert_eq!(played.count(), SHORT.len());
        assert!(plan.attacks.iter().any(|attack| attack.held));
    }
}
