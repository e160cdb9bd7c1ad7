//! A real server on a free port, and a pipeline that answers commands from a list in memory.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tidegate::{
    api::{Api, Kept, Limits, Models, Server},
    config::Cidr,
    decision::{Culprit, Decision, Grounds, Origin, Phase, Target},
    engine::{
        Allowed, COMMAND_QUEUE, Command, EngineHandle, FlowQuery, FlowView, InterfaceView,
        NewDecision, Refused, Snapshot, Wake,
    },
    policy::{About, Evidence, Protection},
    token::Token,
};
use tidegate_common::{
    control::Mode,
    stats::{Counter, Stats},
    verdict::{Action, Scope},
};
use tidegate_models::{Class, Classifier as _, Flag, KddRecord, Protocol, Service};

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

#[derive(Debug)]
struct NoWake;

impl Wake for NoWake {
    fn wake(&self) {}
}

/// What the agent shows before anything happened.
pub(crate) fn snapshot() -> Snapshot {
    let mut stats = Stats::default();
    stats.add(Counter::Packets, 1_234);
    stats.add(Counter::Dropped, 34);
    stats.add(Counter::EventsLost, 1);
    let mut latency = [0; 40];
    latency[15] = 98;
    latency[20] = 2;
    let at = Timestamp::now();
    Snapshot {
        at,
        started_at: at - jiff::SignedDuration::from_secs(90),
        mode: Mode::Enforce,
        interfaces: vec![InterfaceView {
            name: "eth0".to_owned(),
            index: 2,
            xdp: "native",
            egress: true,
            events: 77,
        }],
        stats,
        active: Vec::new(),
        ended: Vec::new(),
        predictions: [5, 4, 3, 2, 1, 0],
        connections: 9,
        connections_evicted: 8,
        hosts_evicted: [21, 0, 23],
        window_dropped: 0,
        looks: [23, 24],
        looks_missed: 25,
        model: "live-forest".into(),
        latency_log2_ns: latency,
        verdicts_failed: 0,
        records_lost: 0,
        allowlist: allowlist(&[]),
        journal: None,
        influx: None,
        degraded: Vec::new(),
    }
}

/// Answers commands as the pipeline does; 192.0.2.1 is protected, the table is full for 192.0.2.2.
fn pipeline(commands: &mpsc::Receiver<Command>, shared: &ArcSwap<Snapshot>) {
    let mut next = 1;
    let mut added = BTreeSet::new();
    let change = |f: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = Snapshot::clone(&shared.load_full());
        f(&mut snapshot);
        shared.store(Arc::new(snapshot));
    };
    while let Ok(command) = commands.recv() {
        match command {
            Command::Add(new, answer) => {
                let source = new.target.source.unwrap();
                let result = match source.to_string().as_str() {
                    "192.0.2.1" => Err(Refused::Protected(source, "it is the gateway".to_owned())),
                    "192.0.2.2" => Err(Refused::TableFull(16_384)),
                    _ => {
                        let decision = Arc::new(decision(next, &new));
                        next += 1;
                        change(&|snapshot| snapshot.active.push(Arc::clone(&decision)));
                        Ok(decision)
                    }
                };
                let _ = answer.send(result);
            }
            Command::Delete(id, answer) => {
                let found = shared.load().active.iter().find(|d| d.id == id).cloned();
                let deleted = found.map(|decision| {
                    let mut decision = Decision::clone(&decision);
                    decision.phase = Phase::Deleted;
                    Arc::new(decision)
                });
                if let Some(decision) = &deleted {
                    change(&|snapshot| {
                        snapshot.active.retain(|d| d.id != id);
                        snapshot.ended.push(Arc::clone(decision));
                    });
                }
                let _ = answer.send(deleted);
            }
            Command::Flows(query, answer) => {
                let _ = answer.send(flows(query));
            }
            Command::Allow(network, answer) => {
                let source = |decision: &Arc<Decision>| {
                    let source = decision.target.source;
                    source.is_some_and(|source| network.contains(source))
                };
                let active = shared.load().active.clone();
                let lifted = active.into_iter().filter(source).collect();
                added.insert(network);
                change(&|snapshot| {
                    snapshot.active.retain(|decision| !source(decision));
                    snapshot.allowlist = allowlist(&added);
                });
                let added = added.iter().copied().collect();
                let _ = answer.send(Ok(Allowed { added, lifted }));
            }
            Command::Disallow(network, answer) => {
                let result = if added.remove(&network) {
                    change(&|snapshot| snapshot.allowlist = allowlist(&added));
                    Ok(Allowed {
                        added: added.iter().copied().collect(),
                        lifted: Vec::new(),
                    })
                } else {
                    Err(Refused::NotAdded(network, "it is not on the allowlist"))
                };
                let _ = answer.send(result);
            }
            Command::SetModel(model, answer) => {
                change(&|snapshot| snapshot.model = model.name().into());
                let _ = answer.send(());
            }
            Command::SetMode(mode, answer) => {
                change(&|snapshot| snapshot.mode = mode);
                let _ = answer.send(Ok(()));
            }
        }
    }
}

