//! Stands in for the agent's pipeline: answers commands from a list in memory.

use std::{
    collections::BTreeSet,
    sync::{Arc, mpsc},
    time::Duration,
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tidegate::{
    config::Cidr,
    decision::{Culprit, Decision, Grounds, Origin, Phase, Target},
    engine::{
        Allowed, Command, FlowQuery, FlowView, InterfaceView, NewDecision, Refused, Snapshot,
    },
    policy::{About, Evidence, Protection},
};
use tidegate_common::{
    control::Mode,
    stats::{Counter, Stats},
    verdict::{Action, Scope},
};
use tidegate_models::{Class, Classifier as _, Flag, KddRecord, Protocol, Service};

/// What the agent shows before anything happened.
pub(crate) fn snapshot() -> Snapshot {
    let mut stats = Stats::default();
    stats.add(Counter::Packets, 1_234);
    stats.add(Counter::Dropped, 34);
    stats.add(Counter::EventsLost, 1);
    let mut latency = [0; 40];
    latency[15] = 98;
    latency[20] = 2;
    let at = Timestamp::now();
    Snapshot {
        at,
        started_at: at - jiff::SignedDuration::from_secs(90),
        mode: Mode::Enforce,
        interfaces: vec![InterfaceView {
            name: "eth0".to_owned(),
            index: 2,
            xdp: "native",
            egress: true,
            events: 77,
        }],
        stats,
        active: Vec::new(),
        ended: Vec::new(),
        predictions: [5, 4, 3, 2, 1, 0],
        connections: 9,
        connections_evicted: 8,
        hosts_evicted: [21, 0, 23],
        window_dropped: 0,
        looks: [23, 24],
        looks_missed: 25,
        model: "live-forest".into(),
        latency_log2_ns: latency,
        verdicts_failed: 0,
        records_lost: 0,
        allowlist: allowlist(&[]),
        journal: None,
        influx: None,
        degraded: Vec::new(),
    }
}

/// Answers commands as the pipeline does; 192.0.2.1 is protected, the table is full for 192.0.2.2.
pub(super) fn pipeline(commands: &mpsc::Receiver<Command>, shared: &ArcSwap<Snapshot>) {
    let mut next = 1;
    let mut added = BTreeSet::new();
    let change = |f: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = Snapshot::clone(&shared.load_full());
        f(&mut snapshot);
        shared.store(Arc::new(snapshot));
    };
    while let Ok(command) = commands.recv() {
        match command {
            Command::Add(new, answer) => {
                let source = new.target.source.unwrap();
                let result = match source.to_string().as_str() {
                    "192.0.2.1" => Err(Refused::Protected(source, "it is the gateway".to_owned())),
                    "192.0.2.2" => Err(Refused::TableFull(16_384)),
                    _ => {
                        let decision = Arc::new(decision(next, &new));
                        next += 1;
                        change(&|snapshot| snapshot.active.push(Arc::clone(&decision)));
                        Ok(decision)
                    }
                };
                let _ = answer.send(result);
            }
            Command::Delete(id, answer) => {
                let found = shared.load().active.iter().find(|d| d.id == id).cloned();
                let deleted = found.map(|decision| {
                    let mut decision = Decision::clone(&decision);
                    decision.phase = Phase::Deleted;
                    Arc::new(decision)
                });
                if let Some(decision) = &deleted {
                    change(&|snapshot| {
                        snapshot.active.retain(|d| d.id != id);
                        snapshot.ended.push(Arc::clone(decision));
                    });
                }
                let _ = answer.send(deleted);
            }
            Command::Flows(query, answer) => {
                let _ = answer.send(flows(query));
            }
            Command::Allow(network, answer) => {
                let source = |decision: &Arc<Decision>| {
                    let source = decision.target.source;
                    source.is_some_and(|source| network.contains(source))
                };
                let active = shared.load().active.clone();
                let lifted = active.into_iter().filter(source).collect();
                added.insert(network);
                change(&|snapshot| {
                    snapshot.active.retain(|decision| !source(decision));
                    snapshot.allowlist = allowlist(&added);
                });
                let added = added.iter().copied().collect();
                let _ = answer.send(Ok(Allowed { added, lifted }));
            }
            Command::Disallow(network, answer) => {
                let result = if added.remove(&network) {
                    change(&|snapshot| snapshot.allowlist = allowlist(&added));
                    Ok(Allowed {
                        added: added.iter().copied().collect(),
                        lifted: Vec::new(),
                    })
                } else {
                    Err(Refused::NotAdded(network, "it is not on the allowlist"))
                };
                let _ = answer.send(result);
            }
            Command::SetModel(model, answer) => {
                change(&|snapshot| snapshot.model = model.name().into());
                let _ = answer.send(());
            }
            Command::SetMode(mode, answer) => {
                change(&|snapshot| snapshot.mode = mode);
                let _ = answer.send(Ok(()));
            }
        }
    }
}

