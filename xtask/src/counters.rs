//! The kernel's own counters, read from outside a namespace through /proc/PID.

use std::fs;

use anyhow::{Context, Result};

/// Packets an interface has sent, out of /proc/PID/net/dev.
/// A veth counts a frame here only once its peer took it; what the peer's queue
/// refused is in the drop column, not in this one.
pub(crate) fn sent_packets(pid: u32, interface: &str) -> Result<u64> {
    let text = read(pid, "dev")?;
    transmitted(&text, interface).with_context(|| format!("no counters of {interface}"))
}

/// Named ICMP counters of the namespace, out of /proc/PID/net/snmp.
pub(crate) fn icmp(pid: u32, name: &str) -> Result<u64> {
    let text = read(pid, "snmp")?;
    snmp(&text, "Icmp:", name).with_context(|| format!("no ICMP counter {name}"))
}

fn read(pid: u32, what: &str) -> Result<String> {
    let path = format!("/proc/{pid}/net/{what}");
    fs::read_to_string(&path).with_context(|| format!("{path}: is the lab gone?"))
}

fn transmitted(text: &str, interface: &str) -> Option<u64> {
    let (_, counters) = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == interface)?;
    counters.split_whitespace().nth(9)?.parse().ok()
}

/// Two lines a protocol: the names, then the values in the same order.
fn snmp(text: &str, protocol: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter(|line| line.starts_with(protocol));
    let names = lines.next()?.split_whitespace();
    let values = lines.next()?.split_whitespace();
    names
        .zip(values)
        .find(|(column, _)| *column == name)?
        .1
        .parse()
        .ok()
}

/// What `ping` says at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pinged {
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl Pinged {
    /// Reads "N packets transmitted, M received, …" (the words in between vary
    /// with errors and duplicates).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let line = text
            .lines()
            .find(|line| line.contains("packets transmitted"))?;
        let number_before = |word: &str| -> Option<u64> {
            let part = line.split(',').find(|part| part.contains(word))?;
            part.split_whitespace().next()?.parse().ok()
        };
        Some(Self {
            sent: number_before("transmitted")?,
            received: number_before("received")?,
        })
    }

    pub(crate) fn loss(self) -> f64 {
        percent_missing(self.sent, self.received)
    }
}

/// 100 × (1 − arrived/sent); nothing sent means nothing missing.
pub(crate) fn percent_missing(sent: u64, arrived: u64) -> f64 {
    if sent == 0 {
        return 0.0;
    }
    // A late answer of an earlier second can make more arrive than was sent.
    let missing = sent.saturating_sub(arrived);
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let share = missing as f64 / sent as f64;
    share * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEV: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
attacker-eth0:    1076      14    0    0    0     0          0         0  336542    8014    0    3    0     0       0          0
";

    const SNMP: &str = "\
Ip: Forwarding DefaultTTL
Ip: 2 64
Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InEchos InEchoReps
Icmp: 812 0 0 0 731 81
IcmpMsg: InType0 InType8
IcmpMsg: 81 731
";

    #[test]
    fn the_transmit_column_is_not_the_receive_column() {
        assert_eq!(transmitted(DEV, "attacker-eth0"), Some(8014));
        assert_eq!(transmitted(DEV, "eth0"), None, "no match by suffix");
    }

    #[test]
    fn snmp_counters_are_found_by_name() {
        assert_eq!(snmp(SNMP, "Icmp:", "InEchos"), Some(731));
        assert_eq!(snmp(SNMP, "Icmp:", "InEchoReps"), Some(81));
        assert_eq!(snmp(SNMP, "Icmp:", "InType8"), None, "that is IcmpMsg");
    }

    #[test]
    fn own_counters_can_be_read() {
        assert!(icmp(std::process::id(), "InEchos").is_ok());
    }

    #[test]
    fn pings_last_words() {
        let plain = "5 packets transmitted, 5 received, 0% packet loss, time 4005ms";
        let errors =
            "--- x ---\n10 packets transmitted, 4 received, +3 errors, 60% packet loss, time 9ms\n";
        assert_eq!(
            Pinged::parse(plain),
            Some(Pinged {
                sent: 5,
                received: 5
            })
        );
        let lossy = Pinged::parse(errors).expect("parsed");
        assert!((lossy.loss() - 60.0).abs() < 1e-9);
        assert_eq!(Pinged::parse("ping: unknown host"), None);
    }

    #[test]
    fn shares_at_the_edges() {
        assert!((percent_missing(0, 0) - 0.0).abs() < 1e-9);
        assert!((percent_missing(100, 101) - 0.0).abs() < 1e-9);
        assert!((percent_missing(1000, 1) - 99.9).abs() < 1e-9);
    }
}
