//! Pins on a BPF file system: what lets verdicts and links outlive the agent.
//!
//! Below the root: `v2/` (the layout version) with one file a map, and `v2/links/` with one file an attachment.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::statfs::{BPF_FS_MAGIC, statfs},
};
use tidegate_common::LAYOUT_VERSION;

/// Source of the file systems that tidegate mounts, which tells them from others in the mount table.
const MOUNT_SOURCE: &str = "tidegate";

/// What [`detach`] took away.
#[derive(Debug, Default)]
pub struct Removed {
    /// Pinned links and maps, links first.
    pub pins: Vec<PathBuf>,
    /// Whether the BPF file system was tidegate's own and is unmounted now.
    pub unmounted: bool,
}

/// What is wrong with the BPF file system.
#[derive(Debug, thiserror::Error)]
pub enum PinsError {
    /// It can't be mounted.
    #[error(
        "can't mount a BPF file system at {path}: {source}; run as root, or mount one with `mount -t bpf bpf {path}`"
    )]
    Mount {
        /// Where.
        path: PathBuf,
        /// The kernel's words.
        source: io::Error,
    },
    /// A folder or file on it.
    #[error("can't {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The kernel's words.
        source: io::Error,
    },
    /// Another agent uses it.
    #[error("another agent already runs on {0}; stop it, or give this one its own --bpf-root")]
    InUse(PathBuf),
}

/// The folder of one agent's pins, locked for as long as this lives.
#[derive(Debug)]
pub struct Pins {
    root: PathBuf,
    /// Held until the folder is to be unmounted.
    lock: Option<Flock<fs::File>>,
    /// Nothing was pinned here before, and nobody has said yet that the pins shall stay.
    provisional: bool,
}

impl Pins {
    /// Opens or makes the folder, mounting a BPF file system when there is none.
    ///
    /// What was not there before goes again when this is dropped, unless [`Pins::keep`] was called.
    ///
    /// # Errors
    ///
    /// When it can't be mounted, or another agent holds it.
    pub fn open(root: &Path) -> Result<Self, PinsError> {
        fs::create_dir_all(root).map_err(|source| io_error("create", root, source))?;
        if !is_bpf_fs(root)? {
            mount(
                Some(MOUNT_SOURCE),
                root,
                Some("bpf"),
                MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC,
                Some("mode=0700"),
            )
            .map_err(|errno| PinsError::Mount {
                path: root.to_owned(),
                source: errno.into(),
            })?;
        }
        let lock = lock(root)?;
        let pins = Self {
            root: root.to_owned(),
            lock: Some(lock),
            provisional: !maps_below(root).exists(),
        };
        let links = pins.links();
        fs::create_dir_all(&links).map_err(|source| io_error("create", &links, source))?;
        Ok(pins)
    }

    /// Whether nothing was pinned here before; no longer known once the pins are kept.
    #[must_use]
    pub const fn are_new(&self) -> bool {
        self.provisional
    }

    /// Folder of the pinned maps.
    #[must_use]
    pub fn maps(&self) -> PathBuf {
        maps_below(&self.root)
    }

    /// Folder of the pinned links.
    #[must_use]
    pub fn links(&self) -> PathBuf {
        self.maps().join("links")
    }

    /// From now on the pins outlive this.
    pub const fn keep(&mut self) {
        self.provisional = false;
    }

    /// Removes every pin; whatever they kept attached is detached.
    ///
    /// # Errors
    ///
    /// When a file can't be removed.
    pub fn remove(mut self) -> Result<(), PinsError> {
        self.provisional = false;
        self.clear()
    }

    fn clear(&mut self) -> Result<(), PinsError> {
        remove_below(&self.root)?;
        drop(self.lock.take());
        unmount_if_ours(&self.root);
        Ok(())
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        if self.provisional
            && let Err(error) = self.clear()
        {
            tracing::warn!(%error, "pins left behind; `tidegate detach` removes them");
        }
    }
}

/// Removes what an agent left below `root`.
///
/// # Errors
///
/// When an agent still runs there, or a file can't be removed.
pub fn detach(root: &Path) -> Result<Removed, PinsError> {
    if !root.exists() || !is_bpf_fs(root)? {
        return Ok(Removed::default());
    }
    let lock = lock(root)?;
    let pins = remove_below(root)?;
    drop(lock);
    Ok(Removed {
        pins,
        unmounted: unmount_if_ours(root),
    })
}

