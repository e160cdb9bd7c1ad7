//! The tidegate agent.
fn main() {}
