//! `docs/COMPARISON.md`: the tables, and how they came about.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};

use super::{HOLD_SECONDS, Pair};
use crate::process;

/// How it was measured.
pub(super) struct Setting {
    pub(super) runs: u32,
    /// Seconds between the controller's looks at its statistics.
    pub(super) interval: f64,
    pub(super) switch: String,
    /// What the machine did besides, as /proc/loadavg had it before the first flood.
    pub(super) load: f64,
}

/// The load average of the last minute.
pub(super) fn load() -> Result<f64> {
    let text = fs::read_to_string("/proc/loadavg")?;
    let first = text.split_whitespace().next().context("/proc/loadavg")?;
    first.parse().context("/proc/loadavg")
}

/// The file's text. Without a date: it changes when the figures do.
pub(super) fn write(pairs: &[Pair], setting: &Setting) -> String {
    let mut text = head(setting);
    for pair in pairs {
        // Writing to a String can't fail.
        let _ = write!(text, "\n## {}\n\n", pair.flood.name());
        text.push_str("| | tidegate | controller |\n|---|---|---|\n");
        for row in pair.cells() {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
    }
    text.push_str(FOOT);
    text
}

fn head(setting: &Setting) -> String {
    let Setting {
        runs,
        interval,
        switch,
        load,
    } = setting;
    format!(
        "# tidegate beside a controller

Written by `cargo xtask compare`; don't edit. Medians of {runs} runs a side and flood (and from the least to the most),
taken in turns, each on a fresh network. Measured on {machine}, beside other
work (load average {load:.1} before the first flood); switches: {switch} ({openvswitch}).

Both sides defend the demo's network (`mininet/topology.py`: h1 and attacker on switch s1, h2 on s2) against the same
floods of pings from attacker to h1. *tidegate* runs on all ports of s1, as in `cargo xtask run`. The *controller*
(`mininet/baseline`, on os-ken, OpenFlow 1.3) detects where such systems usually do: it gives every conversation an
entry of its own, looks at the entries' counters every {interval} s, asks `tidegate serve` (`POST /predict`, the shipped
KDD'99 tree) about each conversation, and has the switch drop what is called dos. A verdict of either ends {HOLD_SECONDS} s
after its flood. [Decision 0027](decisions/0027-the-baseline.md) says why it is built so, and what is not the same on
both sides.
",
        machine = machine(),
        openvswitch = version("ovs-vswitchd"),
    )
}

const FOOT: &str = "
## What the lines are

- *packets sent*: by the kernel's counter of attacker's interface. A switch that is slow to take them slows the sender.
- *reached the victim*: echo requests h1's kernel received.
- *dropped by verdict*: share of what was sent, by the dropper's own count: tidegate's of its verdict, Open vSwitch's of
  the drop entry. *lost otherwise*: neither dropped so nor delivered; the switch could not keep up.
- *first drop after*: since the flood's first packet. For tidegate until the first packet met the verdict, by kernel
  time; for the controller from the first packet it was given until the switch confirmed the drop entry. That is
  anything up to one interval and a half, as the flood falls between two looks.
- *last packet at the victim after*: the same from outside, for both alike: the counters, read every 2 ms.
- *CPU of the detector*: user and system time of the agent; of the controller and the model server. The XDP program's
  time is in neither: it is spent by whoever sends, a fifth of a microsecond a packet (`cargo bench -p tidegate --bench
  packet`). *CPU of the switch*: ovs-vswitchd, which still takes in what its drop entry throws away.
- *h1↔h2 pings lost*: ten pings a second between two others, before, during and after the flood.
";

/// Kernel, processor and how many of it.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let processor = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unnamed processor", |(_, name)| name.trim());
    let count = thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{count} CPUs ({processor}), Linux {}", kernel.trim())
}

/// The first line of `--version`.
fn version(program: &str) -> String {
    process::run(Command::new(program).arg("--version"))
        .ok()
        .and_then(|text| text.lines().next().map(str::to_owned))
        .unwrap_or_else(|| program.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::floods::Flood;

    #[test]
    fn every_flood_has_its_table() {
        let pairs = [Pair::new(Flood::Full), Pair::new(Flood::Ping)];
        let setting = Setting {
            runs: 3,
            interval: 1.0,
            switch: "ovs-user".to_owned(),
            load: load().expect("load"),
        };
        let text = write(&pairs, &setting);
        assert!(text.contains("## hping3 -1 --flood\n\n| | tidegate | controller |"));
        assert!(text.contains("## ping -f\n") && text.contains("Medians of 3 runs"));
        assert!(text.contains("| first drop after |"));
    }
}