fn maps_below(root: &Path) -> PathBuf {
    root.join(format!("v{LAYOUT_VERSION}"))
}

/// One agent a root: a lock on the folder itself, which ends with its process.
fn lock(root: &Path) -> Result<Flock<fs::File>, PinsError> {
    let folder = fs::File::open(root).map_err(|source| io_error("open", root, source))?;
    Flock::lock(folder, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => PinsError::InUse(root.to_owned()),
        errno => io_error("lock", root, errno.into()),
    })
}

fn is_bpf_fs(path: &Path) -> Result<bool, PinsError> {
    let stat = statfs(path).map_err(|errno| io_error("look at", path, errno.into()))?;
    Ok(stat.filesystem_type() == BPF_FS_MAGIC)
}

/// Removes the folders of every layout version, links before maps.
fn remove_below(root: &Path) -> Result<Vec<PathBuf>, PinsError> {
    let mut removed = Vec::new();
    for version in entries(root)? {
        let name = version.file_name().unwrap_or_default().to_string_lossy();
        let is_version = name
            .strip_prefix('v')
            .is_some_and(|digits| digits.parse::<u32>().is_ok());
        if !is_version || !version.is_dir() {
            continue;
        }
        let links = version.join("links");
        for folder in [&links, &version] {
            if !folder.exists() {
                continue;
            }
            for pin in entries(folder)? {
                if pin.is_dir() {
                    continue;
                }
                fs::remove_file(&pin).map_err(|source| io_error("remove", &pin, source))?;
                removed.push(pin);
            }
            fs::remove_dir(folder).map_err(|source| io_error("remove", folder, source))?;
        }
    }
    Ok(removed)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, PinsError> {
    let read = |source| io_error("list", folder, source);
    fs::read_dir(folder)
        .map_err(read)?
        .map(|entry| entry.map(|entry| entry.path()).map_err(read))
        .collect()
}

/// Unmounts a file system that tidegate mounted and nobody else uses; says whether it did.
fn unmount_if_ours(root: &Path) -> bool {
    let ours =
        fs::read_to_string("/proc/self/mountinfo").is_ok_and(|mounts| is_our_mount(&mounts, root));
    // The kernel itself puts `maps.debug` and `progs.debug` into every new one.
    let empty = entries(root).is_ok_and(|entries| {
        entries
            .iter()
            .all(|entry| entry.extension().is_some_and(|end| end == "debug"))
    });
    if !ours || !empty || umount2(root, MntFlags::UMOUNT_NOFOLLOW).is_err() {
        return false;
    }
    // The folder may hold other files of its owner; only an empty one goes.
    let _ = fs::remove_dir(root);
    true
}

/// Whether the topmost mount at a path is a bpffs whose source is ours (format: proc_pid_mountinfo(5)).
fn is_our_mount(mounts: &str, root: &Path) -> bool {
    mounts
        .lines()
        .filter_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let point = before.split(' ').nth(4)?;
            (Path::new(&unescaped(point)) == root).then_some(after)
        })
        .next_back()
        .is_some_and(|after| {
            let mut fields = after.split(' ');
            (fields.next(), fields.next()) == (Some("bpf"), Some(MOUNT_SOURCE))
        })
}

/// Undoes the octal escapes of blanks and backslashes.
fn unescaped(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> PinsError {
    PinsError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;

    #[test]
    fn only_our_own_mount_is_ours() {
        let root = Path::new("/run/tide gate/bpf");
        let line = |point: &str, kind: &str, source: &str| {
            format!("36 35 0:29 / {point} rw,nosuid shared:1 - {kind} {source} rw\n")
        };
        let point = "/run/tide\\040gate/bpf";
        assert!(is_our_mount(&line(point, "bpf", "tidegate"), root));
        assert!(!is_our_mount(&line(point, "bpf", "bpf"), root));
        assert!(!is_our_mount(&line(point, "tmpfs", "tidegate"), root));
        assert!(!is_our_mount(&line("/run", "bpf", "tidegate"), root));
        // Somebody mounted over it.
        let both = line(point, "bpf", "tidegate") + &line(point, "tmpfs", "tmpfs");
        assert!(!is_our_mount(&both, root));
    }

    #[test]
    fn files_outside_a_bpf_file_system_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let version = maps_below(dir.path());
        fs::create_dir(&version).unwrap();
        let file = version.join("precious");
        fs::write(&file, "x").unwrap();
        assert!(detach(dir.path()).unwrap().pins.is_empty());
        assert!(file.exists());
    }
}
