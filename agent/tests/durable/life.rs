//! What is written is what is read, and outlives whoever wrote it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tidegate::{
    config::JournalConfig,
    decision::{Change, Decision, Origin, Phase, Target},
    journal::{Journal, JournalError},
};
use tidegate_common::verdict::{Action, Scope};

use crate::support::{assert_same, decision, ended, eventually, made, open, reader};

fn hour_ago() -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(1)
}

#[test]
fn a_decision_comes_back_with_all_that_explains_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let by_model = decision(7);
    let by_hand = Decision {
        origin: Origin::Manual,
        target: Target {
            scope: Scope::Source,
            source: Some("2001:db8::1".parse().unwrap()),
            destination: None,
            protocol: None,
            port: None,
        },
        action: Action::Drop,
        rate: None,
        class: None,
        grounds: None,
        path: Arc::new([]),
        ..decision(8)
    };
    let (journal, past) = open(&path);
    assert!(past.active.is_empty() && past.last_id == 0);
    assert!(journal.record(made(&by_model)) && journal.record(made(&by_hand)));
    drop(journal);

    let (_journal, past) = open(&path);
    assert_eq!((past.active.len(), past.last_id), (2, 8));
    assert_same(&past.active[0], &by_model);
    assert_same(&past.active[1], &by_hand);
    assert_same(&reader(&path).find(7).unwrap().unwrap(), &by_model);
    assert!(reader(&path).find(9).unwrap().is_none());
}

#[test]
fn a_life_is_one_row_that_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    let decision = decision(1);
    let longer = Decision {
        until: decision.until + SignedDuration::from_secs(60),
        packets_dropped: 5,
        ..decision.clone()
    };
    journal.record(made(&decision));
    journal.record(Change::Extended(Arc::new(longer.clone())));
    eventually("both changes are written", || {
        (journal.status().health().written == 2).then_some(())
    });
    let page = reader(&path).changed_after(0, 10).unwrap();
    assert_eq!((page.rows, page.last), (1, Some(2)));
    assert_same(&page.entries[0].decision, &longer);
    let point_ns = page.entries[0].point_ns;
    assert_eq!(i128::from(point_ns), decision.created_at.as_nanosecond());

    journal.record(ended(&longer, Phase::Lifted, 9));
    drop(journal);
    let page = reader(&path).changed_after(2, 10).unwrap();
    let [entry] = &page.entries[..] else {
        panic!("{page:?}");
    };
    assert_eq!((entry.change, entry.point_ns), (3, point_ns));
    assert_eq!(entry.decision.phase, Phase::Lifted);
    assert_eq!(entry.decision.packets_dropped, 9);
    assert_eq!(reader(&path).since(hour_ago(), 10).unwrap().len(), 1);
    assert!(reader(&path).past().unwrap().active.is_empty());
}

#[test]
fn points_are_unique_even_where_times_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    let at = Timestamp::now();
    for id in 0..100 {
        let created_at = at + SignedDuration::from_nanos(i64::from(id % 3 == 0));
        journal.record(made(&Decision {
            created_at,
            ..decision(id as u64)
        }));
    }
    drop(journal);
    let page = reader(&path).changed_after(0, 1_000).unwrap();
    let mut points: Vec<_> = page.entries.iter().map(|entry| entry.point_ns).collect();
    points.sort_unstable();
    points.dedup();
    assert_eq!(points.len(), 100);
    // As near to the truth as can be.
    assert!(i128::from(points[99]) < at.as_nanosecond() + 101);
}

#[test]
fn since_is_about_when_it_was_made_and_gives_the_latest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    for id in 1..=5 {
        let age = SignedDuration::from_mins(50 * (5 - id as i64));
        journal.record(made(&Decision {
            created_at: Timestamp::now() - age,
            ..decision(id)
        }));
    }
    drop(journal);
    let ids = |most| -> Vec<u64> {
        let since = reader(&path).since(hour_ago(), most).unwrap();
        since.iter().map(|decision| decision.id).collect()
    };
    assert_eq!(ids(10), [4, 5]);
    assert_eq!(ids(1), [5]);
}

