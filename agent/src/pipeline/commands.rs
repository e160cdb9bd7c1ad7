//! What the API asks of the pipeline.

use std::{cmp::Reverse, sync::Arc};

use tidegate_common::{address::Address, control::Mode};

use super::Pipeline;
use crate::{
    dataplane::monotonic_ns,
    decision::{Decision, Origin},
    enforce::Order,
    engine::{Command, FlowQuery, FlowView, NewDecision, Refused},
    track::Followed,
};

/// Connections looked at for one answer: about a millisecond's worth.
const LOOKED_AT: usize = 10_000;

impl Pipeline {
    /// Does what a command says and answers.
    pub(super) fn obey(&mut self, command: Command) {
        let now_ns = monotonic_ns();
        // Whoever asked may have gone away; that is no reason not to have done it.
        match command {
            Command::Add(request, reply) => {
                let result = self.add(request, now_ns);
                self.publish(now_ns);
                let _ = reply.send(result);
            }
            Command::Delete(id, reply) => {
                let decision = self.enforcer.revoke(&mut self.dataplane.tables, id);
                self.set_scopes();
                self.publish(now_ns);
                let _ = reply.send(decision);
            }
            Command::Flows(query, reply) => {
                let _ = reply.send(self.flows(query, now_ns));
            }
            Command::Allow(network, reply) => {
                let _ = reply.send(self.allow(network, now_ns));
            }
            Command::Disallow(network, reply) => {
                let _ = reply.send(self.disallow(network, now_ns));
            }
            Command::SetModel(model, reply) => {
                self.detector.set_model(model);
                self.publish(now_ns);
                let _ = reply.send(());
            }
            Command::SetMode(mode, reply) => {
                self.mode = mode;
                self.control.mode = mode as u32;
                self.enforcer.set_simulated(mode == Mode::Monitor);
                let result = self.dataplane.tables.set_control(self.control);
                self.publish(now_ns);
                let _ = reply.send(result.map_err(|error| Refused::Kernel(error.to_string())));
            }
        }
    }

    fn add(&mut self, request: NewDecision, now_ns: u64) -> Result<Arc<Decision>, Refused> {
        if let Some(source) = request.target.source
            && let Some(reason) = self.detector.policy().protected().reason(source)
        {
            return Err(Refused::Protected(source, reason.to_string()));
        }
        let order = Order {
            target: request.target,
            action: request.action,
            ttl: request.duration,
            rate: request.rate,
            origin: Origin::Manual,
            class: None,
            confidence: 1.0,
            model: "".into(),
            scenario: request.reason.into(),
            path: Arc::new([]),
            grounds: None,
            first_packet_ns: None,
        };
        let decision = self.impose(order, now_ns)?;
        self.detector.policy_mut().adopt(&decision.target, now_ns);
        Ok(decision)
    }

    /// Looks at a bounded number of connections: classification waits meanwhile.
    fn flows(&self, query: FlowQuery, now_ns: u64) -> Vec<FlowView> {
        let of = |followed: &Followed| {
            let connection = &followed.connection;
            let ends = [connection.originator, connection.responder];
            query
                .address
                .is_none_or(|address| ends.contains(&Address::from(address)))
        };
        let mut found: Vec<_> = self
            .detector
            .tracker()
            .newest_first()
            .take(LOOKED_AT)
            .filter(of)
            .take(if query.by_packets {
                LOOKED_AT
            } else {
                query.limit
            })
            .collect();
        if query.by_packets {
            let packets = |followed: &Followed| {
                let connection = &followed.connection;
                Reverse(
                    connection
                        .src_packets
                        .saturating_add(connection.dst_packets),
                )
            };
            if found.len() > query.limit {
                found.select_nth_unstable_by_key(query.limit, packets);
                found.truncate(query.limit);
            }
            found.sort_by_key(packets);
        }
        found
            .iter()
            .map(|followed| view(followed, now_ns))
            .collect()
    }
}

fn view(followed: &Followed, now_ns: u64) -> FlowView {
    let Followed {
        connection,
        prediction,
        ..
    } = followed;
    let seconds = |from: u64, to: u64| to.saturating_sub(from) as f64 / 1e9;
    FlowView {
        src: connection.originator.into(),
        src_port: connection.originator_port,
        dst: connection.responder.into(),
        dst_port: connection.responder_port,
        protocol: connection.protocol,
        service: connection.service.name(),
        flag: connection.flag.name(),
        duration_s: seconds(connection.start_ns, connection.last_ns),
        age_s: seconds(connection.start_ns, now_ns),
        idle_s: seconds(connection.last_ns, now_ns),
        src_packets: connection.src_packets,
        dst_packets: connection.dst_packets,
        src_bytes: connection.src_bytes,
        dst_bytes: connection.dst_bytes,
        class: prediction.map(|(class, _)| class),
        confidence: prediction.map_or(0.0, |(_, confidence)| confidence),
    }
}
