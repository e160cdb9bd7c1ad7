//! Flow accounting in the kernel, the same for both directions of the interface.

use aya_ebpf::{EbpfContext, bindings::BPF_ANY};
use aya_log_ebpf::warn;
use tidegate_common::{
    atomic::SharedU64,
    control::{Control, OverflowKey},
    event::FlowEvent,
    flow::{FlowKey, FlowRecord},
    observe::{self, Host},
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
    observe::observe(&mut Kernel { ctx, control }, packet, now_ns, ifindex);
}

/// The maps, and whom to tell when they overflow.
struct Kernel<'a, C> {
    ctx: &'a C,
    control: &'a Control,
}

impl<C: EbpfContext> Host for Kernel<'_, C> {
    #[inline(always)]
    fn flow(&mut self, key: &FlowKey) -> Option<&FlowRecord> {
        // SAFETY: the entry may be reused for another flow while we count; atomics keep that harmless.
        unsafe { FLOWS.get(key) }
    }

    #[inline(always)]
    fn admits(&mut self, packet: &Packet, now_ns: u64) -> bool {
        let within = within_budget(self.ctx, self.control, now_ns);
        if !within {
            count_overflow(packet);
        }
        within
    }

    #[inline(always)]
    fn insert(&mut self, key: &FlowKey, record: &FlowRecord) -> bool {
        FLOWS.insert(key, record, u64::from(BPF_ANY)).is_ok()
    }

    #[inline(always)]
    fn emit(&mut self, event: FlowEvent) {
        let Some(mut entry) = EVENTS.reserve::<FlowEvent>(0) else {
            return count(Counter::EventsLost);
        };
        entry.write(event);
        entry.submit(0);
        count(Counter::Events);
    }

    #[inline(always)]
    fn count(&mut self, counter: Counter) {
        count(counter);
    }
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
