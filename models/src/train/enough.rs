//! What grows for as long as something lasts, told apart only up to a point.
//!
//! A scenario is recorded for seconds and traffic goes on for hours. Beyond what the recorded clients reach in their time
//! there would be floods only, and whoever goes on for minutes would be one (docs/decisions/0035). Trees ask for no value
//! that is in no row, so what lies beyond is on one side of all their questions, and the columns stay what they are.

use super::Dataset;

/// Connections of a client: 400 are some seconds of a busy one, and nobody's first moments.
const CONNECTIONS: u32 = 400;
/// Packets of a connection: half a minute of a call.
const PACKETS: u32 = 2000;

/// By name, with the most that is told apart.
const ENOUGH: [(&str, u32); 6] = [
    ("src_conns_60s", CONNECTIONS),
    ("src_conns_600s", CONNECTIONS),
    ("pair_conns_60s", CONNECTIONS),
    ("pair_conns_600s", CONNECTIONS),
    ("src_packets", PACKETS),
    ("dst_packets", PACKETS),
];

/// The rows of the `live` schema with no more than enough of each; for trees and forests, which alone don't mind
/// greater values afterwards.
pub(super) fn no_more_than_enough(mut data: Dataset) -> Dataset {
    let columns = ENOUGH.map(|(name, most)| (data.schema.column(name), most));
    for row in &mut data.rows {
        for (column, most) in columns {
            if let Some(column) = column {
                let value = row.features.value(column);
                row.features.set(column, value.min(most));
            }
        }
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, Features, LIVE_COLUMNS, Schema};

    #[test]
    fn only_what_grows_is_cut_off() {
        let mut features = Features::missing(Schema::Live);
        for column in 0..LIVE_COLUMNS.len() {
            features.set(column, 1_000_000);
        }
        let rows = [(features, Class::Normal, "scenario/normal".to_owned())];
        let data = no_more_than_enough(Dataset::new(Schema::Live, rows));
        let features = &data.rows[0].features;
        let cut = |name: &&str| features.named(name) != Some(1_000_000);
        assert_eq!(LIVE_COLUMNS.into_iter().filter(cut).count(), ENOUGH.len());
        for (name, most) in ENOUGH {
            assert_eq!(features.named(name), Some(most), "{name}");
        }
    }
}
