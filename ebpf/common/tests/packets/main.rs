//! Ring 1: the parser, the flow key and the flow record, in user space.

mod flow_key;
mod flow_record;
mod fragments;
mod model;
mod parser;
mod random;
mod truncation;
mod verdict_key;

use tidegate_common::{packet::Packet, testing::Frame};

/// Parses a frame that has a readable IP header.
fn parse(frame: &Frame) -> Packet {
    Packet::parse(&frame.build()[..]).expect("the IP header is readable")
}
