//! The same connections among other traffic.
//!
//! Much of a row is not about its connection but about what everybody else did just before it: the last 255
//! connections of the network, the last two seconds of its destination. A recording shows each scenario in the few
//! contexts it happened in, and a tree learns those by heart: "the ping that ran while nothing else did". Rows with
//! the context of others teach it that the context is not the connection.

use super::validate::mix;
use crate::{Class, Features, Schema};

/// Which columns are about others.
struct Context {
    /// The last 255 connections of everybody.
    network: Vec<usize>,
    /// Everybody's latest connections to the same destination, or the same service.
    destination: Vec<usize>,
}

impl Context {
    fn new() -> Self {
        let columns = || Schema::Live.columns().iter().enumerate();
        let own = ["src_packets", "dst_packets", "packet_rate", "src_count"];
        let network = columns().filter(|(_, name)| name.starts_with("dst_host_"));
        // The columns after `urgent` are about windows, but for the connection's own.
        let destination = columns()
            .skip_while(|(_, name)| **name != "count")
            .filter(|(_, name)| !name.starts_with("dst_host_") && !own.contains(name));
        Self {
            network: network.map(|(column, _)| column).collect(),
            destination: destination.map(|(column, _)| column).collect(),
        }
    }
}

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
    let context = Context::new();
    let mut all = Vec::with_capacity(rows.len() * (1 + copies as usize));
    for (index, (features, class, name)) in rows.iter().enumerate() {
        all.push((*features, *class, name.clone()));
        for copy in 0..copies {
            let draw = mix(seed ^ mix(index as u64) ^ mix(u64::from(copy) << 32));
            let scenario = &scenarios[draw as usize % scenarios.len()];
            let other = scenario[mix(draw) as usize % scenario.len()];
            let mut features = *features;
            transplant(&mut features, &rows[other].0, &context.network);
            if *class == Class::Normal && copy % 2 == 1 {
                transplant(&mut features, &rows[other].0, &context.destination);
            }
            all.push((features, *class, name.clone()));
        }
    }
    all
}

fn transplant(features: &mut Features, other: &Features, columns: &[usize]) {
    for &column in columns {
        features.set(column, other.value(column));
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
    fn windows_of_others_are_context() {
        let names = |columns: &[usize]| -> Vec<&str> {
            let all = Schema::Live.columns();
            columns.iter().map(|column| all[*column]).collect()
        };
        let context = Context::new();
        assert_eq!(context.network.len(), 10);
        let destination = names(&context.destination);
        assert_eq!(destination.len(), 10);
        assert_eq!(destination[0], "count");
        assert!(destination.contains(&"count_100ms") && destination.contains(&"diff_srv_rate"));
    }

    #[test]
    fn only_the_context_comes_from_others() {
        let rows = vec![row(1, Class::Normal, "a"), row(2, Class::Dos, "b")];
        let all = with_other_contexts(rows, 40, 7);
        assert_eq!(all.len(), 2 * 41);
        let context = Context::new();
        let (mut networks, mut destinations) = (0, 0);
        for (features, class, name) in &all {
            let own = if *class == Class::Normal { 1 } else { 2 };
            assert_eq!(name, if own == 1 { "a" } else { "b" });
            for (column, value) in features.values().iter().enumerate() {
                let foreign = *value != own;
                networks += u32::from(foreign && context.network.contains(&column));
                destinations += u32::from(foreign && context.destination.contains(&column));
                assert!(
                    !foreign
                        || context.network.contains(&column)
                        || (own == 1 && context.destination.contains(&column)),
                    "column {column} of {name}"
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
