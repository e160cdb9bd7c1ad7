//! The two column layouts and a row of either.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::UnknownName;

/// The value of a column that is not known. Real values saturate one below it.
pub const MISSING: u32 = u32::MAX;

/// The most columns a schema has.
pub const MAX_COLUMNS: usize = LIVE_COLUMNS.len();

/// What a row has room for: a power of two, so that a column's number in as many bits is never out of range.
pub(crate) const ROW_WIDTH: usize = 64;
const _: () = assert!(MAX_COLUMNS <= ROW_WIDTH);

/// A row's values, [`MISSING`] beyond its columns.
pub(crate) type Row = [u32; ROW_WIDTH];

/// KDD's 41 columns in the order of `kddcup.names`.
pub const KDD41_COLUMNS: [&str; 41] = [
    "duration",
    "protocol_type",
    "service",
    "flag",
    "src_bytes",
    "dst_bytes",
    "land",
    "wrong_fragment",
    "urgent",
    "hot",
    "num_failed_logins",
    "logged_in",
    "num_compromised",
    "root_shell",
    "su_attempted",
    "num_root",
    "num_file_creations",
    "num_shells",
    "num_access_files",
    "num_outbound_cmds",
    "is_host_login",
    "is_guest_login",
    "count",
    "srv_count",
    "serror_rate",
    "srv_serror_rate",
    "rerror_rate",
    "srv_rerror_rate",
    "same_srv_rate",
    "diff_srv_rate",
    "srv_diff_host_rate",
    "dst_host_count",
    "dst_host_srv_count",
    "dst_host_same_srv_rate",
    "dst_host_diff_srv_rate",
    "dst_host_same_src_port_rate",
    "dst_host_srv_diff_host_rate",
    "dst_host_serror_rate",
    "dst_host_srv_serror_rate",
    "dst_host_rerror_rate",
    "dst_host_srv_rerror_rate",
];

/// Where the columns keyed by host begin in [`LIVE_COLUMNS`].
pub const FIRST_HOST_COLUMN: usize = 33;

/// The 28 KDD columns a packet sensor can compute, in KDD's order, five of its own, and 28 about the source, the
/// destination and the pair of them (see [`HostColumns`](crate::HostColumns)).
///
/// `docs/FEATURES.md` defines every one. New columns are appended: a model file may know only the first ones.
pub const LIVE_COLUMNS: [&str; 62] = [
    "duration",
    "protocol_type",
    "service",
    "flag",
    "src_bytes",
    "dst_bytes",
    "land",
    "wrong_fragment",
    "urgent",
    "count",
    "srv_count",
    "serror_rate",
    "srv_serror_rate",
    "rerror_rate",
    "srv_rerror_rate",
    "same_srv_rate",
    "diff_srv_rate",
    "srv_diff_host_rate",
    "dst_host_count",
    "dst_host_srv_count",
    "dst_host_same_srv_rate",
    "dst_host_diff_srv_rate",
    "dst_host_same_src_port_rate",
    "dst_host_srv_diff_host_rate",
    "dst_host_serror_rate",
    "dst_host_srv_serror_rate",
    "dst_host_rerror_rate",
    "dst_host_srv_rerror_rate",
    "src_packets",
    "dst_packets",
    "packet_rate",
    "count_100ms",
    "src_count",
    "src_packets_2s",
    "src_conns_60s",
    "src_conns_600s",
    "src_waiting",
    "src_failed_rate_2s",
    "src_failed_rate_60s",
    "src_failed_rate_600s",
    "src_ports_60s",
    "src_ports_600s",
    "src_hosts_60s",
    "src_hosts_600s",
    "src_open",
    "src_bytes_per_open",
    "dst_packets_100ms",
    "dst_packets_2s",
    "dst_packet_bytes_2s",
    "dst_waiting",
    "dst_failed_rate_60s",
    "dst_sources_2s",
    "dst_sources_60s",
    "dst_ports_60s",
    "dst_open",
    "dst_unsolicited_2s",
    "dst_fragments_2s",
    "pair_packets_2s",
    "pair_conns_60s",
    "pair_conns_600s",
    "pair_alike_rate_600s",
    "pair_same_answer_rate_600s",
];

/// Which columns a row has, and in which order.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schema {
    /// All 41 KDD columns: the KDD datasets and `/predict`.
    Kdd41,
    /// What a packet sensor can compute: see [`LIVE_COLUMNS`].
    Live,
}

impl Schema {
    /// Both schemas.
    pub const ALL: [Self; 2] = [Self::Kdd41, Self::Live];

