//! What is recorded: who sends what, under which label.
//!
//! Each scenario has a source address of its own, so that a row's label follows
//! from who started the connection, not from a clock.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::addresses;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    Normal,
    Dos,
    Probe,
    R2l,
    U2r,
}

impl Label {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Dos => "dos",
            Self::Probe => "probe",
            Self::R2l => "r2l",
            Self::U2r => "u2r",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    H1,
    H2,
    Attacker,
}

#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) label: Label,
    pub(crate) from: Place,
    /// Unique among the benign ones or among the attacks of a recording;
    /// addresses are made of it.
    pub(super) number: u16,
    /// Which of the other host's neighbours it talks to, if not to the host itself.
    pub(super) neighbour: Option<u8>,
    pub(crate) seconds: f64,
    /// Kept out of the training.
    pub(crate) held: bool,
    /// Within this time of its first packet the first decision is promised.
    pub(crate) promise: Option<Duration>,
    /// Run side by side, `@h1` ones on the victim.
    ///
    /// Filled in: `{src}`, `{src6}`, `{dst}`, `{dst6}`; `{own}`, `{own6}`, addresses
    /// of h1 that only this scenario sends to; `{peer}`, `{peer6}`, addresses of the
    /// other host that a tool reaches from `{src}` without being told; `{net}`, `{net6}`, the beginning of a
    /// range (/24, /112) that only this scenario forges sources of; `{quiet}`, `{quiet6}`, the beginning of
    /// one in which nobody is; `{filtered}`, an address of the other host's that answers on few ports and drops
    /// the rest; `{s}` (seconds), `{i}` (whole seconds) and `{n@RATE}` (packets in those seconds at this rate).
    pub(super) lines: Vec<String>,
}

impl Scenario {
    pub(crate) fn source(&self) -> Ipv4Addr {
        self.address(if self.is_benign() { 5 } else { 6 }).0
    }

    pub(crate) fn source6(&self) -> Ipv6Addr {
        self.address(if self.is_benign() { 5 } else { 6 }).1
    }

    /// Its addresses of a kind.
    fn address(&self, kind: u8) -> (Ipv4Addr, Ipv6Addr) {
        addresses::numbered(kind, self.number)
    }

    /// Whether it is recorded a second time, amid the background: a slow one is too
    /// long to be, and has neighbours in time anyway.
    pub(crate) fn comes_again(&self) -> bool {
        self.seconds <= 12.0
    }

    /// Its place in the tables of its kind.
    #[cfg(test)]
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    pub(crate) fn is_benign(&self) -> bool {
        self.label == Label::Normal
    }

    fn wants(&self, placeholder: &str) -> bool {
        self.lines.iter().any(|line| line.contains(placeholder))
    }

    /// The victim's addresses that only this scenario sends to, where it has any:
    /// floods with sources out of the whole Internet are known by these.
    pub(crate) fn own(&self) -> Option<(Ipv4Addr, Ipv6Addr)> {
        (self.wants("{own") && !self.is_benign()).then(|| self.address(8))
    }

    /// The other host's addresses to which this benign scenario's own source is
    /// the route's, where it has any: some tools can't be told their source.
    pub(crate) fn peer(&self) -> Option<(Ipv4Addr, Ipv6Addr)> {
        (self.wants("{peer") && self.is_benign()).then(|| self.address(9))
    }

    /// The network of this benign scenario's clients, where they are many.
    pub(super) fn crowd(&self) -> Option<String> {
        (self.wants("{crowd}") && self.is_benign()).then(|| self.crowd_network())
    }

    fn crowd_network(&self) -> String {
        let [a, b, c] = addresses::range(addresses::CROWDS, self.number);
        format!("{a}.{b}.{c}.0/24")
    }

    /// Whether it is the first moments of an attack, many times over, each from another of its network's addresses.
    pub(super) fn starts(&self) -> bool {
        self.wants("{attack} starts")
    }

    pub(super) fn forged_network(&self) -> String {
        let [a, b, c] = addresses::range(addresses::FORGED, self.number);
        format!("{a}.{b}.{c}.0/24")
    }

    /// The other host's address that drops what comes to most ports, where it has one.
    pub(super) fn filtered(&self) -> Option<Ipv4Addr> {
        self.wants("{filtered").then(|| self.filtered_address())
    }

    fn filtered_address(&self) -> Ipv4Addr {
        self.address(if self.is_benign() { 11 } else { 10 }).0
    }

    /// Where its traffic goes to unless a command says otherwise.
    pub(crate) fn target(&self, other: (Ipv4Addr, Ipv6Addr)) -> (Ipv4Addr, Ipv6Addr) {
        self.neighbour.map_or(other, addresses::neighbour)
    }

    /// What makes its traffic, for leaving a whole tool out of a training.
    pub(crate) fn tool(&self) -> &str {
        self.lines.first().map_or("", |line| tool(line))
    }

