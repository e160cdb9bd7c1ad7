//! Which scenarios are played, in which order, beside what.

use std::time::Duration;

use super::catalogue::{self, Entry, attacks, benign, lookalikes};
use super::scenarios::{Label, Scenario};
use super::servers::Manners;

/// Scenarios that run at the same time.
pub(crate) type Phase = Vec<Scenario>;

pub(crate) struct Plan {
    pub(crate) benign: Vec<Phase>,
    /// One after the other, first alone, then amid the background.
    pub(crate) attacks: Vec<Scenario>,
    /// Beside all of the attacks, the second time.
    pub(crate) background: Vec<Scenario>,
    /// Pause between two attacks, in seconds.
    pub(crate) gap: f64,
    /// Beside the benign ones, too.
    pub(crate) busy: bool,
    /// What its servers are like.
    pub(crate) manners: Manners,
}

impl Plan {
    pub(super) fn all(&self) -> impl Iterator<Item = &Scenario> {
        self.benign
            .iter()
            .flatten()
            .chain(&self.attacks)
            .chain(&self.background)
    }

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

    /// What is benign in one plan, each attack in one of its own.
    pub(super) fn apart(mut self) -> Vec<Self> {
        let attacks = std::mem::take(&mut self.attacks);
        let with = |benign, attacks| Self {
            benign,
            attacks,
            background: self.background.clone(),
            ..self
        };
        let benign = (!self.benign.is_empty()).then(|| with(self.benign.clone(), Vec::new()));
        let attacks = attacks.into_iter().map(|one| with(Vec::new(), vec![one]));
        benign.into_iter().chain(attacks).collect()
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
            neighbour: None,
            seconds: (entry.seconds * pace).max(least(label)),
            held: entry.held,
            promise,
            lines: entry.commands.clone(),
        }
    };
    let benign = [benign::BENIGN, lookalikes::LOOKALIKES]
        .into_iter()
        .flat_map(catalogue::read)
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
        gap,
        busy: false,
        manners: Manners::default(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::scenarios::Place;
    use super::*;

    #[test]
    fn every_scenario_has_an_address_and_a_name_of_its_own() {
        let plan = plan(false);
        let scenarios: Vec<&Scenario> = plan.all().collect();
        let addresses: HashSet<_> = scenarios.iter().map(|scenario| scenario.source()).collect();
        let names: HashSet<_> = scenarios.iter().map(|scenario| &scenario.name).collect();
        assert_eq!(addresses.len(), scenarios.len());
        assert_eq!(names.len(), scenarios.len());
    }

    #[test]
    fn attacks_come_from_attacker_and_nothing_else_does() {
        for scenario in plan(false).all() {
            assert_eq!(scenario.from == Place::Attacker, !scenario.is_benign());
        }
    }

    #[test]
    fn the_whole_stays_within_its_time() {
        for (quick, playing, limit) in
            [(false, 1, 6_300.0), (false, 2, 4_300.0), (true, 1, 2_000.0)]
        {
            let plan = plan(quick).held(false).playing(playing);
            let benign: f64 = plan
                .benign
                .iter()
                .map(|phase| phase.iter().map(|one| one.seconds).fold(0.0, f64::max) + 0.4)
                .sum();
            let attacks = |again: bool| -> f64 {
                let these = plan
                    .attacks
                    .iter()
                    .filter(|one| !again || one.comes_again());
                these.map(|one| one.seconds + plan.gap).sum()
            };
            let total = benign + attacks(false) + attacks(true);
            assert!(total < limit, "{total} s of playing {playing}");
        }
    }

    #[test]
    fn apart_nothing_is_lost_and_no_attack_follows_another() {
        let whole = plan(false);
        let parts = plan(false).apart();
        assert!(parts.iter().all(|part| part.attacks.len() < 2));
        assert!(parts[0].attacks.is_empty());
        let attacks = parts.iter().flat_map(|part| &part.attacks);
        assert!(
            attacks
                .map(|one| &one.name)
                .eq(whole.attacks.iter().map(|one| &one.name))
        );
        let benign = |plan: &Plan| plan.benign.iter().flatten().count();
        assert_eq!(parts.iter().map(benign).sum::<usize>(), benign(&whole));
        let scans = plan(false).only(&["probe".to_owned()]).apart();
        assert!(scans.iter().all(|part| part.attacks.len() == 1));
        assert!(scans.iter().all(|part| !part.background.is_empty()));
    }

    #[test]
    fn a_choice_keeps_what_belongs_to_it() {
        let web = plan(false).only(&["web".to_owned()]);
        assert!(!web.benign.is_empty());
        assert!(web.all().all(|one| one.name.starts_with("web")));
        let normal = plan(false).only(&["normal".to_owned()]);
        assert_eq!(normal.benign.len(), plan(false).benign.len());
        assert!(normal.attacks.is_empty());
        let floods = plan(false).only(&["ping-f-large".to_owned()]);
        assert_eq!(floods.attacks.len(), 1);
        assert!(floods.benign.is_empty() && !floods.background.is_empty());
        assert_eq!(
            plan(false).only(&[]).all().count(),
            plan(false).all().count()
        );
    }
}
