//! Held-out rows, and how a way to decide does on them.

use super::{Dataset, select::Outcome};
use crate::{CLASS_COUNT, Class, Confusion, Costs};

/// A row judged by a forest that has not seen it.
pub(super) struct HeldOut {
    pub(super) row: usize,
    pub(super) unseen: bool,
    pub(super) shares: [f32; CLASS_COUNT],
    pub(super) kinds: [f32; CLASS_COUNT],
}

/// Sums of one kind of rows.
#[derive(Clone, Copy, Default)]
struct Sums {
    weight: f64,
    cost: f64,
    right: f64,
    attack: f64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.weight += other.weight;
        self.cost += other.cost;
        self.right += other.right;
        self.attack += other.attack;
    }

    fn mean(&self, what: f64) -> f64 {
        if self.weight > 0.0 {
            what / self.weight
        } else {
            0.0
        }
    }
}

/// The share of held-out normal rows, duplicates included, that is called an attack.
pub(super) fn false_positive_rate(data: &Dataset, held_out: &[HeldOut], costs: &Costs) -> f64 {
    let (mut alerts, mut all) = (0, 0);
    for judged in held_out {
        let row = &data.rows[judged.row];
        if row.class == Class::Normal {
            let said = costs
                .decide_by_kinds(judged.shares, || judged.kinds)
                .nearest;
            alerts += u64::from(said.is_attack()) * row.count;
            all += row.count;
        }
    }
    alerts as f64 / all.max(1) as f64
}

/// How a table of costs does on all held-out rows.
pub(super) fn outcome(data: &Dataset, held_out: &[HeldOut], costs: &Costs) -> Outcome {
    let (mut normal, mut familiar, mut known) = <(Sums, Sums, Sums)>::default();
    let mut unseen = vec![Sums::default(); data.groups.len()];
    let mut confusion = Confusion::default();
    for judged in held_out {
        let row = &data.rows[judged.row];
        let prediction = costs.decide_by_kinds(judged.shares, || judged.kinds);
        let said = prediction.nearest;
        confusion.add(row.class, prediction.class, row.count);
        let (sums, weight) = match row.class {
            // A false positive bothers somebody every time.
            Class::Normal if judged.unseen => (&mut normal, row.count as f64),
            Class::Normal => (&mut familiar, row.count as f64),
            _ if judged.unseen => (&mut unseen[row.group], row.weight as f64),
            _ => (&mut known, row.weight as f64),
        };
        sums.weight += weight;
        sums.cost += weight * Confusion::cost_of(row.class, said) as f64;
        sums.right += weight * f64::from(u8::from(said == row.class));
        sums.attack += weight * f64::from(u8::from(said.is_attack()));
    }
    normal.add(&familiar);
    unseen.retain(|sums| sums.weight > 0.0);
    let types = unseen.len().max(1) as f64;
    let over_types = |what: fn(&Sums) -> f64| {
        let sum: f64 = unseen.iter().map(|sums| sums.mean(what(sums))).sum();
        sum / types
    };
    Outcome {
        false_positive_rate: normal.mean(normal.attack),
        familiar_false_positive_rate: familiar.mean(familiar.attack),
        cost: [
            normal.mean(normal.cost),
            known.mean(known.cost),
            over_types(|sums| sums.cost),
        ],
        right: [
            normal.mean(normal.right),
            known.mean(known.right),
            over_types(|sums| sums.right),
        ],
        detection: over_types(|sums| sums.attack),
        confusion,
    }
}