#[test]
fn what_is_in_force_can_be_told_anew_after_a_loss() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    let [gone, stays, unknown] = [1, 2, 3].map(decision);
    journal.record(made(&gone));
    journal.record(made(&stays));
    journal.synchronise(vec![Arc::new(stays), Arc::new(unknown)]);
    drop(journal);
    let ids: Vec<_> = reader(&path)
        .past()
        .unwrap()
        .active
        .iter()
        .map(|d| d.id)
        .collect();
    assert_eq!(ids, [2, 3]);
    let gone = reader(&path).find(1).unwrap().unwrap();
    assert_eq!(gone.phase, Phase::Expired);
    assert!(gone.ended.unwrap().contains("could not be written"));
}

#[test]
fn a_journal_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    let again = Journal::open(&path, &JournalConfig::default());
    assert!(matches!(again, Err(JournalError::InUse(_))), "{again:?}");
    drop(journal);
    open(&path);
    let nowhere = folder.path().join("missing/journal.db");
    let error = Journal::open(&nowhere, &JournalConfig::default()).unwrap_err();
    assert!(error.to_string().contains("missing/journal.db"), "{error}");
}

#[test]
fn old_decisions_go_and_those_in_force_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    let old = |id| Decision {
        created_at: Timestamp::now() - SignedDuration::from_hours(24 * 32),
        until: Timestamp::now() - SignedDuration::from_hours(24 * 31),
        ..decision(id)
    };
    journal.record(made(&old(1)));
    journal.record(Change::Ended(Arc::new(Decision {
        phase: Phase::Expired,
        ..old(2)
    })));
    journal.record(ended(&decision(3), Phase::Expired, 1));
    drop(journal);
    // The first batch of a new writer looks for old ones.
    let (journal, _) = open(&path);
    journal.record(made(&decision(4)));
    drop(journal);
    let left = reader(&path).changed_after(0, 10).unwrap();
    let ids: Vec<_> = left.entries.iter().map(|entry| entry.decision.id).collect();
    assert_eq!(ids, [1, 3, 4]);
}

#[test]
fn the_file_stays_below_its_cap_and_unexported_losses_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let config = JournalConfig {
        max_bytes: 2 << 20,
        ..JournalConfig::default()
    };
    let (journal, _) = Journal::open(&path, &config).unwrap();
    reader(&path).set_cursor("test", 1_000).unwrap();
    for id in 1..=10_000 {
        let change = ended(&decision(id), Phase::Expired, 1);
        eventually("there is room in the queue", || {
            journal.record(change.clone()).then_some(())
        });
    }
    let status = Arc::clone(journal.status());
    drop(journal);
    let health = status.health();
    assert!(health.pruned > 4_000, "{health:?}");
    assert_eq!(
        health.pruned_unexported,
        health.pruned - 1_000,
        "{health:?}"
    );
    let left = reader(&path).changed_after(0, 100_000).unwrap();
    assert_eq!(left.rows as u64, 10_000 - health.pruned);
    assert_eq!(left.entries.last().unwrap().decision.id, 10_000);
    // The cap, and what comes between two looks.
    assert!(std::fs::metadata(&path).unwrap().len() < 5 << 20);
    assert_eq!(reader(&path).past().unwrap().last_id, 10_000);
}

/// What an exporter has not seen is counted from its first look on, though its server never answered; nothing is once
/// there is no exporter any more.
#[test]
fn an_exporter_misses_what_was_removed_until_it_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let pruned = |first: u64| {
        // The first batch of a new writer looks for old ones.
        let (journal, _) = open(&path);
        for id in first..first + 3 {
            let created_at = Timestamp::now() - SignedDuration::from_hours(24 * 32);
            journal.record(Change::Ended(Arc::new(Decision {
                created_at: created_at + SignedDuration::from_nanos(id as i64),
                until: created_at,
                phase: Phase::Expired,
                ..decision(id)
            })));
        }
        let status = Arc::clone(journal.status());
        drop(journal);
        let (journal, _) = open(&path);
        journal.record(made(&decision(first + 3)));
        let again = Arc::clone(journal.status());
        drop(journal);
        let (one, other) = (status.health(), again.health());
        assert_eq!(one.pruned + other.pruned, 3, "{one:?} {other:?}");
        one.pruned_unexported + other.pruned_unexported
    };
    assert_eq!(pruned(1), 0);
    assert_eq!(reader(&path).cursor("influx v2 http://a b").unwrap(), 0);
    assert_eq!(pruned(11), 3);
    reader(&path).forget("log").unwrap();
    assert_eq!(pruned(21), 3);
    reader(&path).forget("influx").unwrap();
    assert_eq!(pruned(31), 0);
}
