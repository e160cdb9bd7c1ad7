//! Verdicts as the agent keeps them, in the kernel's maps.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use tidegate::{
    dataplane::monotonic_ns,
    decision::{Decision, Origin, Phase, Target},
    enforce::{Enforcer, Order},
    engine::Refused,
    policy::{Lift, Protected, Whom},
};
use tidegate_common::verdict::{Action, Scope};
use tidegate_models::Class;

use crate::bench::Bench;

fn ip(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 20, 0, 0)) + number)
}

/// By one host on another over TCP.
fn pair(source: u32, destination: u32) -> Target {
    Target {
        scope: Scope::SourceDestination,
        source: Some(ip(source).into()),
        destination: Some(ip(destination).into()),
        protocol: Some(6),
        port: None,
    }
}

fn by(source: u32) -> Target {
    Target {
        scope: Scope::Source,
        source: Some(ip(source).into()),
        destination: None,
        protocol: None,
        port: None,
    }
}

fn crowd(destination: u32) -> Target {
    Target {
        scope: Scope::Destination,
        source: None,
        port: Some(80),
        ..pair(0, destination)
    }
}

/// An enforcer on a bench.
struct Desk {
    bench: Bench,
    enforcer: Enforcer,
}

impl Desk {
    fn new() -> Self {
        let mut bench = Bench::new();
        let tables = &mut bench.plane().tables;
        let enforcer = Enforcer::adopt(tables, 5, false, monotonic_ns()).expect("an empty map");
        Self { bench, enforcer }
    }

    fn impose(&mut self, target: Target, action: Action, origin: Origin) -> Arc<Decision> {
        let order = Order {
            target,
            action,
            ttl: Duration::from_secs(600),
            rate: None,
            origin,
            class: Some(Class::Dos),
            confidence: 1.0,
            model: "".into(),
            scenario: "".into(),
            path: Arc::new([]),
            grounds: None,
            first_packet_ns: None,
        };
        let tables = &mut self.bench.plane().tables;
        let imposed = self.enforcer.impose(tables, order, monotonic_ns());
        imposed.expect("there is room")
    }

    fn standing(&mut self) -> usize {
        let verdicts = self.bench.plane().tables.verdicts();
        verdicts.expect("the verdict map").len()
    }
}

#[test]
fn one_source_has_a_bounded_number_of_narrow_verdicts() {
    let mut desk = Desk::new();
    for destination in 0..256 {
        let target = pair(1, 1_000 + destination);
        assert!(desk.enforcer.check_room(&target, true).is_ok());
        desk.impose(target, Action::Drop, Origin::Model);
    }
    let refused = desk.enforcer.check_room(&pair(1, 5_000), true);
    assert!(
        matches!(refused, Err(Refused::SourceFull(_, 256))),
        "{refused:?}"
    );
    assert_eq!(desk.enforcer.failed(), 1, "it is counted");
    assert!(
        desk.enforcer.check_room(&by(1), false).is_ok(),
        "a wide one"
    );
    assert!(desk.enforcer.check_room(&pair(2, 5_000), true).is_ok());
    assert!(desk.enforcer.check_room(&crowd(5_000), true).is_ok());
    assert_eq!(desk.standing(), 256);
}

#[test]
fn what_a_wider_drop_covers_needs_no_verdict() {
    let mut desk = Desk::new();
    desk.impose(by(1), Action::Watch, Origin::Model);
    assert!(
        desk.enforcer.covering(&pair(1, 2)).is_none(),
        "watched only"
    );
    assert!(desk.enforcer.covering(&by(1)).is_some());
    desk.impose(by(1), Action::Drop, Origin::Model);
    assert!(desk.enforcer.covering(&pair(1, 2)).is_some());
    assert!(desk.enforcer.covering(&pair(2, 1)).is_none());
    desk.impose(crowd(7), Action::Drop, Origin::Model);
    let tuple = Target {
        scope: Scope::Tuple,
        port: Some(80),
        ..pair(3, 7)
    };
    assert!(
        desk.enforcer.covering(&tuple).is_none(),
        "what goes on is spared"
    );
}

#[test]
fn good_conduct_lifts_the_models_verdicts_on_its_author_alone() {
    let mut desk = Desk::new();
    let of_model = desk.impose(pair(1, 2), Action::Drop, Origin::Model);
    desk.impose(pair(1, 3), Action::Drop, Origin::Manual);
    desk.impose(pair(4, 2), Action::Drop, Origin::Model);
    let mut lift = Lift {
        whom: Whom::Source(ip(1).into()),
        normal_events: 12,
        over: Duration::from_secs(30),
    };
    // It was made just now, so it may have been hit within the last 30 s.
    let now_ns = monotonic_ns();
    let tables = &mut desk.bench.plane().tables;
    assert!(desk.enforcer.acquit(tables, &lift, now_ns).is_empty());
    lift.over = Duration::ZERO;
    let tables = &mut desk.bench.plane().tables;
    let lifted = desk.enforcer.acquit(tables, &lift, now_ns);
    assert_eq!(lifted.len(), 1);
    assert_eq!(
        (lifted[0].id, lifted[0].phase),
        (of_model.id, Phase::Lifted)
    );
    assert!(
        lifted[0]
            .ended
            .as_deref()
            .is_some_and(|why| why.contains("12 events"))
    );
    assert_eq!(desk.enforcer.released(), [pair(1, 2)]);
    assert_eq!(desk.standing(), 2);

    // The allowlist frees whoever it names, whoever had decided.
    let mut protected = Protected::new([]);
    protected.add("10.20.0.1/32".parse().expect("a network"));
    let tables = &mut desk.bench.plane().tables;
    let lifted = desk.enforcer.release_protected(tables, &protected);
    assert_eq!(lifted.len(), 1);
    assert_eq!(lifted[0].origin, Origin::Manual);
    assert_eq!(desk.standing(), 1);
}

#[test]
fn a_limit_on_a_destination_is_adopted_by_the_next_agent() {
    let mut desk = Desk::new();
    let made = desk.impose(crowd(7), Action::RateLimit, Origin::Model);
    let tables = &mut desk.bench.plane().tables;
    let next = Enforcer::adopt(tables, 5, false, monotonic_ns()).expect("a readable map");
    let adopted = next.active();
    assert_eq!(adopted.len(), 1);
    assert_eq!((adopted[0].id, adopted[0].target), (made.id, crowd(7)));
    assert_eq!(next.scopes(), Scope::Destination.bit());
}
