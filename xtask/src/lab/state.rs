//! The record of a run, kept so that the next one can remove what a killed one
//! left. Everything is written down before it exists.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use nix::mount::{MsFlags, mount};
use serde::{Deserialize, Serialize};

use super::leftovers;
use crate::process::ProcessId;

/// Interface names are the machine's, so is the record of them.
pub(super) const LABS: &str = "/run/tidegate/lab";

/// Environment variable that names the run in every process of it: whatever
/// they fork, and whatever dies first, they can be found by exactly this.
pub(crate) const MARKER: &str = "TG_LAB_RUN";

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Record {
    pub(super) tag: String,
    pub(super) marker: String,
    /// Start times of processes mean nothing after a reboot.
    pub(super) boot: String,
    pub(super) owner: ProcessId,
    pub(super) processes: Vec<ProcessId>,
    pub(super) links: Vec<String>,
}

/// This run. Dropping it removes what is left of it and then the record.
pub(crate) struct Run {
    record: Record,
    labs: PathBuf,
}

impl Run {
    pub(crate) fn begin() -> Result<Self> {
        Self::begin_in(Path::new(LABS))
    }

    fn begin_in(labs: &Path) -> Result<Self> {
        let owner = ProcessId::of(std::process::id())?;
        let (tag, directory) = claim_tag(labs)?;
        let run = Self {
            record: Record {
                marker: format!("{tag}-{}-{}", owner.pid, owner.start),
                tag,
                boot: boot_id()?,
                owner,
                processes: Vec::new(),
                links: Vec::new(),
            },
            labs: labs.to_owned(),
        };
        run.save()?;
        let bpf = directory.join("bpf");
        fs::create_dir(&bpf)?;
        // Mounted here, once, where it outlives the namespaces we enter.
        mount(
            Some("bpf"),
            &bpf,
            Some("bpf"),
            MsFlags::empty(),
            None::<&str>,
        )
        .context("cannot mount a BPF file system")?;
        Ok(run)
    }

    /// Four hex digits, unique among the runs on this machine.
    pub(crate) fn tag(&self) -> &str {
        &self.record.tag
    }

    pub(crate) fn marker(&self) -> &str {
        &self.record.marker
    }

    /// For the run's files.
    pub(crate) fn directory(&self) -> PathBuf {
        self.labs.join(&self.record.tag)
    }

    /// A BPF file system of this run's own.
    pub(crate) fn bpf_root(&self) -> PathBuf {
        self.directory().join("bpf")
    }

    pub(crate) fn will_make(&mut self, links: impl IntoIterator<Item = String>) -> Result<()> {
        self.record.links.extend(links);
        self.save()
    }

    pub(crate) fn started(&mut self, pid: u32) -> Result<()> {
        self.record.processes.push(ProcessId::of(pid)?);
        self.save()
    }

    /// Whole or not at all: a record cut short would lose names.
    fn save(&self) -> Result<()> {
        let file = record_file(&self.labs, &self.record.tag);
        let partial = file.with_extension("partial");
        fs::write(&partial, serde_json::to_vec_pretty(&self.record)?)?;
        fs::rename(partial, file)?;
        Ok(())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        leftovers::remove(&self.record, &self.labs);
    }
}

pub(super) fn record_file(labs: &Path, tag: &str) -> PathBuf {
    labs.join(format!("{tag}.json"))
}

pub(super) fn boot_id() -> Result<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(text.trim().to_owned())
}

/// Making the directory is what claims the tag.
fn claim_tag(labs: &Path) -> Result<(String, PathBuf)> {
    fs::create_dir_all(labs).with_context(|| format!("cannot make {}", labs.display()))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos();
    for attempt in 0..64 {
        let tag = format!("{:04x}", (now / 1_000).wrapping_add(attempt * 257) & 0xffff);
        let directory = labs.join(&tag);
        match fs::create_dir(&directory) {
            Ok(()) => return Ok((tag, directory)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    bail!("no free tag in {}", labs.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_claimed_once() {
        let labs = std::env::temp_dir().join(format!("tg-tags-{}", std::process::id()));
        let (first, _) = claim_tag(&labs).expect("first");
        let (second, _) = claim_tag(&labs).expect("second");
        assert_ne!(first, second);
        assert!(first.len() == 4 && format!("s1x{first}-eth1").len() <= 15);
        assert!(format!("tg{first}-attacker").len() <= 15);
        fs::remove_dir_all(labs).expect("tidy");
    }
}
