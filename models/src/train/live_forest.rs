//! A small forest for live traffic, learnt from recordings.
//!
//! What a wrong verdict costs is fixed here and not searched for: it is a choice of what the
//! model is for, and recordings know only the scenarios somebody thought of. Validation leaves
//! those out whole, one eighth at a time, and says what the choice comes to.

use super::{
    Balance, Dataset, ForestParams,
    select::{ForestSettings, SelectError, Trial, judged},
    unknown::UnknownParams,
};
use crate::{CLASS_COUNT, Class, Costs, KNOWN_COUNT, OperatingPoint};

/// The operating points by name, the default first, with what it costs to call a normal row an
/// attack. A missed attack's row costs 1: the next one comes soon, a false block stays.
const POINTS: [(&str, f64); 3] = [("careful", 4.0), ("strict", 19.0), ("balanced", 1.0)];

/// To call a normal row a guess costs so much of that: a verdict on guesses keeps their source from one service only
/// (docs/decisions/0034), and what connections come to takes it back (0037).
const GUESSED: f64 = 0.5;

/// To take one attack for another costs so much: it is acted on all the same.
const CONFUSED: f64 = 0.25;

/// To take another attack for a guess: as much as to miss it, or doubt between normal, a flood and a scan would be
/// called so because it is cheaper (docs/decisions/0040).
const TAKEN_FOR_A_GUESS: f64 = 1.0;

/// What others do for longer than a moment, by name, besides KDD's windows. A recording shows each
/// scenario in one place among the others, and trees know the place by such columns.
const OF_OTHERS: [&str; 5] = [
    "count_100ms",
    "src_count",
    "dst_failed_rate_60s",
    "dst_sources_60s",
    "dst_ports_60s",
];

/// After a pause it is about the last few milliseconds: 400/s for the four packets that end a connection, or 5/s
/// if the pause was a little shorter. Trees learnt by heart which of the two a server's delay makes.
const OF_A_MOMENT: &str = "packet_rate";

/// The recording's longest scenario lasts 100 seconds: what ten minutes of a harmless client come to, it does not show.
const OF_TEN_MINUTES: [&str; 2] = ["src_conns_600s", "pair_conns_600s"];

/// The rows without what is of others, or of chance: trees don't ask what is the same everywhere.
pub(super) fn seen(data: &Dataset) -> Dataset {
    let names = data.schema.columns();
    let windows = names
        .iter()
        .copied()
        .skip_while(|name| *name != "count")
        .take_while(|name| *name != "src_packets");
    let columns: Vec<usize> = windows
        .chain(OF_OTHERS)
        .chain([OF_A_MOMENT])
        .chain(OF_TEN_MINUTES)
        .filter_map(|name| data.schema.column(name))
        .collect();
    let mut data = data.clone();
    for row in &mut data.rows {
        for column in &columns {
            row.features.set(*column, 0);
        }
    }
    data
}

/// Few and small trees, since every event of every connection is judged; no made-up rows, since
/// each scenario weighs the same and a class has many.
fn settings() -> ForestSettings {
    ForestSettings {
        forest: ForestParams {
            trees: 16,
            leaves: 768,
            columns: 32,
            sample_percent: 100,
            balance: Balance::None,
            kinds: 0,
            ..ForestParams::default()
        },
        unknown: UnknownParams {
            rows_percent: 0,
            ..UnknownParams::default()
        },
    }
}

/// How the settings and points do on scenarios left out.
pub(super) fn tried(data: &Dataset, seed: u64) -> Result<Trial, SelectError> {
    let points = POINTS.map(|(name, false_alarm)| {
        let name = name.to_owned();
        let costs = costs(false_alarm);
        OperatingPoint { name, costs }
    });
    judged(data, &settings(), &points, seed)
}

fn costs(false_alarm: f64) -> Costs {
    let mut costs = [[0; KNOWN_COUNT]; CLASS_COUNT];
    for actual in Class::ALL {
        for said in Class::KNOWN {
            let cost = match (actual.is_attack(), said.is_attack()) {
                _ if actual == said => 0.0,
                (false, _) if said == Class::R2l => false_alarm * GUESSED,
                (false, _) => false_alarm,
                (true, true) if said == Class::R2l => TAKEN_FOR_A_GUESS,
                (true, true) => CONFUSED,
                (true, false) => 1.0,
            };
            costs[actual.index()][said.index()] = (cost * 1000.0) as u32;
        }
    }
    Costs(costs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Features, LIVE_COLUMNS, Schema};

    #[test]
    fn a_connection_and_its_two_hosts_of_the_moment_are_seen() {
        let mut features = Features::missing(Schema::Live);
        for column in 0..LIVE_COLUMNS.len() {
            features.set(column, 7);
        }
        let rows = [(features, Class::Normal, "scenario/normal".to_owned())];
        let data = seen(&Dataset::new(Schema::Live, rows));
        let features = &data.rows[0].features;
        let hidden = |name: &&str| features.named(name) == Some(0);
        let hidden: Vec<&str> = LIVE_COLUMNS.into_iter().filter(hidden).collect();
        assert_eq!(hidden.len(), 27, "{hidden:?}");
        assert_eq!(
            [0, 18, 19, 22, 26].map(|index| hidden[index]),
            [
                "count",
                "dst_host_srv_rerror_rate",
                "packet_rate",
                "src_conns_600s",
                "pair_conns_600s"
            ]
        );
    }

    #[test]
    fn a_false_alarm_outweighs_attacks_that_are_missed() {
        let shares = [0.25, 0.75, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(costs(4.0).decide(shares).class, Class::Normal);
        assert_eq!(costs(1.0).decide(shares).class, Class::Dos);
        let two_attacks = [0.1, 0.5, 0.4, 0.0, 0.0, 0.0];
        assert_eq!(costs(4.0).decide(two_attacks).class, Class::Dos);
        // Nothing of a guess is in it, and of anything else too little.
        assert_eq!(
            costs(4.0).decide([0.18, 0.41, 0.41, 0.0, 0.0, 0.0]).class,
            Class::Normal
        );
        // Two thirds are enough for a guess, and for what is no guess it is not the cheaper word.
        assert_eq!(
            costs(4.0).decide([0.3, 0.0, 0.0, 0.7, 0.0, 0.0]).class,
            Class::R2l
        );
        assert_eq!(
            costs(4.0).decide([0.3, 0.7, 0.0, 0.0, 0.0, 0.0]).class,
            Class::Normal
        );
        assert_eq!(
            costs(4.0).decide([0.15, 0.85, 0.0, 0.0, 0.0, 0.0]).class,
            Class::Dos
        );
    }
}
