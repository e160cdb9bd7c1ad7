//! A row as a point.

use tidegate_influx::line::Lines;

use super::{BASE_NS, STEP_NS};
use crate::{
    Class, FIRST_HOST_COLUMN, Flag, MISSING, Protocol, Schema, Service,
    train::{
        LabelledRow,
        columns::{Column, Rates},
    },
};

/// The tag that says what a row is.
pub(super) const LABEL: &str = "label";
/// The field of recordings that says what went on.
pub(super) const SCENARIO: &str = "scenario";

/// What all points of a dataset share.
#[derive(Debug)]
pub(super) struct Shape<'a> {
    pub(super) measurement: &'a str,
    pub(super) dataset: &'a str,
    pub(super) split: &'a str,
    columns: Vec<(usize, &'static str, Column)>,
}

impl<'a> Shape<'a> {
    /// For rows of a schema; recordings may lack the columns keyed by host.
    pub(super) fn new(
        measurement: &'a str,
        dataset: &'a str,
        split: &'a str,
        schema: Schema,
        lacks_hosts: bool,
    ) -> Self {
        let columns = schema.columns().iter().copied().enumerate();
        let stored = columns.filter(|(index, _)| {
            !(schema == Schema::Live && lacks_hosts && *index >= FIRST_HOST_COLUMN)
        });
        Self {
            measurement,
            dataset,
            split,
            columns: stored
                .map(|(index, name)| (index, name, Column::new(name, Rates::Fractions)))
                .collect(),
        }
    }

    /// Adds the row of that number, from 0. Columns that are missing in it are left out.
    pub(super) fn add(&self, lines: &mut Lines, row: &LabelledRow, number: u64) {
        let label = row.attack.map_or(row.class.name(), |attack| attack.name());
        let mut point = lines
            .point(self.measurement)
            .tag("dataset", self.dataset)
            .tag(LABEL, label)
            .tag("split", self.split);
        for (index, name, column) in &self.columns {
            let value = row.features.value(*index);
            if value == MISSING {
                continue;
            }
            point = match column {
                Column::Protocol => point.text_if(name, protocol(value)),
                Column::Service => {
                    point.text_if(name, Service::from_code(value).map(Service::name))
                }
                Column::Flag => point.text_if(name, flag(value)),
                Column::Fraction | Column::Percent => point.float(name, f64::from(value) / 100.0),
                Column::Number => point.integer(name, value.into()),
            };
        }
        if row.features.schema() == Schema::Live {
            point = point.text_if(SCENARIO, scenario(&row.group, row.class));
        }
        point.at(time(number));
    }
}

/// The time of a row, ns since 1970.
pub(super) const fn time(number: u64) -> i64 {
    BASE_NS.saturating_add((number as i64).saturating_mul(STEP_NS))
}

/// The number of the row of that time; `None` if no row has it.
pub(super) const fn number(time: i64) -> Option<u64> {
    match time.checked_sub(BASE_NS) {
        Some(since) if since >= 0 => Some((since / STEP_NS) as u64),
        _ => None,
    }
}

fn protocol(code: u32) -> Option<&'static str> {
    let mut all = Protocol::ALL.into_iter();
    Some(all.find(|known| known.code() == code)?.name())
}

fn flag(code: u32) -> Option<&'static str> {
    let mut all = Flag::ALL.into_iter();
    Some(all.find(|known| known.code() == code)?.name())
}

/// What a recording called it, of a group that is `scenario/class`.
fn scenario(group: &str, class: Class) -> Option<&str> {
    group.strip_suffix(class.name())?.strip_suffix('/')
}
