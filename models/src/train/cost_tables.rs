//! The tables of costs among which a forest's operating points are chosen.

use std::iter;

use crate::{CLASS_COUNT, Class, Confusion, Costs, KNOWN_COUNT};

/// The tables of costs that are tried: the contest's matrix or equal costs of all errors, with
/// attacks weighing more against normal rows, missed attacks weighing more against confused
/// ones. In each family what it costs to miss an unknown attack goes from little to much.
pub(super) fn cost_tables() -> Vec<Vec<Costs>> {
    let contest = |actual: Class, said: Class| Confusion::cost_of(actual, said) as f64;
    let equal = |actual: Class, said: Class| f64::from(u8::from(actual != said));
    let bases: [&dyn Fn(Class, Class) -> f64; 2] = [&contest, &equal];
    let mut tables = Vec::new();
    for base in bases {
        for (attack, miss) in [1.0, 2.0, 4.0]
            .into_iter()
            .flat_map(|attack| [1.0, 2.0, 4.0].map(|miss| (attack, miss)))
        {
            let unknown = iter::successors(Some(0.05), |cost| Some(cost * 1.1)).take(64);
            let family = unknown.map(|unknown| table(base, attack, miss, unknown));
            tables.push(family.collect());
        }
    }
    tables
}

fn table(base: &dyn Fn(Class, Class) -> f64, attack: f64, miss: f64, unknown: f64) -> Costs {
    let mut costs = [[0.0; KNOWN_COUNT]; CLASS_COUNT];
    for actual in Class::KNOWN {
        for said in Class::KNOWN {
            let weight = match (actual.is_attack(), said.is_attack()) {
                (false, _) => 1.0,
                (true, true) => attack,
                (true, false) => attack * miss,
            };
            costs[actual.index()][said.index()] = base(actual, said) * weight;
        }
    }
    // What an unknown attack is called costs what its kind says; without kinds, the mean.
    for said in 1..KNOWN_COUNT {
        let sum: f64 = costs[1..KNOWN_COUNT].iter().map(|row| row[said]).sum();
        costs[Class::Unknown.index()][said] = sum / (KNOWN_COUNT - 1) as f64;
    }
    costs[Class::Unknown.index()][0] = unknown * attack * 2.0;
    Costs(costs.map(|row| row.map(|cost| (cost * 1000.0).round() as u32)))
}
