//! Where flow events come from when no kernel sends them.
//!
//! - [`capture`]: pcap and pcapng files, plain or compressed → packets with their times
//! - [`link`]: a packet of any supported link type → the kernel's parser
//! - [`offline`]: the kernel's flow table in user space: the same steps, the same events

pub mod capture;
pub mod link;
pub mod offline;
