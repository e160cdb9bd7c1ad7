//! An agent in enforce mode, and what it decides while a scenario runs.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::time::{ClockId, clock_gettime};

use super::Choice;
use super::tally::{Scenarios, Seen, Tally};
use crate::agent::{self, Agent, Decision};
use crate::interrupt;
use crate::lab::Lab;
use crate::record::{self, Label, Owners, Scenario};

/// How often the API is asked for decisions: their own times are exact.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// In time for the last packets' events and for the counters to be published.
const AFTERWARDS: Duration = Duration::from_millis(1200);
/// And so long if nothing was decided: what was over in a moment is decided by second looks, a second later.
const LOOKED_AT: Duration = Duration::from_secs(3);

/// An attack ends so long after the first decision against it was seen: what it is answered with is known by then.
const BLOCKED_FOR: Duration = Duration::from_secs(2);

/// A decision against somebody who attacked nobody.
#[derive(Clone, Debug)]
pub(super) struct FalseBlock {
    /// Whose traffic it met, as far as that is known.
    pub(super) scenario: String,
    pub(super) class: String,
    pub(super) target: String,
    pub(super) dropped: u64,
}

/// What became of one attack.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) name: String,
    pub(super) label: Label,
    pub(super) held: bool,
    pub(super) promise: Option<Duration>,
    /// Packets that left the attacker, and in what time.
    pub(super) sent: u64,
    pub(super) seconds: f64,
    /// Of the decisions against it.
    pub(super) classes: BTreeSet<String>,
    pub(super) decisions: usize,
    /// When the first one was made, since the Epoch.
    first_decision: Option<Duration>,
    /// From its first packet to that.
    pub(super) reaction: Option<Duration>,
    /// Of the packets sent since the first decision was seen, percent.
    pub(super) dropped: Option<f64>,
    /// Predictions about it, and how many of them said attack.
    pub(super) predictions: u64,
    pub(super) accused: u64,
    pub(super) false_blocks: Vec<FalseBlock>,
}

impl Outcome {
    /// Within what was promised, or at all where nothing was.
    pub(super) fn holds(&self) -> bool {
        match (self.reaction, self.promise) {
            (Some(reaction), Some(promise)) => reaction <= promise,
            (reaction, None) => reaction.is_some(),
            (None, Some(_)) => false,
        }
    }
}

pub(super) struct Watch {
    agent: Agent,
    owners: Arc<Owners>,
    /// Whom attacks are on.
    victim: (Ipv4Addr, Ipv6Addr),
    tally: Tally,
}

impl Watch {
    pub(super) fn start(
        lab: &mut Lab,
        owners: &Arc<Owners>,
        choice: &Choice<'_>,
        ttl: &str,
    ) -> Result<Self> {
        let number = (0..)
            .find(|number| !lab.run.directory().join(format!("rows{number}")).exists())
            .context("no name for a pipe")?;
        let pipe = lab.run.directory().join(format!("rows{number}"));
        let tally = Tally::start(pipe, Arc::clone(owners), choice.misjudged)?;
        let options = agent::Options {
            mode: "enforce",
            ttl,
            api: agent::free_address()?,
            record: Some(tally.pipe()),
            model: choice.model,
        };
        let agent = Agent::start(lab, &options)?;
        Ok(Self {
            agent,
            owners: Arc::clone(owners),
            victim: (lab.h1.ip, lab.h1.ip6),
            tally,
        })
    }

    /// Ends the agent; what it predicted of whom.
    pub(super) fn finish(self) -> Result<Scenarios> {
        if !self.agent.stop() {
            bail!("the agent did not end in order: its rows may be incomplete");
        }
        self.tally.finish()
    }

    /// Decisions so far that are against no attack.
    pub(super) fn false_blocks(&self) -> Result<Vec<FalseBlock>> {
        let decisions = self.agent.api.all_decisions()?;
        Ok(decisions
            .iter()
            .filter_map(|one| self.falsely(one, None))
            .collect())
    }

    /// One must not mask the next.
    pub(super) fn forget(&self) -> Result<()> {
        for decision in self.agent.api.active_decisions()? {
            self.agent.api.delete(&decision)?;
        }
        Ok(())
    }

