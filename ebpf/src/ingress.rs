//! XDP: verdict first, then the flow.

use aya_ebpf::{
    bindings::xdp_action, helpers::bpf_ktime_get_ns, macros::xdp, maps::lpm_trie::Key,
    programs::XdpContext,
};
use tidegate_common::{
    atomic::SharedU64,
    control::{Control, Mode},
    flow::FlowKey,
    packet::{self, Packet},
    stats::Counter,
    verdict::{Action, Scope, Verdict, VerdictKey},
};

use crate::{
    bytes::Linear,
    maps::{
        ALLOWLIST, CONTROL, Direction, FLOWS, VERDICT_COUNTERS, VERDICTS, count, packet_on, stats,
    },
    observe::observe,
};

/// Length of an IPv6 address in bits.
const WHOLE_ADDRESS: u32 = 128;

/// Judges and counts every packet that an interface receives.
#[xdp]
pub(crate) fn tidegate_ingress(ctx: XdpContext) -> u32 {
    let bytes = Linear {
        data: ctx.data(),
        data_end: ctx.data_end(),
        len: ctx.data_end() - ctx.data(),
    };
    if let Some(stats) = stats() {
        stats.add(Counter::Packets, 1);
        stats.add(Counter::Bytes, bytes.len as u64);
    }
    if judge(&ctx, &bytes) {
        count(Counter::Passed);
        xdp_action::XDP_PASS
    } else {
        xdp_action::XDP_DROP
    }
}

/// Whether the packet passes.
#[inline(always)]
fn judge(ctx: &XdpContext, bytes: &Linear) -> bool {
    let Some(control) = CONTROL.get(0) else {
        return true;
    };
    let mode = control.mode();
    if mode == Some(Mode::Bypass) {
        count(Counter::Bypassed);
        return true;
    }
    let Some(packet) = packet_on(Direction::Ingress) else {
        return true;
    };
    if let Err(reason) = packet::parse(bytes, packet) {
        count(Counter::unparsed(reason));
        return true;
    }
    // SAFETY: the helper has no preconditions.
    let now_ns = unsafe { bpf_ktime_get_ns() };
    if let Some(mode) = mode
        && control.scopes != 0
        && condemned(control, mode, packet, now_ns)
    {
        return false;
    }
    match packet.defect {
        None => observe(ctx, control, packet, now_ns, ctx.ingress_ifindex() as u32),
        Some(reason) => count(Counter::unparsed(reason)),
    }
    true
}

/// Whether a verdict says to drop the packet, and nothing speaks against it.
#[inline(always)]
fn condemned(control: &Control, mode: Mode, packet: &Packet, now_ns: u64) -> bool {
    // Unrolled by hand: an array of scopes would be read from memory, and the keys no longer be constant but for
    // the packet's fields.
    check(control, mode, packet, now_ns, Scope::Source)
        .or_else(|| check(control, mode, packet, now_ns, Scope::SourceDestination))
        .or_else(|| check(control, mode, packet, now_ns, Scope::SourceService))
        .or_else(|| check(control, mode, packet, now_ns, Scope::Tuple))
        .or_else(|| check(control, mode, packet, now_ns, Scope::Destination))
        .or_else(|| check(control, mode, packet, now_ns, Scope::DestinationHost))
        .unwrap_or(false)
}

/// Whether the verdict of this scope drops the packet; `None` when the next scope has to say.
///
/// One verdict that is decided upon is enough, whichever way: a packet under several is counted once.
#[inline(always)]
fn check(
    control: &Control,
    mode: Mode,
    packet: &Packet,
    now_ns: u64,
    scope: Scope,
) -> Option<bool> {
    if control.scopes & scope.bit() == 0 {
        return None;
    }
    let key = VerdictKey::of(packet, scope)?;
    let verdict = VERDICTS.get_ptr_mut(key)?;
    // SAFETY: entries are preallocated; one that is replaced meanwhile still holds a whole verdict.
    let due = unsafe { SharedU64::from_ptr(&raw mut (*verdict).due_ns) };
    // SAFETY: as above; `due_ns` is read through the atomic only.
    let verdict = unsafe { &*verdict.cast_const() };
    if now_ns >= verdict.expires_ns {
        count(Counter::ExpiredVerdict);
        return None;
    }
    if control.agent_lost(now_ns) {
        count(Counter::AgentLost);
        return Some(false);
    }
    if control.allowlist_len != 0
        && ALLOWLIST
            .get(Key::new(WHOLE_ADDRESS, packet.source.to_bytes()))
            .is_some()
    {
        count(Counter::Allowlisted);
        return Some(false);
    }
    if !scope.has_source() && is_spared(packet) {
        return None;
    }
    apply(mode, verdict, due, packet.frame_len, now_ns)
}

/// Whether the packet belongs to a conversation that a limit on new ones leaves alone.
#[inline(always)]
fn is_spared(packet: &Packet) -> bool {
    let (key, _) = FlowKey::of(packet);
    // SAFETY: the entry may be reused for another flow while we read; atomics keep that harmless.
    unsafe { FLOWS.get(key) }.is_some_and(|record| record.spares(packet))
}

/// Counts what the verdict says, and whether it says to drop; `None` when it lets the packet go on.
#[inline(always)]
fn apply(
    mode: Mode,
    verdict: &Verdict,
    due: &SharedU64,
    frame_len: u32,
    now_ns: u64,
) -> Option<bool> {
    let (counter, drops) = match verdict.action() {
        Some(Action::Drop) => (Counter::Dropped, true),
        Some(Action::RateLimit) => match verdict.admit(due.load(), now_ns) {
            Some(next) => {
                // Two CPUs may both take the last token; the rate is a limit on the average.
                due.store(next);
                return None;
            }
            None => (Counter::RateLimited, true),
        },
        Some(Action::Watch) => (Counter::Watched, false),
        None => return None,
    };
    if let Some(counters) = VERDICT_COUNTERS.get_ptr_mut(verdict.slot) {
        // SAFETY: the entry is this CPU's own.
        let counters = unsafe { &mut *counters };
        if counters.packets == 0 {
            counters.first_ns = now_ns;
        }
        counters.packets += 1;
        counters.bytes += u64::from(frame_len);
        counters.last_ns = now_ns;
    }
    if drops && mode == Mode::Monitor {
        count(Counter::WouldDrop);
        return Some(false);
    }
    count(counter);
    drops.then_some(true)
}
