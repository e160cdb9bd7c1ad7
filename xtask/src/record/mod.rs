//! `cargo xtask record`: labelled traffic through the real pipeline. The agent
//! only watches (monitor mode); the label comes from who sent what.

mod catalogue;
mod label;
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
use label::Labelled;
pub(crate) use label::Owners;
use scenarios::Place;
pub(crate) use scenarios::{GAP, Label, Phase, Plan, Scenario, plan};
pub(crate) use servers::Servers;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Compressed where it ends in .zst
    #[arg(long, default_value = "models/data/live.csv.zst")]
    out: PathBuf,
    /// Less than a quarter of the time, which is three quarters of an hour
    #[arg(long)]
    quick: bool,
    /// Only scenarios whose names begin so, or with this label; may be repeated
    #[arg(long, value_name = "PREFIX")]
    only: Vec<String>,
    /// The scenarios that no model is trained with, and only these
    #[arg(long)]
    held: bool,
    /// Rows kept of a scenario, at most
    #[arg(long, default_value_t = 1500)]
    cap: usize,
    /// The traffic alone, and whether each command worked
    #[arg(long, hide = true)]
    no_agent: bool,
}

/// Has a hardware address, and nobody behind it.
const DEAD: &str = "10.83.7.7";

pub(crate) fn command(args: &Args) -> Result<bool> {
    doctor::prepare(Profile::Record)?;
    if !args.no_agent {
        build_cmd::build()?;
    }
    if privilege::become_root()? {
        return Ok(true);
    }
    interrupt::listen()?;
    leftovers::clean_leftovers()?;
    let plan = plan(args.quick).held(args.held).only(&args.only);
    let mut lab = Lab::start(Kind::Plain)?;
    let owners = give_addresses(&lab, &plan)?;
    let servers = Servers::start(&mut lab)?;
    if args.no_agent {
        let failures = perform(&lab, &plan)?;
        servers.check()?;
        return Ok(failures == 0);
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
    let failures = perform(&lab, &plan)?;
    servers.check()?;
    if !agent.stop() {
        bail!("the agent did not end in order: its rows may be incomplete");
    }
    let mut labelled = Labelled::read(BufReader::new(File::open(&raw)?), &owners)?;
    labelled.cap(args.cap);
    write(&labelled, &args.out)?;
    summarise(&labelled, &args.out)?;
    Ok(failures == 0)
}

/// Each scenario's source, the victim's addresses for those that need one, and somebody for the sweeps to find.
pub(crate) fn give_addresses(lab: &Lab, plan: &Plan) -> Result<Owners> {
    let mut owners = Owners::default();
    let mut batches = [String::new(), String::new(), String::new()];
    let everything = plan
        .benign
        .iter()
        .flatten()
        .chain(&plan.attacks)
        .chain(&plan.background);
    for scenario in everything {
        owners.add(scenario);
        let host = host(lab, scenario.from);
        let batch = &mut batches[scenario.from as usize];
        *batch += &format!(
            "address add {}/16 dev {}\n",
            scenario.source(),
            host.interface
        );
        *batch += &format!(
            "address add {}/64 dev {} nodad\n",
            scenario.source6(),
            host.interface
        );
    }
    let benign = plan.benign.iter().flatten().chain(&plan.background);
    for (scenario, (peer, peer6)) in benign.filter_map(|one| Some((one, one.peer()?))) {
        let (from, to) = match scenario.from {
            Place::H1 => (Place::H1, Place::H2),
            other => (other, Place::H1),
        };
        let interface = &host(lab, to).interface;
        batches[to as usize] += &format!(
            "address add {peer}/16 dev {interface}\naddress add {peer6}/64 dev {interface} nodad\n"
        );
        let interface = &host(lab, from).interface;
        batches[from as usize] += &format!(
            "route add {peer} dev {interface} src {}\nroute add {peer6} dev {interface} src {}\n",
            scenario.source(),
            scenario.source6()
        );
    }
    for (own, own6) in plan.attacks.iter().filter_map(Scenario::own) {
        let interface = &lab.h1.interface;
        batches[Place::H1 as usize] += &format!(
            "address add {own}/16 dev {interface}\naddress add {own6}/64 dev {interface} nodad\n"
        );
    }
    for last in scenarios::NEIGHBOURS {
        let owner = if last % 2 == 0 { Place::H1 } else { Place::H2 };
        let interface = &host(lab, owner).interface;
        batches[owner as usize] += &format!(
            "address add 10.83.4.{last}/16 dev {interface}\n\
             address add fd83::4:{last:x}/64 dev {interface} nodad\n"
        );
    }
    for from in [Place::H1, Place::H2, Place::Attacker] {
        let file = lab.run.directory().join("addresses");
        fs::write(&file, &batches[from as usize])?;
        host(lab, from).run(&["ip", "-batch", &file.to_string_lossy()])?;
    }
    for host in [&lab.h1, &lab.h2] {
        let words = ["ip", "neigh", "add", DEAD, "lladdr", "02:00:00:00:00:07"];
        host.run(&[&words[..], &["dev", &host.interface]].concat())?;
    }
    // Answers to forged sources go where a router would be.
    for host in [&lab.h1, &lab.h2] {
        for (network, via) in [
            ("10.84.0.0/16", lab.attacker.ip.to_string()),
            ("fd84::/64", lab.attacker.ip6.to_string()),
        ] {
            host.run(&["ip", "route", "add", network, "via", &via])?;
        }
    }
    Ok(owners)
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
    for phase in &plan.benign {
        announce(began, phase.iter());
        failures += play_phase(lab, phase)?;
    }
    // Alone first: amid other traffic the same attack gives other columns, and both happen.
    failures += attack(lab, plan.attacks.iter(), began)?;
    failures += thread::scope(|scope| {
        let over = &over;
        let background: Vec<_> = plan
            .background
            .iter()
            .map(|scenario| scope.spawn(move || play(lab, scenario, over)))
            .collect();
        let again = plan.attacks.iter().filter(|one| one.comes_again());
        let attacks = attack(lab, again, began);
        over.store(true, Ordering::Relaxed);
        Ok::<_, anyhow::Error>(join(background)? + attacks?)
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
        interrupt::pause(Duration::from_secs_f64(match scenario.seconds {
            short if short < 2.0 => 0.0,
            _ => GAP - 0.3,
        }))?;
    }
    Ok(failures)
}

/// The tools that take no source address take the route's.
pub(crate) fn prefer(attacker: &Host, scenario: &Scenario) -> Result<()> {
    for (network, source) in [
        ("10.83.0.0/16", scenario.source().to_string()),
        ("fd83::/64", scenario.source6().to_string()),
    ] {
        let words = [
            "ip",
            "route",
            "replace",
            network,
            "dev",
            &attacker.interface,
            "src",
            &source,
        ];
        attacker.run(&words)?;
    }
    Ok(())
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
    for words in scenario.commands((to.ip, to.ip6), "{traffic}") {
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
        let mut encoder = zstd::Encoder::new(output, 12)?;
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
