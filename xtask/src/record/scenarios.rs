//! What is recorded: who sends what, under which label.
//!
//! Each scenario has a source address of its own, so that a row's label follows
//! from who started the connection, not from a clock.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::catalogue::{self, Entry, attacks, benign};

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
    number: u8,
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
    /// range (/24, /112) that only this scenario forges sources of; `{s}` (seconds),
    /// `{i}` (whole seconds) and `{n@RATE}` (packets in those seconds at this rate).
    lines: Vec<String>,
}

impl Scenario {
    pub(crate) fn source(&self) -> Ipv4Addr {
        let third = if self.is_benign() { 5 } else { 6 };
        Ipv4Addr::new(10, 83, third, self.number)
    }

    pub(crate) fn source6(&self) -> Ipv6Addr {
        let seventh = if self.is_benign() { 5 } else { 6 };
        Ipv6Addr::new(0xfd83, 0, 0, 0, 0, 0, seventh, self.number.into())
    }

    /// Whether it is recorded a second time, amid the background: a slow one is too
    /// long to be, and has neighbours in time anyway.
    pub(crate) fn comes_again(&self) -> bool {
        self.seconds <= 12.0
    }

    /// Its place in the tables of its kind.
    #[cfg(test)]
    pub(crate) fn number(&self) -> u8 {
        self.number
    }

    pub(crate) fn is_benign(&self) -> bool {
        self.label == Label::Normal
    }

    /// The victim's addresses that only this scenario sends to, where it has any:
    /// floods with sources out of the whole Internet are known by these.
    pub(crate) fn own(&self) -> Option<(Ipv4Addr, Ipv6Addr)> {
        let wanted = self.lines.iter().any(|line| line.contains("{own"));
        (wanted && !self.is_benign()).then(|| self.own_addresses())
    }

    fn own_addresses(&self) -> (Ipv4Addr, Ipv6Addr) {
        (
            Ipv4Addr::new(10, 83, 8, self.number),
            Ipv6Addr::new(0xfd83, 0, 0, 0, 0, 0, 8, self.number.into()),
        )
    }

    /// The other host's addresses to which this benign scenario's own source is
    /// the route's, where it has any: some tools can't be told their source.
    pub(crate) fn peer(&self) -> Option<(Ipv4Addr, Ipv6Addr)> {
        let wanted = self.lines.iter().any(|line| line.contains("{peer"));
        (wanted && self.is_benign()).then(|| self.peer_addresses())
    }

    fn peer_addresses(&self) -> (Ipv4Addr, Ipv6Addr) {
        (
            Ipv4Addr::new(10, 83, 9, self.number),
            Ipv6Addr::new(0xfd83, 0, 0, 0, 0, 0, 9, self.number.into()),
        )
    }

    /// What makes its traffic, for leaving a whole tool out of a training.
    pub(crate) fn tool(&self) -> &str {
        self.lines.first().map_or("", |line| tool(line))
    }

