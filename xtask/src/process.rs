//! Child processes that are always ended, and processes known by more than a pid.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// A process by pid and start time, so that a reused pid is never taken for it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct ProcessId {
    pub(crate) pid: i32,
    pub(crate) start: u64,
}

impl ProcessId {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
            .with_context(|| format!("process {pid} is gone"))?;
        let start = start_time(&stat).context("unreadable /proc/PID/stat")?;
        Ok(Self {
            pid: i32::try_from(pid)?,
            start,
        })
    }

    pub(crate) fn is_alive(self) -> bool {
        let Ok(stat) = fs::read_to_string(format!("/proc/{}/stat", self.pid)) else {
            return false;
        };
        start_time(&stat) == Some(self.start) && state(&stat) != Some('Z')
    }

    /// Sends the signal if this very process still runs.
    pub(crate) fn signal(self, signal: Signal) {
        if self.is_alive() {
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }
}

/// The fields of /proc/PID/stat behind the command name, which may hold anything.
fn fields(stat: &str) -> Option<impl Iterator<Item = &str>> {
    Some(stat.rsplit_once(") ")?.1.split_whitespace())
}

fn start_time(stat: &str) -> Option<u64> {
    fields(stat)?.nth(19)?.parse().ok()
}

fn state(stat: &str) -> Option<char> {
    fields(stat)?.next()?.chars().next()
}

/// CPU time in clock ticks (user and system) out of /proc/PID/stat.
pub(crate) fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut rest = fields(stat)?.skip(11);
    let user: u64 = rest.next()?.parse().ok()?;
    let system: u64 = rest.next()?.parse().ok()?;
    Some(user + system)
}

/// A child that does not outlive this value.
pub(crate) struct Running {
    child: Child,
    what: String,
}

impl Running {
    /// Starts the child as the leader of its own group: a Ctrl-C at the terminal
    /// reaches xtask alone, which then ends its children in the right order.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let what = command.get_program().to_string_lossy().into_owned();
        let child = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {what}"))?;
        Ok(Self { child, what })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }

    /// Waits for the child to end by itself and returns its standard output.
    pub(crate) fn output_within(mut self, limit: Duration) -> Result<String> {
        use std::io::Read;

        let mut pipe = self.child.stdout.take();
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            if let Some(pipe) = pipe.as_mut() {
                let _ = pipe.read_to_string(&mut text);
            }
            text
        });
        if self.wait_within(limit)?.is_none() {
            bail!("{} did not end within {limit:?}", self.what);
        }
        Ok(reader.join().unwrap_or_default())
    }

    pub(crate) fn wait_within(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// Asks, waits, insists. The status is `None` where it had to insist.
    pub(crate) fn stop(&mut self, signal: Signal, patience: Duration) -> Option<ExitStatus> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(status);
        }
        let pid = Pid::from_raw(i32::try_from(self.child.id()).ok()?);
        let _ = kill(pid, signal);
        if let Ok(Some(status)) = self.wait_within(patience) {
            return Some(status);
        }
        // Not waited for yet, so the group still is the one we made.
        let _ = killpg(pid, Signal::SIGKILL);
        let _ = self.child.wait();
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop(Signal::SIGTERM, Duration::from_secs(2));
    }
}

/// Runs to the end; the error names the command and its last words.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let line = line(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("`{line}` failed: {}", words.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (odd) name) S 1 42 42 0 -1 4194304 100 0 0 0 7 5 0 0 20 0 1 0 98765 0 0";

    #[test]
    fn a_command_name_with_a_bracket_does_not_shift_the_fields() {
        assert_eq!(start_time(STAT), Some(98765));
        assert_eq!(state(STAT), Some('S'));
        assert_eq!(cpu_ticks(STAT), Some(12));
    }

    #[test]
    fn a_reused_pid_is_another_process() {
        let own = ProcessId::of(std::process::id()).expect("own process");
        assert!(own.is_alive());
        let other = ProcessId {
            start: own.start + 1,
            ..own
        };
        assert!(!other.is_alive());
    }

    #[test]
    fn a_dropped_child_is_gone() {
        let child = Running::start(Command::new("sleep").arg("60")).expect("sleep");
        let id = ProcessId::of(child.pid()).expect("alive");
        drop(child);
        assert!(!id.is_alive());
    }

    #[test]
    fn a_failing_command_is_named_with_its_words() {
        let error = run(Command::new("sh").args(["-c", "echo no luck >&2; exit 3"]))
            .expect_err("exit 3")
            .to_string();
        assert!(
            error.contains("no luck") && error.contains("exit 3"),
            "{error}"
        );
    }
}