fn decision(id: u64, new: &NewDecision) -> Decision {
    let now = Timestamp::now();
    Decision {
        id,
        origin: Origin::Manual,
        target: new.target,
        action: new.action,
        rate: new.rate,
        ttl: new.duration,
        class: None,
        confidence: 1.0,
        model: "".into(),
        scenario: new.reason.as_str().into(),
        path: Arc::new([]),
        grounds: None,
        simulated: false,
        created_at: now,
        until: now + new.duration,
        phase: Phase::Active,
        ended: None,
        packets_dropped: 12,
        bytes_dropped: 720,
        first_packet_ns: Some(1_000_000),
        first_drop_ns: Some(3_500_000),
    }
}

/// A limit of the classifier's, with its grounds.
pub(crate) fn condemned(id: u64) -> Arc<Decision> {
    let request = NewDecision {
        target: Target {
            scope: Scope::Destination,
            source: None,
            destination: Some("10.0.0.2".parse().unwrap()),
            protocol: Some(6),
            port: Some(80),
        },
        action: Action::RateLimit,
        duration: Duration::from_secs(60),
        rate: Some(200),
        reason: "dos (http) by a crowd of about 40 on 10.0.0.2".to_owned(),
    };
    let record = KddRecord {
        count: 300,
        ..KddRecord::new(Protocol::Tcp, Service::PRIVATE, Flag::S0)
    };
    Arc::new(Decision {
        origin: Origin::Model,
        class: Some(Class::Dos),
        confidence: 0.97,
        model: "live-forest".into(),
        path: Arc::new(["count = 300 > 100: dos 900".to_owned()]),
        grounds: Some(Arc::new(Grounds {
            culprit: Culprit {
                interface: "eth0".into(),
                originator: "10.0.0.9".parse().unwrap(),
                originator_port: 40_000,
                responder: "10.0.0.2".parse().unwrap(),
                responder_port: 80,
                protocol: 6,
            },
            features: record.features(),
            evidence: Evidence {
                about: About::Service,
                agreeing: 6,
                needed: 6,
                of: 8,
                proven: 0,
                over: Duration::from_millis(125),
                sources: Some(40),
            },
            rule: "a rule".to_owned(),
        })),
        ..decision(id, &request)
    })
}

/// The allowlist of a machine that has 192.0.2.254 itself and lists 192.0.2.0/30 in its configuration.
fn allowlist<'a>(added: impl IntoIterator<Item = &'a Cidr>) -> Arc<[(Cidr, Protection)]> {
    let configured = "192.0.2.0/30".parse().unwrap();
    let added = added
        .into_iter()
        .map(|&network| (network, Protection::Added(network)));
    [(configured, Protection::Configured(configured))]
        .into_iter()
        .chain(added)
        .chain([("192.0.2.254".parse().unwrap(), Protection::Own)])
        .collect()
}

/// Three flows of 10.0.0.1, each from the next port and of a packet more than the one before.
fn flows(query: FlowQuery) -> Vec<FlowView> {
    let mut flows: Vec<_> = (0..3_u16)
        .map(|n| FlowView {
            src_port: 40_000 + n,
            src_packets: 5 + u64::from(n),
            ..flow()
        })
        .filter(|flow| {
            query
                .address
                .is_none_or(|ip| [flow.src, flow.dst].contains(&ip))
        })
        .collect();
    if query.by_packets {
        flows.reverse();
    }
    flows.truncate(query.limit);
    flows
}

fn flow() -> FlowView {
    FlowView {
        src: "10.0.0.1".parse().unwrap(),
        src_port: 40_000,
        dst: "10.0.0.2".parse().unwrap(),
        dst_port: 80,
        protocol: 6,
        service: "http",
        flag: "SF",
        duration_s: 0.25,
        age_s: 2.5,
        idle_s: 2.25,
        src_packets: 5,
        dst_packets: 6,
        src_bytes: 100,
        dst_bytes: 2_000,
        class: Some(Class::Normal),
        confidence: 0.99,
    }
}

/// A server under test.
pub(crate) struct Fixture {
    pub(crate) address: SocketAddr,
    pub(crate) snapshot: Arc<ArcSwap<Snapshot>>,
    pub(crate) server: Option<Server>,
    /// Takes commands and leaves them lying, when there is no pipeline thread.
    _stalled: Option<mpsc::Receiver<Command>>,
    thread: Option<JoinHandle<()>>,
    /// The state directory.
    pub(crate) state: tempfile::TempDir,
}