    /// Whether an address is of its network: that which an attack forges (a /24 of 10.84.0.0/14 or fd84::N:0/112), or
    /// that of a benign scenario's clients (a /24 of 10.108.0.0/14).
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let second = if self.is_benign() {
            addresses::CROWDS
        } else {
            addresses::FORGED
        };
        match address {
            IpAddr::V4(address) => address.octets()[..3] == addresses::range(second, self.number),
            IpAddr::V6(address) => {
                !self.is_benign() && address.segments()[..7] == [0xfd84, 0, 0, 0, 0, 0, self.number]
            }
        }
    }

    /// Whether it is sent to this address, where nobody is.
    pub(crate) fn is_quiet(&self, address: IpAddr) -> bool {
        self.wants("{quiet")
            && match address {
                IpAddr::V4(address) => {
                    address.octets()[..3] == addresses::range(self.quiet(), self.number)
                }
                IpAddr::V6(address) => {
                    address.segments()[..7] == [0xfd96, 0, 0, 0, 0, 0, self.number]
                }
            }
    }

    /// Whether its sources are forged out of its own networks.
    pub(crate) fn is_forged(&self) -> bool {
        self.wants("{net")
    }

    /// Whether it sends SYN+ACKs that nobody asked for. Who is sent an answer is taken for the originator, so the
    /// rows' originators are its victims.
    pub(crate) fn answers(&self) -> bool {
        let sends = |line: &String| [" -S -A ", ",syn,ack)"].iter().any(|it| line.contains(it));
        !self.is_benign() && self.lines.iter().any(sends)
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

    /// Second octet of the addresses where nobody is.
    fn quiet(&self) -> u8 {
        if self.is_benign() {
            addresses::QUIET_TO_OTHERS
        } else {
            addresses::QUIET_TO_ATTACKS
        }
    }

    fn fill(&self, word: &str, target: (Ipv4Addr, Ipv6Addr), script: &str) -> String {
        if let Some(rate) = word
            .strip_prefix("{n@")
            .and_then(|rest| rest.strip_suffix('}'))
        {
            let rate: f64 = rate.parse().unwrap_or(1.0);
            return format!("{:.0}", (rate * self.seconds).max(1.0));
        }
        let (own, own6) = self.address(8);
        let (peer, peer6) = self.address(9);
        let range = |second| addresses::range(second, self.number).map(|octet| octet.to_string());
        word.replace("{src}", &self.source().to_string())
            .replace("{src6}", &self.source6().to_string())
            .replace("{dst}", &target.0.to_string())
            .replace("{dst6}", &target.1.to_string())
            .replace("{own}", &own.to_string())
            .replace("{own6}", &own6.to_string())
            .replace("{peer}", &peer.to_string())
            .replace("{peer6}", &peer6.to_string())
            .replace("{net}", &range(addresses::FORGED).join("."))
            .replace("{net6}", &format!("fd84::{:x}", self.number))
            .replace("{quiet}", &range(self.quiet()).join("."))
            .replace("{quiet6}", &format!("fd96::{:x}", self.number))
            .replace("{crowd}", &self.crowd_network())
            .replace("{filtered}", &self.filtered_address().to_string())
            .replace("{s}", &format!("{:.1}", self.seconds))
            .replace("{i}", &format!("{:.0}", self.seconds.ceil()))
            .replace("{traffic}", script)
    }
}

/// The program of a command line, behind what only starts it: `ping`, `web` of
/// `{traffic} web`, `ssh` of `{traffic} repeat … -- sshpass -p x ssh`.
fn tool(line: &str) -> &str {
    let line = line.split_once(" -- ").map_or(line, |(_, command)| command);
    let mut words = line.split_whitespace().map(|word| {
        word.trim_start_matches('~')
            .trim_matches(['{', '}'])
            .rsplit('/')
            .next()
            .unwrap_or(word)
    });
    while let Some(word) = words.next() {
        match word {
            "@h1" | "env" | "traffic" | "attack" => {}
            "sshpass" => {
                words.nth(1);
            }
            setting if setting.contains('=') => {}
            tool => return tool,
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::super::{plan::plan, words};
    use super::*;

    #[test]
    fn a_tool_is_named_without_what_starts_it() {
        for (line, expected) in [
            ("ping -n -c 3 h", "ping"),
            ("~/usr/bin/nc h 22", "nc"),
            ("{traffic} web a b", "web"),
            ("@h1 {attack} call-back", "call-back"),
            ("{traffic} repeat --rate 1 -- sshpass -p x ssh h", "ssh"),
            ("env PGPASSWORD=x {pgbench} -h h", "pgbench"),
        ] {
            assert_eq!(tool(line), expected);
        }
        for scenario in plan(false).all() {
            let tool = scenario.tool();
            assert!(!tool.is_empty() && !tool.starts_with('-'), "{tool}");
        }
    }

    #[test]
    fn placeholders_are_filled() {
        let plan = plan(false);
        let target = (Ipv4Addr::new(10, 83, 0, 1), Ipv6Addr::LOCALHOST);
        for scenario in plan.all() {
            for command in scenario.commands(target, "traffic.py") {
                // trafgen's own braces are not followed by a name and the other brace.
                for part in command.join(" ").split('{').skip(1) {
                    let name = part.split('}').next().unwrap_or_default();
                    let later = words::LATER.contains(&name);
                    assert!(later || name.contains('('), "{name}");
                }
            }
        }
        let first = &plan.benign[0][0];
        let line = first.commands(target, "")[0].join(" ");
        assert_eq!(line, "ping -n -I 10.83.5.1 -c 9 10.83.0.1");
        let forged = plan.attacks.iter().find(|one| one.name == "forged-syn6");
        let line = forged.expect("there").commands(target, "")[0].join(" ");
        assert!(
            line.contains(" -A fd84::") && line.contains(":0/112 "),
            "{line}"
        );
    }
}