    /// Runs the attack to its end, or until it has been blocked for a while, and sees what is decided meanwhile.
    pub(super) fn attack(&mut self, lab: &Lab, scenario: &Scenario) -> Result<Outcome> {
        let known: BTreeSet<String> = self
            .agent
            .api
            .all_decisions()?
            .iter()
            .map(|decision| decision.id.to_string())
            .collect();
        record::prefer(&lab.attacker, scenario)?;
        let over = AtomicBool::new(false);
        self.tally.begins(&scenario.name);
        let before = lab.attacker.sent_packets()?;
        let began = Instant::now();
        let mut at_decision: Option<(u64, Instant)> = None;
        let ran = thread::scope(|scope| {
            let playing = scope.spawn(|| record::play(lab, scenario, &over));
            while !playing.is_finished() {
                interrupt::pause(LOOK_EVERY)?;
                if let Some((_, when)) = at_decision {
                    if when.elapsed() >= BLOCKED_FOR {
                        over.store(true, Ordering::Relaxed);
                    }
                } else {
                    // Under a flood an answer may be late: the next one will do.
                    let active = self.agent.api.active_decisions().unwrap_or_default();
                    if active.iter().any(|one| self.covers(one, scenario)) {
                        at_decision = Some((lab.attacker.sent_packets()?, Instant::now()));
                    }
                }
            }
            playing
                .join()
                .ok()
                .context("the scenario's thread panicked")?
        });
        ran?;
        let seconds = began.elapsed().as_secs_f64();
        let sent = lab.attacker.sent_packets()?;
        interrupt::pause(AFTERWARDS)?;
        let over = Instant::now();
        while over.elapsed() + AFTERWARDS < LOOKED_AT
            && self.against(scenario, &self.made_since(&known)?).is_empty()
        {
            interrupt::pause(LOOK_EVERY)?;
        }
        if self.agent.has_ended() {
            bail!(
                "the agent ended during {}:\n{}",
                scenario.name,
                self.agent.last_words()
            );
        }
        let all = self.made_since(&known)?;
        let against = self.against(scenario, &all);
        let first = against
            .iter()
            .map(|decision| epoch(&decision.created_at).context("created_at of a decision"))
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .min();
        let dropped: u64 = against
            .iter()
            .map(|decision| decision.packets_dropped)
            .sum();
        Ok(Outcome {
            name: scenario.name.clone(),
            label: scenario.label,
            held: scenario.held,
            promise: scenario.promise,
            sent: sent - before,
            seconds,
            classes: against.iter().map(|one| one.class.clone()).collect(),
            decisions: against.len(),
            first_decision: first,
            reaction: None,
            dropped: at_decision.map(|(at, _)| share(dropped, sent - at)),
            predictions: 0,
            accused: 0,
            false_blocks: all
                .iter()
                .filter_map(|one| self.falsely(one, Some(scenario)))
                .collect(),
        })
    }

    fn made_since(&self, known: &BTreeSet<String>) -> Result<Vec<Decision>> {
        let mut decisions = self.agent.api.all_decisions()?;
        decisions.retain(|decision| !known.contains(&decision.id.to_string()));
        Ok(decisions)
    }

    fn against<'a>(&self, scenario: &Scenario, decisions: &'a [Decision]) -> Vec<&'a Decision> {
        let covered = |decision: &&Decision| self.covers(decision, scenario);
        decisions.iter().filter(covered).collect()
    }

    fn owner(&self, decision: &Decision) -> Option<(Label, String)> {
        let (source, destination) = ends(decision);
        if let (None, Some(destination)) = (source, destination)
            && let Some(owner) = self.owners.aimed_at(destination)
        {
            return Some(owner);
        }
        let either = source.or(destination)?;
        Some(
            self.owners
                .of(source.unwrap_or(either), destination.unwrap_or(either)),
        )
    }

    fn covers(&self, decision: &Decision, scenario: &Scenario) -> bool {
        // Random sources belong to the attack that forges them.
        let stranger = scenario.own().is_some() && ends(decision).0.is_some_and(is_outside);
        // What is limited for forged sources is whom they turn to.
        let (source, destination) = ends(decision);
        let victim = scenario.target(self.victim);
        let crowd = scenario.is_forged()
            && source.is_none()
            && destination.is_some_and(|to| to == victim.0 || to == victim.1);
        stranger
            || crowd
            || self
                .owner(decision)
                .is_some_and(|(_, name)| name == scenario.name)
    }

    /// What it is against, unless that is an attack: this one, or one before it.
    fn falsely(&self, decision: &Decision, now: Option<&Scenario>) -> Option<FalseBlock> {
        if now.is_some_and(|scenario| self.covers(decision, scenario)) {
            return None;
        }
        let (label, scenario) = self.owner(decision)?;
        (label == Label::Normal).then(|| FalseBlock {
            scenario,
            class: decision.class.clone(),
            target: decision.value.clone().unwrap_or_default(),
            dropped: decision.packets_dropped,
        })
    }
}

