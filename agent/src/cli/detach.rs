//! `tidegate detach`: takes everything out of the kernel that an agent left there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use nix::{
    mount::{MntFlags, umount2},
    sys::statfs::{BPF_FS_MAGIC, statfs},
};
use serde_json::json;

use super::output::{Output, harmless};
use crate::{
    config::{DEFAULT_BPF_ROOT, bpf_root},
    error::{AppError, ErrorKind},
};

/// Source of a bpffs that tidegate mounts; how `detach` tells it from others.
pub const BPFFS_SOURCE: &str = "tidegate";
/// The directory below the root that holds this layout's pins. Nothing else is touched.
pub const LAYOUT: &str = "v1";

/// Flags of `detach`.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Directory below which maps and links are pinned.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_BPF_ROOT, value_parser = bpf_root, env = "TIDEGATE_BPF_ROOT")]
    bpf_root: PathBuf,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), AppError> {
    let root = &args.bpf_root;
    let removed = remove_pins(root)?;
    let unmounted = unmount(root)?;
    let body = json!({
        "removed": removed,
        "unmounted": unmounted.then_some(root),
    });
    out.object(&body, || {
        let mut text = String::new();
        for path in &removed {
            text.push_str(&format!(
                "removed {}\n",
                harmless(&path.display().to_string())
            ));
        }
        if unmounted {
            text.push_str(&format!("unmounted {}\n", root.display()));
        }
        if text.is_empty() {
            text = format!("nothing is pinned below {}\n", root.display());
        }
        text
    })
}

/// Unlinks this layout's pins; what was removed. The kernel lets go of a program when its last link is gone.
fn remove_pins(root: &Path) -> Result<Vec<PathBuf>, AppError> {
    let layout = root.join(LAYOUT);
    match fs::symlink_metadata(&layout) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => {
            return Err(AppError::failure(format_args!(
                "{} is no directory; check --bpf-root",
                layout.display()
            )));
        }
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        Err(e) => return Err(failed(&layout, &e)),
    }
    let kind = statfs(&layout).map_err(|e| failed(&layout, &e.into()))?;
    // Files elsewhere are somebody's data.
    if kind.filesystem_type() != BPF_FS_MAGIC {
        return Err(AppError::failure(format_args!(
            "{} is not on a bpffs, so nothing in it is a pin; check --bpf-root",
            layout.display()
        )));
    }
    let mut removed = Vec::new();
    remove_tree(&layout, &mut removed)?;
    Ok(removed)
}

/// Depth first, so that directories are empty when their turn comes. A bpffs holds only what programs pinned, so the
/// depth is theirs: two.
fn remove_tree(directory: &Path, removed: &mut Vec<PathBuf>) -> Result<(), AppError> {
    let mut entries = fs::read_dir(directory)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(|e| failed(directory, &e))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let is_directory = entry.file_type().map_err(|e| failed(&path, &e))?.is_dir();
        if is_directory {
            remove_tree(&path, removed)?;
        } else {
            fs::remove_file(&path).map_err(|e| failed(&path, &e))?;
            removed.push(path);
        }
    }
    fs::remove_dir(directory).map_err(|e| failed(directory, &e))?;
    removed.push(directory.to_owned());
    Ok(())
}

/// Unmounts the root if it is a bpffs that tidegate mounted and nothing else is in it.
fn unmount(root: &Path) -> Result<bool, AppError> {
    let mounts = match fs::read_to_string("/proc/self/mountinfo") {
        Ok(mounts) => mounts,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(failed(Path::new("/proc/self/mountinfo"), &e)),
    };
    if !is_our_mount(&mounts, root) {
        return Ok(false);
    }
    let empty = fs::read_dir(root)
        .map_err(|e| failed(root, &e))?
        .next()
        .is_none();
    if !empty {
        return Ok(false);
    }
    umount2(root, MntFlags::UMOUNT_NOFOLLOW).map_err(|e| failed(root, &e.into()))?;
    Ok(true)
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
            (fields.next(), fields.next()) == (Some("bpf"), Some(BPFFS_SOURCE))
        })
}

/// Undoes the octal escapes of blanks and backslashes.
fn unescaped(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

fn failed(path: &Path, error: &io::Error) -> AppError {
    AppError::io(
        ErrorKind::Failure,
        format_args!("{} (detach needs root)", path.display()),
        error,
    )
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
    fn files_outside_a_bpffs_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(remove_pins(dir.path()).unwrap(), Vec::<PathBuf>::new());
        let file = dir.path().join(LAYOUT).join("precious");
        fs::create_dir(dir.path().join(LAYOUT)).unwrap();
        fs::write(&file, "x").unwrap();
        let error = remove_pins(dir.path()).unwrap_err();
        assert!(error.to_string().contains("not on a bpffs"), "{error}");
        assert!(file.exists());
    }
}
