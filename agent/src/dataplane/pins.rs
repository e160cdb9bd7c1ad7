//! Pins on a BPF file system: what lets verdicts and links outlive the agent.
//!
//! Below the root: `v1/` (the layout version) with one file a map, and `v1/links/` with one file an attachment.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    mount::{MsFlags, mount, umount},
    sys::statfs::{BPF_FS_MAGIC, statfs},
};
use tidegate_common::LAYOUT_VERSION;

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
    lock: Flock<fs::File>,
    /// Nothing was pinned here before.
    fresh: bool,
}

impl Pins {
    /// Opens or makes the folder, mounting a BPF file system when there is none.
    ///
    /// # Errors
    ///
    /// When it can't be mounted, or another agent holds it.
    pub fn open(root: &Path) -> Result<Self, PinsError> {
        fs::create_dir_all(root).map_err(|source| io_error("create", root, source))?;
        if !is_bpf_fs(root)? {
            mount(
                Some("bpf"),
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
        let maps = maps_below(root);
        let fresh = !maps.exists();
        let links = maps.join("links");
        fs::create_dir_all(&links).map_err(|source| io_error("create", &links, source))?;
        Ok(Self {
            root: root.to_owned(),
            lock,
            fresh,
        })
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

    /// Removes the pins, unless they were there before this agent.
    pub fn remove_if_fresh(&self) {
        if self.fresh
            && let Err(error) = remove_below(&self.root)
        {
            tracing::warn!(%error, "pins left behind; `tidegate detach` removes them");
        }
    }

    /// Removes every pin; whatever they kept attached is detached.
    ///
    /// # Errors
    ///
    /// When a file can't be removed.
    pub fn remove(self) -> Result<(), PinsError> {
        remove_below(&self.root)?;
        drop(self.lock);
        unmount_if_empty(&self.root);
        Ok(())
    }
}

/// Removes what an agent left below `root`; returns what was there, links first.
///
/// # Errors
///
/// When an agent still runs there, or a file can't be removed.
pub fn detach(root: &Path) -> Result<Vec<PathBuf>, PinsError> {
    if !root.exists() || !is_bpf_fs(root)? {
        return Ok(Vec::new());
    }
    let lock = lock(root)?;
    let removed = remove_below(root)?;
    drop(lock);
    unmount_if_empty(root);
    Ok(removed)
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

/// A mount with other people's pins stays; so does one below a place like `/sys/fs/bpf`, which refuses as busy.
fn unmount_if_empty(root: &Path) {
    // The kernel itself puts `maps.debug` and `progs.debug` into every new one.
    let empty = entries(root).is_ok_and(|entries| {
        entries
            .iter()
            .all(|entry| entry.extension().is_some_and(|end| end == "debug"))
    });
    let is_mount_point = root
        .parent()
        .and_then(|parent| Some(statfs(parent).ok()?.filesystem_type() != BPF_FS_MAGIC))
        .unwrap_or(false);
    if empty && is_mount_point && root != Path::new("/sys/fs/bpf") && umount(root).is_ok() {
        // The folder may hold other files of its owner; only an empty one goes.
        let _ = fs::remove_dir(root);
    }
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> PinsError {
    PinsError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
