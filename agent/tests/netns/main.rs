//! The real binary on real interfaces: hosts in network namespaces around a bridge, and the tools an administrator
//! or an attacker would use.
//!
//! Every test builds a lab of its own, of namespaces that go when the test ends; nothing in the namespace the tests
//! were started from is touched. They need root.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod agent;
mod allowlist;
mod attach;
mod bad_input;
mod crash;
mod exclusive;
mod flood;
mod flows;
mod forgiving;
mod influx;
mod interfaces;
mod journal;
mod lab;
mod loss_of_agent;
mod manual;
mod model;
mod privilege;
mod prometheus;
mod service;
mod stopped;

use tidegate_influx::testing as influxd;
