//! Disks that refuse.

use std::{fs, path::Path, process::Command, sync::Arc};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use tempfile::TempDir;
use tidegate::decision::{Decision, Phase};

use crate::support::{decision, ended, eventually, made, open, reader};

/// A file system of its own, as small as asked for.
pub(crate) struct Disk(TempDir);

impl Disk {
    pub(crate) fn new(options: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        mount(
            Some("tmpfs"),
            folder.path(),
            Some("tmpfs"),
            MsFlags::empty(),
            Some(options),
        )
        .expect("root mounts file systems");
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn remount(&self, flags: MsFlags) {
        let flags = flags | MsFlags::MS_REMOUNT;
        mount(None::<&str>, self.path(), None::<&str>, flags, None::<&str>).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount2(self.path(), MntFlags::MNT_DETACH);
    }
}

#[test]
fn while_the_disk_is_full_changes_wait_and_then_none_is_missing() {
    let disk = Disk::new("size=4m");
    let path = disk.path().join("journal.db");
    let (journal, _) = open(&path);
    journal.record(made(&decision(1)));
    eventually("the first is written", || {
        (journal.status().health().written == 1).then_some(())
    });
    let ballast = disk.path().join("ballast");
    let filled = Command::new("dd")
        .args(["if=/dev/zero", "bs=4096"])
        .arg(format!("of={}", ballast.display()))
        .output()
        .unwrap();
    assert!(!filled.status.success(), "the disk is not full");

    for id in 2..=3_000 {
        assert!(journal.record(made(&decision(id))));
    }
    let trouble = eventually("the trouble shows", || journal.status().health().trouble);
    assert!(trouble.contains("full"), "{trouble}");
    let health = journal.status().health();
    assert!(health.waiting > 0 && health.lost == 0, "{health:?}");

    fs::remove_file(&ballast).unwrap();
    eventually("the trouble is over", || {
        let health = journal.status().health();
        (health.trouble.is_none() && health.written == 3_000).then_some(())
    });
    assert_eq!(reader(&path).past().unwrap().active.len(), 3_000);
}

#[test]
fn what_the_queue_cannot_hold_is_lost_and_counted_and_the_rest_told_anew() {
    let disk = Disk::new("size=64m");
    let path = disk.path().join("journal.db");
    let (journal, _) = open(&path);
    let lasting = decision(1);
    journal.record(made(&lasting));
    eventually("the first is written", || {
        (journal.status().health().written == 1).then_some(())
    });
    let ballast = disk.path().join("ballast");
    let _ = Command::new("dd")
        .args(["if=/dev/zero", "bs=4096"])
        .arg(format!("of={}", ballast.display()))
        .output()
        .unwrap();
    let small = |id| Decision {
        phase: Phase::Expired,
        grounds: None,
        path: Arc::new([]),
        ..decision(id)
    };
    let mut taken = 0_u64;
    // More than waits in the queue and in the batch.
    for id in 100..40_100 {
        taken += u64::from(journal.record(made(&small(id))));
    }
    assert!(!journal.record(ended(&lasting, Phase::Deleted, 3)));
    let health = journal.status().health();
    assert_eq!(taken + health.lost, 40_001, "{health:?}");
    assert!(!journal.is_behind(), "no use while the disk is full");

    fs::remove_file(&ballast).unwrap();
    eventually("the loss can be made good", || {
        (journal.is_behind() && journal.status().health().waiting == 0).then_some(())
    });
    journal.synchronise(vec![Arc::new(decision(2))]);
    assert!(!journal.is_behind());
    drop(journal);
    let past = reader(&path).past().unwrap();
    assert_eq!(past.active.len(), 1);
    assert_eq!(past.active[0].id, 2);
}

#[test]
fn a_read_only_disk_is_tried_again_and_what_it_holds_is_known() {
    let disk = Disk::new("size=4m");
    let path = disk.path().join("journal.db");
    let (journal, _) = open(&path);
    journal.record(made(&decision(1)));
    drop(journal);
    disk.remount(MsFlags::MS_RDONLY);

    let (journal, _) = open(&path);
    assert!(journal.record(made(&decision(2))));
    assert!(journal.status().health().trouble.is_some());
    disk.remount(MsFlags::empty());
    eventually("the change is written", || {
        (journal.status().health().written == 1).then_some(())
    });
    drop(journal);
    assert_eq!(reader(&path).past().unwrap().active.len(), 2);
}

#[test]
fn an_agent_that_ends_while_the_disk_refuses_counts_what_it_lost() {
    let disk = Disk::new("size=4m");
    let path = disk.path().join("journal.db");
    disk.remount(MsFlags::MS_RDONLY);
    let (journal, _) = open(&path);
    for id in 1..=10 {
        assert!(journal.record(made(&decision(id))));
    }
    let status = Arc::clone(journal.status());
    drop(journal);
    assert_eq!(status.health().lost, 10);
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_no_journal_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let text = "not a database, but somebody's work\n".repeat(100);
    fs::write(&path, &text).unwrap();
    let (journal, past) = open(&path);
    assert!(past.active.is_empty());
    let trouble = journal.status().health().trouble.unwrap();
    assert!(trouble.contains("not a database"), "{trouble}");
    assert!(journal.record(made(&decision(1))));
    drop(journal);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}