fn decision(id: u64, new: &NewDecision) -> Decision {
    let now = Timestamp::now();
    Decision {
        id,
        origin: Origin::Manual,
        target: new.target,
        action: new.action,
        rate: new.rate,
        ttl: new.duration,
        class: None,
        confidence: 1.0,
        model: "".into(),
        scenario: new.reason.as_str().into(),
        path: Arc::new([]),
        grounds: None,
        simulated: false,
        created_at: now,
        until: now + new.duration,
        phase: Phase::Active,
        ended: None,
        packets_dropped: 12,
        bytes_dropped: 720,
        first_packet_ns: Some(1_000_000),
        first_drop_ns: Some(3_500_000),
    }
}

/// A limit of the classifier's, with its grounds.
pub(crate) fn condemned(id: u64) -> Arc<Decision> {
    let request = NewDecision {
        target: Target {
            scope: Scope::Destination,
            source: None,
            destination: Some("10.0.0.2".parse().unwrap()),
            protocol: Some(6),
            port: Some(80),
        },
        action: Action::RateLimit,
        duration: Duration::from_secs(60),
        rate: Some(200),
        reason: "dos (http) by a crowd of about 40 on 10.0.0.2".to_owned(),
    };
    let record = KddRecord {
        count: 300,
        ..KddRecord::new(Protocol::Tcp, Service::PRIVATE, Flag::S0)
    };
    Arc::new(Decision {
        origin: Origin::Model,
        class: Some(Class::Dos),
        confidence: 0.97,
        model: "live-forest".into(),
        path: Arc::new(["count = 300 > 100: dos 900".to_owned()]),
        grounds: Some(Arc::new(Grounds {
            culprit: Culprit {
                interface: "eth0".into(),
                originator: "10.0.0.9".parse().unwrap(),
                originator_port: 40_000,
                responder: "10.0.0.2".parse().unwrap(),
                responder_port: 80,
                protocol: 6,
            },
            features: record.features(),
            evidence: Evidence {
                about: About::Service,
                agreeing: 6,
                needed: 6,
                of: 8,
                proven: 0,
                over: Duration::from_millis(125),
                sources: Some(40),
            },
            rule: "a rule".to_owned(),
        })),
        ..decision(id, &request)
    })
}

/// The allowlist of a machine that has 192.0.2.254 itself and lists 192.0.2.0/30 in its configuration.
fn allowlist<'a>(added: impl IntoIterator<Item = &'a Cidr>) -> Arc<[(Cidr, Protection)]> {
    let configured = "192.0.2.0/30".parse().unwrap();
    let added = added
        .into_iter()
        .map(|&network| (network, Protection::Added(network)));
    [(configured, Protection::Configured(configured))]
        .into_iter()
        .chain(added)
        .chain([("192.0.2.254".parse().unwrap(), Protection::Own)])
        .collect()
}

/// Three flows of 10.0.0.1, each from the next port and of a packet more than the one before.
fn flows(query: FlowQuery) -> Vec<FlowView> {
    let mut flows: Vec<_> = (0..3_u16)
        .map(|n| FlowView {
            src_port: 40_000 + n,
            src_packets: 5 + u64::from(n),
            ..flow()
        })
        .filter(|flow| {
            query
                .address
                .is_none_or(|ip| [flow.src, flow.dst].contains(&ip))
        })
        .collect();
    if query.by_packets {
        flows.reverse();
    }
    flows.truncate(query.limit);
    flows
}

fn flow() -> FlowView {
    FlowView {
        src: "10.0.0.1".parse().unwrap(),
        src_port: 40_000,
        dst: "10.0.0.2".parse().unwrap(),
        dst_port: 80,
        protocol: 6,
        service: "http",
        flag: "SF",
        duration_s: 0.25,
        age_s: 2.5,
        idle_s: 2.25,
        src_packets: 5,
        dst_packets: 6,
        src_bytes: 100,
        dst_bytes: 2_000,
        class: Some(Class::Normal),
        confidence: 0.99,
    }
}
