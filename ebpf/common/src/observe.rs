//! Flow accounting: one packet into the flow table, and an event at a milestone.
//!
//! The steps are here once, for the kernel programs and for captures read offline; where the tables are and how an
//! event leaves is the [`Host`]'s.

use crate::{
    event::{FlowEvent, Milestone},
    flow::{FlowKey, FlowRecord, Updated},
    packet::Packet,
    stats::Counter,
};

/// What flow accounting needs of the place where it runs.
pub trait Host {
    /// The record under a key.
    fn flow(&mut self, key: &FlowKey) -> Option<&FlowRecord>;

    /// Whether one more flow may be followed. The packet of one that may not is counted there.
    fn admits(&mut self, packet: &Packet, now_ns: u64) -> bool;

    /// Puts a record under a key, in place of one that is there; `false` if the table refuses.
    fn insert(&mut self, key: &FlowKey, record: &FlowRecord) -> bool;

    /// Tells user space.
    fn emit(&mut self, event: FlowEvent);

    /// Adds one to a counter.
    fn count(&mut self, counter: Counter);
}

/// Counts a packet towards its flow, and tells user space at milestones.
#[inline(always)]
pub fn observe<H: Host>(host: &mut H, packet: &Packet, now_ns: u64, ifindex: u32) {
    let (key, sender) = FlowKey::of(packet);
    if let Some(record) = host.flow(&key) {
        match record.update(packet, sender, now_ns) {
            Updated::Quiet => return,
            Updated::Milestone(milestone) => {
                let flow = record.snapshot_for_event(now_ns);
                let event = FlowEvent::new(key, flow, now_ns, ifindex, milestone, sender);
                return host.emit(event);
            }
            Updated::Restart => {}
        }
    }
    if !host.admits(packet, now_ns) {
        return;
    }
    let record = FlowRecord::first(packet, sender, now_ns);
    if !host.insert(&key, &record) {
        return host.count(Counter::FlowsRefused);
    }
    host.count(Counter::FlowsNew);
    let flow = record.snapshot();
    let new = Milestone::New;
    host.emit(FlowEvent::new(key, flow, now_ns, ifindex, new, sender));
}
