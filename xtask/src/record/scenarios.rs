//! What is recorded: who sends what, under which label.
//!
//! Each scenario has a source address of its own, so that a row's label follows
//! from who started the connection, not from a clock.

use std::net::{Ipv4Addr, Ipv6Addr};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Normal,
    Dos,
    Probe,
}

impl Label {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Dos => "dos",
            Self::Probe => "probe",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    H1,
    H2,
    Attacker,
}

#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) label: Label,
    pub(super) from: Place,
    /// Unique within a recording; addresses are made of it.
    pub(super) number: u8,
    pub(super) seconds: f64,
    /// Run side by side. `{src}`, `{src6}`, `{dst}`, `{dst6}`, `{s}` (seconds)
    /// and `{n@RATE}` (packets in those seconds at this rate) are filled in.
    lines: Vec<&'static str>,
}

impl Scenario {
    pub(super) fn source(&self) -> Ipv4Addr {
        let third = if self.label == Label::Normal { 5 } else { 6 };
        Ipv4Addr::new(10, 83, third, self.number)
    }

    pub(super) fn source6(&self) -> Ipv6Addr {
        let seventh = if self.label == Label::Normal { 5 } else { 6 };
        Ipv6Addr::new(0xfd83, 0, 0, 0, 0, 0, seventh, self.number.into())
    }

    /// The commands, as words.
    pub(super) fn commands(&self, target: (Ipv4Addr, Ipv6Addr), script: &str) -> Vec<Vec<String>> {
        self.lines
            .iter()
            .map(|line| {
                line.split_whitespace()
                    .map(|word| self.fill(word, target, script))
                    .collect()
            })
            .collect()
    }

    fn fill(&self, word: &str, target: (Ipv4Addr, Ipv6Addr), script: &str) -> String {
        if let Some(rate) = word
            .strip_prefix("{n@")
            .and_then(|rest| rest.strip_suffix('}'))
        {
            let rate: f64 = rate.parse().unwrap_or(1.0);
            return format!("{:.0}", (rate * self.seconds).max(1.0));
        }
        word.replace("{src}", &self.source().to_string())
            .replace("{src6}", &self.source6().to_string())
            .replace("{dst}", &target.0.to_string())
            .replace("{dst6}", &target.1.to_string())
            .replace("{s}", &format!("{:.1}", self.seconds))
            .replace("{traffic}", script)
    }
}

/// Scenarios that run at the same time.
pub(super) type Phase = Vec<Scenario>;

