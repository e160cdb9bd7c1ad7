//! The same connections among other traffic.
//!
//! Much of a row is not about its connection but about what everybody else did just before it: the last 255
//! connections of the network, the last two seconds of its destination. A recording shows each scenario in the few
//! contexts it happened in, and a tree learns those by heart: "the ping that ran while nothing else did". Rows with
//! the context of others teach it that the context is not the connection.

use super::random::mix;
use crate::{Class, FIRST_HOST_COLUMN, Features, Flag, Protocol, Schema, Service};

/// Which columns are about others.
struct Context {
    /// The last 255 connections of everybody.
    network: Vec<usize>,
    /// Everybody's latest connections to the same destination, or the same service, and what the destination suffers.
    destination: Vec<usize>,
    /// The source's latest connections, and what it does otherwise. What it does to this very service, `pair_*`, is
    /// its own.
    source: Vec<usize>,
}

impl Context {
    fn new() -> Self {
        let columns = || Schema::Live.columns().iter().enumerate();
        let own = ["src_packets", "dst_packets", "packet_rate", "src_count"];
        let network = columns().filter(|(_, name)| name.starts_with("dst_host_"));
        // The columns after `urgent` are about windows, but for the connection's own.
        let destination = columns()
            .take(FIRST_HOST_COLUMN)
            .skip_while(|(_, name)| **name != "count")
            .filter(|(_, name)| !name.starts_with("dst_host_") && !own.contains(name));
        let hosts = |role: &'static str| {
            columns()
                .skip(FIRST_HOST_COLUMN)
                .filter(move |(_, name)| name.starts_with(role))
                .map(|(column, _)| column)
        };
        let source = Schema::Live.column("src_count").into_iter();
        Self {
            network: network.map(|(column, _)| column).collect(),
            destination: destination
                .map(|(column, _)| column)
                .chain(hosts("dst_"))
                .collect(),
            source: source.chain(hosts("src_")).collect(),
        }
    }
}

/// Adds variations of every recorded row: `copies` in the context of another recorded row, and, where `copies` is not
/// 0, a normal row as if nobody else had sent anything.
///
/// All copies get the other's network. Every second copy of a normal row gets the other's destination too: whoever
/// talks to a host under attack is not part of it; and, if the other is normal, its source's count, for one source may
/// do several harmless things at once. An attack keeps its own, for it is what fills it. The others are
/// drawn scenario by scenario, so that a long one does not outweigh the rest. Copies of an echo request have a payload
/// of any size, which is its sender's whim. The same seed gives the same copies.
pub(super) fn with_variations(
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
    let mut all = Vec::with_capacity(rows.len() * (2 + copies as usize));
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
                if rows[other].1 == Class::Normal {
                    transplant(&mut features, &rows[other].0, &context.source);
                }
            }
            resize_echo(&mut features, mix(draw ^ seed));
            all.push((features, *class, name.clone()));
        }
        if *class == Class::Normal && copies > 0 {
            let mut features = *features;
            isolate(&mut features);
            resize_echo(&mut features, mix(seed ^ index as u64));
            all.push((features, *class, name.clone()));
        }
    }
    all
}

/// Payloads that tools and KDD's attacks send by default, in bytes.
const USUAL_PAYLOADS: [u32; 8] = [0, 8, 12, 32, 56, 512, 1024, 1472];

/// Gives an echo request another payload: a usual one, or any of 0 to 1472 bytes, which fill an Ethernet frame.
fn resize_echo(features: &mut Features, draw: u64) {
    let echo = Service::from_icmp(8, 0).code();
    if features.named("service") == Some(echo) {
        let payload = if draw.is_multiple_of(2) {
            USUAL_PAYLOADS[(draw / 2 % 8) as usize]
        } else {
            (draw / 2 % 1473) as u32
        };
        // The column counts the 8-byte header too.
        set(features, "src_bytes", 8 + payload);
    }
}

/// The columns as they are when the connection is the first and only one for a long time.
fn isolate(features: &mut Features) {
    let value = |name| features.named(name).unwrap_or(0);
    let icmp = value("protocol_type") == Protocol::Icmp.code();
    let flag = Flag::ALL
        .into_iter()
        .find(|flag| flag.code() == value("flag"));
    let all_if = |is: fn(Flag) -> bool| if flag.is_some_and(is) { 100 } else { 0 };
    let (serror, rerror) = (all_if(Flag::is_serror), all_if(Flag::is_rerror));
    // Every message of an ICMP conversation is a connection of its own.
    let (recent, last, burst) = if icmp {
        let (sent, recent) = (value("src_packets").max(1), value("src_count").max(1));
        (recent.min(sent), sent.min(255), value("count_100ms"))
    } else {
        (1, 1, 1)
    };
    for (name, value) in [
        ("count", recent.min(511)),
        ("srv_count", recent.min(511)),
        ("serror_rate", serror),
        ("srv_serror_rate", serror),
        ("rerror_rate", rerror),
        ("srv_rerror_rate", rerror),
        ("same_srv_rate", 100),
        ("diff_srv_rate", 0),
        ("srv_diff_host_rate", 0),
        ("dst_host_count", last),
        ("dst_host_srv_count", last),
        ("dst_host_same_srv_rate", 100),
        ("dst_host_diff_srv_rate", 0),
        ("dst_host_same_src_port_rate", 100),
        ("dst_host_srv_diff_host_rate", 0),
        ("dst_host_serror_rate", serror),
        ("dst_host_srv_serror_rate", serror),
        ("dst_host_rerror_rate", rerror),
        ("dst_host_srv_rerror_rate", rerror),
        ("count_100ms", burst),
        ("src_count", recent),
    ] {
        set(features, name, value);
    }
    isolate_hosts(features, rerror);
}

