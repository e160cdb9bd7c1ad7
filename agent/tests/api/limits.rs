//! What keeps one client from taking the server away from others.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    time::{Duration, Instant},
};

use tidegate::api::Limits;

use crate::support::{Answer, Fixture, web_request};

fn short() -> Limits {
    Limits {
        header: Duration::from_millis(500),
        ..Limits::default()
    }
}

/// Reads until the server closes; what it sent.
fn until_closed(stream: &mut std::net::TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

#[test]
fn a_client_with_a_slow_header_is_cut_off_and_others_are_served() {
    let fixture = Fixture::with(Limits {
        header: Duration::from_secs(3),
        ..Limits::default()
    });
    let mut slow = fixture.connect();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: ").unwrap();
    let mut silent = fixture.connect();
    assert_eq!(fixture.get("/healthz").status, 200);
    // Others were served before the slow one was cut off, not after.
    slow.set_nonblocking(true).unwrap();
    let still_open = slow.peek(&mut [0]).unwrap_err();
    assert_eq!(still_open.kind(), ErrorKind::WouldBlock);
    slow.set_nonblocking(false).unwrap();
    assert!(!String::from_utf8_lossy(&until_closed(&mut slow)).contains("200"));
    assert!(until_closed(&mut silent).is_empty());
}

#[test]
fn an_idle_connection_is_closed() {
    let fixture = Fixture::with(short());
    let mut stream = fixture.connect();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let started = Instant::now();
    assert!(until_closed(&mut stream).starts_with(b"HTTP/1.1 200"));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_slow_body_is_cut_off() {
    let limits = Limits {
        request: Duration::from_millis(500),
        ..Limits::default()
    };
    let fixture = Fixture::with(limits);
    let mut stream = fixture.connect();
    stream
        .write_all(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        .unwrap();
    let answer = Answer::read(&mut stream);
    assert!(answer.failed(504).contains("too long"));
}

#[test]
fn connections_are_bounded_and_the_refused_ones_counted() {
    let limits = Limits {
        connections: 3,
        ..Limits::default()
    };
    let fixture = Fixture::with(limits);
    let mut held: Vec<_> = (0..3).map(|_| fixture.connect()).collect();
    for stream in &mut held {
        stream.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
    }
    let started = Instant::now();
    assert!(until_closed(&mut fixture.connect()).is_empty());
    assert!(until_closed(&mut fixture.connect()).is_empty());
    assert!(started.elapsed() < Duration::from_secs(2));
    // Those that are in are served, and their place becomes free.
    let mut first = held.remove(0);
    first
        .write_all(b"Host: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    assert_eq!(Answer::read(&mut first).status, 200);
    drop(held);
    let deadline = Instant::now() + Duration::from_secs(5);
    let metrics = loop {
        let mut stream = fixture.connect();
        let text = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let _ = stream.write_all(text.as_bytes());
        let bytes = until_closed(&mut stream);
        if !bytes.is_empty() {
            break String::from_utf8(bytes).unwrap();
        }
        assert!(Instant::now() < deadline, "no place became free");
    };
    let refused: u64 = metrics
        .lines()
        .find_map(|line| line.strip_prefix("tidegate_api_connections_total{result=\"refused\"} "))
        .unwrap()
        .parse()
        .unwrap();
    assert!(refused >= 2, "{refused}");
}

#[test]
fn a_huge_header_is_refused() {
    let fixture = Fixture::new();
    let mut stream = fixture.connect();
    let text = format!(
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(200_000)
    );
    let _ = stream.write_all(text.as_bytes());
    let answer = until_closed(&mut stream);
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    assert_eq!(fixture.get("/healthz").status, 200);
}

#[test]
fn a_stop_lets_open_requests_end() {
    let mut fixture = Fixture::new();
    let body = serde_json::Value::from(web_request()).to_string();
    let mut stream = fixture.connect();
    let head = format!(
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // An idle one must not hold the stop up.
    let idle = fixture.connect();
    // The server must have seen the header before it is stopped.
    std::thread::sleep(Duration::from_millis(300));
    let server = fixture.server.take().unwrap();
    let started = Instant::now();
    let stopping = std::thread::spawn(move || server.stop());
    std::thread::sleep(Duration::from_millis(300));
    stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(Answer::read(&mut stream).status, 200);
    stopping.join().unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
    assert!(std::net::TcpStream::connect(fixture.address).is_err());
    drop(idle);
}
