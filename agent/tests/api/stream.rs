//! `GET /v1/decisions/stream`.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tidegate::{
    api::MOST_STREAMS,
    decision::{Decision, Phase},
};

use crate::support::{Fixture, condemned};

/// A client that listens.
struct Listener(BufReader<TcpStream>);

impl Listener {
    fn new(fixture: &Fixture) -> Self {
        let mut stream = fixture.connect();
        // Version 1.0: the body comes as it is, without chunks.
        let request = "GET /v1/decisions/stream HTTP/1.0\r\nHost: localhost\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut listener = Self(BufReader::new(stream));
        let head: Vec<_> = std::iter::from_fn(|| listener.line())
            .take_while(|line| !line.is_empty())
            .collect();
        assert!(head[0].ends_with("200 OK"), "{head:?}");
        let head = head.join("\n").to_ascii_lowercase();
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        assert!(head.contains("cache-control: no-store"), "{head}");
        listener
    }

    /// `None` when the server has ended the stream.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// Name and data of the next event.
    fn next(&mut self) -> Option<(String, Value)> {
        let mut name = self.line()?;
        while name.is_empty() || name.starts_with(':') {
            name = self.line()?;
        }
        let data = self.line()?;
        assert_eq!(self.line()?, "", "one line of data");
        let name = name.strip_prefix("event: ").unwrap().to_owned();
        let data = data.strip_prefix("data: ").unwrap();
        Some((name, serde_json::from_str(data).unwrap()))
    }

    fn expect(&mut self, name: &str) -> Value {
        let (found, data) = self.next().expect("the stream goes on");
        assert_eq!(found, name, "{data}");
        data
    }
}

/// The numbers of decisions, by part of a delta.
fn numbers(delta: &Value) -> [Vec<u64>; 3] {
    let ids = |part: &str| {
        let list = delta[part].as_array().unwrap();
        list.iter().map(|d| d["id"].as_u64().unwrap()).collect()
    };
    ["new", "changed", "ended"].map(ids)
}

fn ended(decision: &Arc<Decision>, phase: Phase) -> Arc<Decision> {
    Arc::new(Decision {
        phase,
        ..Decision::clone(decision)
    })
}

