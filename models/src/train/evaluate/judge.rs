//! What is counted while rows stream by, and the figures it comes to.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use super::{
    AttackRow, Evaluation, Options, Subject,
    attacks::{AttackTally, seen, trained_on},
    calibration::Reliability,
    curves::Scores,
    intervals,
};
use crate::train::Summary;
use crate::{
    Class, Classifier as _, Confusion, Costs, Features, OperatingPoint, Prediction, Schema,
};

/// Rows judged at a time, so that the clock is read seldom.
pub(super) const BATCH: usize = 1024;

/// One model's counts.
pub(super) struct Judge<'a> {
    subject: Subject<'a>,
    points: Vec<Tally>,
    scores: Scores,
    predictions: Vec<Prediction>,
    rows: u64,
    seconds: f64,
}

/// One way to decide's counts.
#[derive(Default)]
struct Tally {
    confusion: Confusion,
    contest: Confusion,
    attacks: BTreeMap<Arc<str>, AttackTally>,
    reliability: Reliability,
}

impl<'a> Judge<'a> {
    pub(super) fn new(subject: Subject<'a>) -> Self {
        let points = subject.points.iter().map(|_| Tally::default()).collect();
        Self {
            subject,
            points,
            scores: Scores::new(),
            predictions: Vec::new(),
            rows: 0,
            seconds: 0.0,
        }
    }

    pub(super) fn schema(&self) -> Schema {
        self.subject.model.schema()
    }

    /// Counts a batch; gives the predictions by the first point.
    pub(super) fn add(
        &mut self,
        features: &[Features],
        labels: &[(Option<Class>, Arc<str>)],
    ) -> &[Prediction] {
        let blank = Costs::ARGMAX.decide(Default::default());
        self.predictions.clear();
        self.predictions.resize(features.len(), blank);
        let start = Instant::now();
        self.subject
            .model
            .predict_batch(features, &mut self.predictions);
        self.seconds += start.elapsed().as_secs_f64();
        self.rows += features.len() as u64;
        for (prediction, (class, _)) in self.predictions.iter().zip(labels) {
            if let Some(class) = class {
                let normal = prediction.shares[Class::Normal.index()];
                self.scores.add(normal, class.is_attack());
            }
        }
        let training = self.subject.model.training();
        // Backwards, so that the first point's predictions are left at the end.
        let points = self.subject.points.iter().zip(&mut self.points);
        for (OperatingPoint { costs, .. }, tally) in points.rev() {
            let rows = features.iter().zip(labels);
            for (prediction, (row, (class, group))) in self.predictions.iter_mut().zip(rows) {
                *prediction = self.subject.model.decide_by(costs, row, prediction.shares);
                let Some(class) = *class else { continue };
                tally.add(prediction, class, group, |name| seen(training, name));
            }
        }
        &self.predictions
    }

    pub(super) fn finish(self, read: &Summary, options: Options) -> Vec<Evaluation> {
        let model = self.subject.model;
        let curves = self.scores.curves();
        let whole_file_seen = trained_on(model.training(), &read.source);
        let microseconds = if self.rows == 0 {
            0.0
        } else {
            self.seconds * 1e6 / self.rows as f64
        };
        let points = self.subject.points.iter().zip(self.points);
        points
            .map(|(point, tally)| {
                let contest = tally.contest;
                let by_class = |figure: fn(&Confusion, Class) -> f64| {
                    let figures = Class::KNOWN.map(|class| (class, figure(&contest, class)));
                    figures.into_iter().collect::<BTreeMap<_, _>>()
                };
                Evaluation {
                    model: model.name().to_owned(),
                    model_digest: model.digest().to_owned(),
                    decision: point.name.clone(),
                    source: read.source.clone(),
                    skipped: read.skipped.clone(),
                    lacks_hosts: read.lacks_hosts,
                    request_columns: options.request_columns,
                    confusion: tally.confusion,
                    contest_confusion: contest,
                    accuracy: contest.accuracy(),
                    macro_f1: contest.macro_f1(),
                    binary_accuracy: contest.binary_accuracy(),
                    kdd_cost: contest.kdd_cost(),
                    false_positive_rate: contest.false_positive_rate(),
                    detection_rate: contest.detection_rate(),
                    recall: by_class(Confusion::recall),
                    precision: by_class(Confusion::precision),
                    intervals: intervals(&contest, options.seed),
                    calibration: tally.reliability.calibration(),
                    attacks: attack_rows(tally.attacks, whole_file_seen),
                    curves: curves.clone(),
                    microseconds_a_row: microseconds,
                }
            })
            .collect()
    }
}

impl Tally {
    fn add(
        &mut self,
        prediction: &Prediction,
        class: Class,
        group: &Arc<str>,
        seen: impl Fn(&str) -> Option<bool>,
    ) {
        self.confusion.add(class, prediction.class, 1);
        self.contest.add(class, prediction.nearest, 1);
        if !self.attacks.contains_key(group) {
            let tally = AttackTally {
                class,
                seen: seen(group),
                ..AttackTally::default()
            };
            self.attacks.insert(Arc::clone(group), tally);
        }
        let mut known = None;
        if let Some(attack) = self.attacks.get_mut(group) {
            attack.called[prediction.class.index()] += 1;
            attack.right += u64::from(prediction.nearest == class);
            known = attack.seen;
        }
        self.reliability.add(prediction, class, known);
    }
}

fn attack_rows(attacks: BTreeMap<Arc<str>, AttackTally>, all_seen: bool) -> Vec<AttackRow> {
    let mut rows: Vec<_> = attacks
        .into_iter()
        .map(|(name, tally)| {
            let seen = if all_seen { Some(true) } else { tally.seen };
            tally.finish(&name, seen)
        })
        .collect();
    // Stable: names stay sorted within a class.
    rows.sort_by_key(|row| row.class);
    rows
}
