//! A real server on a free port, before a stand-in for the pipeline.

mod pipeline;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use arc_swap::ArcSwap;
use serde_json::{Map, Value, json};
use tidegate::{
    api::{Api, Kept, Limits, Models, Server},
    engine::{COMMAND_QUEUE, Command, EngineHandle, Snapshot, Wake},
    token::Token,
};

use pipeline::pipeline;
pub(crate) use pipeline::{condemned, snapshot};

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

#[derive(Debug)]
struct NoWake;

impl Wake for NoWake {
    fn wake(&self) {}
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
