//! The agent's orders to the kernel programs, in one map entry.

/// What the programs do with a verdict.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u32)]
pub enum Mode {
    /// Drop.
    Enforce = 1,
    /// Count what would be dropped, and pass it.
    Monitor = 2,
    /// Do nothing at all: no parsing, no flows, no verdicts.
    Bypass = 3,
}

/// Value of the one-entry control map. All zero, as a fresh map is, means: enforce nothing, follow no flow.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
pub struct Control {
    /// A [`Mode`] as a number; 0 looks at no verdict.
    pub mode: u32,
    /// Scopes of which verdicts exist ([`crate::verdict::Scope::bit`]); lookups in other scopes are saved.
    pub scopes: u32,
    /// When the agent last gave a sign of life (ns, `CLOCK_MONOTONIC`).
    pub heartbeat_ns: u64,
    /// Silence after which the agent counts as gone and verdicts are ignored (fail-open); 0 keeps them in force
    /// until they expire (fail-closed).
    pub heartbeat_timeout_ns: u64,
    /// New flows a CPU may insert in a second.
    pub new_flow_budget: u32,
    /// Entries of the allowlist; 0 saves the lookup.
    pub allowlist_len: u32,
}

impl Control {
    /// The mode, if it is one that looks at verdicts or bypasses.
    #[inline(always)]
    #[must_use]
    pub const fn mode(&self) -> Option<Mode> {
        match self.mode {
            1 => Some(Mode::Enforce),
            2 => Some(Mode::Monitor),
            3 => Some(Mode::Bypass),
            _ => None,
        }
    }

    /// Whether the agent is gone and verdicts must not be acted on.
    #[inline(always)]
    #[must_use]
    pub const fn agent_lost(&self, now_ns: u64) -> bool {
        self.heartbeat_timeout_ns != 0
            && now_ns.saturating_sub(self.heartbeat_ns) > self.heartbeat_timeout_ns
    }
}

/// New flows of one CPU in the running second.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Budget {
    /// Start of the second (ns).
    pub since_ns: u64,
    /// Flows inserted since.
    pub used: u64,
}

impl Budget {
    /// Takes one flow out of the budget; says whether there was one.
    #[inline(always)]
    pub const fn take(&mut self, per_second: u32, now_ns: u64) -> bool {
        if now_ns.saturating_sub(self.since_ns) >= 1_000_000_000 {
            self.since_ns = now_ns;
            self.used = 0;
        }
        self.used += 1;
        self.used <= per_second as u64
    }
}

/// Where a flow beyond the budget wanted to go.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[repr(C)]
pub struct OverflowKey {
    /// Destination address.
    pub destination: crate::address::Address,
    /// Destination port in host order.
    pub port: u16,
    /// IP protocol number.
    pub protocol: u8,
    /// Always zero.
    pub zero: [u8; 5],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_refills_every_second() {
        let mut budget = Budget::default();
        let start = 5_000_000_000;
        assert!((0..10).all(|_| budget.take(10, start)));
        assert!(!budget.take(10, start + 999_999_999));
        assert!(budget.take(10, start + 1_000_000_000));
    }

    #[test]
    fn fail_closed_never_loses_the_agent() {
        let mut control = Control {
            heartbeat_timeout_ns: 0,
            ..Control::default()
        };
        assert!(!control.agent_lost(u64::MAX));
        control.heartbeat_timeout_ns = 10;
        assert!(control.agent_lost(11));
        assert!(!control.agent_lost(10));
    }
}
