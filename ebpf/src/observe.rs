//! Flow accounting, the same for both directions of the interface.

use aya_ebpf::{EbpfContext, bindings::BPF_ANY};
use aya_log_ebpf::warn;
use tidegate_common::{
    atomic::SharedU64,
    control::{Control, OverflowKey},
    event::{FlowEvent, Milestone},
    flow::{FlowKey, FlowRecord, FlowSnapshot, Side, Updated},
    packet::Packet,
    stats::Counter,
};

use crate::maps::{BUDGET, EVENTS, FLOWS, OVERFLOW, count};

/// Counts a packet towards its flow, and tells user space at milestones.
#[inline(always)]
pub(crate) fn observe<C: EbpfContext>(
    ctx: &C,
    control: &Control,
    packet: &Packet,
    now_ns: u64,
    ifindex: u32,
) {
    let (key, sender) = FlowKey::of(packet);
    // SAFETY: the entry may be reused for another flow while we count; atomics keep that harmless.
    if let Some(record) = unsafe { FLOWS.get(key) } {
        match record.update(packet, sender, now_ns) {
            Updated::Quiet => return,
            Updated::Milestone(milestone) => {
                let flow = record.snapshot_for_event(now_ns);
                return emit(&key, flow, now_ns, ifindex, milestone, sender);
            }
            Updated::Restart => {}
        }
    }
    if !within_budget(ctx, control, now_ns) {
        return count_overflow(packet);
    }
    let record = FlowRecord::first(packet, sender, now_ns);
    if FLOWS.insert(key, &record, u64::from(BPF_ANY)).is_err() {
        return count(Counter::FlowsRefused);
    }
    count(Counter::FlowsNew);
    emit(
        &key,
        record.snapshot(),
        now_ns,
        ifindex,
        Milestone::New,
        sender,
    );
}

#[inline(always)]
fn within_budget<C: EbpfContext>(ctx: &C, control: &Control, now_ns: u64) -> bool {
    let Some(budget) = BUDGET.get_ptr_mut(0) else {
        return false;
    };
    // SAFETY: the entry is this CPU's own.
    let budget = unsafe { &mut *budget };
    let within = budget.take(control.new_flow_budget, now_ns);
    if budget.used == u64::from(control.new_flow_budget) + 1 {
        warn!(
            ctx,
            "new flows exceed {} a second on this CPU; the rest is counted, not followed",
            control.new_flow_budget
        );
    }
    within
}

#[inline(always)]
fn count_overflow(packet: &Packet) {
    count(Counter::FlowsOverBudget);
    let key = OverflowKey {
        destination: packet.destination,
        port: packet.destination_port,
        protocol: packet.protocol,
        zero: [0; 5],
    };
    if let Some(packets) = OVERFLOW.get_ptr_mut(key) {
        // SAFETY: map values are 8-byte aligned, and every CPU adds atomically.
        unsafe { SharedU64::from_ptr(packets) }.add(1);
    } else if OVERFLOW.insert(key, 1, u64::from(BPF_ANY)).is_err() {
        // Counted above all the same.
    }
}

#[inline(always)]
fn emit(
    key: &FlowKey,
    flow: FlowSnapshot,
    now_ns: u64,
    ifindex: u32,
    milestone: Milestone,
    sender: Side,
) {
    let Some(mut entry) = EVENTS.reserve::<FlowEvent>(0) else {
        return count(Counter::EventsLost);
    };
    entry.write(FlowEvent::new(
        *key, flow, now_ns, ifindex, milestone, sender,
    ));
    entry.submit(0);
    count(Counter::Events);
}
