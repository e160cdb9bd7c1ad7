//! `cargo xtask record`: labelled traffic through the real pipeline. The agent
//! only watches (monitor mode); the label comes from who sent what.

mod addresses;
mod catalogue;
mod label;
mod owners;
mod plan;
mod playing;
mod scenarios;
pub(crate) mod servers;
mod words;

use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::agent::{self, Agent};
use crate::doctor::{self, Profile};
use crate::host::Host;
use crate::lab::{Kind, Lab, leftovers};
use crate::table::grouped;
use crate::{build_cmd, interrupt, privilege};
pub(crate) use addresses::{give_addresses, prefer};
use label::Labelled;
pub(crate) use owners::Owners;
pub(crate) use plan::{GAP, Phase, Plan, plan};
use scenarios::Place;
pub(crate) use scenarios::{Label, Scenario};
pub(crate) use servers::Servers;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Compressed where it ends in .zst
    #[arg(long, default_value = "models/data/live.csv.zst")]
    out: PathBuf,
    /// Less than a third of the time, which is an hour and three quarters
    #[arg(long)]
    quick: bool,
    /// Only scenarios whose names begin so, or with this label; may be repeated
    #[arg(long, value_name = "PREFIX")]
    only: Vec<String>,
    /// The scenarios that no model is trained with, and only these
    #[arg(long)]
    held: bool,
    /// The testbed is played so many times, each in other surroundings; 0 only puts files together
    #[arg(long, value_name = "N", default_value_t = 1)]
    playings: usize,
    /// Which of its playings is the first one; 1 is as the tables say
    #[arg(long, value_name = "N", default_value_t = 1)]
    playing: u32,
    /// Each attack in a lab of its own, with an agent and a victim to whom nothing has happened yet
    #[arg(long)]
    apart: bool,
    /// Rows of an earlier playing, to be written before the new ones; may be repeated, and is capped, too
    #[arg(long, value_name = "FILE")]
    add: Vec<PathBuf>,
    /// Rows kept of a scenario in a playing or a file, at most
    #[arg(long, default_value_t = 1500)]
    cap: usize,
    /// The traffic alone, and whether each command worked
    #[arg(long, hide = true)]
    no_agent: bool,
}

pub(crate) fn command(args: &Args) -> Result<bool> {
    doctor::prepare(Profile::Record)?;
    if !args.no_agent && args.playings > 0 {
        build_cmd::build()?;
    }
    if privilege::become_root()? {
        return Ok(true);
    }
    interrupt::listen()?;
    leftovers::clean_leftovers()?;
    let mut all = None;
    for file in &args.add {
        let mut earlier = Labelled::open(file)?;
        earlier.cap(args.cap);
        put(&mut all, earlier)?;
    }
    let mut failures = 0;
    for playing in (args.playing..).take(args.playings) {
        let plan = plan(args.quick).held(args.held).only(&args.only);
        let plan = plan.playing(playing);
        let parts = if args.apart { plan.apart() } else { vec![plan] };
        for part in parts {
            let (failed, labelled) = recorded(&part, args)?;
            failures += failed;
            if let Some(labelled) = labelled {
                put(&mut all, labelled)?;
            }
        }
    }
    if let (Some(labelled), false) = (&all, args.no_agent) {
        write(labelled, &args.out)?;
        summarise(labelled, &args.out)?;
    }
    Ok(failures == 0)
}

/// Puts a playing behind those there are.
fn put(all: &mut Option<Labelled>, labelled: Labelled) -> Result<()> {
    *all = Some(match all.take() {
        Some(earlier) => earlier.with(labelled)?,
        None => labelled,
    });
    Ok(())
}

