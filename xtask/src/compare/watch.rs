//! A flood, watched from outside by the kernel's counters: the same for whoever defends.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::counters::Pinged;
use crate::floods::Flood;
use crate::host::Host;
use crate::lab::Lab;
use crate::measure::Bystander;
use crate::{interrupt, process};

const EVERY: Duration = Duration::from_millis(2);
/// Open vSwitch's counters follow its packets by half a second.
const SETTLE: Duration = Duration::from_millis(1_200);

/// What the kernel's counters say of a flood, whoever stood in its way.
pub(super) struct Watched {
    pub(super) sent: u64,
    pub(super) delivered: u64,
    /// From the first packet sent to the last one that reached h1; `None`: none did.
    pub(super) last_ms: Option<f64>,
    /// h1 pinging h2 meanwhile.
    pub(super) bystander: Pinged,
    /// CPU seconds of each process, from before the flood until after it.
    pub(super) cpu: Vec<f64>,
}

/// Runs `flood` from attacker on h1 and watches it and `processes`.
pub(super) fn flood(lab: &Lab, flood: Flood, processes: &[u32]) -> Result<Watched> {
    let cpu_before = cpu_of(processes)?;
    let bystander = Bystander::start(&lab.h1, &lab.h2.ip.to_string());
    interrupt::pause(Duration::from_millis(500))?;
    let (sent, delivered) = (lab.attacker.sent_packets()?, lab.h1.icmp("InEchos")?);
    let clock = Clock::start(&lab.attacker, &lab.h1, sent, delivered);
    let limit = flood.duration();
    let mut running = flood.start(
        &lab.attacker,
        &lab.h1.ip.to_string(),
        limit + Duration::from_secs(2),
    )?;
    let started = Instant::now();
    while !running.has_ended() && started.elapsed() < limit {
        interrupt::pause(Duration::from_millis(50))?;
    }
    running.stop(Signal::SIGINT, Duration::from_secs(2));
    interrupt::pause(SETTLE)?;
    let bystander = bystander.finish()?;
    let cpu = cpu_of(processes)?
        .iter()
        .zip(cpu_before)
        .map(|(after, before)| after - before)
        .collect();
    let sent = lab.attacker.sent_packets()? - sent;
    if sent == 0 {
        bail!("no packet of the flood left attacker");
    }
    Ok(Watched {
        sent,
        delivered: lab.h1.icmp("InEchos")? - delivered,
        last_ms: clock.finish()?,
        bystander,
        cpu,
    })
}

fn cpu_of(processes: &[u32]) -> Result<Vec<f64>> {
    processes
        .iter()
        .map(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
                .with_context(|| format!("process {pid} is gone"))?;
            let ticks = process::cpu_ticks(&stat).context("unreadable /proc/PID/stat")?;
            // USER_HZ is 100 on every architecture Linux shows /proc/PID/stat on.
            Ok(f64::from(u32::try_from(ticks)?) / 100.0)
        })
        .collect()
}

/// Notes when the first packet left and when the last one arrived, to within 2 ms.
struct Clock {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Option<f64>>>,
}

impl Clock {
    fn start(from: &Host, to: &Host, sent: u64, delivered: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (from, to, flag) = (from.clone(), to.clone(), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut first = None;
            let mut last = None;
            let mut seen = delivered;
            while !flag.load(Ordering::Relaxed) {
                let now = Instant::now();
                if first.is_none() && from.sent_packets()? > sent {
                    first = Some(now);
                }
                let count = to.icmp("InEchos")?;
                if count > seen {
                    (seen, last) = (count, Some(now));
                }
                thread::sleep(EVERY);
            }
            Ok(first
                .zip(last)
                .map(|(first, last)| last.duration_since(first).as_secs_f64() * 1_000.0))
        });
        Self { stop, thread }
    }

    fn finish(self) -> Result<Option<f64>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread
            .join()
            .ok()
            .context("the clock's thread panicked")?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_process_uses_time() {
        let own = [std::process::id()];
        let before = cpu_of(&own).expect("read")[0];
        let began = Instant::now();
        let mut number = 0_u64;
        // By its CPU time, not by the clock: a loaded machine gives it late.
        while cpu_of(&own).expect("read")[0] - before < 0.05 {
            number = number.wrapping_mul(31).wrapping_add(7);
            assert!(began.elapsed() < Duration::from_secs(60), "{number}");
        }
        assert!(cpu_of(&[u32::MAX]).is_err(), "no such process");
    }
}
