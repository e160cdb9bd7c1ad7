//! What an event costs the tracker, and a connection in memory: `cargo bench -p tidegate --bench tracker`, or `cargo
//! xtask bench tracker`, which compares with targets. Prints, asserts nothing. `--json` prints bytes a connection, and
//! events a second of CPU time through tracker, windows and classifier: by the cached model, as the agent has it, and
//! by the model alone, which traffic costs that never repeats itself. `--model FILE`, any number of them: model files
//! in place of the shipped one, compared in turns.

use std::{
    fs,
    hint::black_box,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use nix::time::{ClockId, clock_gettime};
use tidegate::{
    track::{
        Tracker, TrackerLimits,
        testing::{FlowTable, icmp, openings, tcp},
    },
    window::{
        HashKeys, ServiceId,
        hosts::{Activity, HostLimits, Hosts, Subject},
    },
};
use tidegate_common::{
    event::{FlowEvent, Milestone},
    packet::tcp_flags::{ACK, FIN, SYN},
};
use tidegate_models::{
    CachedModel, Classifier as _, Features, Model, Prediction, Protocol, Schema, Service,
};

const EVENTS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_000 * SECOND;
const ECHO: (u8, u8) = (8, 0);

fn ip(host: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, host])
}

/// Time this thread has had on a processor: others who share the machine don't count.
fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has this clock");
    time.tv_sec() as u64 * SECOND + time.tv_nsec() as u64
}

/// Prints ns per event. Flow table and frames are prepared outside the measured time.
fn measure(name: &str, tracker: &mut Tracker, events: &[FlowEvent]) {
    let begin = cpu_ns();
    for event in events {
        black_box(tracker.observe(black_box(event)));
    }
    let per_event = (cpu_ns() - begin) as f64 / events.len() as f64;
    println!(
        "{name}: {per_event:.0} ns an event ({} connections followed, {} evicted, {} window entries dropped)",
        tracker.len(),
        tracker.evicted(),
        tracker.window_dropped(),
    );
}

/// First packets of TCP connections, each from another address, `per_second` a second.
fn flood(per_second: u64) -> Vec<FlowEvent> {
    let event = |i: u64| {
        let source = IpAddr::from(
            (0x0a00_0000 + (i as u32).wrapping_mul(2_654_435_761) % 0xff_ffff).to_be_bytes(),
        );
        let frame = tcp(
            SocketAddr::new(source, i as u16),
            SocketAddr::new(ip(1), 80),
            SYN,
            0,
        );
        FlowTable::default().packet(&frame, START + i * SECOND / per_second)
    };
    (0..EVENTS).filter_map(event).collect()
}

/// Web requests of `clients` to ten servers, five events each: SYN, handshake, the second packets, the end.
fn web(clients: u64) -> Vec<FlowEvent> {
    let mut flows = FlowTable::default();
    let mut events = Vec::with_capacity(EVENTS as usize);
    let segments = [
        (true, SYN, 0),
        (false, SYN | ACK, 0),
        (true, ACK, 0),
        (true, ACK, 200),
        (false, ACK, 1400),
        (true, FIN | ACK, 0),
        (false, FIN | ACK, 0),
    ];
    for i in 0.. {
        let client = IpAddr::from((0x0a01_0000 + (i % clients) as u32).to_be_bytes());
        let client = SocketAddr::new(client, 1024 + (i / clients) as u16);
        let server = SocketAddr::new(ip((i % 10) as u8), 443);
        for (segment, &(from_client, flags, payload)) in segments.iter().enumerate() {
            let (from, to) = if from_client {
                (client, server)
            } else {
                (server, client)
            };
            let frame = tcp(from, to, flags, payload);
            // Ten thousand connections a second.
            let now_ns = START + i * 100_000 + segment as u64 * 10_000;
            events.extend(flows.packet(&frame, now_ns));
        }
        if events.len() >= EVENTS as usize {
            break;
        }
    }
    events
}

/// The models named by `--model`, or the shipped one, by name.
fn models() -> Vec<(String, Arc<Model>)> {
    let arguments: Vec<String> = std::env::args().collect();
    let files = arguments.windows(2).filter(|pair| pair[0] == "--model");
    let mut models: Vec<_> = files
        .map(|pair| (pair[1].clone(), Model::load(&pair[1]).expect("a model")))
        .collect();
    if models.is_empty() {
        let shipped = Model::shipped(Schema::Live).expect("the shipped model loads");
        models.push(("shipped".to_owned(), shipped));
    }
    models
        .into_iter()
        .map(|(name, model)| (name, Arc::new(model)))
        .collect()
}

/// Events a second through tracker, windows and each classifier, the best of five runs in turn: cached, and alone.
fn verdicts(models: &[(String, Arc<Model>)], events: &[FlowEvent]) -> Vec<[f64; 2]> {
    let mut best = vec![[0_f64; 2]; models.len()];
    for _ in 0..5 {
        for ((_, model), best) in models.iter().zip(&mut best) {
            let mut cached = CachedModel::new(Arc::clone(model));
            let rates = [
                rate(events, |row| cached.predict(row)),
                rate(events, |row| model.predict(row)),
            ];
            for (best, rate) in best.iter_mut().zip(rates) {
                *best = best.max(rate);
            }
        }
    }
    best
}