/// One playing, from an empty lab on: how many commands did not do what they should, and the
/// rows, if an agent wrote any.
fn recorded(plan: &Plan, args: &Args) -> Result<(usize, Option<Labelled>)> {
    let mut lab = Lab::start(Kind::Plain)?;
    let owners = give_addresses(&lab, plan)?;
    let servers = Servers::start(&mut lab, plan.manners)?;
    if args.no_agent {
        let failures = perform(&lab, plan)?;
        servers.check()?;
        return Ok((failures, None));
    }
    let raw = lab.run.directory().join("rows.csv");
    let agent = Agent::start(
        &mut lab,
        &agent::Options {
            mode: "monitor",
            ttl: "5s",
            api: agent::free_address()?,
            record: Some(&raw),
            model: None,
        },
    )?;
    let failures = perform(&lab, plan)?;
    servers.check()?;
    if !agent.stop() {
        bail!("the agent did not end in order: its rows may be incomplete");
    }
    let mut labelled = Labelled::read(BufReader::new(File::open(&raw)?), &owners)?;
    labelled.cap(args.cap);
    Ok((failures, Some(labelled)))
}

pub(crate) fn host(lab: &Lab, from: Place) -> &Host {
    match from {
        Place::H1 => &lab.h1,
        Place::H2 => &lab.h2,
        Place::Attacker => &lab.attacker,
    }
}

/// All of it. Returns how many commands did not do what they should.
fn perform(lab: &Lab, plan: &Plan) -> Result<usize> {
    let began = Instant::now();
    let mut failures = 0;
    let over = AtomicBool::new(false);
    let benign = || {
        let mut failures = 0;
        for phase in &plan.benign {
            announce(began, phase.iter());
            failures += play_phase(lab, phase)?;
        }
        Ok::<_, anyhow::Error>(failures)
    };
    if !plan.busy {
        failures += benign()?;
    }
    // Alone first: amid other traffic the same attack gives other columns, and both happen.
    failures += attack(lab, plan.attacks.iter(), plan.gap, began)?;
    failures += thread::scope(|scope| {
        let over = &over;
        let background: Vec<_> = plan
            .background
            .iter()
            .map(|scenario| scope.spawn(move || play(lab, scenario, over)))
            .collect();
        let again = plan.attacks.iter().filter(|one| one.comes_again());
        let mut failed = attack(lab, again, plan.gap, began);
        if plan.busy {
            failed = failed.and_then(|failed| Ok(failed + benign()?));
        }
        over.store(true, Ordering::Relaxed);
        Ok::<_, anyhow::Error>(join(background)? + failed?)
    })?;
    println!("  {:>4.0} s  done", began.elapsed().as_secs_f64());
    Ok(failures)
}

/// The phase's scenarios side by side, and a moment of rest.
pub(crate) fn play_phase(lab: &Lab, phase: &Phase) -> Result<usize> {
    let never = AtomicBool::new(false);
    let failures = thread::scope(|scope| {
        let running: Vec<_> = phase
            .iter()
            .map(|scenario| scope.spawn(|| play(lab, scenario, &never)))
            .collect();
        join(running)
    })?;
    interrupt::pause(Duration::from_millis(400))?;
    Ok(failures)
}

fn attack<'a>(
    lab: &Lab,
    attacks: impl Iterator<Item = &'a Scenario>,
    gap: f64,
    began: Instant,
) -> Result<usize> {
    let mut failures = 0;
    for scenario in attacks {
        announce(began, [scenario].into_iter());
        interrupt::pause(Duration::from_millis(300))?;
        prefer(&lab.attacker, scenario)?;
        let before = lab.attacker.sent_packets()?;
        failures += play(lab, scenario, &AtomicBool::new(false))?;
        let sent = lab.attacker.sent_packets()?.saturating_sub(before);
        println!("         {} packets", grouped(sent));
        if sent < 3 {
            eprintln!("         {} sent nothing", scenario.name);
            failures += 1;
        }
        interrupt::pause(Duration::from_secs_f64((gap - 0.3).max(0.0)))?;
    }
    Ok(failures)
}

fn join(running: Vec<thread::ScopedJoinHandle<'_, Result<usize>>>) -> Result<usize> {
    let mut failures = 0;
    for thread in running {
        failures += thread
            .join()
            .ok()
            .context("a scenario's thread panicked")??;
    }
    Ok(failures)
}