    /// The column names in row order.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Kdd41 => &KDD41_COLUMNS,
            Self::Live => &LIVE_COLUMNS,
        }
    }

    /// The fewest columns a model file may know: what the schema had before columns were appended.
    pub const fn fewest_columns(self) -> usize {
        match self {
            Self::Kdd41 => KDD41_COLUMNS.len(),
            Self::Live => FIRST_HOST_COLUMN,
        }
    }

    /// The lower-case name, as in model files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kdd41 => "kdd41",
            Self::Live => "live",
        }
    }

    /// The index of a column by its name.
    pub fn column(self, name: &str) -> Option<usize> {
        self.columns().iter().position(|column| *column == name)
    }

    /// Whether a column is a rate in percent, `0..=100`: its name ends with `_rate`, or `_rate_` and a horizon.
    /// `packet_rate` is packets a second and so is not.
    pub fn is_percent(name: &str) -> bool {
        (name.ends_with("_rate") || name.contains("_rate_")) && name != "packet_rate"
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Schema {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|schema| schema.name() == name)
            .ok_or_else(|| UnknownName {
                kind: "schema",
                name: name.to_owned(),
            })
    }
}

/// One row of a schema: the columns as unsigned integers (rates in percent, bytes saturating,
/// names as codes), [`MISSING`] where unknown. Columns beyond the schema's stay [`MISSING`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Features {
    schema: Schema,
    values: Row,
}

impl Features {
    /// A row with every column missing.
    pub const fn missing(schema: Schema) -> Self {
        Self {
            schema,
            values: [MISSING; ROW_WIDTH],
        }
    }

    /// A row of [`Schema::Live`].
    pub(crate) fn live(values: [u32; LIVE_COLUMNS.len()]) -> Self {
        let mut row = Self::missing(Schema::Live);
        row.values[..LIVE_COLUMNS.len()].copy_from_slice(&values);
        row
    }

    /// A row from its values in column order; `None` if their number is not the schema's.
    pub fn from_values(schema: Schema, values: &[u32]) -> Option<Self> {
        let mut features = Self::missing(schema);
        let row = features.values.get_mut(..schema.columns().len())?;
        if row.len() != values.len() {
            return None;
        }
        row.copy_from_slice(values);
        Some(features)
    }

    /// The row's schema.
    pub const fn schema(&self) -> Schema {
        self.schema
    }

    /// The values in column order, as many as the schema has columns.
    pub fn values(&self) -> &[u32] {
        &self.values[..self.schema.columns().len()]
    }

    /// One value; [`MISSING`] where unknown or out of range.
    pub fn value(&self, column: usize) -> u32 {
        self.values.get(column).copied().unwrap_or(MISSING)
    }

    /// Sets one value by column index; indices beyond the schema are ignored.
    pub fn set(&mut self, column: usize, value: u32) {
        if column < self.schema.columns().len() {
            self.values[column] = value;
        }
    }

    /// One value by column name; `None` for a name the schema lacks or a missing value.
    pub fn named(&self, name: &str) -> Option<u32> {
        let value = self.value(self.schema.column(name)?);
        (value != MISSING).then_some(value)
    }

    /// All columns, [`MISSING`] beyond the schema: lets a tree index without a bounds check.
    pub(crate) const fn raw(&self) -> &Row {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;

    #[test]
    fn live_columns_are_kdds_without_content_then_five_more_then_those_of_hosts() {
        let content_start = Schema::Kdd41.column("hot").unwrap();
        let content_end = Schema::Kdd41.column("is_guest_login").unwrap();
        let header_visible: Vec<_> = KDD41_COLUMNS
            .iter()
            .enumerate()
            .filter(|(column, _)| !(content_start..=content_end).contains(column))
            .map(|(_, name)| *name)
            .collect();
        assert_eq!(LIVE_COLUMNS[..28], header_visible);
        assert_eq!(
            LIVE_COLUMNS[28..FIRST_HOST_COLUMN],
            [
                "src_packets",
                "dst_packets",
                "packet_rate",
                "count_100ms",
                "src_count"
            ]
        );
    }

    #[test]
    fn features_keep_to_their_schema() {
        const WIDTH: usize = LIVE_COLUMNS.len();
        assert_eq!(Features::from_values(Schema::Live, &[0; WIDTH - 1]), None);
        assert_eq!(Features::from_values(Schema::Live, &[0; 41]), None);
        assert_eq!(Features::from_values(Schema::Kdd41, &[0; WIDTH]), None);
        let mut narrow = Features::from_values(Schema::Kdd41, &[7; 41]).unwrap();
        narrow.set(41, 1);
        assert_eq!(narrow.value(41), MISSING);
        let mut row = Features::from_values(Schema::Live, &[7; WIDTH]).unwrap();
        assert_eq!(row.value(1000), MISSING);
        row.set(0, MISSING);
        assert_eq!(row.named("duration"), None);
        assert_eq!(row.named("src_count"), Some(7));
        assert_eq!(row.named("hot"), None);
        assert_eq!(row.values().len(), WIDTH);
    }

    #[test]
    fn percent_columns() {
        assert!(Schema::is_percent("serror_rate"));
        assert!(Schema::is_percent("src_failed_rate_60s"));
        assert!(!Schema::is_percent("src_conns_60s"));
        assert!(!Schema::is_percent("packet_rate"));
        assert!(!Schema::is_percent("count"));
        assert_eq!("live".parse::<Schema>().unwrap(), Schema::Live);
    }
}
