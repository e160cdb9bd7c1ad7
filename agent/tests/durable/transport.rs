//! Servers that are away, slow or in a hurry, and how much goes to them at once.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::fd::{AsRawFd as _, OwnedFd},
    path::Path,
    thread,
    time::Duration,
};

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, getsockname, listen, socket,
};
use tidegate::{
    config::{InfluxApi, InfluxConfig},
    export::influx::{Exporter, Secret},
    journal::Journal,
};

use crate::{
    adapter::{Adapter, TOKEN},
    influxd::{DATABASE, Influxd},
    support::{decision, eventually, made, open},
};

fn config(api: InfluxApi) -> InfluxConfig {
    InfluxConfig {
        api,
        bucket: DATABASE.to_owned(),
        org: "testers".to_owned(),
        host: "gate".to_owned(),
        ..InfluxConfig::default()
    }
}

fn token(folder: &Path) -> Secret {
    let path = folder.join("secret");
    std::fs::write(&path, TOKEN).unwrap();
    Secret::load(Some(&path)).unwrap()
}

/// Writes so many decisions down.
fn write(journal: &Journal, decisions: u64) {
    for id in 1..=decisions {
        let change = made(&decision(id));
        eventually("there is room in the queue", || {
            journal.record(change.clone()).then_some(())
        });
    }
    eventually("all are written down", || {
        (journal.status().health().waiting == 0).then_some(())
    });
}

fn wait_for(exporter: &Exporter, points: u64) {
    eventually("the points are stored", || {
        (exporter.status().health().stored == points).then_some(())
    });
}

#[test]
fn a_request_holds_five_thousand_points_and_fewer_do_not_wait_for_more() {
    let influxd = Influxd::start(&[]);
    influxd.create_database();
    let adapter = Adapter::start(influxd.port());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    write(&journal, 12_000);
    let secret = token(folder.path());
    let exporter = Exporter::start(&path, &adapter.url(), &config(InfluxApi::V2), secret).unwrap();
    wait_for(&exporter, 12_000);
    journal.record(made(&decision(12_001)));
    wait_for(&exporter, 12_001);
    let points: Vec<_> = adapter.seen().iter().map(|seen| seen.points).collect();
    assert_eq!(points, [5_000, 5_000, 2_000, 1]);
}

#[test]
fn a_server_that_is_not_there_gets_everything_once_it_is() {
    let mut influxd = Influxd::start(&[]);
    influxd.create_database();
    let url = influxd.url();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    write(&journal, 10);
    thread::scope(|scope| {
        let down = scope.spawn(|| influxd.crash_and_restart(Duration::from_secs(3)));
        eventually("it is gone", || {
            TcpStream::connect(url.trim_start_matches("http://"))
                .is_err()
                .then_some(())
        });
        let exporter =
            Exporter::start(&path, &url, &config(InfluxApi::V1), Secret::default()).unwrap();
        let trouble = eventually("the trouble shows", || exporter.status().health().trouble);
        assert!(trouble.contains("refused"), "{trouble}");
        eventually("it was asked again", || {
            (exporter.status().health().retries > 1).then_some(())
        });
        assert_eq!(exporter.status().health().behind, 10);
        down.join().unwrap();
        wait_for(&exporter, 10);
        assert!(exporter.status().health().trouble.is_none());
    });
    let count = influxd.query("SELECT COUNT(\"id\") FROM tidegate_verdicts");
    assert_eq!(count["values"][0][1], 10);
}

/// A listener whose queue is full: the kernel lets no connection come about.
struct Crowded {
    address: SocketAddr,
    _listener: OwnedFd,
    _queued: Vec<TcpStream>,
}

impl Crowded {
    fn new() -> Self {
        let listener = socket(
            AddressFamily::Inet,
            SockType::Stream,
            SockFlag::SOCK_CLOEXEC,
            None,
        )
        .unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let SocketAddr::V4(any) = any else {
            unreachable!()
        };
        bind(listener.as_raw_fd(), &SockaddrIn::from(any)).unwrap();
        listen(&listener, Backlog::new(0).unwrap()).unwrap();
        let bound: SockaddrIn = getsockname(listener.as_raw_fd()).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, bound.port()));
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
        let queued: Vec<_> = std::iter::from_fn(connect).take(64).collect();
        assert!(queued.len() < 64, "the queue has no end");
        Self {
            address,
            _listener: listener,
            _queued: queued,
        }
    }
}

/// Each of the two patiences by itself: the other one is longer than the test.
#[test]
fn neither_a_connection_nor_an_answer_is_waited_for_longer_than_was_said() {
    let crowded = Crowded::new();
    // The kernel takes connections, and nobody answers.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (short, long) = (Duration::from_millis(300), Duration::from_secs(600));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    write(&journal, 1);
    for api in [InfluxApi::V1, InfluxApi::V2] {
        for (address, connect_timeout, timeout, words) in [
            (crowded.address, short, long, "timeout: connect"),
            (
                silent.local_addr().unwrap(),
                long,
                short,
                "timeout: receive response",
            ),
        ] {
            let config = InfluxConfig {
                connect_timeout,
                timeout,
                ..config(api)
            };
            let url = format!("http://{address}");
            let exporter = Exporter::start(&path, &url, &config, Secret::default()).unwrap();
            eventually("it is tried again, and again", || {
                (exporter.status().health().retries > 2).then_some(())
            });
            let trouble = exporter.status().health().trouble.unwrap();
            assert!(trouble.contains(words), "{api:?}: {trouble}");
        }
    }
}

/// Who says 413, does not read on and hangs up is not always heard: the second one never is.
#[test]
fn a_server_that_hangs_up_on_large_requests_gets_small_ones() {
    let influxd = Influxd::start(&[("INFLUXDB_HTTP_MAX_BODY_SIZE", "600000")]);
    influxd.create_database();
    let adapter = Adapter::start(influxd.port());
    adapter.be_rude_above(600_000);
    for (api, url) in [
        (InfluxApi::V1, influxd.url()),
        (InfluxApi::V2, adapter.url()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let (journal, _) = open(&path);
        write(&journal, 6_000);
        let secret = match api {
            InfluxApi::V1 => Secret::default(),
            InfluxApi::V2 => token(folder.path()),
        };
        let exporter = Exporter::start(&path, &url, &config(api), secret).unwrap();
        wait_for(&exporter, 6_000);
        assert_eq!(exporter.status().health().refused, 0);
    }
    let seen = adapter.seen();
    assert!(
        seen.iter().all(|request| request.bytes <= 600_000),
        "{seen:?}"
    );
}