fn announce<'a>(began: Instant, scenarios: impl Iterator<Item = &'a Scenario>) {
    let names: Vec<String> = scenarios
        .map(|scenario| format!("{} ({})", scenario.name, scenario.label.name()))
        .collect();
    println!(
        "  {:>4.0} s  {}",
        began.elapsed().as_secs_f64(),
        names.join(", ")
    );
}

/// Runs a scenario's commands side by side, each bounded by its seconds, or
/// until it is `over`.
pub(crate) fn play(lab: &Lab, scenario: &Scenario, over: &AtomicBool) -> Result<usize> {
    let from = host(lab, scenario.from);
    // h1 talks to h2; h2 and attacker talk to h1.
    let to = if scenario.from == Place::H1 {
        &lab.h2
    } else {
        &lab.h1
    };
    let mut running = Vec::new();
    let scratch = words::scratch(lab, scenario)?;
    let target = scenario.target((to.ip, to.ip6));
    for words in scenario.commands(target, "{traffic}") {
        let (here, words) = match words.split_first() {
            Some((first, rest)) if first == "@h1" => (&lab.h1, rest.to_vec()),
            _ => (from, words),
        };
        let (any_code, words) = words::uncoded(words);
        // On a busy machine a benign tool takes its time.
        let limit = Duration::from_secs_f64(scenario.seconds * 1.3 + 8.0);
        // Attacks end at their time: floods never would, and hping3 sends slower
        // than asked and then waits for answers.
        let endless = scenario.from == Place::Attacker;
        let limit = if endless {
            Duration::from_secs_f64(scenario.seconds)
        } else {
            limit
        };
        let words = words::complete(words, lab, here, &scratch)?;
        let line = words.join(" ");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let said = scratch.join(format!("stderr{}", running.len()));
        let child = here.spawn_noting(limit, &words, &said)?;
        running.push((child, line, said, endless, any_code));
    }
    let mut failures = 0;
    for (mut child, line, said, endless, any_code) in running {
        let deadline = Instant::now() + Duration::from_secs_f64(scenario.seconds * 1.3 + 10.0);
        while !child.has_ended() {
            interrupt::pause(Duration::from_millis(20))?;
            if over.load(Ordering::Relaxed) || Instant::now() > deadline {
                break;
            }
        }
        if over.load(Ordering::Relaxed) {
            continue;
        }
        let code = child
            .wait_within(Duration::ZERO)?
            .and_then(|status| status.code());
        // 124 and 137: ended by `timeout`, as planned for the endless ones; 125 to 127: never begun.
        let began = code.is_some_and(|code| !(125..=127).contains(&code));
        if code != Some(0) && !(endless && matches!(code, Some(124 | 137))) && !(any_code && began)
        {
            // Not among what a bench prints for programs.
            eprintln!("         {} did not work ({code:?}): {line}", scenario.name);
            let said = fs::read_to_string(&said).unwrap_or_default();
            for line in said.lines().rev().take(5).collect::<Vec<_>>().iter().rev() {
                eprintln!("           {line}");
            }
            failures += 1;
        }
    }
    Ok(failures)
}

fn write(labelled: &Labelled, file: &Path) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let output = BufWriter::new(File::create(file).with_context(|| file.display().to_string())?);
    if file.extension().is_some_and(|extension| extension == "zst") {
        let mut encoder = zstd::Encoder::new(output, 19)?;
        labelled.write(&mut encoder)?;
        encoder.finish()?;
        return Ok(());
    }
    labelled.write(output)
}

fn summarise(labelled: &Labelled, file: &Path) -> Result<()> {
    let mut kept = 0;
    for (name, rows) in labelled.counts() {
        println!("  {name:<28} {rows:>6}");
        kept += rows;
    }
    println!(
        "{}: {} of {} rows, {} bytes",
        file.display(),
        grouped(u64::try_from(kept)?),
        grouped(u64::try_from(labelled.read)?),
        grouped(fs::metadata(file)?.len())
    );
    Ok(())
}