#[test]
fn the_state_comes_first_then_what_changes() {
    let fixture = Fixture::new();
    let [one, two, three] = [1, 2, 3].map(condemned);
    fixture.change(|snapshot| snapshot.active = vec![Arc::clone(&one)]);
    let mut listener = Listener::new(&fixture);
    let state = listener.expect("state");
    assert_eq!(state.as_array().unwrap().len(), 1);
    let listed = fixture.get("/v1/decisions").json();
    for field in ["id", "value", "type", "until", "path", "packets_dropped"] {
        assert_eq!(state[0][field], listed[0][field], "{field}");
    }

    fixture.change(|snapshot| snapshot.active.push(Arc::clone(&two)));
    assert_eq!(
        numbers(&listener.expect("delta")),
        [vec![2], vec![], vec![]]
    );

    // Counters that went up are no news, what it covers and until when is.
    fixture.change(|snapshot| {
        let counted = Decision {
            packets_dropped: 99,
            ..Decision::clone(&one)
        };
        let prolonged = Decision {
            until: two.until + jiff::SignedDuration::from_secs(60),
            ..Decision::clone(&two)
        };
        snapshot.active = vec![Arc::new(counted), Arc::new(prolonged)];
    });
    assert_eq!(
        numbers(&listener.expect("delta")),
        [vec![], vec![2], vec![]]
    );

    // One ends; another is made and over before anybody looked.
    fixture.change(|snapshot| {
        snapshot.active.retain(|decision| decision.id == 2);
        snapshot.ended = vec![ended(&one, Phase::Lifted), ended(&three, Phase::Deleted)];
    });
    let delta = listener.expect("delta");
    assert_eq!(numbers(&delta), [vec![], vec![], vec![1, 3]]);
    let phases = [&delta["ended"][0]["phase"], &delta["ended"][1]["phase"]];
    assert_eq!(phases, ["lifted", "deleted"]);

    // It is told once.
    fixture.change(|snapshot| snapshot.active.push(condemned(4)));
    assert_eq!(
        numbers(&listener.expect("delta")),
        [vec![4], vec![], vec![]]
    );
    assert_eq!(
        Listener::new(&fixture)
            .expect("state")
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn more_changes_than_are_worth_telling_are_a_new_state() {
    let fixture = Fixture::new();
    let mut listener = Listener::new(&fixture);
    assert_eq!(listener.expect("state"), json!([]));
    fixture.change(|snapshot| snapshot.active = (1..=1000).map(condemned).collect());
    assert_eq!(listener.expect("state").as_array().unwrap().len(), 1000);
    fixture.change(|snapshot| snapshot.active.truncate(999));
    let delta = listener.expect("delta");
    assert_eq!(numbers(&delta), [vec![], vec![], vec![1000]]);
    assert_eq!(delta["ended"][0]["phase"], "expired", "not listed any more");
}

#[test]
fn who_does_not_read_misses_deltas_and_holds_up_nobody() {
    let fixture = Fixture::new();
    let mut slow = Listener::new(&fixture);
    assert_eq!(slow.expect("state"), json!([]));
    let mut quick = Listener::new(&fixture);
    assert_eq!(quick.expect("state"), json!([]));
    // Much larger than what the kernel keeps for a connection: a megabyte each.
    let long: Arc<[String]> = Arc::new(["x".repeat(1 << 20)]);
    let dropped = || {
        let metrics = fixture.get("/metrics").body;
        let name = "tidegate_api_stream_deltas_dropped_total ";
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().parse::<u64>().unwrap()
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut id = 0;
    while dropped() < 3 {
        id += 1;
        let decision = Decision {
            path: Arc::clone(&long),
            ..Decision::clone(&condemned(id))
        };
        fixture.change(|snapshot| snapshot.active = vec![Arc::new(decision)]);
        let delta = quick.expect("delta");
        assert_eq!(delta["new"][0]["id"], id);
        assert!(Instant::now() < deadline, "nothing was dropped");
    }
    let mut seen = 0;
    let lost = loop {
        let (name, data) = slow.next().unwrap();
        if name == "lost" {
            break data["deltas"].as_u64().unwrap();
        }
        seen += 1;
        assert_eq!(numbers(&data)[0], [seen]);
    };
    let state = slow.expect("state");
    assert_eq!(state[0]["id"], id);
    assert_eq!((seen + lost, lost), (id, dropped()));
    // From then on it is as good as any other.
    fixture.change(|snapshot| snapshot.active.clear());
    assert_eq!(numbers(&slow.expect("delta")), [vec![], vec![], vec![id]]);
}

#[test]
fn so_many_listen_and_no_more() {
    let fixture = Fixture::new();
    let mut listeners: Vec<_> = (0..MOST_STREAMS).map(|_| Listener::new(&fixture)).collect();
    let detail = fixture.get("/v1/decisions/stream").problem(503);
    assert!(detail.contains("16 clients"), "{detail}");
    let metrics = fixture.get("/metrics").body;
    assert!(metrics.contains("\ntidegate_api_streams 16\n"), "{metrics}");
    assert!(
        metrics.contains("\ntidegate_api_streams_refused_total 1\n"),
        "{metrics}"
    );
    drop(listeners.pop());
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let mut stream = fixture.connect();
        let request = "GET /v1/decisions/stream HTTP/1.0\r\nHost: localhost\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        if status.ends_with(b"200") {
            break;
        }
        assert!(Instant::now() < deadline, "no place became free");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_stop_ends_the_streams() {
    let mut fixture = Fixture::new();
    let mut listener = Listener::new(&fixture);
    listener.expect("state");
    let server = fixture.server.take().unwrap();
    let stopping = std::thread::spawn(move || server.stop());
    assert_eq!(listener.next(), None, "an end, not a reset");
    stopping.join().unwrap();
}

#[test]
fn without_a_dataplane_there_is_nothing_to_listen_to() {
    let fixture = Fixture::predict_only();
    fixture.get("/v1/decisions/stream").problem(503);
}
