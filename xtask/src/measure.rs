//! One flood, measured from the kernel's own counters.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::agent::{Agent, Decision, parse_duration};
use crate::counters::{self, Pinged, percent_missing};
use crate::floods::Flood;
use crate::host::Host;
use crate::interrupt;
use crate::lab::Lab;
use crate::picture::Sample;

const TENTH: Duration = Duration::from_millis(100);
/// A flood that is watched for longer than one verdict, at the longest.
const LONGEST_HOLD: Duration = Duration::from_secs(25);

pub(crate) struct Measured {
    pub(crate) flood: Flood,
    /// Of the verdicts against the attacker; empty: there was none.
    pub(crate) classes: Vec<String>,
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    /// By tidegate's count, of those verdicts.
    pub(crate) dropped: u64,
    /// From the first packet to the first drop, by kernel time.
    pub(crate) reaction_ms: Option<f64>,
    /// Packets that reached h1 after the verdict was seen, and how long that was.
    pub(crate) leaked: u64,
    pub(crate) held: Duration,
    pub(crate) ttl: Duration,
    /// h1 pinging h2 meanwhile.
    pub(crate) bystander: Pinged,
}

impl Measured {
    pub(crate) fn dropped_percent(&self) -> f64 {
        percent_missing(self.sent, self.delivered)
    }

    /// What was not delivered is what tidegate says it dropped, but for the few
    /// frames that were not part of the flood (ARP, the switch's own losses).
    pub(crate) fn counts_agree(&self) -> bool {
        let missing = self.sent.saturating_sub(self.delivered);
        missing.abs_diff(self.dropped) <= self.sent / 100 + 10
    }
}

/// Runs `flood` from attacker on h1. With `outlast`, it goes on until its
/// verdict's time is over while packets still come.
pub(crate) fn flood(lab: &Lab, agent: &mut Agent, flood: Flood, outlast: bool) -> Result<Measured> {
    let attacker = lab.attacker.ip.to_string();
    let known: HashSet<String> = against(agent.api.all_decisions()?, &attacker)
        .map(|decision| decision.id.to_string())
        .collect();
    let bystander = Bystander::start(&lab.h1, &lab.h2.ip.to_string());
    interrupt::pause(Duration::from_millis(500))?;

    let sent_before = lab.attacker.sent_packets()?;
    let delivered_before = lab.h1.icmp("InEchos")?;
    let limit = if outlast {
        LONGEST_HOLD
    } else {
        flood.duration()
    };
    let mut running = flood.start(
        &lab.attacker,
        &lab.h1.ip.to_string(),
        limit + Duration::from_secs(2),
    )?;
    let started = Instant::now();
    let mut verdict: Option<Verdict> = None;
    while !running.has_ended() && started.elapsed() < limit {
        interrupt::pause(TENTH)?;
        if agent.has_ended() {
            bail!("the agent ended during the flood:\n{}", agent.last_words());
        }
        match &verdict {
            None => {
                let found = against(agent.api.active_decisions()?, &attacker)
                    .find(|decision| !known.contains(&decision.id.to_string()));
                if let Some(decision) = found {
                    verdict = Some(Verdict::seen_now(lab, &decision)?);
                }
            }
            Some(verdict) if outlast && verdict.seen.elapsed() > verdict.ttl + 2 * TENTH * 10 => {
                break;
            }
            Some(_) => {}
        }
    }
    let leaked_until = lab.h1.icmp("InEchos")?;
    running.stop(Signal::SIGINT, Duration::from_secs(2));
    // What is on its way arrives, what is counted becomes visible.
    interrupt::pause(2 * TENTH)?;
    let sent = lab.attacker.sent_packets()? - sent_before;
    let delivered = lab.h1.icmp("InEchos")? - delivered_before;
    let bystander = bystander.finish()?;

    let made: Vec<Decision> = against(agent.api.all_decisions()?, &attacker)
        .filter(|decision| !known.contains(&decision.id.to_string()))
        .collect();
    let mut classes: Vec<String> = made.iter().map(|made| made.class.clone()).collect();
    classes.sort();
    classes.dedup();
    Ok(Measured {
        flood,
        classes,
        sent,
        delivered,
        dropped: made.iter().map(|decision| decision.packets_dropped).sum(),
        reaction_ms: made
            .iter()
            .filter_map(|decision| decision.reaction_ms)
            .min_by(f64::total_cmp),
        leaked: verdict
            .as_ref()
            .map_or(0, |verdict| leaked_until - verdict.delivered),
        held: verdict
            .as_ref()
            .map_or(Duration::ZERO, |verdict| verdict.seen.elapsed()),
        ttl: verdict.map_or(Duration::ZERO, |verdict| verdict.ttl),
        bystander,
    })
}

