//! Figures of merit from a confusion matrix.

use serde::{Deserialize, Serialize};

use crate::{CLASS_COUNT, Class, KNOWN_COUNT};

/// The contest's cost of calling a row (actual) something (predicted), in the order of
/// [`Class::KNOWN`]. Source: the KDD'99 contest's task description.
const KDD_COST: [[u64; KNOWN_COUNT]; KNOWN_COUNT] = [
    [0, 2, 1, 2, 2],
    [2, 0, 1, 2, 2],
    [1, 2, 0, 2, 2],
    [4, 2, 2, 0, 2],
    [3, 2, 2, 2, 0],
];

/// Rows by actual class (outer index, [`Class::KNOWN`]) and predicted class (inner,
/// [`Class::ALL`]).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confusion(pub [[u64; CLASS_COUNT]; KNOWN_COUNT]);

impl Confusion {
    /// The contest's cost of one such error, 0 for none. [`Class::Unknown`], which the contest
    /// does not know, costs what probe does, the attack that is cheapest to be wrong with.
    pub const fn cost_of(actual: Class, predicted: Class) -> u64 {
        KDD_COST[known(actual)][known(predicted)]
    }

    /// Counts `rows` rows. No row is actually [`Class::Unknown`]; one said to be is left out.
    pub fn add(&mut self, actual: Class, predicted: Class, rows: u64) {
        if let Some(row) = self.0.get_mut(actual.index()) {
            row[predicted.index()] += rows;
        }
    }

    /// All rows.
    pub fn total(&self) -> u64 {
        self.0.iter().flatten().sum()
    }

    /// Share of rows with the right class, `0.0..=1.0`; 0 without rows, as all shares here.
    pub fn accuracy(&self) -> f64 {
        let right = (0..KNOWN_COUNT).map(|class| self.0[class][class]).sum();
        share(right, self.total())
    }

    /// Share of a class's rows that were found.
    pub fn recall(&self, class: Class) -> f64 {
        let class = class.index();
        self.0
            .get(class)
            .map_or(0.0, |row| share(row[class], row.iter().sum()))
    }

    /// Share of a class's predictions that were right.
    pub fn precision(&self, class: Class) -> f64 {
        let class = class.index();
        share(
            self.0.get(class).map_or(0, |row| row[class]),
            self.0.iter().map(|row| row[class]).sum(),
        )
    }

    /// Harmonic mean of a class's recall and precision, `2 TP / (2 TP + FP + FN)`.
    pub fn f1(&self, class: Class) -> f64 {
        let class = class.index();
        let right = self.0.get(class).map_or(0, |row| row[class]);
        share(2 * right, self.actual(class) + self.predicted(class))
    }

    /// Mean of [`Confusion::f1`] over the known classes that occur, as actual or predicted; each
    /// counts the same, however rare.
    pub fn macro_f1(&self) -> f64 {
        let occur = Class::KNOWN
            .into_iter()
            .filter(|class| self.actual(class.index()) + self.predicted(class.index()) > 0);
        let (sum, classes) = occur.fold((0.0, 0.0), |(sum, classes), class| {
            (sum + self.f1(class), classes + 1.0)
        });
        if classes > 0.0 { sum / classes } else { 0.0 }
    }

    /// Share of rows rightly told normal or attack, whichever attack.
    pub fn binary_accuracy(&self) -> f64 {
        let attacks = self.0[1..].iter().flat_map(|row| &row[1..]).sum::<u64>();
        share(self.0[0][0] + attacks, self.total())
    }

    /// Rows of a class.
    fn actual(&self, class: usize) -> u64 {
        self.0.get(class).map_or(0, |row| row.iter().sum())
    }

    /// Rows called a class.
    fn predicted(&self, class: usize) -> u64 {
        self.0.iter().map(|row| row[class]).sum()
    }

    /// Share of normal rows called an attack of any class.
    pub fn false_positive_rate(&self) -> f64 {
        let normal = &self.0[Class::Normal.index()];
        share(normal[1..].iter().sum(), normal.iter().sum())
    }

