//! What the enforcer is told to do.

use std::{sync::Arc, time::Duration};

use tidegate_common::verdict::Action;
use tidegate_models::Class;

use crate::decision::{Grounds, Origin, Target};

/// A decision with what it takes to make it a verdict.
#[derive(Debug)]
pub struct Order {
    /// Whose packets.
    pub target: Target,
    /// What happens to them.
    pub action: Action,
    /// For how long after the last of them.
    pub ttl: Duration,
    /// Packets per second let through, for [`Action::RateLimit`].
    pub rate: Option<u32>,
    /// Who decided.
    pub origin: Origin,
    /// What the classifier saw.
    pub class: Option<Class>,
    /// How sure it was, 0 to 1.
    pub confidence: f32,
    /// Name of the model, or empty.
    pub model: Arc<str>,
    /// One line on the reason.
    pub scenario: Arc<str>,
    /// The model's path.
    pub path: Arc<[String]>,
    /// What it rests on.
    pub grounds: Option<Arc<Grounds>>,
    /// First packet of the flow that led to it (ns).
    pub first_packet_ns: Option<u64>,
}
