//! The maps. All are pinned by name, so that verdicts and counters outlive the agent.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap, LpmTrie, LruHashMap, PerCpuArray, RingBuf},
};
use tidegate_common::{
    control::{Budget, Control, OverflowKey},
    flow::{FlowKey, FlowRecord},
    packet::Packet,
    stats::{Counter, Stats},
    verdict::{MAX_ALLOWLIST, MAX_VERDICTS, Verdict, VerdictCounters, VerdictKey},
};

/// `BPF_F_NO_PREALLOC`, which longest-prefix tries require.
const NO_PREALLOC: u32 = 1;

/// The agent's orders.
#[map]
pub(crate) static CONTROL: Array<Control> = Array::pinned(1, 0);

/// What to do with whose packets.
#[map]
pub(crate) static VERDICTS: HashMap<VerdictKey, Verdict> = HashMap::pinned(MAX_VERDICTS, 0);

/// What each verdict has hit, by its slot.
#[map]
pub(crate) static VERDICT_COUNTERS: PerCpuArray<VerdictCounters> =
    PerCpuArray::pinned(MAX_VERDICTS, 0);

/// Sources never dropped.
#[map]
pub(crate) static ALLOWLIST: LpmTrie<[u8; 16], u8> = LpmTrie::pinned(MAX_ALLOWLIST, NO_PREALLOC);

/// Conversations. The agent sets the size before loading.
#[map]
pub(crate) static FLOWS: LruHashMap<FlowKey, FlowRecord> = LruHashMap::pinned(131_072, 0);

/// Milestones on their way to the agent. The agent sets the size before loading.
#[map]
pub(crate) static EVENTS: RingBuf = RingBuf::pinned(4 << 20, 0);

/// Packets of flows beyond the budget, by where they wanted to go.
#[map]
pub(crate) static OVERFLOW: LruHashMap<OverflowKey, u64> = LruHashMap::pinned(4096, 0);

/// New flows of this second.
#[map]
pub(crate) static BUDGET: PerCpuArray<Budget> = PerCpuArray::pinned(1, 0);

/// Where every packet went.
#[map]
pub(crate) static STATS: PerCpuArray<Stats> = PerCpuArray::pinned(1, 0);

/// The packet being looked at, per CPU: by ingress in the first entry, by egress in the second.
#[map]
static PACKET: PerCpuArray<Packet> = PerCpuArray::with_max_entries(2, 0);

/// This CPU's place for a parsed packet.
#[inline(always)]
pub(crate) fn packet_on(direction: Direction) -> Option<&'static mut Packet> {
    let packet = PACKET.get_ptr_mut(direction as u32)?;
    // SAFETY: the entry is this CPU's own, and the program of one direction is not re-entered on it. It was last
    // written by the parser, or is all zero, which is a valid `Packet`.
    Some(unsafe { &mut *packet })
}

/// Which way packets go.
#[derive(Clone, Copy)]
pub(crate) enum Direction {
    /// Into the machine.
    Ingress = 0,
    /// Out of it.
    Egress = 1,
}

/// This CPU's statistics.
#[inline(always)]
pub(crate) fn stats() -> Option<&'static mut Stats> {
    let stats = STATS.get_ptr_mut(0)?;
    // SAFETY: the entry is this CPU's own, and the program is not re-entered on it.
    Some(unsafe { &mut *stats })
}

/// Adds one to a counter of this CPU.
#[inline(always)]
pub(crate) fn count(counter: Counter) {
    if let Some(stats) = stats() {
        stats.add(counter, 1);
    }
}
