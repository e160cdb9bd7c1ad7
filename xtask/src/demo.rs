//! `cargo xtask run`: the network, the agent on all of s1's ports, three floods,
//! and what must hold meanwhile.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::agent::{self, Agent};
use crate::counters::Pinged;
use crate::doctor::{self, Profile};
use crate::floods::Flood;
use crate::lab::{Kind, Lab, Role, Switch, leftovers};
use crate::measure::{self, Measured, Sampler};
use crate::report::Report;
use crate::table::{self, grouped};
use crate::{build_cmd, interrupt, picture, privilege};

/// Short, so that a demo can show its end.
const DOS_TTL: &str = "5s";
/// A verdict that has not ended by then never will.
const LONGEST_VERDICT: Duration = Duration::from_secs(20);
const PING_EVERY: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// End after the demo; exit 0 only if every expectation held
    #[arg(long)]
    once: bool,
    /// Network namespaces and Linux bridges instead of Mininet
    #[arg(long)]
    plain: bool,
    /// What Mininet makes its switches of
    #[arg(long, value_enum, default_value = "ovs", conflicts_with = "plain")]
    switch: Switch,
    /// Where the agent's API listens afterwards
    #[arg(long, default_value = "127.0.0.1:8080")]
    api: SocketAddr,
    /// Sample the first flood and draw it, e.g. docs/demo.svg
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Only the network, without an agent: a check of the lab itself
    #[arg(long, hide = true)]
    no_agent: bool,
    /// Set up and built already
    #[arg(long, hide = true)]
    prepared: bool,
}

pub(crate) fn command(args: &Args) -> Result<bool> {
    if !args.prepared {
        doctor::prepare(Profile::Run)?;
        if !args.no_agent {
            build_cmd::build()?;
        }
    }
    if privilege::become_root()? {
        return Ok(true);
    }
    interrupt::listen()?;
    leftovers::clean_leftovers()?;
    let kind = if args.plain {
        Kind::Plain
    } else {
        Kind::Mininet(args.switch)
    };
    println!("— network");
    let mut lab = Lab::start(kind)?;
    describe(&lab);
    if args.no_agent {
        return dry(&lab);
    }

    println!("— agent");
    let mut agent = Agent::start(
        &mut lab,
        &agent::Options {
            mode: "enforce",
            ttl: DOS_TTL,
            api: api_address(args)?,
            record: None,
            model: None,
        },
    )?;
    println!(
        "  ready on all of s1's ports, API at http://{}",
        agent.api.address
    );
    let mut report = Report::default();
    demo(args, &lab, &mut agent, &mut report)?;
    if !args.once {
        serve(&lab, &mut agent)?;
    }
    let graceful = agent.stop();
    report.expect(
        graceful,
        "the agent detaches and exits when asked to",
        yes(graceful),
    );
    drop(lab);
    report.finish();
    Ok(report.all_held())
}

/// A demo that ends needs no known address; one that goes on serving does.
fn api_address(args: &Args) -> Result<SocketAddr> {
    if args.once {
        return agent::free_address();
    }
    if TcpListener::bind(args.api).is_ok() {
        return Ok(args.api);
    }
    let other = agent::free_address()?;
    println!("  {} is taken, using {other}", args.api);
    Ok(other)
}

fn describe(lab: &Lab) {
    println!("  run {}, switch: {}", lab.run.tag(), lab.switch);
    for host in [&lab.h1, &lab.h2, &lab.attacker] {
        println!(
            "  {:<8}  {:<10}  {}  nsenter --net=/proc/{}/ns/net",
            host.name, host.ip, host.ip6, host.pid
        );
    }
    for port in &lab.ports {
        println!("  s1 port   {}  ({:?})", port.name, port.role);
    }
}

fn demo(args: &Args, lab: &Lab, agent: &mut Agent, report: &mut Report) -> Result<()> {
    println!("— h1 pings h2");
    quiet_ping(lab, agent, report)?;
    let mut rows = Vec::new();
    for (index, flood) in [Flood::FixedRate { packets: 8000 }, Flood::Full, Flood::Ping]
        .into_iter()
        .enumerate()
    {
        println!("— {}", flood.name());
        let sampler = (index == 0 && args.picture.is_some()).then(|| Sampler::start(lab));
        let before = bystander_ping(lab)?;
        // The last one is held against its verdict for longer than that lasts.
        let outlast = flood == Flood::Ping;
        let measured = measure::flood(lab, agent, flood, outlast)?;
        let after = bystander_ping(lab)?;
        if let (Some(sampler), Some(file)) = (sampler, &args.picture) {
            draw(&sampler.finish()?, file, &measured)?;
        }
        judge(&measured, report);
        bystander_judged(report, before, &measured, after);
        released(lab, agent, report)?;
        rows.push(row(&measured, before, after));
    }
    println!();
    let header = [
        "flood",
        "class",
        "sent",
        "delivered",
        "dropped",
        "first drop",
        "h1↔h2 loss before/during/after",
    ];
    println!("{}", table::render(&header, &rows));
    Ok(())
}

