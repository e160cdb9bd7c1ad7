//! The kernel and user space, fed alike.

use std::collections::BTreeMap;

use tidegate::{dataplane::monotonic_ns, source::offline::FlowTable};
use tidegate_common::{
    event::{FlowEvent, Milestone},
    flow::{FlowKey, FlowSnapshot},
    packet::Packet,
};

use crate::bench::{Bench, Outcome};

/// A frame and its time, ns.
pub(crate) type Timed = (u64, Vec<u8>);

/// An event without its times, and where it came from.
type Told = (FlowKey, Option<Milestone>, u8, FlowSnapshot);

/// The records' timers, ns.
const TIMERS_NS: [u64; 3] = [5_000_000_000, 60_000_000_000, 300_000_000_000];
/// The kernel has its own clock, so before each frame its record's times are set to lie as far back as those in user
/// space. Between that and the frame it may pass so long, ns: a time that lies less than this short of a timer is set
/// to just this short of it. A flow with a frame that took longer is played again.
const SLACK_NS: u64 = 500_000_000;
/// As often.
const TRIES: usize = 20;

/// Both of them.
pub(crate) struct Hosts {
    bench: Bench,
}

impl Hosts {
    pub(crate) fn new() -> Self {
        Self {
            bench: Bench::new(),
        }
    }

    /// Plays frames to both, one flow after another, and compares; returns the number of flows. Flows know nothing of
    /// each other, so the order between them does not matter, and the machine's speed matters the less.
    pub(crate) fn play(&mut self, name: &str, frames: &[Timed]) -> usize {
        let mut flows: BTreeMap<Option<FlowKey>, Vec<Timed>> = BTreeMap::new();
        let mut clock_ns = 0;
        for (at_ns, bytes) in frames {
            // As in a replay, time does not go back.
            clock_ns = clock_ns.max(*at_ns);
            let flow = flows.entry(key(bytes)).or_default();
            flow.push((clock_ns, bytes.clone()));
        }
        for (key, frames) in &flows {
            match key {
                Some(key) => self.play_flow(name, key, frames),
                None => self.play_nothing(name, frames),
            }
        }
        flows.keys().flatten().count()
    }

    /// Frames that belong to no flow leave no trace.
    fn play_nothing(&mut self, name: &str, frames: &[Timed]) {
        for (_, bytes) in frames {
            assert_eq!(self.bench.run_bytes(bytes), Outcome::Pass);
        }
        assert_eq!(self.bench.flows(), [], "{name}");
        assert_eq!(self.bench.events(), [], "{name}");
    }

    fn play_flow(&mut self, name: &str, key: &FlowKey, frames: &[Timed]) {
        let expected = in_user_space(key, frames);
        for _ in 0..TRIES {
            let Some((told, flow)) = self.in_kernel(key, frames, &expected.ages) else {
                continue;
            };
            assert_eq!(told, expected.told, "{name}: events of {key:?}");
            assert_eq!(flow, expected.flow, "{name}: record of {key:?}");
            return;
        }
        panic!("{name}: this machine is too slow for {key:?}");
    }

    /// What the kernel tells and keeps; `None` if a frame took too long.
    fn in_kernel(
        &mut self,
        key: &FlowKey,
        frames: &[Timed],
        ages: &[Option<Age>],
    ) -> Option<(Vec<Told>, FlowSnapshot)> {
        let mut table = self.bench.flow_table();
        let mut told = Vec::new();
        let mut in_time = true;
        for ((_, bytes), age) in frames.iter().zip(ages) {
            let began_ns = monotonic_ns();
            if let Some(age) = age {
                let flow = FlowSnapshot {
                    first_ns: began_ns.saturating_sub(age.first_ns),
                    last_ns: began_ns.saturating_sub(age.last_ns),
                    ..table.get(key, 0).unwrap()
                };
                table.insert(key, flow, 0).unwrap();
            }
            assert_eq!(self.bench.run_bytes(bytes), Outcome::Pass);
            in_time &= monotonic_ns() - began_ns < SLACK_NS;
            told.extend(self.bench.events().iter().filter_map(timeless));
        }
        let flow = table.get(key, 0).unwrap().timeless();
        table.remove(key).unwrap();
        in_time.then_some((told, flow))
    }
}

/// How far back a record's times lie when a frame comes, ns.
#[derive(Clone, Copy, Debug)]
struct Age {
    first_ns: u64,
    last_ns: u64,
}

impl Age {
    fn at(now_ns: u64, flow: &FlowSnapshot) -> Self {
        Self {
            first_ns: distinct(now_ns - flow.first_ns),
            last_ns: distinct(now_ns - flow.last_ns),
        }
    }
}

/// A time that is on the same side of every timer, and stays there.
fn distinct(age_ns: u64) -> u64 {
    let past_all = TIMERS_NS[2] + SLACK_NS;
    let close = |timer: &u64| (timer - SLACK_NS..=*timer).contains(&age_ns);
    match TIMERS_NS.iter().find(|timer| close(timer)) {
        Some(timer) => timer - SLACK_NS,
        // The machine may not be up for longer.
        None => age_ns.min(past_all),
    }
}

/// A flow in user space.
struct Expected {
    /// Before each frame, if there was a record.
    ages: Vec<Option<Age>>,
    told: Vec<Told>,
    flow: FlowSnapshot,
}

/// The flow a frame belongs to.
fn key(bytes: &[u8]) -> Option<FlowKey> {
    let packet = Packet::parse(bytes).ok()?;
    packet.defect.is_none().then(|| FlowKey::of(&packet).0)
}

/// What user space tells and keeps.
fn in_user_space(key: &FlowKey, frames: &[Timed]) -> Expected {
    let mut table = FlowTable::new(10);
    let (mut ages, mut told) = (Vec::new(), Vec::new());
    for (at_ns, bytes) in frames {
        let flow = table.snapshot(key);
        ages.push(flow.map(|flow| Age::at(*at_ns, &flow)));
        let packet = Packet::parse(&bytes[..]).unwrap();
        let event = table.observe(&packet, *at_ns, 1);
        told.extend(event.iter().filter_map(timeless));
    }
    let flow = table.snapshot(key).unwrap().timeless();
    Expected { ages, told, flow }
}

/// What the clock has no part in. Ticks are all the clock's.
fn timeless(event: &FlowEvent) -> Option<Told> {
    let milestone = event.milestone();
    let told = (event.key, milestone, event.sender, event.flow.timeless());
    (milestone != Some(Milestone::Tick)).then_some(told)
}
