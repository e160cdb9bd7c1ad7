//! TC egress: in host placement the agent's own host answers here; packets are counted, never touched.

use aya_ebpf::{
    bindings::TC_ACT_UNSPEC, helpers::bpf_ktime_get_ns, macros::classifier, programs::TcContext,
};
use tidegate_common::{control::Mode, packet, stats::Counter};

use crate::{
    bytes::Linear,
    maps::{CONTROL, Direction, count, packet_on},
    observe::observe,
};

/// All headers of a packet are made linear up to here, if it is that long.
const HEADERS: u32 = 256;

/// Counts every packet that an interface sends.
#[classifier]
pub(crate) fn tidegate_egress(ctx: TcContext) -> i32 {
    watch(&ctx);
    // Leaves the decision to whatever else is attached.
    TC_ACT_UNSPEC
}

#[inline(always)]
fn watch(ctx: &TcContext) {
    let Some(control) = CONTROL.get(0) else {
        return;
    };
    if control.mode() == Some(Mode::Bypass) {
        return;
    }
    count(Counter::EgressPackets);
    let len = ctx.len();
    let wanted = if len < HEADERS { len } else { HEADERS };
    if ((ctx.data_end() - ctx.data()) as u32) < wanted && ctx.pull_data(wanted).is_err() {
        return count(Counter::UnparsedTruncated);
    }
    let bytes = Linear {
        data: ctx.data(),
        data_end: ctx.data_end(),
        len: len as usize,
    };
    let Some(packet) = packet_on(Direction::Egress) else {
        return;
    };
    if let Err(reason) = packet::parse(&bytes, packet) {
        return count(Counter::unparsed(reason));
    }
    if let Some(reason) = packet.defect {
        return count(Counter::unparsed(reason));
    }
    // SAFETY: the helper has no preconditions.
    let now_ns = unsafe { bpf_ktime_get_ns() };
    // SAFETY: the context is valid for as long as the program runs.
    let ifindex = unsafe { (*ctx.skb.skb).ifindex };
    observe(ctx, control, packet, now_ns, ifindex);
}
