//! What the API asks of the pipeline.

use std::sync::Arc;

use tidegate_common::control::Mode;

use super::Pipeline;
use crate::{
    dataplane::monotonic_ns,
    decision::{Decision, Origin},
    enforce::Order,
    engine::{Command, FlowView, NewDecision, Refused},
    track::Followed,
};

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
            Command::Flows(limit, reply) => {
                let _ = reply.send(self.flows(limit));
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
        let source = request.target.source;
        if let Some(reason) = self.detector.policy().protected().reason(source) {
            return Err(Refused::Protected(source, reason));
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
            first_packet_ns: None,
        };
        self.impose(order, now_ns)
    }

    fn flows(&self, limit: usize) -> Vec<FlowView> {
        let recent = self.detector.tracker().recent(limit);
        recent
            .into_iter()
            .map(
                |Followed {
                     connection,
                     prediction,
                     ..
                 }| FlowView {
                    src: connection.originator.into(),
                    src_port: connection.originator_port,
                    dst: connection.responder.into(),
                    dst_port: connection.responder_port,
                    protocol: connection.protocol,
                    service: connection.service.name(),
                    flag: connection.flag.name(),
                    duration_s: connection.last_ns.saturating_sub(connection.start_ns) as f64 / 1e9,
                    src_packets: connection.src_packets,
                    dst_packets: connection.dst_packets,
                    src_bytes: connection.src_bytes,
                    dst_bytes: connection.dst_bytes,
                    class: prediction.map(|(class, _)| class),
                    confidence: prediction.map_or(0.0, |(_, confidence)| confidence),
                },
            )
            .collect()
    }
}
