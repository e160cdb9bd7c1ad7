//! A dataplane of its own for every test, and its removal.

use std::{
    fs,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use aya::{
    maps::{HashMap, Map, MapData},
    programs::{TestRun as _, TestRunOptions},
};
use tidegate::config::XdpMode;
use tidegate::dataplane::{Dataplane, Options, detach, monotonic_ns};
use tidegate_common::{
    control::{Control, Mode},
    event::FlowEvent,
    flow::{FlowKey, FlowSnapshot},
    packet::Packet,
    stats::{Counter, Stats},
    testing::Frame,
    verdict::{Action, Scope, Verdict, VerdictKey},
};

/// What the program said about a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Drop,
    Pass,
}

/// Slot of the only verdict of most tests.
pub(crate) const SLOT: u32 = 7;

/// Longer than any test runs.
pub(crate) const LONG_NS: u64 = 3_600_000_000_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A loaded dataplane without interfaces.
pub(crate) struct Bench {
    options: Options,
    plane: Option<Dataplane>,
    before: Stats,
}

impl Bench {
    /// Enforcing, with no verdict yet.
    pub(crate) fn new() -> Self {
        let mut bench = Self::fresh(|_| {});
        bench.control(|_| {});
        bench
    }

    /// As an agent finds it that was never here before, with its options changed.
    pub(crate) fn fresh(change: impl FnOnce(&mut Options)) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = PathBuf::from(format!("/run/tidegate-test-{}-{number}", process::id()));
        let mut options = Options {
            bpf_root: root,
            interfaces: Vec::new(),
            xdp: XdpMode::Auto,
            egress: false,
            flow_table_size: 8_192,
            ring_buffer_bytes: 1 << 18,
            log_level: 0,
        };
        change(&mut options);
        // Before the first thing that may panic: whatever it leaves behind is removed.
        let mut bench = Self {
            options,
            plane: None,
            before: Stats::default(),
        };
        bench.open();
        bench
    }

    fn open(&mut self) {
        let mut plane = Dataplane::open(&self.options).expect("these tests need root and BPF");
        plane.keep();
        self.before = plane.tables.stats().expect("statistics");
        self.plane = Some(plane);
    }

    /// The agent dies without a word, and another one starts.
    pub(crate) fn restart(&mut self) {
        self.restart_with(|_| {});
    }

    /// As above, the new one with other options.
    pub(crate) fn restart_with(&mut self, change: impl FnOnce(&mut Options)) {
        self.check_books();
        self.plane = None;
        change(&mut self.options);
        self.open();
    }

    pub(crate) fn plane(&mut self) -> &mut Dataplane {
        self.plane.as_mut().expect("it is open")
    }

    /// Closes it in good order; returns where its pins were.
    pub(crate) fn close(mut self) -> PathBuf {
        self.check_books();
        let plane = self.plane.take().expect("it is open");
        plane.close().expect("the pins can be removed");
        self.options.bpf_root.clone()
    }

    /// Folder of the pins of this layout.
    pub(crate) fn pins(&self) -> PathBuf {
        self.options
            .bpf_root
            .join(format!("v{}", tidegate_common::LAYOUT_VERSION))
    }

    /// Gives orders: those of an enforcing agent in good health, changed.
    pub(crate) fn control(&mut self, change: impl FnOnce(&mut Control)) {
        let mut control = Control {
            mode: Mode::Enforce as u32,
            scopes: Scope::ALL.iter().map(|scope| scope.bit()).sum(),
            heartbeat_ns: monotonic_ns(),
            heartbeat_timeout_ns: 0,
            new_flow_budget: u32::MAX,
            allowlist_len: 0,
        };
        change(&mut control);
        let tables = &mut self.plane().tables;
        tables.set_control(control).expect("the control map");
    }

    /// Puts a drop verdict in force, changed.
    pub(crate) fn condemn(&mut self, key: VerdictKey, change: impl FnOnce(&mut Verdict)) {
        let now = monotonic_ns();
        let mut verdict = Verdict {
            expires_ns: now + LONG_NS,
            created_ns: now,
            slot: SLOT,
            action: Action::Drop as u8,
            ..Verdict::default()
        };
        change(&mut verdict);
        let tables = &mut self.plane().tables;
        tables.set_verdict(&key, &verdict).expect("the verdict map");
    }

    /// Puts a drop verdict in force that covers this frame in this scope.
    pub(crate) fn condemn_frame(&mut self, scope: Scope, frame: &Frame) {
        self.condemn(key_of(scope, frame), |_| {});
    }

    pub(crate) fn run(&mut self, frame: &Frame) -> Outcome {
        self.run_bytes(&frame.build())
    }

    pub(crate) fn run_bytes(&mut self, bytes: &[u8]) -> Outcome {
        let result = self
            .plane()
            .ingress_program()
            .expect("the program is there")
            .test_run(TestRunOptions {
                data_in: Some(bytes),
                ..TestRunOptions::new()
            })
            .expect("a test run");
        // XDP_DROP and XDP_PASS (linux/bpf.h).
        match result.return_value {
            1 => Outcome::Drop,
            2 => Outcome::Pass,
            other => panic!("XDP action {other}"),
        }
    }

    /// The value of a counter since this dataplane was opened.
    pub(crate) fn counted(&self, counter: Counter) -> u64 {
        let plane = self.plane.as_ref().expect("it is open");
        let stats = plane.tables.stats().expect("statistics");
        stats.value(counter) - self.before.value(counter)
    }

    /// All counters that moved since this dataplane was opened, but for packets, bytes and passed.
    pub(crate) fn reasons(&self) -> Vec<(Counter, u64)> {
        Counter::ALL
            .into_iter()
            .filter(|counter| {
                !matches!(counter, Counter::Packets | Counter::Bytes | Counter::Passed)
            })
            .map(|counter| (counter, self.counted(counter)))
            .filter(|&(_, value)| value != 0)
            .collect()
    }

    /// The flow table, by its pin.
    pub(crate) fn flow_table(&self) -> HashMap<MapData, FlowKey, FlowSnapshot> {
        let data = MapData::from_pin(self.pins().join("FLOWS")).expect("the pinned flow table");
        HashMap::try_from(Map::LruHashMap(data)).expect("its types")
    }

    /// All flows.
    pub(crate) fn flows(&self) -> Vec<(FlowKey, FlowSnapshot)> {
        let flows = self.flow_table().iter().collect::<Result<_, _>>();
        flows.expect("a quiet table")
    }

    /// All events so far.
    pub(crate) fn events(&mut self) -> Vec<FlowEvent> {
        let mut events = Vec::new();
        while let Some(entry) = self.plane().events.next() {
            events.push(FlowEvent::from_bytes(&entry).expect("an entry of the right length"));
        }
        events
    }

    /// Every packet went somewhere, and to one place only.
    fn check_books(&self) {
        let packets = self.counted(Counter::Packets);
        let places = [Counter::Passed, Counter::Dropped, Counter::RateLimited];
        let sum: u64 = places.iter().map(|&place| self.counted(place)).sum();
        assert_eq!(packets, sum, "{:?}", self.reasons());
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let open = self.plane.is_some();
        let books = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            if open && !std::thread::panicking() {
                self.check_books();
            }
        }));
        // Ends the lock on the folder.
        self.plane = None;
        let root = &self.options.bpf_root;
        let detached = detach(root);
        let _ = fs::remove_dir(root);
        if !std::thread::panicking() {
            detached.expect("the pins can be removed");
            assert!(!root.exists(), "{} was left behind", root.display());
            if let Err(panic) = books {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// The key of a verdict that covers this frame.
pub(crate) fn key_of(scope: Scope, frame: &Frame) -> VerdictKey {
    let packet = Packet::parse(&frame.build()[..]).expect("the IP header is readable");
    VerdictKey::of(&packet, scope).expect("the scope fits the packet")
}