/// Events a second through a new tracker, its windows and `predict`.
fn rate(events: &[FlowEvent], mut predict: impl FnMut(&Features) -> Prediction) -> f64 {
    let mut tracker = Tracker::new(TrackerLimits::default());
    let begin = cpu_ns();
    for event in events {
        let observation = tracker.observe(black_box(event));
        black_box(predict(&observation.record.features()));
    }
    events.len() as f64 * 1e9 / (cpu_ns() - begin) as f64
}

/// What [`verdicts`] says.
fn measure_verdicts(name: &str, models: &[(String, Arc<Model>)], events: &[FlowEvent]) {
    for ((model, _), rates) in models.iter().zip(verdicts(models, events)) {
        let [cached, alone] = rates.map(|rate| 1e9 / rate);
        println!(
            "{name}, with verdicts ({model}): {cached:.0} ns an event, {alone:.0} without the cache"
        );
    }
}

/// Bytes a connection takes: by how much this process grows from 100,000 open ones to a million, from 65,536 clients.
fn bytes_per_connection() -> f64 {
    const BEFORE: usize = 100_000;
    const AFTER: usize = 1_000_000;
    let mut tracker = Tracker::new(TrackerLimits {
        max_connections: AFTER,
    });
    let mut events = openings(START, 10_000);
    let mut open = |connections: usize| {
        for event in events.by_ref().take(connections) {
            tracker.observe(&event);
        }
        resident_bytes()
    };
    let before = open(BEFORE);
    (open(AFTER - BEFORE) - before) / (AFTER - BEFORE) as f64
}

/// Memory of this process that is no file.
fn resident_bytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has this file");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    1024.0 * kib.expect("a size").parse::<f64>().expect("a number")
}

/// What the columns keyed by host cost of all that: `sources` in turn, every `new`-th event a new connection.
fn measure_hosts(sources: u64, new: u64) {
    let mut hosts = Hosts::new(HostLimits::default(), HashKeys::random());
    let observe = |hosts: &mut Hosts, i: u64| {
        let source = (0x0a00_0000 + (i % sources) as u32).to_be_bytes();
        let subject = Subject {
            source: IpAddr::from(source).into(),
            destination: ip((i % 7) as u8).into(),
            service: ServiceId::new(Protocol::Tcp, 443, Service::OTHER),
        };
        let begun = u32::from(i.is_multiple_of(new));
        let activity = Activity {
            at_ns: START + i * 100_000,
            start_ns: START + i * 100_000,
            begun,
            answered: begun,
            packets: 3,
            bytes: 300,
            ..Activity::default()
        };
        hosts.observe(black_box(&subject), black_box(&activity))
    };
    for i in 0..sources.min(EVENTS) {
        observe(&mut hosts, i);
    }
    let begin = cpu_ns();
    for i in 0..EVENTS {
        black_box(observe(&mut hosts, i));
    }
    let per_event = (cpu_ns() - begin) as f64 / EVENTS as f64;
    println!(
        "hosts alone, {sources} sources, one event of {new} a new connection: {per_event:.0} ns an event"
    );
}

fn main() {
    let models = models();
    if std::env::args().any(|argument| argument == "--json") {
        // Memory first, while nothing was freed that could be used again.
        let bytes = bytes_per_connection();
        let [few, many] = [100, 10_000].map(|clients| verdicts(&models[..1], &web(clients))[0]);
        println!(
            "{{\"bytes_per_connection\":{bytes:.0},\"web_100\":{few:.0?},\"web_10000\":{many:.0?}}}"
        );
        return;
    }
    println!("{:.0} bytes a connection", bytes_per_connection());
    for (sources, new) in [(100, 5), (10_000, 5), (50_000, u64::MAX), (16_000_000, 1)] {
        measure_hosts(sources, new);
    }
    for clients in [100, 10_000] {
        let events = web(clients);
        let name = format!("web requests of {clients} clients");
        measure(&name, &mut Tracker::new(TrackerLimits::default()), &events);
        measure_verdicts(&name, &models, &events);
    }
    for per_second in [100, 10_000, 1_000_000] {
        let mut tracker = Tracker::new(TrackerLimits::default());
        let name = format!("new connections, {per_second} a second");
        measure(&name, &mut tracker, &flood(per_second));
    }
    let known = flood(100_000);
    for connections in [10, 1_000, 50_000] {
        let mut tracker = Tracker::new(TrackerLimits::default());
        for event in &known[..connections] {
            tracker.observe(event);
        }
        let tick = |i: u64| {
            let mut event = known[i as usize % connections];
            event.milestone = Milestone::Tick as u8;
            event.now_ns = START + SECOND + i;
            event
        };
        let ticks: Vec<_> = (0..EVENTS).map(tick).collect();
        let name = format!("ticks of {connections} connections");
        measure(&name, &mut tracker, &ticks);
        measure_verdicts(&name, &models, &ticks);
    }
    let mut flows = FlowTable::default();
    let mut pings = Vec::new();
    for i in 0..EVENTS {
        let host = (i % 200) as u8;
        pings.extend(flows.packet(
            &icmp(ip(host), ip(1), ECHO, i as u16 % 500, 56),
            START + i * 50_000,
        ));
    }
    measure("pings", &mut Tracker::new(TrackerLimits::default()), &pings);
}
