//! After a block: the blocked host's ordinary traffic comes back, and nobody
//! else ever lost any.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::load::Load;
use super::watch::{FalseBlock, Watch};
use super::{Row, Stage, milliseconds, number};
use crate::counters::Pinged;
use crate::host::Host;
use crate::interrupt;
use crate::measure::Bystander;
use crate::record::Scenario;

/// A block towards one destination, one of everything, one of a service; and of a
/// scan that may be forged.
pub(super) const ATTACKS: [&str; 4] =
    ["icmp-1000", "scan-connect-t4", "guess-ftp-4", "scan-syn-t4"];
pub(super) const TTL_SECONDS: u8 = 5;
/// Ends are noticed every second, and tried for every second.
const SLACK: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(30);
/// Who is back stays, however often he asks.
const AFTERWARDS: u32 = 10;
/// Connections a second between others meanwhile.
const OTHERS: u32 = 200;

pub(super) struct Recovered {
    blocked: bool,
    /// From the attack's end until the same host is heard again.
    back: Option<Duration>,
    /// Of [`AFTERWARDS`] more times it asked, how often it was not heard.
    unheard: u32,
    others_ping: Pinged,
    others_asked: u64,
    others_failed: u64,
    false_blocks: Vec<FalseBlock>,
}

/// Others talk all the time; the attacker attacks and then behaves.
pub(super) fn measure(stage: &mut Stage<'_>, attack: &Scenario) -> Result<Recovered> {
    let ttl = format!("{TTL_SECONDS}s");
    let mut watch = Watch::start(&mut stage.lab, &stage.owners, stage.choice, &ttl)?;
    let lab = &stage.lab;
    let load = Load::start(lab, OTHERS)?;
    let pings = Bystander::start(&lab.h2, &lab.h1.ip.to_string());
    let outcome = watch.attack(lab, attack)?;
    let ended = Instant::now();
    let mut back = None;
    while back.is_none() && ended.elapsed() < LONGEST {
        // Slower than what prolongs a verdict.
        interrupt::pause(Duration::from_secs(1))?;
        if is_heard(&lab.attacker, attack, &lab.h1)? {
            back = Some(ended.elapsed());
        }
    }
    let mut unheard = 0;
    for _ in 0..if back.is_some() { AFTERWARDS } else { 0 } {
        interrupt::pause(Duration::from_secs(1))?;
        unheard += u32::from(!is_heard(&lab.attacker, attack, &lab.h1)?);
    }
    let others_ping = pings.finish()?;
    let served = load.finish()?;
    watch.forget()?;
    watch.finish()?;
    Ok(Recovered {
        blocked: outcome.decisions > 0,
        back,
        unheard,
        others_ping,
        others_asked: served.done + served.failed,
        others_failed: served.failed,
        false_blocks: outcome.false_blocks,
    })
}

/// A ping, a page and the service's greeting, from the attack's own address.
fn is_heard(attacker: &Host, attack: &Scenario, victim: &Host) -> Result<bool> {
    let (source, to) = (attack.source().to_string(), victim.ip.to_string());
    let page = format!("http://{to}/");
    let greeting = format!("ftp://{to}/");
    let tries: [&[&str]; 3] = [
        &["ping", "-n", "-c", "1", "-W", "1", "-I", &source, &to],
        &[
            "curl",
            "-s",
            "-o",
            "/dev/null",
            "-m",
            "1",
            "--interface",
            &source,
            &page,
        ],
        &[
            "curl",
            "-s",
            "-o",
            "/dev/null",
            "--connect-timeout",
            "1",
            "-m",
            "2",
            "--interface",
            &source,
            &greeting,
        ],
    ];
    for words in tries {
        let mut running = attacker.spawn(Duration::from_secs(3), words)?;
        let status = running.wait_within(Duration::from_secs(4))?;
        // curl's 67: not let in, so spoken to.
        let code = status.and_then(|status| status.code());
        if !matches!(code, Some(0 | 67)) {
            eprintln!("             not heard ({code:?}): {}", words.join(" "));
            return Ok(false);
        }
    }
    Ok(true)
}

impl Recovered {
    pub(super) const HEADER: [&'static str; 7] = [
        "attack",
        "blocked",
        "back after",
        "unheard again",
        "others' pings lost",
        "others' connections failed",
        "decisions against others",
    ];

    pub(super) fn cells(&self, name: &str) -> Vec<String> {
        vec![
            name.to_owned(),
            if self.blocked { "yes" } else { "NO" }.to_owned(),
            self.back.map_or_else(
                || "never".to_owned(),
                |back| format!("{:.1} s", back.as_secs_f64()),
            ),
            format!("{} of {AFTERWARDS}", self.unheard),
            format!(
                "{} of {}",
                self.others_ping.sent - self.others_ping.received,
                self.others_ping.sent
            ),
            format!("{} of {}", self.others_failed, self.others_asked),
            self.false_blocks.len().to_string(),
        ]
    }

    pub(super) fn rows(&self, name: &str) -> Vec<Row> {
        let limit = Duration::from_secs(TTL_SECONDS.into()) + SLACK;
        vec![
            Row::less(
                format!("live recovery: {name}: back after"),
                // Who never was blocked has not come back.
                milliseconds(self.back.filter(|_| self.blocked)),
                "ms",
                limit.as_secs_f64() * 1000.0,
            ),
            Row::less(
                format!("live recovery: {name}: unheard again"),
                self.back.map_or(f64::NAN, |_| f64::from(self.unheard)),
                "",
                0.0,
            ),
            Row::less(
                format!("live recovery: {name}: others' pings lost"),
                self.others_ping.loss(),
                "%",
                0.0,
            ),
            Row::less(
                format!("live recovery: {name}: others' connections failed"),
                number(self.others_failed),
                "",
                0.0,
            ),
        ]
    }
}