fn bystander_ping(lab: &Lab) -> Result<Pinged> {
    interrupt::check()?;
    lab.h1.ping(&lab.h2.ip.to_string(), 10, PING_EVERY)
}

fn quiet_ping(lab: &Lab, agent: &Agent, report: &mut Report) -> Result<()> {
    let pinged = lab.h1.ping(&lab.h2.ip.to_string(), 20, PING_EVERY)?;
    report.expect(
        pinged.loss() == 0.0 && pinged.sent == 20,
        "no loss",
        &percent(pinged.loss()),
    );
    let (h1, h2) = (lab.h1.ip.to_string(), lab.h2.ip.to_string());
    let deadline = Instant::now() + Duration::from_secs(3);
    // A class comes with an event; give the last one time to be read.
    let classes = loop {
        let classes: Vec<String> = agent
            .api
            .flows()?
            .into_iter()
            .filter(|flow| flow.src == h1 && flow.dst == h2)
            .filter_map(|flow| flow.class)
            .collect();
        if !classes.is_empty() || Instant::now() > deadline {
            break classes;
        }
        interrupt::pause(PING_EVERY)?;
    };
    let normal = !classes.is_empty() && classes.iter().all(|class| class == "normal");
    report.expect(normal, "class normal", &classes.join(", "));
    Ok(())
}

fn judge(measured: &Measured, report: &mut Report) {
    let classes = measured.classes.join(", ");
    report.expect(
        measured.classes == ["dos"],
        "verdicts of class dos",
        if classes.is_empty() { "none" } else { &classes },
    );
    let share = format!(
        "{} of {} ({} delivered)",
        percent(measured.dropped_percent()),
        grouped(measured.sent),
        grouped(measured.delivered)
    );
    match measured.flood.least_dropped() {
        Some(least) => report.expect(
            measured.sent >= 1_000 && measured.dropped_percent() >= least,
            &format!("at least {least} % dropped"),
            &share,
        ),
        None => report.expect(
            measured.held > measured.ttl && measured.leaked == 0 && !measured.ttl.is_zero(),
            "the verdict holds while packets keep coming",
            &format!(
                "{} delivered in {:.1} s under a verdict of {:.0} s",
                measured.leaked,
                measured.held.as_secs_f64(),
                measured.ttl.as_secs_f64()
            ),
        ),
    }
    report.expect(
        measured.counts_agree(),
        "tidegate's count agrees with the kernel's",
        &format!(
            "{} dropped, {} missing at h1",
            grouped(measured.dropped),
            grouped(measured.sent.saturating_sub(measured.delivered))
        ),
    );
    println!(
        "          first packet to first drop: {}",
        milliseconds(measured.reaction_ms)
    );
}

fn bystander_judged(report: &mut Report, before: Pinged, measured: &Measured, after: Pinged) {
    let during = measured.bystander;
    let all = [before, during, after];
    report.expect(
        all.iter()
            .all(|ping| ping.sent > 0 && ping.sent == ping.received),
        "h1↔h2 without loss before, during and after",
        &format!("{}/{} answered during", during.received, during.sent),
    );
}

/// The flood is over: so must be its consequence, in time, and for nobody else ever.
fn released(lab: &Lab, agent: &Agent, report: &mut Report) -> Result<()> {
    let attacker = lab.attacker.ip.to_string();
    let free = measure::await_release(agent, &attacker, LONGEST_VERDICT)?;
    report.expect(free, "the verdict ends", yes(free));
    let pinged = lab
        .attacker
        .ping(&lab.h1.ip.to_string(), 3, Duration::from_millis(300))?;
    report.expect(
        pinged.received == 3,
        "attacker's plain ping passes again",
        &format!("{}/{}", pinged.received, pinged.sent),
    );
    let others: Vec<String> = agent
        .api
        .all_decisions()?
        .iter()
        .filter(|decision| !decision.is_against(&attacker))
        .map(|decision| decision.value.clone().unwrap_or_default())
        .collect();
    report.expect(
        others.is_empty(),
        "no verdict against anybody else",
        if others.is_empty() { "none" } else { "some" },
    );
    Ok(())
}