fn token() -> Token {
    Token::parse(TOKEN).unwrap()
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        Self::build(limits, COMMAND_QUEUE, false)
    }

    /// Nobody answers commands, of which `queue` may wait.
    pub(crate) fn stalled(limits: Limits, queue: usize) -> Self {
        Self::build(limits, queue, true)
    }

    fn build(limits: Limits, queue: usize, stalled: bool) -> Self {
        let state = tempfile::tempdir().unwrap();
        let (sender, receiver) = mpsc::sync_channel(queue);
        let shared = Arc::new(ArcSwap::from_pointee(snapshot()));
        let engine = EngineHandle::new(sender, Arc::clone(&shared), Arc::new(NoWake));
        let api = Api::with_dataplane(
            engine,
            Models::load(None).unwrap(),
            token(),
            Kept::in_directory(state.path()),
            None,
        );
        let server = Server::start(listener(), api, limits).unwrap();
        let snapshot = Arc::clone(&shared);
        let (stalled, thread) = if stalled {
            (Some(receiver), None)
        } else {
            let thread = std::thread::spawn(move || pipeline(&receiver, &shared));
            (None, Some(thread))
        };
        Self {
            address: server.address(),
            snapshot,
            server: Some(server),
            _stalled: stalled,
            thread,
            state,
        }
    }

    /// As `tidegate serve`.
    pub(crate) fn predict_only() -> Self {
        let api = Api::predict_only(Models::for_predict(None).unwrap(), Some(token()));
        let server = Server::start(listener(), api, Limits::default()).unwrap();
        Self {
            address: server.address(),
            snapshot: Arc::new(ArcSwap::from_pointee(snapshot())),
            server: Some(server),
            _stalled: None,
            thread: None,
            state: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn change(&self, f: impl FnOnce(&mut Snapshot)) {
        let mut snapshot = Snapshot::clone(&self.snapshot.load_full());
        f(&mut snapshot);
        self.snapshot.store(Arc::new(snapshot));
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", b"")
    }

    pub(crate) fn predict(&self, body: impl AsRef<[u8]>) -> Answer {
        self.send("POST", "/predict", "", body.as_ref())
    }

    /// A change, with the token.
    pub(crate) fn change_with(&self, method: &str, path: &str, body: &Value) -> Answer {
        let token = format!("Authorization: Bearer {TOKEN}\r\n");
        self.send(method, path, &token, body.to_string().as_bytes())
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let host = self.address;
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        let mut stream = self.connect();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        Answer::read(&mut stream)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // Ends the API's EngineHandle and so the pipeline.
        drop(self.server.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// What came back, up to the end of the connection.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("an HTTP answer");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self {
            status,
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The detail of a problem, whose shape is checked on the way.
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert!(
            self.head.contains("content-type: application/problem+json"),
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        assert!(problem["title"].is_string());
        problem["detail"].as_str().unwrap().to_owned()
    }

    /// The error of a failed prediction, whose shape is checked on the way.
    pub(crate) fn failed(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert!(
            self.head.contains("content-type: application/json"),
            "{self:?}"
        );
        let answer = self.json();
        let fields: Vec<_> = answer.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["error", "status"]);
        assert_eq!(answer["status"], "failed");
        answer["error"].as_str().unwrap().to_owned()
    }
}

/// A harmless web request.
pub(crate) fn web_request() -> Map<String, Value> {
    let row = json!({
        "duration": 0, "protocol_type": "tcp", "flag": "SF", "src_bytes": 181, "dst_bytes": 5450,
        "land": 0, "wrong_fragment": 0, "urgent": 0, "hot": 0, "num_failed_logins": 0, "logged_in": 1,
        "num_compromised": 0, "root_shell": 0, "su_attempted": 0, "num_file_creations": 0,
        "num_shells": 0, "num_access_files": 0, "is_guest_login": 0, "count": 8, "srv_count": 8,
        "serror_rate": 0.0, "rerror_rate": 0.0, "same_srv_rate": 1.0, "diff_srv_rate": 0.0,
        "srv_diff_host_rate": 0.0, "dst_host_count": 9, "dst_host_srv_count": 9,
        "dst_host_same_srv_rate": 1.0, "dst_host_diff_srv_rate": 0.0,
        "dst_host_same_src_port_rate": 0.11, "dst_host_srv_diff_host_rate": 0.0,
    });
    row.as_object().unwrap().clone()
}

/// One connection attempt of a SYN flood.
pub(crate) fn syn_flood() -> Map<String, Value> {
    let mut row = web_request();
    for (name, value) in [
        ("flag", json!("S0")),
        ("src_bytes", json!(0)),
        ("dst_bytes", json!(0)),
        ("logged_in", json!(0)),
        ("count", json!(250)),
        ("srv_count", json!(12)),
        ("serror_rate", json!(1.0)),
        ("srv_serror_rate", json!(1.0)),
        ("same_srv_rate", json!(0.05)),
        ("diff_srv_rate", json!(0.06)),
        ("dst_host_count", json!(255)),
        ("dst_host_srv_count", json!(12)),
        ("dst_host_same_srv_rate", json!(0.05)),
        ("dst_host_diff_srv_rate", json!(0.06)),
        ("dst_host_same_src_port_rate", json!(0.0)),
        ("dst_host_serror_rate", json!(1.0)),
        ("dst_host_srv_serror_rate", json!(1.0)),
    ] {
        row.insert(name.to_owned(), value);
    }
    row
}