/// The moment a verdict was seen.
struct Verdict {
    seen: Instant,
    ttl: Duration,
    delivered: u64,
}

impl Verdict {
    fn seen_now(lab: &Lab, decision: &Decision) -> Result<Self> {
        // Packets that had passed the port already are not leaks.
        interrupt::pause(TENTH)?;
        Ok(Self {
            seen: Instant::now(),
            ttl: decision
                .duration
                .as_deref()
                .and_then(parse_duration)
                .unwrap_or(Duration::from_secs(5)),
            delivered: lab.h1.icmp("InEchos")?,
        })
    }
}

fn against(decisions: Vec<Decision>, address: &str) -> impl Iterator<Item = Decision> {
    decisions
        .into_iter()
        .filter(move |decision| decision.is_against(address))
}

/// Waits until no verdict against `address` is in force.
pub(crate) fn await_release(agent: &Agent, address: &str, limit: Duration) -> Result<bool> {
    let deadline = Instant::now() + limit;
    while against(agent.api.active_decisions()?, address)
        .next()
        .is_some()
    {
        if Instant::now() > deadline {
            return Ok(false);
        }
        interrupt::pause(2 * TENTH)?;
    }
    Ok(true)
}

/// h1 pinging h2 ten times a second for as long as something else lasts.
pub(crate) struct Bystander {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Pinged>>,
}

impl Bystander {
    pub(crate) fn start(from: &Host, to: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (from, to, flag) = (from.clone(), to.to_owned(), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut total = Pinged::default();
            // In short runs: an interrupted ping would count its last request,
            // still under way, as lost.
            while !flag.load(Ordering::Relaxed) {
                let round = from.ping(&to, 10, TENTH)?;
                total.sent += round.sent;
                total.received += round.received;
            }
            Ok(total)
        });
        Self { stop, thread }
    }

    pub(crate) fn finish(self) -> Result<Pinged> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread
            .join()
            .ok()
            .context("the bystander's thread panicked")?
    }
}

/// Reads the counters every 100 ms until told to stop.
pub(crate) struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<Sample>>>,
}

impl Sampler {
    pub(crate) fn start(lab: &Lab) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let (attacker, h1) = (lab.attacker.clone(), lab.h1.clone());
        let thread = thread::spawn(move || {
            let began = Instant::now();
            let mut samples = Vec::new();
            while !flag.load(Ordering::Relaxed) {
                samples.push(Sample {
                    second: began.elapsed().as_secs_f64(),
                    sent: attacker.sent_packets()?,
                    delivered: counters::icmp(h1.pid, "InEchos")?,
                    replies: counters::icmp(h1.pid, "InEchoReps")?,
                });
                thread::sleep(TENTH);
            }
            Ok(samples)
        });
        Self { stop, thread }
    }

    pub(crate) fn finish(self) -> Result<Vec<Sample>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread
            .join()
            .ok()
            .context("the sampler's thread panicked")?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(sent: u64, delivered: u64, dropped: u64) -> Measured {
        Measured {
            flood: Flood::Full,
            classes: vec!["dos".to_owned()],
            sent,
            delivered,
            dropped,
            reaction_ms: None,
            leaked: 0,
            held: Duration::ZERO,
            ttl: Duration::ZERO,
            bystander: Pinged::default(),
        }
    }

    #[test]
    fn the_share_is_of_what_was_sent() {
        assert!((measured(8000, 40, 7960).dropped_percent() - 99.5).abs() < 1e-9);
    }

    #[test]
    fn tidegates_count_is_checked_against_the_kernels() {
        assert!(measured(8000, 40, 7957).counts_agree());
        assert!(measured(8000, 40, 7880).counts_agree(), "within 1 %");
        assert!(!measured(8000, 40, 7000).counts_agree());
        assert!(!measured(8000, 40, 0).counts_agree());
    }

    #[test]
    fn decisions_against_others_do_not_count() {
        let decision = |source: &str| Decision {
            source: Some(source.to_owned()),
            ..Decision::default()
        };
        let all = vec![decision("10.83.0.66"), decision("10.83.0.6")];
        assert_eq!(against(all, "10.83.0.66").count(), 1);
    }
}
