//! Decisions to write down, and patience.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use tidegate::{
    config::JournalConfig,
    decision::{Change, Culprit, Decision, Grounds, Origin, Phase, Target},
    journal::{Journal, Past, Reader},
    policy::{About, Evidence},
};
use tidegate_common::verdict::{Action, Scope};
use tidegate_models::{Class, Features, Flag, KddRecord, Protocol, Service};

/// Longer than anything takes that comes at all.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn open(path: &Path) -> (Journal, Past) {
    Journal::open(path, &JournalConfig::default()).unwrap()
}

pub(crate) fn reader(path: &Path) -> Reader {
    Reader::open(path).unwrap()
}

pub(crate) fn features() -> Features {
    KddRecord {
        count: 300,
        ..KddRecord::new(Protocol::Tcp, Service::PRIVATE, Flag::S0)
    }
    .features()
}

/// A decision of the classifier with all a decision can have; every number makes another one.
pub(crate) fn decision(id: u64) -> Decision {
    let low = id.to_be_bytes();
    let source = IpAddr::V4(Ipv4Addr::new(10, low[5], low[6], low[7]));
    let destination = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let created_at = Timestamp::now();
    Decision {
        id,
        origin: Origin::Model,
        target: Target {
            scope: Scope::Tuple,
            source: Some(source),
            destination: Some(destination),
            protocol: Some(6),
            port: Some(80),
        },
        action: Action::RateLimit,
        rate: Some(200),
        ttl: Duration::from_secs(300),
        class: Some(Class::Dos),
        confidence: 0.875,
        model: "live-forest".into(),
        scenario: "dos on 192.0.2.1 \u{2014} \"quoted\"".into(),
        path: Arc::new(["count = 300 > 100: dos 900".to_owned(), "second".to_owned()]),
        grounds: Some(Arc::new(Grounds {
            culprit: Culprit {
                interface: "eth0".into(),
                originator: source,
                originator_port: 40_000,
                responder: destination,
                responder_port: 80,
                protocol: 6,
            },
            features: features(),
            evidence: Evidence {
                about: About::Pair,
                agreeing: 3,
                needed: 3,
                of: 4,
                proven: 1,
                over: Duration::from_millis(125),
                sources: Some(7),
            },
            rule: "a rule".to_owned(),
        })),
        simulated: false,
        created_at,
        until: created_at + SignedDuration::from_secs(300),
        phase: Phase::Active,
        ended: None,
        packets_dropped: 0,
        bytes_dropped: 0,
        first_packet_ns: Some(1_000),
        first_drop_ns: None,
    }
}

pub(crate) fn made(decision: &Decision) -> Change {
    Change::Made(Arc::new(decision.clone()))
}

/// The same decision, over.
pub(crate) fn ended(decision: &Decision, phase: Phase, packets: u64) -> Change {
    Change::Ended(Arc::new(Decision {
        phase,
        until: Timestamp::now(),
        packets_dropped: packets,
        bytes_dropped: packets * 60,
        first_drop_ns: Some(2_000),
        ..decision.clone()
    }))
}

/// Decisions have no equality of their own: all they show is the same.
pub(crate) fn assert_same(one: &Decision, other: &Decision) {
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
}
