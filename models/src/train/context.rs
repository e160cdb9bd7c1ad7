//! The same connections among other traffic.
//!
//! Much of a row is not about its connection but about what everybody else did just before it: the last 255
//! connections of the network, the last two seconds of its destination. A recording shows each scenario in the few
//! contexts it happened in, and a tree learns those by heart: "the ping that ran while nothing else did". Rows with
//! the context of others teach it that the context is not the connection.

use super::validate::mix;
use crate::{Class, Features, Schema};

/// About the last 255 connections of everybody.
const NETWORK: [&str; 10] = [
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

/// About everybody's latest connections to the same destination, or the same service.
const DESTINATION: [&str; 10] = [
    "count",
    "srv_count",
    "serror_rate",
    "srv_serror_rate",
    "rerror_rate",
    "srv_rerror_rate",
    "same_srv_rate",
    "diff_srv_rate",
    "srv_diff_host_rate",
    "count_100ms",
];

/// Adds `copies` of every recorded row, each in the context of another recorded row.
///
/// All copies get the other's network. Every second copy of a normal row gets the other's destination too: whoever
/// talks to a host under attack is not part of it. An attack keeps its own, for it is what fills it. The others are
/// drawn scenario by scenario, so that a long one does not outweigh the rest. The same seed gives the same copies.
pub(super) fn with_other_contexts(
    rows: Vec<(Features, Class, String)>,
    copies: u32,
    seed: u64,
) -> Vec<(Features, Class, String)> {
    let mut scenarios: Vec<Vec<usize>> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for (index, (.., name)) in rows.iter().enumerate() {
        match names.iter().position(|known| known == name) {
            Some(scenario) => scenarios[scenario].push(index),
            None => {
                names.push(name);
                scenarios.push(vec![index]);
            }
        }
    }
    let mut all = Vec::with_capacity(rows.len() * (1 + copies as usize));
    for (index, (features, class, name)) in rows.iter().enumerate() {
        all.push((*features, *class, name.clone()));
        for copy in 0..copies {
            let draw = mix(seed ^ mix(index as u64) ^ mix(u64::from(copy) << 32));
            let scenario = &scenarios[draw as usize % scenarios.len()];
            let other = scenario[mix(draw) as usize % scenario.len()];
            let mut features = *features;
            transplant(&mut features, &rows[other].0, &NETWORK);
            if *class == Class::Normal && copy % 2 == 1 {
                transplant(&mut features, &rows[other].0, &DESTINATION);
            }
            all.push((features, *class, name.clone()));
        }
    }
    all
}

fn transplant(features: &mut Features, other: &Features, columns: &[&str]) {
    for name in columns {
        if let Some(column) = Schema::Live.column(name) {
            features.set(column, other.value(column));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: u32, class: Class, scenario: &str) -> (Features, Class, String) {
        let mut features = Features::missing(Schema::Live);
        for column in 0..Schema::Live.columns().len() {
            features.set(column, value);
        }
        (features, class, scenario.to_owned())
    }

    #[test]
    fn names_are_columns() {
        for name in NETWORK.iter().chain(&DESTINATION) {
            assert!(Schema::Live.column(name).is_some(), "{name}");
        }
    }

    #[test]
    fn only_the_context_comes_from_others() {
        let rows = vec![row(1, Class::Normal, "a"), row(2, Class::Dos, "b")];
        let all = with_other_contexts(rows, 40, 7);
        assert_eq!(all.len(), 2 * 41);
        let (mut networks, mut destinations) = (0, 0);
        for (features, class, name) in &all {
            let own = if *class == Class::Normal { 1 } else { 2 };
            assert_eq!(name, if own == 1 { "a" } else { "b" });
            for (column, value) in Schema::Live.columns().iter().zip(features.values()) {
                let foreign = *value != own;
                networks += u32::from(foreign && NETWORK.contains(column));
                destinations += u32::from(foreign && DESTINATION.contains(column));
                assert!(
                    !foreign
                        || NETWORK.contains(column)
                        || (own == 1 && DESTINATION.contains(column)),
                    "{column} of {name}"
                );
            }
        }
        assert!(networks > 0 && destinations > 0);
    }

    #[test]
    fn the_seed_decides() {
        let rows = || (0..50).map(|i| row(i, Class::Normal, "s")).collect();
        let values = |seed| {
            let all = with_other_contexts(rows(), 2, seed);
            all.iter()
                .map(|(f, ..)| f.values().to_vec())
                .collect::<Vec<_>>()
        };
        assert_eq!(values(1), values(1));
        assert_ne!(values(1), values(2));
    }
}
