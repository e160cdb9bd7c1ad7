//! From proposals to verdicts in the kernel, and back out when their time is over.

mod order;
mod record;
mod restore;
mod slots;
mod standing;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::IpAddr,
    sync::Arc,
};

use jiff::Timestamp;
use tidegate_common::verdict::{Action, MAX_VERDICTS, Scope, Verdict, VerdictKey};

pub use self::order::Order;
use self::{
    record::{key, later, restored},
    slots::Slots,
    standing::Standing,
};
use crate::{
    dataplane::{DataplaneError, Tables},
    decision::{Change, Decision, Origin, Phase, Target},
    engine::Refused,
    policy::{Lift, Protected, Whom},
};

/// Ended decisions kept for people to look at.
const ENDED: usize = 1000;
/// Verdicts looked at in one sweep: each costs a system call or two, and classification waits meanwhile.
const SWEEP: usize = 256;
/// Verdicts that may stand while forgeable evidence makes new ones.
const FORGEABLE: usize = MAX_VERDICTS as usize / 4 * 3;
/// Narrow verdicts of the classifier on one source.
const PER_SOURCE: u32 = 256;
/// So much of an allowed rate may come at once.
const BURST_NS: u64 = 100_000_000;
/// All verdicts in force, and the latest that ended.
#[derive(Debug)]
pub struct Enforcer {
    standing: BTreeMap<u64, Standing>,
    by_key: HashMap<VerdictKey, u64>,
    /// Verdicts of each scope.
    per_scope: [u32; Scope::ALL.len()],
    /// Verdicts on each source.
    per_source: HashMap<IpAddr, u32>,
    ended: VecDeque<Arc<Decision>>,
    /// Targets of decisions that ended since the last call of [`Enforcer::released`].
    released: Vec<Target>,
    /// What happened since the last call of [`Enforcer::changes`].
    changes: Vec<Change>,
    slots: Slots,
    next_id: u64,
    /// Where the next sweep goes on.
    swept: u64,
    hold_rate: u32,
    simulated: bool,
    failed: u64,
}

impl Enforcer {
    /// Takes over what stands in the verdict map: after a restart those verdicts are still in force.
    ///
    /// `hold_rate` is in packets per second: a verdict that drops as many or more does not end.
    ///
    /// # Errors
    ///
    /// When the map can't be read.
    pub fn adopt(
        tables: &mut Tables,
        hold_rate: u32,
        simulated: bool,
        now_ns: u64,
    ) -> Result<Self, DataplaneError> {
        let mut enforcer = Self {
            standing: BTreeMap::new(),
            by_key: HashMap::new(),
            per_scope: [0; Scope::ALL.len()],
            per_source: HashMap::new(),
            ended: VecDeque::new(),
            released: Vec::new(),
            changes: Vec::new(),
            slots: Slots::new(),
            next_id: 1,
            swept: 0,
            hold_rate,
            simulated,
            failed: 0,
        };
        for (key, verdict) in tables.verdicts()? {
            enforcer.next_id = enforcer.next_id.max(verdict.id + 1);
            let usable = verdict.expires_ns > now_ns && verdict.action().is_some();
            let decision = restored(&key, &verdict, simulated, now_ns);
            match decision {
                Some(decision) if usable && enforcer.slots.reserve(verdict.slot) => {
                    let mut standing = Standing {
                        key,
                        verdict,
                        decision: Arc::new(decision),
                        before: (0, 0),
                        measured: (0, now_ns),
                        busy_ns: now_ns,
                    };
                    standing.count_hits(tables);
                    // What it hit before says nothing on what it hits now.
                    standing.measured.0 = standing.decision.packets_dropped;
                    enforcer.stand(standing);
                }
                _ => tables.remove_verdict(&key)?,
            }
        }
        Ok(enforcer)
    }

    /// Scopes of which verdicts stand, for the control map.
    #[must_use]
    pub fn scopes(&self) -> u32 {
        Scope::ALL
            .iter()
            .filter(|scope| self.per_scope[**scope as usize] != 0)
            .fold(0, |scopes, scope| scopes | scope.bit())
    }

    /// Decisions in force, in order of their numbers.
    #[must_use]
    pub fn active(&self) -> Vec<Arc<Decision>> {
        let standing = self.standing.values();
        standing
            .map(|standing| Arc::clone(&standing.decision))
            .collect()
    }

    /// The latest decisions that ended, oldest first.
    #[must_use]
    pub fn ended(&self) -> Vec<Arc<Decision>> {
        self.ended.iter().cloned().collect()
    }

    /// Targets of the decisions that ended since the last call.
    pub fn released(&mut self) -> Vec<Target> {
        std::mem::take(&mut self.released)
    }

    /// Steps in the lives of decisions since the last call.
    pub fn changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Brings the counters of all decisions up to date, before the kernel's are gone.
    pub fn count_all(&mut self, tables: &mut Tables) {
        for standing in self.standing.values_mut() {
            standing.count_hits(tables);
            self.changes
                .push(Change::Updated(Arc::clone(&standing.decision)));
        }
    }

