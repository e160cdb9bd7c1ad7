//! A line on a terminal's stderr that says how far a capture has been read.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use crate::{cli::output::harmless, source::capture::Progress};

/// Seldom enough to cost nothing, often enough to move.
const EVERY: Duration = Duration::from_millis(200);

/// The line; gone when dropped. Where stderr is no terminal there is none.
pub(super) struct StatusLine {
    name: String,
    started: Instant,
    shown: Option<Instant>,
    packets: u64,
    terminal: bool,
}

impl StatusLine {
    pub(super) fn new(name: String) -> Self {
        Self {
            name: harmless(&name),
            started: Instant::now(),
            shown: None,
            packets: 0,
            terminal: io::stderr().is_terminal(),
        }
    }

    /// So many packets more.
    pub(super) fn show(&mut self, packets: u64, progress: Progress) {
        self.packets += packets;
        if !self.terminal || self.shown.is_some_and(|shown| shown.elapsed() < EVERY) {
            return;
        }
        self.shown = Some(Instant::now());
        let line = line(&self.name, self.packets, progress, self.started.elapsed());
        // A terminal that has gone away is no reason to stop.
        let _ = write!(io::stderr(), "\r{line}\x1b[K");
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(name: &str, packets: u64, progress: Progress, elapsed: Duration) -> String {
    let millions = packets as f64 / 1e6;
    let rate = millions / elapsed.as_secs_f64().max(1e-3);
    let share = match progress.total {
        Some(total @ 1..) => {
            // 0 to 20 of 20 steps.
            let step = (progress.read.min(total) as f64 / total as f64 * 20.0) as usize;
            format!("[{:20}] {:3} %", "=".repeat(step), step * 5)
        }
        _ => format!("{} MB", progress.read / 1_000_000),
    };
    format!("{name} {share}  {millions:.1} M packets, {rate:.1} M/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far() {
        let progress = |read, total| Progress { read, total };
        let say = |progress| line("a.pcap", 3_000_000, progress, Duration::from_secs(2));
        assert_eq!(
            say(progress(50, Some(100))),
            "a.pcap [==========          ]  50 %  3.0 M packets, 1.5 M/s"
        );
        assert_eq!(
            say(progress(7_900_000, None)),
            "a.pcap 7 MB  3.0 M packets, 1.5 M/s"
        );
        assert!(say(progress(9, Some(0))).contains("0 MB"), "an empty file");
    }
}
