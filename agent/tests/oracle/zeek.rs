//! Zeek's connections, as the oracle's files have them.

use std::net::IpAddr;

/// What follows a capture's name in the name of its file of connections.
pub(crate) const SUFFIX: &str = ".conn.tsv";

const COLUMNS: [&str; 15] = [
    "orig_h",
    "orig_p",
    "resp_h",
    "resp_p",
    "proto",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
    "missed_bytes",
    "history",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
];

/// One of them; what Zeek does not know is `None`.
#[derive(Debug)]
pub(crate) struct ZeekConnection {
    pub(crate) originator: (IpAddr, u16),
    pub(crate) responder: (IpAddr, u16),
    pub(crate) protocol: String,
    pub(crate) duration_us: Option<u64>,
    pub(crate) bytes: Option<[u64; 2]>,
    pub(crate) state: String,
    /// Bytes that the capture lacks: Zeek counts them by sequence numbers.
    pub(crate) missed: u64,
    pub(crate) packets: [u64; 2],
}

/// All of a file, in its order.
pub(crate) fn connections(text: &str) -> Vec<ZeekConnection> {
    let mut lines = text.lines();
    let header: Vec<_> = lines.next().unwrap().split('\t').collect();
    assert_eq!(header, COLUMNS);
    lines.map(connection).collect()
}

fn connection(line: &str) -> ZeekConnection {
    let fields: Vec<_> = line.split('\t').collect();
    assert_eq!(fields.len(), COLUMNS.len(), "{line}");
    let field = |column: &str| fields[COLUMNS.iter().position(|c| *c == column).unwrap()];
    let known = |column: &str| Some(field(column)).filter(|value| *value != "-");
    let number = |column: &str| -> Option<u64> { Some(known(column)?.parse().unwrap()) };
    let end = |host: &str, port: &str| (field(host).parse().unwrap(), field(port).parse().unwrap());
    let bytes = number("orig_bytes").zip(number("resp_bytes"));
    ZeekConnection {
        originator: end("orig_h", "orig_p"),
        responder: end("resp_h", "resp_p"),
        protocol: field("proto").to_owned(),
        duration_us: known("duration").map(microseconds),
        bytes: bytes.map(<[u64; 2]>::from),
        state: field("conn_state").to_owned(),
        missed: number("missed_bytes").unwrap_or(0),
        packets: [number("orig_pkts").unwrap(), number("resp_pkts").unwrap()],
    }
}

/// Of seconds with six decimals.
fn microseconds(seconds: &str) -> u64 {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let whole: u64 = whole.parse().unwrap();
    format!("{whole}{fraction:0<6.6}").parse().unwrap()
}

#[test]
fn a_line_is_read() {
    let header = COLUMNS.join("\t");
    let line = "::1\t5\t10.0.0.1\t80\ttcp\t61.25\t3\t4\tSF\t-\tShA\t1\t40\t2\t80";
    let none = "::1\t5\t10.0.0.1\t80\tudp\t-\t-\t-\tS0\t0\tD\t1\t40\t0\t0";
    let read = connections(&format!("{header}\n{line}\n{none}\n"));
    let [known, unknown] = &read[..] else {
        panic!("{read:?}")
    };
    assert_eq!(known.responder, ("10.0.0.1".parse().unwrap(), 80));
    assert_eq!(
        (known.duration_us, known.bytes),
        (Some(61_250_000), Some([3, 4]))
    );
    assert_eq!((known.packets, known.missed), ([1, 2], 0));
    assert_eq!((unknown.duration_us, unknown.bytes), (None, None));
}