/// Adds to each outcome what the rows say of it. Its time: rows have the first packet by the kernel's clock,
/// decisions are dated by the wall's.
pub(super) fn complete(outcomes: &mut [Outcome], scenarios: &Scenarios) -> Result<()> {
    let wall = Duration::from(clock_gettime(ClockId::CLOCK_REALTIME)?);
    let boot = wall.saturating_sub(clock_gettime(ClockId::CLOCK_MONOTONIC)?.into());
    for outcome in outcomes {
        let seen = scenarios.get(&outcome.name);
        outcome.predictions = seen.map_or(0, |seen| seen.predictions);
        outcome.accused = seen.map_or(0, Seen::accusations);
        let first = seen.and_then(|seen| seen.first);
        outcome.reaction = match (outcome.first_decision, first) {
            (Some(decided), Some(first)) => Some(decided.saturating_sub(boot + first)),
            _ => None,
        };
    }
    Ok(())
}

fn ends(decision: &Decision) -> (Option<IpAddr>, Option<IpAddr>) {
    let parse = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
    (parse(&decision.source), parse(&decision.destination))
}

/// In none of the lab's networks.
fn is_outside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !matches!(address.octets(), [10, 83 | 84, ..]),
        IpAddr::V6(address) => !matches!(address.segments()[0], 0xfd83 | 0xfd84 | 0xfe80),
    }
}

/// Percent; the decision was seen a little after it was made.
fn share(dropped: u64, sent: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let share = dropped as f64 / sent.max(1) as f64;
    (share * 100.0).min(100.0)
}

/// A moment as RFC 3339 writes it in UTC (`2026-01-31T12:00:00.25Z`), since the Epoch.
fn epoch(text: &str) -> Option<Duration> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<u64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut time = time.splitn(3, ':');
    let (hour, minute): (u64, u64) = (time.next()?.parse().ok()?, time.next()?.parse().ok()?);
    let second: f64 = time.next()?.parse().ok()?;
    // Days of the civil calendar, years beginning in March, so that leap days come last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    let days = days.checked_sub(719_469)?;
    Some(
        Duration::from_secs(days * 86_400 + hour * 3_600 + minute * 60)
            + Duration::from_secs_f64(second),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_to_the_nanosecond() {
        let seconds = |text| epoch(text).map(|moment| moment.as_secs_f64());
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0.0));
        assert_eq!(seconds("2000-02-29T12:00:00.5Z"), Some(951_825_600.5));
        assert_eq!(seconds("2026-11-22T21:43:30.25Z"), Some(1_795_383_810.25));
        assert_eq!(seconds("2026-11-22"), None);
        assert_eq!(seconds("yesterday"), None);
    }

    #[test]
    fn the_lab_is_inside() {
        let outside = |text: &str| is_outside(text.parse().expect("address"));
        assert!(!outside("10.83.0.1") && !outside("10.84.7.9") && !outside("fd84::1"));
        assert!(outside("10.85.0.1") && outside("203.0.113.9") && outside("2001:db8::1"));
    }

    #[test]
    fn a_promise_is_kept_in_time_only() {
        let mut outcome = Outcome {
            name: "x".to_owned(),
            label: Label::Dos,
            held: false,
            promise: Some(Duration::from_millis(250)),
            sent: 0,
            seconds: 1.0,
            classes: BTreeSet::new(),
            decisions: 0,
            first_decision: None,
            reaction: None,
            dropped: None,
            predictions: 0,
            accused: 0,
            false_blocks: Vec::new(),
        };
        assert!(!outcome.holds(), "no decision");
        outcome.reaction = Some(Duration::from_millis(251));
        assert!(!outcome.holds());
        outcome.reaction = Some(Duration::from_millis(250));
        assert!(outcome.holds());
        outcome.promise = None;
        assert!(outcome.holds());
    }
}
