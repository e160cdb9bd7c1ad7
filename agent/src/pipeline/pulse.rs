//! What the service manager hears of the pipeline: that it moves, and in a line what it does.

use tidegate_common::control::Mode;

use super::Pipeline;
use crate::{config::mode_name, notify::ServiceManager};

impl Pipeline {
    /// From now on this service manager is told that the pipeline moves, for as long as it does.
    pub fn report_to(&mut self, manager: &ServiceManager) {
        self.pulse = Some(manager.pulse());
    }

    /// `obeyed`: the kernel took the latest heartbeat, without which no verdict holds for long.
    pub(super) fn beat(&mut self, now_ns: u64, obeyed: bool) {
        if !self
            .pulse
            .as_ref()
            .is_some_and(|pulse| pulse.is_due(now_ns))
        {
            return;
        }
        let status = self.status_line(obeyed);
        if let Some(pulse) = &mut self.pulse {
            pulse.beat(now_ns, obeyed, &status);
        }
    }

    fn status_line(&self, obeyed: bool) -> String {
        if !obeyed {
            return "the kernel takes no orders".to_owned();
        }
        let interfaces: Vec<&str> = self.interfaces.iter().map(|i| i.name.as_str()).collect();
        let mut line = format!(
            "{} on {}: {} decisions in force, {} connections",
            mode_name(self.mode),
            interfaces.join(", "),
            self.enforcer.active().len(),
            self.detector.tracker().len(),
        );
        if self.mode == Mode::Bypass {
            line.push_str("; everything passes");
        }
        for reason in &self.degraded {
            line.push_str("; degraded: ");
            line.push_str(reason);
        }
        line
    }
}
