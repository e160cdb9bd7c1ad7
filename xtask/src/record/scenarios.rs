//! What is recorded: who sends what, under which label.
//!
//! Each scenario has a source address of its own, so that a row's label follows
//! from who started the connection, not from a clock.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::catalogue::{self, Entry, attacks, benign};

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
    lines: Vec<String>,
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

/// Addresses of h1 and h2 (10.83.4.N): a sweep needs somebody to find.
pub(super) const NEIGHBOURS: std::ops::RangeInclusive<u8> = 1..=60;

pub(super) struct Plan {
    pub(super) benign: Vec<Phase>,
    /// One after the other, first alone, then amid the background.
    pub(super) attacks: Vec<Scenario>,
    /// Beside all of the attacks, the second time.
    pub(super) background: Vec<Scenario>,
}

impl Plan {
    /// The scenarios whose names begin with one of `prefixes`; all where there is none. Attacks keep their background.
    pub(super) fn only(mut self, prefixes: &[String]) -> Self {
        let wanted = |scenario: &Scenario| {
            prefixes.is_empty()
                || prefixes
                    .iter()
                    .any(|prefix| scenario.name.starts_with(prefix))
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
pub(super) const GAP: f64 = 2.5;

/// Everything, or (quick) a third of the time.
pub(super) fn plan(quick: bool) -> Plan {
    let pace = if quick { 0.22 } else { 1.0 };
    let gap = if quick { 0.3 } else { GAP };
    let mut number = 0;
    let mut make = |entry: &Entry, label: Label, pace: f64| {
        number += 1;
        Scenario {
            name: entry.name.clone(),
            label,
            from: entry.from,
            number,
            seconds: (entry.seconds * pace).max(1.0),
            lines: entry.commands.clone(),
        }
    };
    let benign = catalogue::read(benign::BENIGN)
        .iter()
        .map(|phase| {
            phase
                .iter()
                .map(|entry| make(entry, Label::Normal, pace))
                .collect()
        })
        .collect();
    let floods = catalogue::read(attacks::FLOODS);
    let probes = catalogue::read(attacks::PROBES);
    let floods = floods.iter().flatten().map(|entry| (entry, Label::Dos));
    let probes = probes.iter().flatten().map(|entry| (entry, Label::Probe));
    let attacks: Vec<Scenario> = floods
        .chain(probes)
        .map(|(entry, label)| make(entry, label, pace))
        .collect();
    let span: f64 = attacks.iter().map(|attack| attack.seconds + gap).sum();
    let background = catalogue::read(benign::BACKGROUND)
        .iter()
        .flatten()
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
            assert_eq!(
                scenario.from == Place::Attacker,
                scenario.label != Label::Normal
            );
        }
    }

    #[test]
    fn the_whole_stays_within_its_time() {
        for (quick, limit) in [(false, 840.0), (true, 180.0)] {
            let plan = plan(quick);
            let benign: f64 = plan
                .benign
                .iter()
                .map(|phase| phase.iter().map(|one| one.seconds).fold(0.0, f64::max) + 0.4)
                .sum();
            // The attacks come twice.
            let total = benign + 2.0 * plan.background[0].seconds;
            assert!(total < limit, "{total} s");
        }
    }

    #[test]
    fn a_choice_keeps_what_belongs_to_it() {
        let web = plan(false).only(&["web".to_owned()]);
        assert!(!web.benign.is_empty());
        assert!(all(&web).iter().all(|one| one.name.starts_with("web")));
        let floods = plan(false).only(&["icmp-flood".to_owned()]);
        assert_eq!(floods.attacks.len(), 1);
        assert!(floods.benign.is_empty() && !floods.background.is_empty());
        assert_eq!(all(&plan(false).only(&[])).len(), all(&plan(false)).len());
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
