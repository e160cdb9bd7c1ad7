//! Our connections beside Zeek's.

use std::fmt;

use tidegate::track::Connection;
use tidegate_common::packet::{TCP, UDP};
use tidegate_models::Flag;

use crate::zeek::ZeekConnection;

/// Zeek's durations are rounded to µs, and ours taken between two packets of a µs clock.
const ROUNDING_US: u64 = 1;

/// How often one thing agreed.
#[derive(Debug, Default)]
pub(crate) struct Measure {
    pub(crate) agreed: usize,
    pub(crate) compared: usize,
}

impl Measure {
    pub(crate) fn percent(&self) -> f64 {
        100.0 * self.agreed as f64 / self.compared as f64
    }

    fn note(&mut self, agrees: bool) -> bool {
        self.compared += 1;
        self.agreed += usize::from(agrees);
        agrees
    }
}

/// How all captures compare.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) states: Measure,
    /// Of both directions.
    pub(crate) bytes: Measure,
    /// Of both directions.
    pub(crate) packets: Measure,
    pub(crate) durations: Measure,
    /// One line each: what differs, and what is not compared and why.
    lines: Vec<String>,
}

impl Report {
    /// Compares a capture's connections; those of `zeeks_own`, by port of the originator, must differ.
    pub(crate) fn add(
        &mut self,
        capture: &str,
        expected: &[ZeekConnection],
        found: &[Connection],
        zeeks_own: &[u16],
    ) {
        let mut left: Vec<_> = found.iter().collect();
        for zeek in expected {
            let Some(protocol) = followed(&zeek.protocol) else {
                self.say(capture, zeek, "not compared: its protocol");
                continue;
            };
            let same = |c: &&Connection| {
                c.protocol == protocol && (ends(c) == (zeek.originator, zeek.responder))
            };
            let flipped = |c: &&Connection| {
                c.protocol == protocol && (ends(c) == (zeek.responder, zeek.originator))
            };
            // Both lists are by beginning, so the first of the same ends is the one.
            let place = left
                .iter()
                .position(same)
                .or_else(|| left.iter().position(flipped));
            let ours = place.map(|place| left.remove(place));
            let own = zeeks_own.contains(&zeek.originator.1);
            match ours {
                Some(ours) if own => {
                    let mut apart = Self::default();
                    apart.compare(capture, zeek, ours);
                    assert!(
                        apart.differences() > 0,
                        "{capture}: Zeek's own way is ours too: {zeek:?}"
                    );
                    self.say(capture, zeek, "not compared: Zeek's own way");
                }
                Some(ours) => self.compare(capture, zeek, ours),
                None => {
                    for measure in [
                        &mut self.states,
                        &mut self.bytes,
                        &mut self.packets,
                        &mut self.durations,
                    ] {
                        measure.note(false);
                    }
                    self.say(capture, zeek, "not found");
                }
            }
        }
        for ours in left.iter().filter(|c| [TCP, UDP].contains(&c.protocol)) {
            self.lines
                .push(format!("{capture}: not in Zeek's list: {ours:?}"));
        }
    }

    fn compare(&mut self, capture: &str, zeek: &ZeekConnection, ours: &Connection) {
        let flipped = ends(ours).0 != zeek.originator;
        let both = |[a, b]: [u64; 2]| if flipped { [b, a] } else { [a, b] };
        if flipped {
            self.say(
                capture,
                zeek,
                "state not compared: Zeek takes the other end for the originator",
            );
        }
        let state = fold(zeek);
        if !flipped && !self.states.note(ours.flag.name() == state) {
            self.say(
                capture,
                zeek,
                &format!("state: {state}, ours {}", ours.flag.name()),
            );
        }
        let bytes = both([ours.src_bytes, ours.dst_bytes]);
        if zeek.missed > 0 {
            self.say(capture, zeek, "bytes not compared: the capture has gaps");
        } else if let Some(expected) = zeek.bytes
            && !self.bytes.note(bytes == expected)
        {
            let what = format!("bytes: {expected:?}, ours {bytes:?}");
            self.say(capture, zeek, &what);
        }
        let packets = both([ours.src_packets, ours.dst_packets]);
        if !self.packets.note(packets == zeek.packets) {
            self.say(
                capture,
                zeek,
                &format!("packets: {:?}, ours {packets:?}", zeek.packets),
            );
        }
        let duration_us = (ours.last_ns - ours.start_ns) / 1_000;
        // A single packet has none.
        let expected = zeek.duration_us.unwrap_or(0);
        if !self
            .durations
            .note(duration_us.abs_diff(expected) <= ROUNDING_US)
        {
            self.say(
                capture,
                zeek,
                &format!("duration: {expected} µs, ours {duration_us} µs"),
            );
        }
    }

    fn differences(&self) -> usize {
        [&self.states, &self.bytes, &self.packets, &self.durations]
            .iter()
            .map(|measure| measure.compared - measure.agreed)
            .sum()
    }

    fn say(&mut self, capture: &str, zeek: &ZeekConnection, what: &str) {
        let (from, to) = (zeek.originator, zeek.responder);
        self.lines.push(format!(
            "{capture}: {} {} port {} to {} port {}: {what}",
            zeek.protocol, from.0, from.1, to.0, to.1
        ));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        for (name, measure) in [
            ("states", &self.states),
            ("bytes", &self.bytes),
            ("packets", &self.packets),
            ("durations", &self.durations),
        ] {
            let Measure { agreed, compared } = measure;
            writeln!(
                f,
                "{name:<9}  {agreed:>4} of {compared:>4}  {:6.2} %",
                measure.percent()
            )?;
        }
        Ok(())
    }
}

/// Number of a protocol that both follow by ports. ICMP is told in other units: decision 0018.
fn followed(protocol: &str) -> Option<u8> {
    match protocol {
        "tcp" => Some(TCP),
        "udp" => Some(UDP),
        _ => None,
    }
}

fn ends(connection: &Connection) -> ((std::net::IpAddr, u16), (std::net::IpAddr, u16)) {
    (
        (connection.originator.into(), connection.originator_port),
        (connection.responder.into(), connection.responder_port),
    )
}

/// Zeek's state in KDD's terms.
fn fold(zeek: &ZeekConnection) -> &str {
    match (&*zeek.protocol, &*zeek.state) {
        // Always, in KDD'99.
        ("udp", _) => Flag::SF.name(),
        (_, "RSTRH") => "OTH",
        (_, "SHR") => "SH",
        (_, state) => state,
    }
}
