//! Removing what a killed run left: by its record, and nothing else.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::mount::{MntFlags, umount2};
use nix::sys::signal::Signal;

use super::state::{LABS, MARKER, Record, boot_id, record_file};
use crate::paths;
use crate::process::{self, ProcessId};

/// The tap of Open vSwitch's user-space datapath: one a machine, always called
/// so, and left behind by a killed daemon.
pub(super) const OVS_TAP: &str = "ovs-netdev";

/// Removes every run whose xtask is gone. Returns how many there were.
pub(crate) fn clean_leftovers() -> Result<usize> {
    clean_in(Path::new(LABS))
}

fn clean_in(labs: &Path) -> Result<usize> {
    let Ok(entries) = fs::read_dir(labs) else {
        return Ok(0);
    };
    let boot = boot_id()?;
    let mut removed = 0;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension() != Some(OsStr::new("json")) {
            continue;
        }
        let record: Record = match serde_json::from_slice(&fs::read(&path)?) {
            Ok(record) => record,
            Err(error) => {
                eprintln!("  leaving {} alone: {error}", path.display());
                continue;
            }
        };
        if record.boot != boot {
            forget(&record, labs);
        } else if record.owner.is_alive() {
            eprintln!(
                "  run {} is alive (pid {}), left alone",
                record.tag, record.owner.pid
            );
            continue;
        } else {
            remove(&record, labs);
        }
        eprintln!("  removed what run {} left", record.tag);
        removed += 1;
    }
    Ok(removed)
}

/// Undoes a run: processes, BPF pins, links, files, in this order.
pub(super) fn remove(record: &Record, labs: &Path) {
    end_processes(record);
    let bpf = labs.join(&record.tag).join("bpf");
    if is_mounted(&bpf) {
        if holds_something(&bpf) {
            detach(&bpf);
        }
        // Pins die with their file system, whatever `detach` could not do.
        let _ = umount2(&bpf, MntFlags::MNT_DETACH);
    }
    for link in &record.links {
        let exists = Path::new("/sys/class/net").join(link).exists();
        if exists && (link != OVS_TAP || !is_held(link)) {
            let _ = process::run(Command::new("ip").args(["link", "delete", link]));
        }
    }
    forget(record, labs);
}

fn forget(record: &Record, labs: &Path) {
    let _ = fs::remove_dir_all(labs.join(&record.tag));
    let _ = fs::remove_file(record_file(labs, &record.tag));
}

fn detach(bpf_root: &Path) {
    let agent = paths::agent();
    if !agent.exists() {
        return;
    }
    let _ = Command::new(agent)
        .args(["detach", "--bpf-root"])
        .arg(bpf_root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

fn end_processes(record: &Record) {
    for (signal, patience) in [
        (Signal::SIGTERM, Duration::from_secs(4)),
        (Signal::SIGKILL, Duration::from_secs(1)),
    ] {
        let left = processes_of(record);
        if left.is_empty() {
            return;
        }
        for process in &left {
            process.signal(signal);
        }
        let deadline = Instant::now() + patience;
        while left.iter().any(|process| process.is_alive()) && Instant::now() < deadline {
            sleep(Duration::from_millis(20));
        }
    }
}

/// The recorded ones that still are the same, and all that carry the marker.
fn processes_of(record: &Record) -> Vec<ProcessId> {
    let mut found: Vec<ProcessId> = record
        .processes
        .iter()
        .copied()
        .filter(|process| process.is_alive())
        .collect();
    let wanted = format!("{MARKER}={}", record.marker);
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let mut environment = Vec::new();
        let read = fs::File::open(entry.path().join("environ"))
            .and_then(|mut file| file.read_to_end(&mut environment));
        if read.is_err() || !has_variable(&environment, &wanted) {
            continue;
        }
        if let Ok(process) = ProcessId::of(pid)
            && process.is_alive()
            && !found.contains(&process)
        {
            found.push(process);
        }
    }
    found
}

fn has_variable(environment: &[u8], wanted: &str) -> bool {
    environment
        .split(|byte| *byte == 0)
        .any(|variable| variable == wanted.as_bytes())
}

/// Whether a process has the tap open: then it is somebody else's by now.
fn is_held(tap: &str) -> bool {
    let wanted = format!("iff:\t{tap}");
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    entries(Path::new("/proc"))
        .flat_map(|process| entries(&process.path().join("fdinfo")))
        .filter_map(|file| fs::read_to_string(file.path()).ok())
        .any(|text| text.lines().any(|line| line == wanted))
}

fn is_mounted(path: &Path) -> bool {
    let Ok(mounts) = fs::read_to_string("/proc/self/mounts") else {
        return false;
    };
    mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .any(|point| Path::new(point) == path)
}

fn holds_something(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn record(tag: &str, owner: ProcessId) -> Record {
        Record {
            tag: tag.to_owned(),
            marker: format!("{tag}-test-{}", std::process::id()),
            boot: boot_id().expect("boot id"),
            owner,
            processes: Vec::new(),
            links: Vec::new(),
        }
    }

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("tg-state-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("scratch");
        path
    }

    fn write(labs: &Path, record: &Record) {
        fs::create_dir_all(labs.join(&record.tag)).expect("directory");
        let text = serde_json::to_vec(record).expect("json");
        fs::write(record_file(labs, &record.tag), text).expect("record");
    }

    #[test]
    fn a_dead_owners_processes_are_found_by_the_marker_and_ended() {
        let labs = scratch("dead");
        let own = ProcessId::of(std::process::id()).expect("own");
        let dead = ProcessId {
            start: own.start + 7,
            ..own
        };
        let record = record("0bad", dead);
        let mut orphan = Command::new("sleep")
            .arg("60")
            .env(MARKER, &record.marker)
            .spawn()
            .expect("sleep");
        let process = ProcessId::of(orphan.id()).expect("alive");
        // The kernel lets go of us a moment before the child's environment shows.
        let environment = format!("/proc/{}/environ", orphan.id());
        while fs::read(&environment).expect("environ").is_empty() {
            sleep(Duration::from_millis(1));
        }
        write(&labs, &record);
        assert_eq!(clean_in(&labs).expect("clean"), 1);
        assert!(!process.is_alive(), "the orphan was ended");
        assert!(!labs.join("0bad").exists() && !record_file(&labs, "0bad").exists());
        orphan.wait().expect("reaped");
        fs::remove_dir_all(labs).expect("tidy");
    }

    #[test]
    fn a_living_run_is_left_alone() {
        let labs = scratch("alive");
        let own = ProcessId::of(std::process::id()).expect("own");
        write(&labs, &record("a11e", own));
        assert_eq!(clean_in(&labs).expect("clean"), 0);
        assert!(record_file(&labs, "a11e").exists());
        fs::remove_dir_all(labs).expect("tidy");
    }

    #[test]
    fn nothing_is_signalled_after_a_reboot() {
        let labs = scratch("boot");
        let own = ProcessId::of(std::process::id()).expect("own");
        let mut old = record("b007", own);
        old.boot = "another boot".to_owned();
        old.processes.push(own);
        write(&labs, &old);
        assert_eq!(clean_in(&labs).expect("clean"), 1);
        assert!(own.is_alive());
        fs::remove_dir_all(labs).expect("tidy");
    }

    #[test]
    fn a_marker_matches_whole_variables_only() {
        let environment = b"PATH=/bin\0TG_LAB_RUN=3f2a-1-22\0";
        assert!(has_variable(environment, "TG_LAB_RUN=3f2a-1-22"));
        assert!(!has_variable(environment, "TG_LAB_RUN=3f2a-1-2"));
    }
}