/// A line of the tables below: name, who, seconds, what.
type Entry = (&'static str, Place, f64, &'static [&'static str]);

use Place::{Attacker, H1, H2};

const BENIGN: &[&[Entry]] = &[
    &[
        ("ping-1", H1, 9.0, &["ping -n -I {src} -c {n@1} {dst}"]),
        (
            "ping-5",
            H2,
            9.0,
            &["ping -n -I {src} -i 0.2 -c {n@5} {dst}"],
        ),
    ],
    &[(
        "ping-10",
        H1,
        8.0,
        &["ping -n -I {src} -i 0.1 -c {n@10} {dst}"],
    )],
    &[(
        "ping-20",
        H2,
        7.0,
        &["ping -n -I {src} -i 0.05 -c {n@20} {dst}"],
    )],
    &[(
        "ping-50",
        H1,
        6.0,
        &["ping -n -I {src} -i 0.02 -c {n@50} {dst}"],
    )],
    &[(
        "ping-100",
        H2,
        6.0,
        &["ping -n -I {src} -i 0.01 -c {n@100} {dst}"],
    )],
    &[(
        "ping-sizes",
        H1,
        7.0,
        &[
            "ping -n -I {src} -s 8 -i 0.25 -c {n@4} {dst}",
            "ping -n -I {src} -s 300 -i 0.5 -c {n@2} {dst}",
            "ping -n -I {src} -s 1000 -i 0.2 -c {n@5} {dst}",
            "ping -n -I {src} -s 1400 -i 0.1 -c {n@10} {dst}",
        ],
    )],
    &[
        (
            "ping6-2",
            H1,
            7.0,
            &["ping -6 -n -I {src6} -i 0.5 -c {n@2} {dst6}"],
        ),
        (
            "ping6-20",
            H2,
            7.0,
            &["ping -6 -n -I {src6} -i 0.05 -c {n@20} {dst6}"],
        ),
    ],
    &[
        (
            "ping-parallel",
            H1,
            7.0,
            &[
                "ping -n -I {src} -i 0.1 -c {n@10} {dst}",
                "ping -n -I {src} -i 0.1 -s 120 -c {n@10} {dst}",
                "ping -n -I {src} -i 0.3 -s 800 -c {n@3} {dst}",
            ],
        ),
        (
            "ping-back",
            H2,
            7.0,
            &["ping -n -I {src} -i 0.1 -c {n@10} {dst}"],
        ),
    ],
    &[
        (
            "web-single",
            H2,
            8.0,
            &["{traffic} web {src} {dst} --seconds {s} --rate 2"],
        ),
        (
            "dns-5",
            H2,
            8.0,
            &["{traffic} dns {src} {dst} --seconds {s} --rate 5"],
        ),
        (
            "ssh-idle",
            H1,
            8.0,
            &["{traffic} chat {src} {dst} --seconds {s} --rate 1.5"],
        ),
    ],
    &[
        (
            "web-burst",
            H2,
            8.0,
            &["{traffic} web {src} {dst} --seconds {s} --rate 1 --burst 20"],
        ),
        (
            "dns-burst",
            H1,
            8.0,
            &["{traffic} dns {src} {dst} --seconds {s} --rate 2 --burst 25"],
        ),
    ],
    &[
        (
            "web-keep",
            H1,
            8.0,
            &["{traffic} web {src} {dst} --seconds {s} --rate 15 --keep"],
        ),
        (
            "web6",
            H2,
            8.0,
            &["{traffic} web {src6} {dst6} --seconds {s} --rate 8 --size 20000"],
        ),
    ],
    &[(
        "download",
        H2,
        5.0,
        &[
            "curl -s -o /dev/null --max-time {s} --interface {src} http://{dst}/60000000",
            "curl -s -o /dev/null --max-time {s} --interface {src} http://{dst}/1500000",
        ],
    )],
    &[(
        "curl-many",
        H2,
        5.0,
        &["curl -s --interface {src} -Z --parallel-max 10 http://{dst}/[1-40]000 -o /dev/null"],
    )],
    &[(
        "tcp-bulk",
        H2,
        4.0,
        &["iperf3 -B {src} -c {dst} -t {s} -b 400M"],
    )],
    &[(
        "tcp-bulk-reverse",
        H2,
        4.0,
        &["iperf3 -B {src} -c {dst} -t {s} -R"],
    )],
    &[(
        "tcp-streams",
        H1,
        4.0,
        &["iperf3 -B {src} -c {dst} -t {s} -P 6 -b 50M"],
    )],
    &[(
        "udp-1m",
        H2,
        5.0,
        &["iperf3 -u -B {src} -c {dst} -t {s} -b 1M"],
    )],
    &[(
        "udp-20m",
        H1,
        5.0,
        &["iperf3 -u -B {src} -c {dst} -t {s} -b 20M -l 1200"],
    )],
    &[(
        "udp-200m",
        H2,
        4.0,
        &["iperf3 -u -B {src} -c {dst} -t {s} -b 200M -l 1400"],
    )],
    &[
        (
            "trace",
            H1,
            7.0,
            &["{traffic} trace {src} {dst} --seconds {s} --rate 0.7"],
        ),
        (
            "mail",
            H2,
            7.0,
            &["{traffic} chat {src} {dst} --port 25 --seconds {s} --rate 8"],
        ),
        (
            "dns-50",
            H2,
            7.0,
            &["{traffic} dns {src} {dst} --seconds {s} --rate 50"],
        ),
    ],
    &[
        (
            "mix-ping",
            H1,
            12.0,
            &["ping -n -I {src} -i 0.1 -c {n@10} {dst}"],
        ),
        (
            "mix-web",
            H2,
            12.0,
            &["{traffic} web {src} {dst} --seconds {s} --rate 6 --burst 3"],
        ),
        (
            "mix-dns",
            H1,
            12.0,
            &["{traffic} dns {src} {dst} --seconds {s} --rate 12"],
        ),
        (
            "mix-ssh",
            H2,
            12.0,
            &["{traffic} chat {src} {dst} --seconds {s} --rate 4"],
        ),
        (
            "mix-bulk",
            H1,
            12.0,
            &["iperf3 -B {src} -c {dst} -t {s} -b 30M"],
        ),
    ],
];

/// Goes on while the attacks come: a victim still has friends.
const BACKGROUND: &[Entry] = &[
    (
        "meanwhile-ping",
        H1,
        0.0,
        &["ping -n -I {src} -i 0.1 -c {n@10} {dst}"],
    ),
    (
        "meanwhile-ping-back",
        H2,
        0.0,
        &["ping -n -I {src} -i 0.2 -c {n@5} {dst}"],
    ),
    (
        "meanwhile-web",
        H2,
        0.0,
        &["{traffic} web {src} {dst} --seconds {s} --rate 2"],
    ),
    (
        "meanwhile-dns",
        H2,
        0.0,
        &["{traffic} dns {src} {dst} --seconds {s} --rate 4"],
    ),
    (
        "meanwhile-ssh",
        H1,
        0.0,
        &["{traffic} chat {src} {dst} --seconds {s} --rate 2"],
    ),
];

const FLOODS: &[Entry] = &[
    (
        "icmp-500",
        Attacker,
        5.0,
        &["hping3 -q -I {dev} -a {src} -1 -i u2000 -c {n@500} {dst}"],
    ),
    (
        "icmp-1000",
        Attacker,
        5.0,
        &["hping3 -q -I {dev} -a {src} -1 -i u1000 -c {n@1000} {dst}"],
    ),
    (
        "icmp-2000",
        Attacker,
        4.0,
        &["hping3 -q -I {dev} -a {src} -1 -i u500 -c {n@2000} {dst}"],
    ),
    (
        "icmp-large",
        Attacker,
        4.0,
        &["hping3 -q -I {dev} -a {src} -1 -d 1000 -i u1000 -c {n@1000} {dst}"],
    ),
    (
        "icmp-flood",
        Attacker,
        2.5,
        &["hping3 -q -I {dev} -a {src} -1 --flood {dst}"],
    ),
    ("ping-f", Attacker, 4.0, &["ping -q -n -f -I {src} {dst}"]),
    (
        "ping-f-large",
        Attacker,
        3.0,
        &["ping -q -n -f -s 1200 -I {src} {dst}"],
    ),
    (
        "ping6-f",
        Attacker,
        3.0,
        &["ping -6 -q -n -f -I {src6} {dst6}"],
    ),
    (
        "syn-1000",
        Attacker,
        4.0,
        &["hping3 -q -I {dev} -a {src} -S -p 80 -i u1000 -c {n@1000} {dst}"],
    ),
    (
        "syn-flood",
        Attacker,
        2.5,
        &["hping3 -q -I {dev} -a {src} -S -p 80 --flood {dst}"],
    ),
    (
        "syn-closed",
        Attacker,
        3.0,
        &["hping3 -q -I {dev} -a {src} -S -p 81 -i u500 -c {n@2000} {dst}"],
    ),
    (
        "udp-1000",
        Attacker,
        4.0,
        &["hping3 -q -I {dev} -a {src} -2 -p 53 -d 60 -i u1000 -c {n@1000} {dst}"],
    ),
    (
        "udp-flood",
        Attacker,
        2.5,
        &["hping3 -q -I {dev} -a {src} -2 -p 9999 -d 100 --flood {dst}"],
    ),
];

/// `NEIGHBOURS` are addresses of h1 and h2: a sweep needs somebody to find.
pub(super) const NEIGHBOURS: std::ops::RangeInclusive<u8> = 1..=60;

const PROBES: &[Entry] = &[
    (
        "scan-syn-fast-t3",
        Attacker,
        6.0,
        &["nmap -n -Pn -sS -F -T3 {dst}"],
    ),
    (
        "scan-syn-t4",
        Attacker,
        6.0,
        &["nmap -n -Pn -sS -p 1-1000 -T4 {dst}"],
    ),
    (
        "scan-syn-t5",
        Attacker,
        6.0,
        &["nmap -n -Pn -sS -p 1-4000 -T5 {dst}"],
    ),
    (
        "scan-syn-slow",
        Attacker,
        7.0,
        &["nmap -n -Pn -sS -p 1-2000 --max-rate 30 {dst}"],
    ),
    (
        "scan-connect-t3",
        Attacker,
        6.0,
        &["nmap -n -Pn -sT -F -T3 {dst}"],
    ),
    (
        "scan-connect-t4",
        Attacker,
        6.0,
        &["nmap -n -Pn -sT -p 1-1500 -T4 {dst}"],
    ),
    ("scan-fin", Attacker, 5.0, &["nmap -n -Pn -sF -F -T4 {dst}"]),
    (
        "scan-udp",
        Attacker,
        6.0,
        &["nmap -n -Pn -sU -p 50-90 -T4 --max-retries 0 {dst}"],
    ),
    (
        "scan-v6",
        Attacker,
        6.0,
        &["nmap -6 -n -Pn -sS -F -T4 -S {src6} -e {dev} {dst6}"],
    ),
    (
        "scan-wide",
        Attacker,
        6.0,
        &["nmap -n -Pn -sS -p 22,80,443 -T4 10.83.4.1-60"],
    ),
    (
        "sweep-t3",
        Attacker,
        6.0,
        &["nmap -n -sn -PE --disable-arp-ping -T3 10.83.4.1-60"],
    ),
    (
        "sweep-t5",
        Attacker,
        6.0,
        &["nmap -n -sn -PE --disable-arp-ping -T5 10.83.4.1-60"],
    ),
    (
        "sweep-slow",
        Attacker,
        7.0,
        &["nmap -n -sn -PE --disable-arp-ping --max-rate 10 10.83.4.1-60"],
    ),
];

pub(super) struct Plan {
    pub(super) benign: Vec<Phase>,
    /// One after the other.
    pub(super) attacks: Vec<Scenario>,
    /// Beside all of the attacks.
    pub(super) background: Vec<Scenario>,
}

/// Between two attacks: longer than the 2-second window, or the next one's
/// first rows would carry the last one's counts.
pub(super) const GAP: f64 = 2.5;

/// Everything, or (quick) a third of the time.
pub(super) fn plan(quick: bool) -> Plan {
    let pace = if quick { 0.22 } else { 1.0 };
    let gap = if quick { 0.3 } else { GAP };
    let mut number = 0;
    let mut make = |entry: &Entry, label: Label, pace: f64| {
        number += 1;
        Scenario {
            name: entry.0.to_owned(),
            label,
            from: entry.1,
            number,
            seconds: (entry.2 * pace).max(1.0),
            lines: entry.3.to_vec(),
        }
    };
    let benign = BENIGN
        .iter()
        .map(|phase| {
            phase
                .iter()
                .map(|entry| make(entry, Label::Normal, pace))
                .collect()
        })
        .collect();
    let floods = FLOODS.iter().map(|entry| (entry, Label::Dos));
    let probes = PROBES.iter().map(|entry| (entry, Label::Probe));
    let attacks: Vec<Scenario> = floods
        .chain(probes)
        .map(|(entry, label)| make(entry, label, pace))
        .collect();
    let span: f64 = attacks.iter().map(|attack| attack.seconds + gap).sum();
    let background = BACKGROUND
        .iter()
        .map(|entry| {
            let mut scenario = make(entry, Label::Normal, pace);
            scenario.seconds = span;
            scenario
        })
        .collect();
    Plan {
        benign,
        attacks,
        background,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn all(plan: &Plan) -> Vec<&Scenario> {
        plan.benign
            .iter()
            .flatten()
            .chain(&plan.attacks)
            .chain(&plan.background)
            .collect()
    }

    #[test]
    fn every_scenario_has_an_address_and_a_name_of_its_own() {
        let plan = plan(false);
        let scenarios = all(&plan);
        let addresses: HashSet<_> = scenarios.iter().map(|scenario| scenario.source()).collect();
        let names: HashSet<_> = scenarios.iter().map(|scenario| &scenario.name).collect();
        assert_eq!(addresses.len(), scenarios.len());
        assert_eq!(names.len(), scenarios.len());
    }

    #[test]
    fn attacks_come_from_attacker_and_nothing_else_does() {
        for scenario in all(&plan(false)) {
            assert_eq!(scenario.from == Attacker, scenario.label != Label::Normal);
        }
    }

    #[test]
    fn the_whole_stays_within_its_time() {
        for (quick, limit) in [(false, 460.0), (true, 85.0)] {
            let plan = plan(quick);
            let benign: f64 = plan
                .benign
                .iter()
                .map(|phase| phase.iter().map(|one| one.seconds).fold(0.0, f64::max) + 0.4)
                .sum();
            let total = benign + plan.background[0].seconds;
            assert!(total < limit, "{total} s");
        }
    }

    #[test]
    fn placeholders_are_filled() {
        let plan = plan(false);
        let target = (Ipv4Addr::new(10, 83, 0, 1), Ipv6Addr::LOCALHOST);
        for scenario in all(&plan) {
            for command in scenario.commands(target, "traffic.py") {
                let line = command.join(" ").replace("{dev}", "eth0");
                assert!(!line.contains('{'), "{line}");
            }
        }
        let first = &plan.benign[0][0];
        let line = first.commands(target, "")[0].join(" ");
        assert_eq!(line, "ping -n -I 10.83.5.1 -c 9 10.83.0.1");
    }
}
