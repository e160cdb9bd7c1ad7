//! The engine: an event in; what is known of its connection, what the classifier makes of it, and what the policy
//! wants done about it out. The same without an event, at a look. Live traffic and captures go through the same one.

use std::sync::Arc;

use tidegate_common::event::FlowEvent;
use tidegate_models::{CLASS_COUNT, CachedModel, Features, Model, Prediction};

use crate::{
    policy::{Advice, Policy},
    track::{Observation, Occasion, Tracker, TrackerLimits},
};

/// One event or look, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The connection and its columns.
    pub observation: Observation,
    /// The row that the classifier saw.
    pub features: Features,
    /// What it said.
    pub prediction: Prediction,
    /// What the policy wants done. It may be done already: the policy does not know.
    pub advice: Option<Advice>,
}

/// Tracker, classifier and policy.
#[derive(Debug)]
pub struct Detector {
    model: CachedModel,
    tracker: Tracker,
    policy: Policy,
    predictions: [u64; CLASS_COUNT],
}

impl Detector {
    /// A detector that has seen nothing yet; `model` is of the schema live.
    #[must_use]
    pub fn new(model: Arc<Model>, policy: Policy, limits: TrackerLimits) -> Self {
        Self::with_tracker(model, policy, Tracker::new(limits))
    }

    /// As [`Detector::new`], with a tracker of one's own.
    #[must_use]
    pub fn with_tracker(model: Arc<Model>, policy: Policy, tracker: Tracker) -> Self {
        Self {
            model: CachedModel::new(model),
            tracker,
            policy,
            predictions: [0; CLASS_COUNT],
        }
    }

    /// Takes one event through all of it.
    pub fn judge(&mut self, event: &FlowEvent) -> Judged {
        let observation = self.tracker.observe(event);
        self.classify(observation)
    }

    /// Takes the next look that is due by `now_ns`, if there is one, through all of it. See [`Tracker::look`].
    pub fn look(&mut self, now_ns: u64, budget: &mut usize) -> Option<Judged> {
        let observation = self.tracker.look(now_ns, budget)?;
        Some(self.classify_again(observation))
    }

    /// The capture is over: takes the next of the last looks through all of it. See [`Tracker::look_at_end`].
    pub fn look_at_end(&mut self, now_ns: u64) -> Option<Judged> {
        let observation = self.tracker.look_at_end(now_ns)?;
        Some(self.classify_again(observation))
    }

    fn classify_again(&mut self, observation: Observation) -> Judged {
        let judged = self.classify(observation);
        if observation.occasion == Occasion::LastLook {
            self.tracker.dismiss(observation.id);
        }
        judged
    }

    fn classify(&mut self, observation: Observation) -> Judged {
        let features = observation.record.features();
        let prediction = self.model.predict(&features);
        self.predictions[prediction.class.index()] += 1;
        self.tracker
            .set_prediction(observation.id, prediction.class, prediction.confidence);
        let advice = self.policy.weigh(&observation, &prediction);
        Judged {
            observation,
            features,
            prediction,
            advice,
        }
    }

    /// The classifier.
    #[must_use]
    pub fn model(&self) -> &Model {
        self.model.model()
    }

    /// From the next event on, `model` decides; it is of the schema live.
    pub fn set_model(&mut self, model: Arc<Model>) {
        self.model = CachedModel::new(model);
    }

    /// The connections.
    #[must_use]
    pub const fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// The connections, to let time pass and to hear of those that ended.
    pub const fn tracker_mut(&mut self) -> &mut Tracker {
        &mut self.tracker
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The policy, to tell it what became of its proposals.
    pub const fn policy_mut(&mut self) -> &mut Policy {
        &mut self.policy
    }

    /// Predictions so far, on events and at looks, by class.
    #[must_use]
    pub const fn predictions(&self) -> &[u64; CLASS_COUNT] {
        &self.predictions
    }
}