fn row(measured: &Measured, before: Pinged, after: Pinged) -> Vec<String> {
    vec![
        measured.flood.name(),
        if measured.classes.is_empty() {
            "none".to_owned()
        } else {
            measured.classes.join(", ")
        },
        grouped(measured.sent),
        grouped(measured.delivered),
        percent(measured.dropped_percent()),
        milliseconds(measured.reaction_ms),
        format!(
            "{} / {} / {}",
            percent(before.loss()),
            percent(measured.bystander.loss()),
            percent(after.loss())
        ),
    ]
}

fn draw(samples: &[picture::Sample], file: &PathBuf, measured: &Measured) -> Result<()> {
    let svg = picture::draw(samples, measured.reaction_ms);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, svg).with_context(|| file.display().to_string())?;
    println!("          drawn: {}", file.display());
    Ok(())
}

fn serve(lab: &Lab, agent: &mut Agent) -> Result<()> {
    println!(
        "— serving http://{} until Ctrl-C. From attacker, for example:",
        agent.api.address
    );
    println!(
        "  nsenter --net=/proc/{}/ns/net ping -f -w 10 {}",
        lab.attacker.pid, lab.h1.ip
    );
    while !interrupt::requested() {
        if agent.has_ended() {
            bail!("the agent ended:\n{}", agent.last_words());
        }
        let _ = interrupt::pause(Duration::from_millis(200));
    }
    Ok(())
}

/// Without an agent nothing is dropped: everything sent must be counted as delivered.
fn dry(lab: &Lab) -> Result<bool> {
    let mut report = Report::default();
    let pinged = bystander_ping(lab)?;
    report.expect(
        pinged.loss() == 0.0,
        "h1 reaches h2",
        &percent(pinged.loss()),
    );
    report.expect(
        lab.port(Role::Trunk).is_ok(),
        "s1 has a trunk",
        "its port is known",
    );
    let target = lab.h1.ip;
    let pinged = lab.attacker.ping(&target.to_string(), 5, PING_EVERY)?;
    report.expect(
        pinged.loss() == 0.0,
        "attacker reaches h1",
        &percent(pinged.loss()),
    );
    let (sent, delivered) = (lab.attacker.sent_packets()?, lab.h1.icmp("InEchos")?);
    let flood = Flood::FixedRate { packets: 2000 };
    flood
        .start(&lab.attacker, &target.to_string(), flood.duration() * 2)?
        .wait_within(flood.duration() * 2)?;
    interrupt::pause(PING_EVERY)?;
    let (sent, delivered) = (
        lab.attacker.sent_packets()? - sent,
        lab.h1.icmp("InEchos")? - delivered,
    );
    report.expect(
        delivered == 2000 && sent.abs_diff(2000) <= 10,
        "what was sent is what was counted",
        &format!("{sent} sent, {delivered} delivered"),
    );
    let flood = Flood::Full;
    let (before, echos) = (lab.attacker.sent_packets()?, lab.h1.icmp("InEchos")?);
    let mut running = flood.start(&lab.attacker, &target.to_string(), Duration::from_secs(3))?;
    interrupt::pause(Duration::from_secs(2))?;
    running.stop(nix::sys::signal::Signal::SIGINT, Duration::from_secs(2));
    let sent = lab.attacker.sent_packets()? - before;
    report.expect(
        sent > 20_000,
        "a full flood is one",
        &format!(
            "{} sent, {} delivered",
            grouped(sent),
            grouped(lab.h1.icmp("InEchos")? - echos)
        ),
    );
    report.finish();
    Ok(report.all_held())
}

fn percent(value: f64) -> String {
    // 99.996 must not read as 100.
    if value > 99.9 && value < 100.0 {
        format!("{:.3} %", (value * 1000.0).floor() / 1000.0)
    } else {
        format!("{value:.1} %")
    }
}

fn milliseconds(value: Option<f64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.1} ms"))
}

fn yes(held: bool) -> &'static str {
    if held { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!(percent(100.0), "100.0 %");
        assert_eq!(percent(99.99987), "99.999 %");
        assert_eq!(percent(98.04), "98.0 %");
        assert_eq!(percent(0.0), "0.0 %");
    }

    #[test]
    fn an_unknown_time_is_said_to_be_unknown() {
        assert_eq!(milliseconds(None), "unknown");
        assert_eq!(milliseconds(Some(12.34)), "12.3 ms");
    }
}
