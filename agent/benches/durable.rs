//! What writing decisions down costs whoever judges events, and how fast they are written and sent:
//! `cargo bench -p tidegate --bench durable`. Prints, asserts nothing.
//!
//! The rounds with and without journal and exporter take turns, so that whatever else the machine does falls on all.

use std::{
    hint::black_box,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use tidegate::{
    config::{InfluxApi, InfluxConfig, JournalConfig},
    decision::{Change, Decision, Origin, Phase, Target},
    export::influx::{Exporter, Secret},
    journal::{Journal, Reader},
    track::{
        Tracker, TrackerLimits,
        testing::{FlowTable, tcp},
    },
};
use tidegate_common::{
    event::FlowEvent,
    packet::tcp_flags::SYN,
    verdict::{Action, Scope},
};
use tidegate_models::{Class, Classifier as _, Model, Schema};

const EVENTS: u64 = 200_000;
const ROUNDS: usize = 9;
/// One decision in so many events: a thousand times what a network sees.
const DECIDE: u64 = 1_000;
const DECISIONS: u64 = 100_000;

fn decision(id: u64) -> Decision {
    let created_at = Timestamp::now();
    let source = IpAddr::from((0x0a00_0000 + id as u32).to_be_bytes());
    Decision {
        id,
        origin: Origin::Model,
        target: Target {
            scope: Scope::Source,
            source: Some(source),
            destination: None,
            protocol: None,
            port: None,
        },
        action: Action::Drop,
        rate: None,
        ttl: Duration::from_secs(60),
        class: Some(Class::Dos),
        confidence: 0.97,
        model: "live-forest".into(),
        scenario: "dos (http) from 10.0.0.1".into(),
        path: (0..10)
            .map(|step| format!("src_packets_2s = 300 > {step}: dos 900"))
            .collect(),
        grounds: None,
        simulated: false,
        created_at,
        until: created_at + SignedDuration::from_secs(60),
        phase: Phase::Expired,
        ended: None,
        packets_dropped: 9,
        bytes_dropped: 900,
        first_packet_ns: Some(1),
        first_drop_ns: Some(2),
    }
}

/// First packets of connections, ten thousand a second.
fn events() -> Vec<FlowEvent> {
    let event = |i: u64| {
        let source = IpAddr::from((0x0a00_0000 + (i % 10_000) as u32).to_be_bytes());
        let destination = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 80);
        let frame = tcp(SocketAddr::new(source, i as u16), destination, SYN, 0);
        FlowTable::default().packet(&frame, 1_000_000_000_000 + i * 100_000)
    };
    (0..EVENTS).filter_map(event).collect()
}

/// Median and 99th percentile of the time from an event's arrival to its judgement (ns).
fn judge(events: &[FlowEvent], model: &Model, journal: Option<&Journal>) -> (u64, u64) {
    let mut tracker = Tracker::new(TrackerLimits::default());
    let mut took: Vec<u64> = Vec::with_capacity(events.len());
    for (number, event) in (1..).zip(events) {
        let begin = Instant::now();
        let observation = tracker.observe(black_box(event));
        black_box(model.predict(&observation.record.features()));
        if number % DECIDE == 0 {
            // Made in all rounds alike; only handing over differs.
            let change = Change::Made(Arc::new(decision(number)));
            if let Some(journal) = journal {
                journal.record(change);
            }
        }
        took.push(begin.elapsed().as_nanos() as u64);
    }
    took.sort_unstable();
    (took[took.len() / 2], took[took.len() / 100 * 99])
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}

fn start(folder: &Path) -> Journal {
    let path = folder.join("journal.db");
    let (journal, _) = Journal::open(&path, &JournalConfig::default()).expect("a journal");
    journal
}

fn export(journal: &Journal, server: &TcpListener) -> Exporter {
    let address = server.local_addr().expect("an address");
    let config = InfluxConfig {
        api: InfluxApi::V1,
        timeout: Duration::from_secs(1),
        ..InfluxConfig::default()
    };
    let url = format!("http://{address}");
    Exporter::start(journal.path(), &url, &config, Secret::default()).expect("an exporter")
}

fn listen() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port")
}

fn compare() {
    let model = Model::shipped(Schema::Live).expect("the shipped model loads");
    let events = events();
    let names = ["no journal", "journal", "journal, InfluxDB frozen"];
    let mut results: [Vec<(u64, u64)>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (kind, results) in results.iter_mut().enumerate() {
            let folder = tempfile::tempdir().expect("a folder");
            let journal = (kind > 0).then(|| start(folder.path()));
            // The kernel takes the connection, and nobody ever answers.
            let server = listen();
            let journal = journal.as_ref();
            let _exporter = journal
                .filter(|_| kind == 2)
                .map(|journal| export(journal, &server));
            results.push(judge(&events, &model, journal));
        }
    }
    let [p50, p99]: [Vec<u64>; 2] = [0, 1].map(|which| {
        let figures = results.iter().map(|rounds| {
            let pick = |round: &(u64, u64)| if which == 0 { round.0 } else { round.1 };
            median(rounds.iter().map(pick).collect())
        });
        figures.collect()
    });
    for (kind, name) in names.iter().enumerate() {
        println!(
            "{name}: an event is judged in {} ns (median), {} ns (99 of 100); {:.2} and {:.2} of those without",
            p50[kind],
            p99[kind],
            p50[kind] as f64 / p50[0] as f64,
            p99[kind] as f64 / p99[0] as f64,
        );
    }
}

/// Answers every request with 204 and never looks at it.
fn agree(stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().ok()?;
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
        let mut writer = stream;
        writer.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok()?;
    }
}

fn throughput() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = start(folder.path());
    let changes: Vec<_> = (1..=DECISIONS).map(|id| Arc::new(decision(id))).collect();
    let begin = Instant::now();
    for change in changes {
        while !journal.record(Change::Made(Arc::clone(&change))) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    while journal.status().health().waiting > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let rate = DECISIONS as f64 / begin.elapsed().as_secs_f64();
    println!("the journal writes {rate:.0} decisions a second");
    let bytes = std::fs::metadata(journal.path()).map_or(0, |file| file.len());
    println!("a decision takes {} bytes of it", bytes / DECISIONS);

    let server = listen();
    let begin = Instant::now();
    let exporter = export(&journal, &server);
    std::thread::spawn(move || {
        for stream in server.incoming().flatten() {
            agree(&stream);
        }
    });
    while exporter.status().health().stored < DECISIONS {
        std::thread::sleep(Duration::from_millis(1));
    }
    let rate = DECISIONS as f64 / begin.elapsed().as_secs_f64();
    println!("the exporter sends {rate:.0} decisions a second to a server that takes them at once");
    let reader = Reader::open(journal.path()).expect("the journal");
    let begin = Instant::now();
    let since = reader.since(Timestamp::now() - SignedDuration::from_hours(1), 1_000);
    let found = since.map_or(0, |decisions| decisions.len());
    println!(
        "the latest {found} are listed in {} ms",
        begin.elapsed().as_millis()
    );
}

fn main() {
    compare();
    throughput();
}