    /// Whether it is this attack's to forge: 10.84.N.0/24 or fd84::N:0/112.
    pub(crate) fn forges(&self, address: IpAddr) -> bool {
        !self.is_benign()
            && match address {
                IpAddr::V4(address) => address.octets()[..3] == [10, 84, self.number],
                IpAddr::V6(address) => {
                    address.segments()[..7] == [0xfd84, 0, 0, 0, 0, 0, self.number.into()]
                }
            }
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
        let (own, own6) = self.own_addresses();
        let (peer, peer6) = self.peer_addresses();
        word.replace("{src}", &self.source().to_string())
            .replace("{src6}", &self.source6().to_string())
            .replace("{dst}", &target.0.to_string())
            .replace("{dst6}", &target.1.to_string())
            .replace("{own}", &own.to_string())
            .replace("{own6}", &own6.to_string())
            .replace("{peer}", &peer.to_string())
            .replace("{peer6}", &peer6.to_string())
            .replace("{net}", &format!("10.84.{}", self.number))
            .replace("{net6}", &format!("fd84::{:x}", self.number))
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

/// Scenarios that run at the same time.
pub(crate) type Phase = Vec<Scenario>;

/// Addresses of h1 and h2 (10.83.4.N): a sweep needs somebody to find.
pub(super) const NEIGHBOURS: std::ops::RangeInclusive<u8> = 1..=60;

pub(crate) struct Plan {
    pub(crate) benign: Vec<Phase>,
    /// One after the other, first alone, then amid the background.
    pub(crate) attacks: Vec<Scenario>,
    /// Beside all of the attacks, the second time.
    pub(crate) background: Vec<Scenario>,
}

impl Plan {
    /// The scenarios that are, or are not, kept out of the training.
    pub(crate) fn held(mut self, held: bool) -> Self {
        for phase in &mut self.benign {
            phase.retain(|scenario| scenario.held == held);
        }
        self.benign.retain(|phase| !phase.is_empty());
        self.attacks.retain(|scenario| scenario.held == held);
        self
    }

    /// The scenarios whose names begin with one of `prefixes`, or whose label is one
    /// of them; all where there is none. Attacks keep their background.
    pub(crate) fn only(mut self, prefixes: &[String]) -> Self {
        let wanted = |scenario: &Scenario| {
            prefixes.is_empty()
                || prefixes.iter().any(|prefix| {
                    scenario.name.starts_with(prefix) || scenario.label.name() == prefix
                })
        };
        for phase in &mut self.benign {
            phase.retain(wanted);
        }
        self.benign.retain(|phase| !phase.is_empty());
        self.attacks.retain(wanted);
        if self.attacks.is_empty() {
            self.background.clear();
        }
        self
    }
}

/// Between two attacks: longer than the 2-second window, or the next one's
/// first rows would carry the last one's counts.
pub(crate) const GAP: f64 = 2.5;

/// Seconds it takes at least to be worth it: those who guess begin late.
fn least(label: Label) -> f64 {
    match label {
        Label::R2l | Label::U2r => 5.0,
        _ => 1.0,
    }
}

/// Everything, or (quick) a good fifth of the time.
pub(crate) fn plan(quick: bool) -> Plan {
    let pace = if quick { 0.22 } else { 1.0 };
    let gap = if quick { 0.3 } else { GAP };
    let (mut benign_number, mut attack_number) = (0, 0);
    let mut make = |entry: &Entry, label: Label, promise: Option<Duration>| {
        let number = if label == Label::Normal {
            &mut benign_number
        } else {
            &mut attack_number
        };
        *number += 1;
        Scenario {
            name: entry.name.clone(),
            label,
            from: entry.from,
            number: *number,
            seconds: (entry.seconds * pace).max(least(label)),
            held: entry.held,
            promise,
            lines: entry.commands.clone(),
        }
    };
    let benign = catalogue::read(benign::BENIGN)
        .iter()
        .map(|phase| {
            phase
                .iter()
                .map(|entry| make(entry, Label::Normal, None))
                .collect()
        })
        .collect();
    let mut attacks = Vec::new();
    for group in attacks::GROUPS {
        let entries = catalogue::read(group.table);
        let entries = entries.iter().flatten();
        attacks.extend(entries.map(|entry| make(entry, group.label, group.promise)));
    }
    let span: f64 = attacks.iter().map(|attack| attack.seconds + gap).sum();
    let background = catalogue::read(benign::BACKGROUND)
        .iter()
        .flatten()
        .map(|entry| {
            let mut scenario = make(entry, Label::Normal, None);
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

    use super::super::words;
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
            assert_eq!(scenario.from == Place::Attacker, !scenario.is_benign());
        }
    }

    #[test]
    fn the_whole_stays_within_its_time() {
        for (quick, limit) in [(false, 2_700.0), (true, 900.0)] {
            let plan = plan(quick).held(false);
            let benign: f64 = plan
                .benign
                .iter()
                .map(|phase| phase.iter().map(|one| one.seconds).fold(0.0, f64::max) + 0.4)
                .sum();
            let gap = if quick { 0.3 } else { GAP };
            let attacks = |again: bool| -> f64 {
                let these = plan
                    .attacks
                    .iter()
                    .filter(|one| !again || one.comes_again());
                these.map(|one| one.seconds + gap).sum()
            };
            let total = benign + attacks(false) + attacks(true);
            assert!(total < limit, "{total} s");
        }
    }

    #[test]
    fn a_choice_keeps_what_belongs_to_it() {
        let web = plan(false).only(&["web".to_owned()]);
        assert!(!web.benign.is_empty());
        assert!(all(&web).iter().all(|one| one.name.starts_with("web")));
        let normal = plan(false).only(&["normal".to_owned()]);
        assert_eq!(normal.benign.len(), plan(false).benign.len());
        assert!(normal.attacks.is_empty());
        let floods = plan(false).only(&["ping-f-large".to_owned()]);
        assert_eq!(floods.attacks.len(), 1);
        assert!(floods.benign.is_empty() && !floods.background.is_empty());
        assert_eq!(all(&plan(false).only(&[])).len(), all(&plan(false)).len());
    }

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
        for scenario in all(&plan(false)) {
            let tool = scenario.tool();
            assert!(!tool.is_empty() && !tool.starts_with('-'), "{tool}");
        }
    }

    #[test]
    fn placeholders_are_filled() {
        let plan = plan(false);
        let target = (Ipv4Addr::new(10, 83, 0, 1), Ipv6Addr::LOCALHOST);
        for scenario in all(&plan) {
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
