//! The kernel and user space, fed alike.

use std::collections::BTreeMap;

use tidegate::source::offline::FlowTable;
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

/// Times of the packet clock shorter than this pass without the kernel's noticing.
const GRAIN_NS: u64 = 10_000_000;
/// A flow that takes the kernel longer than this is played to it again: its records have timers of 5 s, which are
/// the packet clock's here, not the machine's.
const SLOW_NS: u64 = 500_000_000;
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
            let (found, spent_ns) = self.in_kernel(key, frames);
            if spent_ns < SLOW_NS {
                assert_eq!(found.0, expected.0, "{name}: events of {key:?}");
                assert_eq!(found.1, expected.1, "{name}: record of {key:?}");
                return;
            }
        }
        panic!("{name}: this machine is too slow for {key:?}");
    }

    /// What the kernel tells and keeps, and how long it took, ns.
    fn in_kernel(&mut self, key: &FlowKey, frames: &[Timed]) -> ((Vec<Told>, FlowSnapshot), u64) {
        let mut table = self.bench.flow_table();
        let mut told = Vec::new();
        let began_ns = tidegate::dataplane::monotonic_ns();
        let mut seen_ns = frames[0].0;
        for (at_ns, bytes) in frames {
            let silence_ns = at_ns - seen_ns;
            if silence_ns >= GRAIN_NS {
                let flow = table.get(key, 0).unwrap();
                table.insert(key, flow.aged(silence_ns), 0).unwrap();
                seen_ns = *at_ns;
            }
            assert_eq!(self.bench.run_bytes(bytes), Outcome::Pass);
            told.extend(self.bench.events().iter().filter_map(timeless));
        }
        let spent_ns = tidegate::dataplane::monotonic_ns() - began_ns;
        let flow = table.get(key, 0).unwrap().timeless();
        table.remove(key).unwrap();
        ((told, flow), spent_ns)
    }
}

/// The flow a frame belongs to.
fn key(bytes: &[u8]) -> Option<FlowKey> {
    let packet = Packet::parse(bytes).ok()?;
    packet.defect.is_none().then(|| FlowKey::of(&packet).0)
}

/// What user space tells and keeps.
fn in_user_space(key: &FlowKey, frames: &[Timed]) -> (Vec<Told>, FlowSnapshot) {
    let mut table = FlowTable::new(10);
    let mut told = Vec::new();
    for (at_ns, bytes) in frames {
        let packet = Packet::parse(&bytes[..]).unwrap();
        let event = table.observe(&packet, *at_ns, 1);
        told.extend(event.iter().filter_map(timeless));
    }
    (told, table.snapshot(key).unwrap().timeless())
}

/// What the clock has no part in. Ticks are all the clock's.
fn timeless(event: &FlowEvent) -> Option<Told> {
    let milestone = event.milestone();
    let told = (event.key, milestone, event.sender, event.flow.timeless());
    (milestone != Some(Milestone::Tick)).then_some(told)
}
