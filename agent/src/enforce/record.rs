//! What a verdict says, as the kernel's map has it and as people see it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tidegate_common::{
    address::Address,
    verdict::{Action, Scope, Verdict, VerdictKey},
};
use tidegate_models::Class;

use crate::decision::{Decision, Origin, Phase, Target};

fn address(ip: Option<IpAddr>) -> Address {
    ip.map_or(Address::ANY, |ip| Address::from(ip.to_canonical()))
}

/// The key of a target.
pub(super) fn key(target: &Target) -> VerdictKey {
    VerdictKey::new(
        target.scope,
        address(target.source),
        address(target.destination),
        target.protocol.unwrap_or(0),
        target.port.unwrap_or(0),
    )
}

/// The decision behind a verdict that an earlier agent left; its explanation is gone with that agent.
pub(super) fn restored(
    key: &VerdictKey,
    verdict: &Verdict,
    simulated: bool,
    now_ns: u64,
) -> Option<Decision> {
    let scope = key.scope()?;
    let now = Timestamp::now();
    let age = Duration::from_nanos(now_ns.saturating_sub(verdict.created_ns));
    let left = Duration::from_nanos(verdict.expires_ns.saturating_sub(now_ns));
    let manual = verdict.manual == 1;
    Some(Decision {
        id: verdict.id,
        origin: if manual {
            Origin::Manual
        } else {
            Origin::Model
        },
        target: Target {
            scope,
            source: scope.has_source().then(|| IpAddr::from(key.source)),
            destination: scope
                .has_destination()
                .then(|| IpAddr::from(key.destination)),
            protocol: (scope != Scope::Source).then_some(key.protocol),
            port: scope.has_port().then_some(key.port),
        },
        action: verdict.action()?,
        rate: (verdict.action()? == Action::RateLimit)
            .then(|| u32::try_from(1_000_000_000 / verdict.interval_ns.max(1)).unwrap_or(u32::MAX)),
        ttl: Duration::from_nanos(verdict.ttl_ns),
        class: Class::ALL
            .get(usize::from(verdict.class))
            .copied()
            .filter(|_| !manual),
        confidence: f32::from(verdict.confidence) / 100.0,
        model: "".into(),
        scenario: "restored after a restart of the agent".into(),
        path: Arc::new([]),
        grounds: None,
        simulated,
        created_at: SignedDuration::try_from(age)
            .ok()
            .and_then(|age| now.checked_sub(age).ok())
            .unwrap_or(now),
        until: later(now, left),
        phase: Phase::Active,
        ended: None,
        packets_dropped: 0,
        bytes_dropped: 0,
        first_packet_ns: Some(verdict.first_packet_ns).filter(|ns| *ns != 0),
        first_drop_ns: None,
    })
}

pub(super) fn later(timestamp: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| timestamp.checked_add(duration).ok())
        .unwrap_or(Timestamp::MAX)
}