    /// Verdicts that could not be written.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.failed
    }

    /// Whether decisions only count: those to come, and those in force, since the kernel's mode is one for all.
    pub fn set_simulated(&mut self, simulated: bool) {
        self.simulated = simulated;
        for standing in self.standing.values_mut() {
            Arc::make_mut(&mut standing.decision).simulated = simulated;
            self.changes
                .push(Change::Updated(Arc::clone(&standing.decision)));
        }
    }

    /// The decision that already covers a target, if one does: on the same target, or one that drops all of it.
    #[must_use]
    pub fn covering(&self, target: &Target) -> Option<&Arc<Decision>> {
        let wider = Scope::ALL.into_iter().filter_map(|scope| {
            let decision = self.on(&target.widened(scope)?)?;
            (decision.action == Action::Drop).then_some(decision)
        });
        self.on(target).or_else(|| wider.into_iter().next())
    }

    fn on(&self, target: &Target) -> Option<&Arc<Decision>> {
        let id = self.by_key.get(&key(target))?;
        self.standing.get(id).map(|standing| &standing.decision)
    }

    /// Whether there is room for one more verdict of the classifier, so that neither one source nor forged ones
    /// leave none for others; if not, why.
    ///
    /// # Errors
    ///
    /// Says which limit is reached; counted too.
    pub fn check_room(&mut self, target: &Target, forgeable: bool) -> Result<(), Refused> {
        // A limit on new conversations is what helps when forged sources fill the table.
        let most = if forgeable && target.source.is_some() {
            FORGEABLE
        } else {
            MAX_VERDICTS as usize
        };
        let result = if self.standing.len() >= most {
            Err(Refused::TableFull(most as u32))
        } else {
            match target.source {
                Some(source)
                    if target.scope != Scope::Source
                        && self
                            .per_source
                            .get(&source)
                            .is_some_and(|n| *n >= PER_SOURCE) =>
                {
                    Err(Refused::SourceFull(source, PER_SOURCE))
                }
                _ => Ok(()),
            }
        };
        self.failed += u64::from(result.is_err());
        result
    }

    /// Puts a decision in force; one on the same target is replaced.
    ///
    /// # Errors
    ///
    /// When the table is full or the kernel refuses; counted too.
    pub fn impose(
        &mut self,
        tables: &mut Tables,
        order: Order,
        now_ns: u64,
    ) -> Result<Arc<Decision>, Refused> {
        let result = self.try_impose(tables, order, now_ns);
        if result.is_err() {
            self.failed += 1;
        }
        result
    }

    fn try_impose(
        &mut self,
        tables: &mut Tables,
        order: Order,
        now_ns: u64,
    ) -> Result<Arc<Decision>, Refused> {
        let key = key(&order.target);
        if let Some(&id) = self.by_key.get(&key) {
            if let Some(standing) = self.standing.get_mut(&id) {
                standing.count_hits(tables);
            }
            self.end(tables, id, Phase::Deleted, None);
        }
        let slot = self.slots.take().ok_or(Refused::TableFull(MAX_VERDICTS))?;
        let verdict = Verdict {
            expires_ns: now_ns.saturating_add(order.ttl.as_nanos() as u64),
            interval_ns: 1_000_000_000 / u64::from(order.rate.unwrap_or(1).max(1)),
            burst_ns: BURST_NS,
            due_ns: 0,
            created_ns: now_ns,
            ttl_ns: order.ttl.as_nanos() as u64,
            first_packet_ns: order.first_packet_ns.unwrap_or(0),
            id: self.next_id,
            slot,
            action: order.action as u8,
            class: order.class.map_or(0, |class| class.index() as u8),
            confidence: (order.confidence * 100.0) as u8,
            manual: u8::from(order.origin == Origin::Manual),
        };
        let written = tables
            .clear_counters(slot)
            .and_then(|()| tables.set_verdict(&key, &verdict));
        if let Err(error) = written {
            self.slots.give_back(slot);
            return Err(Refused::Kernel(error.to_string()));
        }
        self.next_id += 1;
        let created_at = Timestamp::now();
        let decision = Arc::new(Decision {
            id: verdict.id,
            origin: order.origin,
            target: order.target,
            action: order.action,
            rate: order.rate,
            ttl: order.ttl,
            class: order.class,
            confidence: order.confidence,
            model: order.model,
            scenario: order.scenario,
            path: order.path,
            grounds: order.grounds,
            simulated: self.simulated,
            created_at,
            until: later(created_at, order.ttl),
            phase: Phase::Active,
            ended: None,
            packets_dropped: 0,
            bytes_dropped: 0,
            first_packet_ns: order.first_packet_ns,
            first_drop_ns: None,
        });
        self.stand(Standing {
            key,
            verdict,
            decision: Arc::clone(&decision),
            before: (0, 0),
            measured: (0, now_ns),
            busy_ns: now_ns,
        });
        self.changes.push(Change::Made(Arc::clone(&decision)));
        Ok(decision)
    }

    /// Takes a decision back; `None` when it is not in force.
    pub fn revoke(&mut self, tables: &mut Tables, id: u64) -> Option<Arc<Decision>> {
        if let Some(standing) = self.standing.get_mut(&id) {
            standing.count_hits(tables);
        }
        self.end(tables, id, Phase::Deleted, None)
    }

    /// Lifts the classifier's verdicts on somebody who conducted himself well, but for those that were still hit a
    /// lot in the meantime. Under [`Action::Watch`] packets come, good or bad, so there they don't matter.
    pub fn acquit(&mut self, tables: &mut Tables, lift: &Lift, now_ns: u64) -> Vec<Arc<Decision>> {
        let since_ns = now_ns.saturating_sub(lift.over.as_nanos() as u64);
        let innocent = |standing: &Standing| {
            let decision = &standing.decision;
            decision.origin == Origin::Model
                && Whom::of(&decision.target) == Some(lift.whom)
                && (decision.action == Action::Watch || standing.busy_ns <= since_ns)
        };
        self.lift(tables, innocent, &format!("good conduct: {lift}"))
    }

    /// Lifts all verdicts on sources that have become protected, whoever made them.
    pub fn release_protected(
        &mut self,
        tables: &mut Tables,
        protected: &Protected,
    ) -> Vec<Arc<Decision>> {
        let safe = |standing: &Standing| {
            let source = standing.decision.target.source;
            source.is_some_and(|source| protected.reason(source).is_some())
        };
        self.lift(tables, safe, "its source is never blocked any more")
    }

    fn lift(
        &mut self,
        tables: &mut Tables,
        which: impl Fn(&Standing) -> bool,
        why: &str,
    ) -> Vec<Arc<Decision>> {
        let standing = self.standing.iter_mut().filter(|(_, s)| which(s));
        let ids: Vec<u64> = standing
            .map(|(id, standing)| {
                standing.count_hits(tables);
                *id
            })
            .collect();
        let why: Arc<str> = why.into();
        ids.into_iter()
            .filter_map(|id| self.end(tables, id, Phase::Lifted, Some(Arc::clone(&why))))
            .collect()
    }

    /// Brings counters up to date, prolongs what is still being hit, ends what is over. Looks at a bounded number of
    /// verdicts; the next call goes on where this one stopped. Says whether anything changed.
    pub fn sweep(&mut self, tables: &mut Tables, now_ns: u64) -> bool {
        let from = self.swept + 1;
        let later = self.standing.range(from..).map(|(id, _)| *id);
        let earlier = self.standing.range(..from).map(|(id, _)| *id);
        let ids: Vec<u64> = later.chain(earlier).take(SWEEP).collect();
        self.swept = ids.last().copied().unwrap_or(0);
        let mut changed = false;
        for id in ids {
            let Some(standing) = self.standing.get_mut(&id) else {
                continue;
            };
            changed |= standing.count_hits(tables);
            if standing.prolong(tables, self.hold_rate, now_ns) {
                self.changes
                    .push(Change::Extended(Arc::clone(&standing.decision)));
            }
            if standing.verdict.expires_ns <= now_ns {
                self.end(tables, id, Phase::Expired, None);
                changed = true;
            }
        }
        changed
    }

    fn stand(&mut self, standing: Standing) {
        let id = standing.verdict.id;
        self.by_key.insert(standing.key, id);
        let target = &standing.decision.target;
        self.per_scope[target.scope as usize] += 1;
        if let Some(source) = target.source {
            *self.per_source.entry(source).or_default() += 1;
        }
        self.standing.insert(id, standing);
    }

    fn end(
        &mut self,
        tables: &mut Tables,
        id: u64,
        phase: Phase,
        why: Option<Arc<str>>,
    ) -> Option<Arc<Decision>> {
        let standing = self.standing.remove(&id)?;
        self.by_key.remove(&standing.key);
        let target = standing.decision.target;
        self.per_scope[target.scope as usize] -= 1;
        if let Some(source) = target.source
            && let Some(count) = self.per_source.get_mut(&source)
        {
            *count -= 1;
            if *count == 0 {
                self.per_source.remove(&source);
            }
        }
        if let Err(error) = tables.remove_verdict(&standing.key) {
            // Harmless: the kernel ignores it once it has expired.
            tracing::warn!(id, %error, "a verdict could not be removed");
        }
        self.slots.give_back(standing.verdict.slot);
        let mut decision = Arc::unwrap_or_clone(standing.decision);
        decision.phase = phase;
        decision.until = Timestamp::now();
        decision.ended = why;
        self.released.push(target);
        let decision = Arc::new(decision);
        if self.ended.len() == ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(Arc::clone(&decision));
        self.changes.push(Change::Ended(Arc::clone(&decision)));
        Some(decision)
    }
}
