//! What the kernel programs and user space share: the packet parser, the flow record and its update, verdicts, and
//! the layouts of every BPF map.
//!
//! The same code runs in the kernel (through `tidegate-ebpf`), in the agent and in the offline tools, so that live
//! and offline results cannot disagree.
//!
//! - [`packet`]: bytes → [`packet::Packet`], for Ethernet, VLAN, IPv4, IPv6, TCP, UDP, ICMP and ICMPv6
//! - [`flow`]: the canonical key, the 64-byte record and its update by one packet
//! - [`tcp`]: endpoint states of a TCP connection and the KDD flag they add up to
//! - [`sequence`]: payload by sequence numbers
//! - [`event`]: what the kernel tells user space at a flow's milestones
//! - [`observe`]: a packet into the flow table, an event out of it, in the kernel and offline
//! - [`verdict`]: what user space tells the kernel to drop
//! - [`control`]: mode, heartbeat and budgets
//! - [`stats`]: every packet counted once, with a reason
#![cfg_attr(not(test), no_std)]
#![cfg_attr(target_arch = "bpf", feature(core_intrinsics))]
#![cfg_attr(
    target_arch = "bpf",
    expect(internal_features, reason = "atomic addition, see `atomic`")
)]

#[cfg(feature = "testing")]
extern crate std;

pub mod address;
pub mod atomic;
pub mod control;
pub mod event;
pub mod flow;
pub mod observe;
pub mod packet;
#[cfg(feature = "user")]
mod pod;
pub mod sequence;
pub mod stats;
pub mod tcp;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
pub mod verdict;

/// Version of every layout in this crate.
///
/// Maps are pinned below a folder with this number; an agent never adopts maps of another version.
pub const LAYOUT_VERSION: u32 = 2;
