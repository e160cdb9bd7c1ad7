//! What a model that has never met a scenario says about its rows.

use super::{Dataset, held_out::HeldOut};
use crate::{CLASS_COUNT, Class, Costs};

/// One recorded scenario, judged by a forest from whose training it was left out whole.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OfScenario {
    /// Its name.
    pub scenario: String,
    /// What it is.
    pub class: Class,
    /// Its rows, equal ones counted as often as they were recorded, by [`Class::index`] of
    /// what they were called.
    pub called: [u64; CLASS_COUNT],
}

impl OfScenario {
    /// All of its rows.
    pub fn rows(&self) -> u64 {
        self.called.iter().sum()
    }

    /// The share of its rows that is called an attack, whichever; 0 where it has none.
    pub fn alarmed(&self) -> f64 {
        let alarms = self.rows() - self.called[Class::Normal.index()];
        alarms as f64 / self.rows().max(1) as f64
    }
}

/// All recorded scenarios that were left out whole once, by class and name.
pub(super) fn by_scenario(data: &Dataset, held_out: &[HeldOut], costs: &Costs) -> Vec<OfScenario> {
    let mut all: Vec<Option<OfScenario>> = vec![None; data.groups.len()];
    for judged in held_out.iter().filter(|judged| judged.unseen) {
        let row = &data.rows[judged.row];
        if !data.is_recorded(row.group) {
            continue;
        }
        let said = costs.decide_by_kinds(judged.shares, || judged.kinds).class;
        let of = all[row.group].get_or_insert_with(|| OfScenario {
            scenario: name(&data.groups[row.group]).to_owned(),
            class: row.class,
            called: [0; CLASS_COUNT],
        });
        of.called[said.index()] += row.count;
    }
    let mut all: Vec<OfScenario> = all.into_iter().flatten().collect();
    all.sort_by(|a, b| (a.class.index(), &a.scenario).cmp(&(b.class.index(), &b.scenario)));
    all
}

/// A group's name without the class behind the slash.
fn name(group: &str) -> &str {
    group.rsplit_once('/').map_or(group, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Features, Schema};

    #[test]
    fn rows_are_counted_where_their_whole_scenario_was_left_out() {
        let row = |value: u32, class, group: &str| {
            let mut features = Features::missing(Schema::Live);
            features.set(0, value);
            (features, class, group.to_owned())
        };
        let data = Dataset::new(
            Schema::Live,
            [
                row(1, Class::Dos, "flood/dos"),
                row(1, Class::Dos, "flood/dos"),
                row(2, Class::Dos, "flood/dos"),
                row(3, Class::Normal, "web/normal"),
                row(4, Class::Dos, "smurf"),
            ],
        );
        let judged = |row: usize, unseen, said: Class| {
            let mut shares = [0.0; CLASS_COUNT];
            shares[said.index()] = 1.0;
            HeldOut {
                row,
                unseen,
                shares,
                kinds: [0.0; CLASS_COUNT],
            }
        };
        let index = |value: u32| {
            let found = data
                .rows
                .iter()
                .position(|row| row.features.value(0) == value);
            found.expect("there")
        };
        let held_out = [
            judged(index(1), true, Class::Dos),
            judged(index(2), true, Class::Normal),
            judged(index(2), false, Class::Dos),
            judged(index(3), true, Class::Normal),
            judged(index(4), true, Class::Dos),
        ];
        let all = by_scenario(&data, &held_out, &Costs::ARGMAX);
        let names: Vec<&str> = all.iter().map(|of| of.scenario.as_str()).collect();
        assert_eq!(names, ["web", "flood"]);
        let flood = &all[1];
        assert_eq!((flood.rows(), flood.called[Class::Dos.index()]), (3, 2));
        assert!((flood.alarmed() - 2.0 / 3.0).abs() < 1e-9);
        assert!(all[0].alarmed() < 1e-9);
    }
}
