//! What a data file is, recognised by its first line, and how its rows are read.

use std::{collections::BTreeMap, fmt, sync::Arc};

use csv::ByteRecord;

use super::{
    Attack,
    columns::{Column, Rates},
};
use crate::{
    Class, FIRST_HOST_COLUMN, Features, KDD41_COLUMNS, LIVE_COLUMNS, REQUIRED_FEATURES, Schema,
};

/// The kinds of data files.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Layout {
    /// 41 columns and the attack type, without a header.
    Kdd99,
    /// As KDD'99, with a difficulty, which is ignored.
    NslKdd,
    /// A header with KDD's column names in any order; the label is `target` (an attack type),
    /// `Attack Type` (a class), or both. Columns `/predict` does without may be absent, further
    /// ones are ignored.
    Table,
    /// A header with the live column names, `label` (a class) and `scenario`, in any order;
    /// further columns are ignored. Rates are in percent. A recording from before the columns
    /// keyed by host has none of them; they are 0 then.
    Recording,
}

impl Layout {
    /// The schema its columns are of.
    pub const fn schema(self) -> Schema {
        match self {
            Self::Recording => Schema::Live,
            Self::Kdd99 | Self::NslKdd | Self::Table => Schema::Kdd41,
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kdd99 => "a KDD'99 file",
            Self::NslKdd => "an NSL-KDD file",
            Self::Table => "a table of KDD columns",
            Self::Recording => "a recording",
        })
    }
}

/// A row with its class, ready for a [`Dataset`](super::Dataset).
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledRow {
    /// The columns of the schema asked for.
    pub features: Features,
    /// What the row is.
    pub class: Class,
    /// The attack type, or `normal`, where the file names it.
    pub attack: Option<Attack>,
    /// What the row belongs with: the attack type; in a recording `scenario/class`, since a
    /// scenario's harmless background is a group of its own; otherwise the class.
    pub group: Arc<str>,
}

impl LabelledRow {
    /// What a [`Dataset`](super::Dataset) is made of.
    pub fn into_parts(self) -> (Features, Class, String) {
        (self.features, self.class, self.group.as_ref().to_owned())
    }
}

/// What is wrong with a row; file and line are the caller's to add.
#[derive(Debug, PartialEq)]
pub(super) enum BadRow {
    Width {
        got: usize,
        expected: String,
    },
    Value {
        column: &'static str,
        problem: &'static str,
        value: String,
    },
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Width { got, expected } => write!(f, "{got} columns instead of {expected}"),
            Self::Value {
                column,
                problem,
                value,
            } => write!(f, "column {column}: {problem}: {value:?}"),
        }
    }
}

/// Why a first line tells nothing.
#[derive(Debug, PartialEq)]
pub(super) enum Unknown {
    /// It is a row, and a bad one.
    Row(BadRow),
    /// It is a header that won't do.
    Header(String),
}

/// How to read the rows of one file.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) layout: Layout,
    /// Whether the line this was made of is no row.
    pub(super) has_header: bool,
    width: usize,
    columns: Vec<Source>,
    attack: Option<Label>,
    class: Option<Label>,
    scenario: Option<usize>,
    /// Whether this is a recording without the columns keyed by host.
    pub(super) lacks_hosts: bool,
}

/// Where a column of the schema comes from.
#[derive(Debug)]
struct Source {
    position: usize,
    index: usize,
    name: &'static str,
    column: Column,
}

/// Where a label is, and what to call it.
#[derive(Clone, Copy, Debug)]
struct Label {
    position: usize,
    name: &'static str,
}

impl Plan {
    /// What the first line says of the file.
    pub(super) fn of(first: &ByteRecord) -> Result<Self, Unknown> {
        let is_name = |field: &&[u8]| {
            let names = KDD41_COLUMNS.iter().chain(&LIVE_COLUMNS);
            names.clone().any(|name| name.as_bytes() == *field)
        };
        // One could be a label: the attack type `land` is a column too.
        if first.iter().filter(is_name).count() > 1 {
            return Self::of_header(first, Rates::Percents).map_err(Unknown::Header);
        }
        let layout = match first.len() {
            42 => Layout::Kdd99,
            43 => Layout::NslKdd,
            got => {
                let expected = "42 (KDD'99), 43 (NSL-KDD) or a header".to_owned();
                return Err(Unknown::Row(BadRow::Width { got, expected }));
            }
        };
        Ok(Self {
            layout,
            has_header: false,
            width: first.len(),
            columns: sources(&KDD41_COLUMNS, Rates::Fractions, |_, index| Some(index)),
            attack: Some(Label {
                position: KDD41_COLUMNS.len(),
                name: "label",
            }),
            class: None,
            scenario: None,
            lacks_hosts: false,
        })
    }

    /// What the header of an answer says of rows in a database, whose rates are all fractions.
    pub(super) fn of_stored(header: &ByteRecord) -> Result<Self, String> {
        Self::of_header(header, Rates::Fractions)
    }