    /// Share of attack rows called an attack of any class.
    pub fn detection_rate(&self) -> f64 {
        let attacks = || self.0[1..].iter();
        share(
            attacks().flat_map(|row| &row[1..]).sum(),
            attacks().flatten().sum(),
        )
    }

    /// The contest's score: mean cost a row; less is better.
    pub fn kdd_cost(&self) -> f64 {
        let cost = Class::KNOWN
            .into_iter()
            .flat_map(|actual| Class::ALL.map(|predicted| (actual, predicted)))
            .map(|(actual, predicted)| {
                self.0[actual.index()][predicted.index()] * Self::cost_of(actual, predicted)
            })
            .sum();
        share(cost, self.total())
    }
}

/// Where a class stands in the contest's matrix.
const fn known(class: Class) -> usize {
    match class {
        Class::Unknown => Class::Probe.index(),
        class => class.index(),
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contest_winners_matrix_gives_the_published_cost() {
        // Published results of the KDD'99 contest: 0.2331 for the winning entry. Rows and
        // columns there are normal, probe, dos, u2r, r2l.
        let published = [
            [60262, 243, 78, 4, 6],
            [511, 3471, 184, 0, 0],
            [5299, 1328, 223_226, 0, 0],
            [168, 20, 0, 30, 10],
            [14527, 294, 0, 8, 1360],
        ];
        let order = [
            Class::Normal,
            Class::Probe,
            Class::Dos,
            Class::U2r,
            Class::R2l,
        ];
        let mut confusion = Confusion::default();
        for (row, actual) in published.iter().zip(order) {
            for (rows, predicted) in row.iter().zip(order) {
                confusion.add(actual, predicted, *rows);
            }
        }
        assert_eq!(confusion.total(), 311_029);
        assert_eq!(format!("{:.4}", confusion.kdd_cost()), "0.2331");
        assert_eq!(format!("{:.4}", confusion.accuracy()), "0.9271");
        assert_eq!(format!("{:.3}", confusion.recall(Class::R2l)), "0.084");
        assert_eq!(
            format!("{:.3}", confusion.precision(Class::Normal)),
            "0.746"
        );
        assert_eq!(format!("{:.4}", confusion.false_positive_rate()), "0.0055");
        assert_eq!(format!("{:.4}", confusion.detection_rate()), "0.9181");
        // Of 250436 attacks 511 + 5299 + 168 + 14527 pass: (60262 + 229931) / 311029.
        assert_eq!(format!("{:.4}", confusion.binary_accuracy()), "0.9330");
    }

    #[test]
    fn f1_by_hand() {
        let mut confusion = Confusion::default();
        for (actual, predicted, rows) in [
            (Class::Normal, Class::Normal, 6),
            (Class::Normal, Class::Dos, 2),
            (Class::Dos, Class::Dos, 3),
            (Class::Dos, Class::Normal, 1),
        ] {
            confusion.add(actual, predicted, rows);
        }
        // Normal: 12 / (12 + 2 + 1); dos: 6 / (6 + 1 + 2). No other class occurs.
        assert_eq!(confusion.f1(Class::Normal), 12.0 / 15.0);
        assert_eq!(confusion.f1(Class::Dos), 6.0 / 9.0);
        assert_eq!(confusion.macro_f1(), (12.0 / 15.0 + 6.0 / 9.0) / 2.0);
        confusion.add(Class::Normal, Class::R2l, 1);
        assert_eq!(
            confusion.macro_f1(),
            (12.0 / 16.0 + 6.0 / 9.0 + 0.0) / 3.0,
            "a class that is only ever predicted counts, with 0"
        );
    }

    #[test]
    fn nothing_seen_is_no_division_by_zero() {
        let empty = Confusion::default();
        assert_eq!(
            empty.accuracy() + empty.kdd_cost() + empty.recall(Class::Dos) + empty.macro_f1(),
            0.0
        );
    }
}