/// The columns keyed by host when both hosts have to do with this service of the destination alone, of whose
/// connections `failed` percent fail.
fn isolate_hosts(features: &mut Features, failed: u32) {
    let value = |name| features.named(name).unwrap_or(0);
    let packets = value("pair_packets_2s");
    let short = value("dst_packets_100ms").min(packets);
    let (minute, long) = (value("pair_conns_60s"), value("pair_conns_600s"));
    // What is mean or unasked for is the connection's own doing: `dst_packet_bytes_2s` and the two after stay.
    for (name, value) in [
        ("src_packets_2s", packets),
        ("src_conns_60s", minute),
        ("src_conns_600s", long),
        ("dst_packets_100ms", short),
        ("dst_packets_2s", packets),
    ] {
        set(features, name, value);
    }
    for name in [
        "src_failed_rate_2s",
        "src_failed_rate_60s",
        "src_failed_rate_600s",
        "dst_failed_rate_60s",
    ] {
        set(features, name, failed);
    }
    for name in [
        "src_waiting",
        "src_ports_60s",
        "src_ports_600s",
        "src_hosts_60s",
        "src_hosts_600s",
        "src_open",
        "dst_waiting",
        "dst_sources_2s",
        "dst_sources_60s",
        "dst_ports_60s",
        "dst_open",
    ] {
        let at_most_one = features.named(name).unwrap_or(0).min(1);
        set(features, name, at_most_one);
    }
    let open = features.named("src_open").unwrap_or(0);
    let bytes = ["src_bytes", "dst_bytes"].map(|name| features.named(name).unwrap_or(0));
    set(
        features,
        "src_bytes_per_open",
        open * bytes[0].saturating_add(bytes[1]),
    );
}

fn set(features: &mut Features, name: &str, value: u32) {
    if let Some(column) = Schema::Live.column(name) {
        features.set(column, value);
    }
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
        assert_eq!(destination.len(), 21);
        assert!(names(&context.source).contains(&"src_ports_60s"));
        let all = names(&[context.network, context.destination, context.source].concat()).join(" ");
        assert!(!all.contains("pair_") && all.contains("dst_sources_2s"));
        assert_eq!(destination[0], "count");
        assert!(destination.contains(&"count_100ms") && destination.contains(&"diff_srv_rate"));
    }

    #[test]
    fn only_the_context_comes_from_others() {
        let rows = vec![row(1, Class::Normal, "a"), row(2, Class::Dos, "b")];
        let all = with_variations(rows, 40, 7);
        // And the normal row alone.
        assert_eq!(all.len(), 2 * 41 + 1);
        let context = Context::new();
        let (mut networks, mut destinations) = (0, 0);
        for (features, class, name) in &all {
            let own = if *class == Class::Normal { 1 } else { 2 };
            if features.named("dst_host_count") == Some(1)
                && features.named("count") == Some(1)
                && features.named("same_srv_rate") == Some(100)
            {
                continue;
            }
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
    fn alone_means_no_trace_of_others() {
        let mut features = row(300, Class::Normal, "s").0;
        set(&mut features, "protocol_type", Protocol::Tcp.code());
        set(&mut features, "flag", Flag::S0.code());
        isolate(&mut features);
        let value = |name| features.named(name).unwrap_or(u32::MAX);
        assert_eq!(
            (value("count"), value("dst_host_count"), value("src_count")),
            (1, 1, 1)
        );
        assert_eq!((value("serror_rate"), value("rerror_rate")), (100, 0));
        assert_eq!(value("src_packets"), 300, "its own stays");
        assert_eq!(
            (value("pair_conns_60s"), value("src_conns_60s")),
            (300, 300)
        );
        assert_eq!(
            (value("src_hosts_60s"), value("dst_failed_rate_60s")),
            (1, 0)
        );
        assert_eq!(value("src_bytes_per_open"), 600);
        set(&mut features, "protocol_type", Protocol::Icmp.code());
        set(&mut features, "flag", Flag::SF.code());
        set(&mut features, "src_count", 120);
        isolate(&mut features);
        let value = |name| features.named(name).unwrap_or(u32::MAX);
        assert_eq!(
            (
                value("count"),
                value("dst_host_count"),
                value("serror_rate")
            ),
            (120, 255, 0)
        );
    }

    #[test]
    fn the_seed_decides() {
        let rows = || (0..50).map(|i| row(i, Class::Normal, "s")).collect();
        let values = |seed| {
            let all = with_variations(rows(), 2, seed);
            all.iter()
                .map(|(f, ..)| f.values().to_vec())
                .collect::<Vec<_>>()
        };
        assert_eq!(values(1), values(1));
        assert_ne!(values(1), values(2));
    }
}