    /// `recorded` is how a recording writes rates.
    fn of_header(header: &ByteRecord, recorded: Rates) -> Result<Self, String> {
        let find = |name: &str| header.iter().position(|field| field == name.as_bytes());
        let label = |name| find(name).map(|position| Label { position, name });
        let (target, kind) = (label("target"), label("Attack Type"));
        let plan = if target.is_some() || kind.is_some() {
            if let Some(lacking) = REQUIRED_FEATURES.iter().find(|name| find(name).is_none()) {
                return Err(format!("no column {lacking}"));
            }
            Self {
                layout: Layout::Table,
                has_header: true,
                width: header.len(),
                columns: sources(&KDD41_COLUMNS, Rates::Fractions, |name, _| find(name)),
                attack: target,
                class: kind,
                scenario: None,
                lacks_hosts: false,
            }
        } else {
            let own = LIVE_COLUMNS.iter().filter(|name| !is_kdd(name));
            if own.clone().all(|name| find(name).is_none()) {
                return Err(
                    "neither a label (target or Attack Type) nor a recording's columns".to_owned(),
                );
            }
            let (old, hosts) = LIVE_COLUMNS.split_at(FIRST_HOST_COLUMN);
            let lacks_hosts = hosts.iter().all(|name| find(name).is_none());
            let needed = if lacks_hosts { old } else { &LIVE_COLUMNS };
            let needed = needed.iter().chain(&["label", "scenario"]);
            if let Some(lacking) = needed.copied().find(|name| find(name).is_none()) {
                return Err(format!("no column {lacking}"));
            }
            Self {
                layout: Layout::Recording,
                has_header: true,
                width: header.len(),
                columns: sources(&LIVE_COLUMNS, recorded, |name, _| find(name)),
                attack: None,
                class: label("label"),
                scenario: find("scenario"),
                lacks_hosts,
            }
        };
        let labels = [plan.attack, plan.class].into_iter().flatten();
        let used = plan.columns.iter().map(|source| source.name);
        for name in used.chain(labels.map(|label| label.name)) {
            if header
                .iter()
                .filter(|field| *field == name.as_bytes())
                .count()
                > 1
            {
                return Err(format!("column {name} twice"));
            }
        }
        Ok(plan)
    }

    /// One row, in the file's own schema.
    pub(super) fn row(
        &self,
        record: &ByteRecord,
        groups: &mut Groups,
    ) -> Result<LabelledRow, BadRow> {
        if record.len() != self.width {
            return Err(BadRow::Width {
                got: record.len(),
                expected: self.width.to_string(),
            });
        }
        let mut features = Features::missing(self.layout.schema());
        for source in &self.columns {
            let text = &record[source.position];
            let value = source
                .column
                .parse(text)
                .map_err(|problem| bad(source.name, problem, text))?;
            features.set(source.index, value);
        }
        if self.lacks_hosts {
            for column in FIRST_HOST_COLUMN..LIVE_COLUMNS.len() {
                features.set(column, 0);
            }
        }
        let attack = self.attack.map(|label| attack(record, label)).transpose()?;
        let named = self.class.map(|label| class(record, label)).transpose()?;
        let class = match (attack.map(Attack::class), named, self.class) {
            (Some(class), Some(named), Some(label)) if class != named => {
                let text = &record[label.position];
                return Err(bad(label.name, "not the class of target", text));
            }
            (class, named, _) => class.or(named).unwrap_or_default(),
        };
        let group = match (self.scenario, attack) {
            (Some(scenario), _) => groups.scenario(&record[scenario], class),
            (None, Some(attack)) => groups.attack(attack),
            (None, None) => groups.class(class),
        };
        Ok(LabelledRow {
            features,
            class,
            attack,
            group,
        })
    }
}

fn is_kdd(name: &str) -> bool {
    KDD41_COLUMNS.contains(&name)
}

/// Those of a schema's columns that `position` finds.
fn sources(
    columns: &[&'static str],
    rates: Rates,
    position: impl Fn(&str, usize) -> Option<usize>,
) -> Vec<Source> {
    let columns = columns.iter().copied().enumerate();
    let sources = columns.filter_map(|(index, name)| {
        Some(Source {
            position: position(name, index)?,
            index,
            name,
            column: Column::new(name, rates),
        })
    });
    sources.collect()
}

fn bad(column: &'static str, problem: &'static str, text: &[u8]) -> BadRow {
    BadRow::Value {
        column,
        problem,
        value: String::from_utf8_lossy(text).into_owned(),
    }
}

/// An attack type, with KDD'99's trailing dot or without.
fn attack(record: &ByteRecord, label: Label) -> Result<Attack, BadRow> {
    let text = &record[label.position];
    str::from_utf8(text.strip_suffix(b".").unwrap_or(text))
        .ok()
        .and_then(Attack::from_name)
        .ok_or_else(|| bad(label.name, "unknown attack type", text))
}

/// A class, in upper or lower case.
fn class(record: &ByteRecord, label: Label) -> Result<Class, BadRow> {
    let text = &record[label.position];
    Class::KNOWN
        .into_iter()
        .find(|class| class.name().as_bytes().eq_ignore_ascii_case(text))
        .ok_or_else(|| bad(label.name, "unknown class", text))
}

/// The groups seen so far: a name is kept once, however many rows bear it.
#[derive(Debug, Default)]
pub(super) struct Groups {
    attacks: BTreeMap<Attack, Arc<str>>,
    classes: BTreeMap<Class, Arc<str>>,
    /// By scenario, as the file writes it.
    scenarios: BTreeMap<Vec<u8>, BTreeMap<Class, Arc<str>>>,
}

impl Groups {
    fn attack(&mut self, attack: Attack) -> Arc<str> {
        let name = || Arc::from(attack.name());
        Arc::clone(self.attacks.entry(attack).or_insert_with(name))
    }

    fn class(&mut self, class: Class) -> Arc<str> {
        let name = || Arc::from(class.name());
        Arc::clone(self.classes.entry(class).or_insert_with(name))
    }

    fn scenario(&mut self, scenario: &[u8], class: Class) -> Arc<str> {
        let name = || Arc::from(format!("{}/{class}", String::from_utf8_lossy(scenario)));
        if let Some(classes) = self.scenarios.get_mut(scenario) {
            return Arc::clone(classes.entry(class).or_insert_with(name));
        }
        let name: Arc<str> = name();
        let classes = BTreeMap::from([(class, Arc::clone(&name))]);
        self.scenarios.insert(scenario.to_vec(), classes);
        name
    }
}
