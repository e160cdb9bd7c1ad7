//! The journal against real disks, full ones and read-only ones, and the exporter against a real InfluxDB that is
//! frozen, killed and restarted.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing unwrap is a failing test"
)]

mod adapter;
mod boards;
mod disks;
mod life;
mod outage;
mod points;
mod support;
mod telegraf;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod verdict_log;
mod victoria;

use tidegate_influx::testing as influxd;
