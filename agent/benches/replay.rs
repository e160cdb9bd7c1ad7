//! How fast captures are read: `cargo bench -p tidegate --bench replay`, or `cargo xtask bench replay`, which compares
//! with targets. Prints, asserts nothing.
//!
//! Makes a capture of mixed flows in a temporary directory, or where `--capture FILE` says, and reads it from the page
//! cache three times: packets only, with parser and flow table, and through the whole engine. The best of three runs
//! each, by this process's CPU time; `--json` prints packets a second.

use std::{
    convert::Infallible,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::time::{ClockId, clock_gettime};
use tidegate::{
    config::Config,
    replay::Replay,
    source::{capture::Capture, link, offline::FlowTable},
};
use tidegate_common::{
    packet::{
        Packet,
        tcp_flags::{ACK, FIN, SYN},
    },
    testing::Frame,
};
use tidegate_models::{Model, Schema};

const PACKETS: u64 = 2_000_000;
const RUNS: usize = 3;
/// As the agent's default configuration has it.
const FLOWS: u32 = 131_072;
/// Mean time between packets, ns: 100,000 a second.
const GAP_NS: u64 = 10_000;
const START_NS: u64 = 1_600_000_000_000_000_000;

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let at = arguments
        .iter()
        .position(|argument| argument == "--capture");
    let given = at.and_then(|at| arguments.get(at + 1)).map(PathBuf::from);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = given.unwrap_or_else(|| folder.path().join("mixed.pcap"));
    let bytes = make(&path).expect("room for the capture");
    let figures = [
        ("read", best(|| only_read(&path))),
        ("flow_table", best(|| flow_table(&path))),
        ("engine", best(|| engine(&path))),
    ];
    if json {
        let fields = figures.map(|(name, rate)| format!("\"{name}\":{rate:.0}"));
        println!(
            "{{\"packets\":{PACKETS},\"bytes\":{bytes},{}}}",
            fields.join(",")
        );
        return;
    }
    println!("{PACKETS} packets, {} MB", bytes / 1_000_000);
    for (name, rate) in figures {
        println!(
            "{name:<12} {:6.2} M packets/s, {:4.0} ns a packet",
            rate / 1e6,
            1e9 / rate
        );
    }
}

/// Packets a second of CPU time.
fn best(run: impl Fn()) -> f64 {
    let times = (0..RUNS).map(|_| {
        let begin = cpu_s();
        run();
        cpu_s() - begin
    });
    PACKETS as f64 / times.fold(f64::INFINITY, f64::min)
}

fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("a clock");
    time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9
}

fn only_read(path: &Path) {
    let mut capture = Capture::open(path).expect("the capture");
    let mut bytes = 0;
    while let Some(packet) = capture.next().expect("an undamaged capture") {
        bytes += packet.bytes.len();
    }
    std::hint::black_box(bytes);
}

fn flow_table(path: &Path) {
    let mut capture = Capture::open(path).expect("the capture");
    let mut flows = FlowTable::new(FLOWS);
    let mut packet = Packet::default();
    while let Some(captured) = capture.next().expect("an undamaged capture") {
        if link::parse(&captured, &mut packet).is_ok() && packet.defect.is_none() {
            let event = flows.observe(&packet, captured.at_ns, captured.interface);
            std::hint::black_box(event.is_some());
        }
    }
}

fn engine(path: &Path) {
    let mut capture = Capture::open(path).expect("the capture");
    let model = Arc::new(Model::shipped(Schema::Live).expect("the shipped model"));
    let mut replay = Replay::new(model, &Config::default().policy, FLOWS);
    let mut out = |ended: &_| {
        std::hint::black_box(ended);
        Ok::<_, Infallible>(())
    };
    while let Some(packet) = capture.next().expect("an undamaged capture") {
        let Ok(()) = replay.packet(&packet, &mut out);
    }
    let Ok(()) = replay.finish(&mut out);
}

/// Packets of a conversation, one at a time.
struct Conversation {
    frame: Frame,
    port: u16,
    kind: u8,
    sent: u64,
    len: u64,
}

impl Conversation {
    fn new(random: &mut Random) -> Self {
        let client = [10, random.below(200) as u8, random.below(250) as u8, 1];
        let server = [192, 0, 2, random.below(250) as u8];
        let frame = Frame::v4(client, server);
        let port = 1024 + random.below(60_000) as u16;
        // Of a hundred conversations: web requests, names, pings, connections nobody answers, bulk.
        let kind = random.below(100) as u8;
        let len = match kind {
            0..45 => 10 + random.below(10),
            45..80 => 2,
            80..85 => 20 + random.below(60),
            85..97 => 1 + random.below(3),
            _ => 100 + random.below(2000),
        };
        Self {
            frame: match kind {
                45..80 => frame.udp(port, 53),
                80..85 => frame.echo(port),
                _ => frame.tcp(port, 443, SYN),
            },
            port,
            kind,
            sent: 0,
            len,
        }
    }

    /// The next frame; `None` when all is said.
    fn next(&mut self, random: &mut Random) -> Option<Vec<u8>> {
        let number = self.sent;
        self.sent += 1;
        let left = self.len.checked_sub(self.sent)?;
        let frame = self.frame.clone();
        Some(
            match self.kind {
                45..85 => {
                    let frame = frame.payload(40 + random.below(60) as usize);
                    if number.is_multiple_of(2) {
                        frame
                    } else {
                        frame.reply()
                    }
                }
                85..97 => frame,
                _ => {
                    let flags = match (number, left) {
                        (0, _) => SYN,
                        (1, _) => SYN | ACK,
                        (_, 1 | 2) => FIN | ACK,
                        _ => ACK,
                    };
                    let answer =
                        number == 1 || left == 1 || (number > 3 && !number.is_multiple_of(3));
                    let payload = match (flags, answer) {
                        (ACK, true) => random.below(900) as usize,
                        (ACK, false) => random.below(100) as usize,
                        _ => 0,
                    };
                    let frame = frame.tcp(self.port, 443, flags).payload(payload);
                    if answer { frame.reply() } else { frame }
                }
            }
            .build(),
        )
    }
}

/// Writes the capture; returns its length in bytes.
fn make(path: &Path) -> io::Result<u64> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut random = Random(1);
    let mut open: Vec<_> = (0..2000).map(|_| Conversation::new(&mut random)).collect();
    // Link type 1, Ethernet; times in ns.
    for field in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        file.write_all(&field.to_le_bytes())?;
    }
    let mut bytes = 24;
    let mut at_ns = START_NS;
    for _ in 0..PACKETS {
        let which = random.below(open.len() as u64) as usize;
        let frame = loop {
            match open[which].next(&mut random) {
                Some(frame) => break frame,
                None => open[which] = Conversation::new(&mut random),
            }
        };
        at_ns += random.below(2 * GAP_NS);
        let len = frame.len() as u32;
        let (seconds, ns) = (at_ns / 1_000_000_000, at_ns % 1_000_000_000);
        for field in [seconds as u32, ns as u32, len, len] {
            file.write_all(&field.to_le_bytes())?;
        }
        file.write_all(&frame)?;
        bytes += 16 + frame.len() as u64;
    }
    file.flush()?;
    Ok(bytes)
}

/// The same numbers in every run (`SplitMix64`, public domain).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}
