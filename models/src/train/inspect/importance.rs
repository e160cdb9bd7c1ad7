//! What a model would lose without a column.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::{
    DataError, OnBad,
    random::{Random, mix},
    stream::each_row,
};
use crate::{Class, Classifier, Features, KNOWN_COUNT, Schema};

/// What a model loses when a column's values are dealt out anew among the rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Importance {
    /// The column.
    pub column: String,
    /// Loss of mean recall over the classes, `-1.0..=1.0`; 0 for a column the model never asks.
    pub loss: f64,
}

/// Labelled rows drawn from a file, up to so many of every class.
#[derive(Clone, Debug)]
pub struct Sample {
    rows: [Vec<Features>; KNOWN_COUNT],
}

impl Sample {
    /// Draws rows: of every class `per_class` (all, if there are fewer), each row of the class
    /// with the same chance (Vitter, "Random sampling with a reservoir", 1985, algorithm R).
    ///
    /// # Errors
    ///
    /// If the file can't be read.
    pub fn draw(
        path: &Path,
        schema: Schema,
        per_class: usize,
        seed: u64,
    ) -> Result<Self, DataError> {
        let mut random = Random::new(seed);
        let mut rows: [Vec<Features>; KNOWN_COUNT] = Default::default();
        let mut seen = [0; KNOWN_COUNT];
        each_row::<DataError>(path, schema, OnBad::Stop, |row| {
            let Some(class) = row.class.filter(|class| class.index() < KNOWN_COUNT) else {
                return Ok(());
            };
            let (rows, seen) = (&mut rows[class.index()], &mut seen[class.index()]);
            *seen += 1;
            if rows.len() < per_class {
                rows.push(row.features);
            } else if let Some(place) = rows.get_mut(random.below(*seen)) {
                *place = row.features;
            }
            Ok(())
        })?;
        Ok(Self { rows })
    }

    /// How many rows were drawn.
    pub fn len(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }

    /// Whether none were.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Mean recall over the classes that occur, with the rows as `change` leaves them.
    fn mean_recall(
        &self,
        classifier: &dyn Classifier,
        mut change: impl FnMut(&mut Features),
    ) -> f64 {
        let (mut sum, mut classes) = (0.0, 0.0);
        for (class, rows) in Class::KNOWN.into_iter().zip(&self.rows) {
            if rows.is_empty() {
                continue;
            }
            let right = rows.iter().filter(|row| {
                let mut row = **row;
                change(&mut row);
                classifier.predict(&row).nearest == class
            });
            sum += right.count() as f64 / rows.len() as f64;
            classes += 1.0;
        }
        if classes > 0.0 { sum / classes } else { 0.0 }
    }
}

/// Permutation importance (Breiman, "Random forests", 2001, section 10): each column in turn is
/// shuffled over all rows of the sample, and what mean recall loses is the column's. Columns that
/// say the same stand in for each other, so both may seem to matter little. In the order of the
/// schema; the same seed gives the same.
pub fn importances(classifier: &dyn Classifier, sample: &Sample, seed: u64) -> Vec<Importance> {
    let whole = sample.mean_recall(classifier, |_| ());
    let columns = classifier.schema().columns().iter().enumerate();
    columns
        .map(|(column, name)| {
            let rows = sample.rows.iter().flatten();
            let mut values: Vec<u32> = rows.map(|row| row.value(column)).collect();
            // Every column has draws of its own.
            Random::new(seed ^ mix(column as u64)).shuffle(&mut values);
            let mut dealt = values.into_iter();
            let shuffled = sample.mean_recall(classifier, |row| {
                if let Some(value) = dealt.next() {
                    row.set(column, value);
                }
            });
            Importance {
                column: (*name).to_owned(),
                loss: whole - shuffled,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::{CLASS_COUNT, Costs, Split, Tree, TreeNode};

    /// 30 normal rows with `duration` up to 30 and 3 floods with more.
    fn sample(per_class: usize, seed: u64) -> Sample {
        let zeros = "0,".repeat(36);
        let mut text = String::new();
        for duration in 1..34 {
            let label = if duration > 30 { "smurf" } else { "normal" };
            text += &format!("{duration},tcp,http,SF,0,{zeros}{label}\n");
        }
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("rows");
        fs::write(&path, text).unwrap();
        Sample::draw(&path, Schema::Kdd41, per_class, seed).unwrap()
    }

    fn tree() -> Tree {
        let node = |split, normal: u64, dos: u64| {
            let mut counts = [0; CLASS_COUNT];
            (counts[0], counts[1]) = (normal, dos);
            TreeNode {
                split,
                counts,
                weights: counts.map(|count| count * 1000),
            }
        };
        let split = Split {
            column: 0,
            threshold: 30,
            left: 1,
            right: 2,
        };
        let nodes = vec![
            node(Some(split), 30, 3),
            node(None, 30, 0),
            node(None, 0, 3),
        ];
        Tree::new(Schema::Kdd41, "tree", Costs::ARGMAX, nodes).unwrap()
    }

    #[test]
    fn only_what_the_model_asks_for_matters() {
        let sample = sample(100, 1);
        assert_eq!((sample.len(), sample.is_empty()), (33, false));
        let found = importances(&tree(), &sample, 1);
        assert_eq!(found.len(), 41);
        assert_eq!(found[0].column, "duration");
        // Shuffled, k of 3 floods keep a long duration and as many fewer normal rows get one.
        let losses = (0..3).map(|kept: u32| {
            let lost = f64::from(3 - kept);
            (lost / 3.0 + lost / 30.0) / 2.0
        });
        let loss = found[0].loss;
        assert!(
            losses.into_iter().any(|one| (one - loss).abs() < 1e-12),
            "{loss}"
        );
        assert!(found[1..].iter().all(|it| it.loss == 0.0));
        assert_eq!(importances(&tree(), &sample, 1), found);
    }

    #[test]
    fn a_sample_takes_so_many_of_every_class() {
        let drawn = |seed| {
            sample(5, seed)
                .rows
                .map(|rows| rows.iter().map(|row| row.value(0)).collect::<Vec<_>>())
        };
        assert_eq!(drawn(1).map(|rows| rows.len()), [5, 3, 0, 0, 0]);
        assert_eq!(drawn(1), drawn(1));
        assert!((2..9).any(|seed| drawn(seed) != drawn(1)));
    }
}
