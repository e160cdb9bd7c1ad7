//! Whose a row is, by its addresses.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use super::scenarios::{Label, Scenario};

const BACKSCATTER: &str = "backscatter-";

/// Who owns which address.
#[derive(Default)]
pub(crate) struct Owners {
    by_source: BTreeMap<IpAddr, (Label, String)>,
    /// Addresses of a victim that only one attack sends to.
    by_target: BTreeMap<IpAddr, (Label, String)>,
    /// Attacks by answers that nobody asked for.
    answers: HashSet<String>,
    attacks: Vec<Scenario>,
    /// Benign ones with a network of clients.
    crowds: Vec<Scenario>,
    tools: BTreeMap<String, String>,
}

impl Owners {
    pub(crate) fn add(&mut self, scenario: &Scenario) {
        let owner = || (scenario.label, scenario.name.clone());
        let tool = scenario.tool().to_owned();
        self.tools.insert(scenario.name.clone(), tool);
        for address in [
            IpAddr::V4(scenario.source()),
            IpAddr::V6(scenario.source6()),
        ] {
            self.by_source.insert(address, owner());
        }
        if let Some((own, own6)) = scenario.own() {
            self.by_target.insert(own.into(), owner());
            self.by_target.insert(own6.into(), owner());
        }
        if scenario.answers() {
            self.answers.insert(scenario.name.clone());
        }
        if !scenario.is_benign() {
            self.attacks.push(scenario.clone());
        } else if scenario.crowd().is_some() {
            self.crowds.push(scenario.clone());
        }
    }

    /// By the originator. What a victim originates towards an attacker
    /// (unreachables, resets) is no attack, and kept apart by its name; but for
    /// u2r, where it calls the attacker because it was told to, and for answers that it never asked for.
    pub(crate) fn of(&self, src: IpAddr, dst: IpAddr) -> (Label, String) {
        match (self.sender(src), self.sender(dst)) {
            (Some(owner), _) => owner,
            (None, Some(owner @ (Label::Normal | Label::U2r, _))) => owner,
            (None, Some(owner)) => self.provoked(&owner),
            (None, None) => match (self.by_target.get(&src), self.by_target.get(&dst)) {
                // From and to it: land.
                (_, Some(owner)) => owner.clone(),
                (Some(owner), None) => self.provoked(owner),
                (None, None) => (Label::Normal, "other".to_owned()),
            },
        }
    }

    /// The attack on an address where nobody is, if there is one.
    pub(crate) fn aimed_at(&self, address: IpAddr) -> Option<(Label, String)> {
        let mut attacks = self.attacks.iter();
        let attack = attacks.find(|attack| attack.is_quiet(address))?;
        Some((attack.label, attack.name.clone()))
    }

    /// What a victim originates because of an attack.
    fn provoked(&self, owner: &(Label, String)) -> (Label, String) {
        let (label, name) = owner;
        if self.answers.contains(name) {
            (*label, name.clone())
        } else {
            (Label::Normal, format!("{BACKSCATTER}{name}"))
        }
    }

    /// What made a scenario's traffic, or what a backscatter answers to.
    pub(super) fn tool(&self, name: &str) -> &str {
        let name = name.strip_prefix(BACKSCATTER).unwrap_or(name);
        self.tools.get(name).map_or("other", String::as_str)
    }

    /// For how long an attack's rows are no example of it, in seconds: its first packets are what
    /// anybody's are, and a model that must tell them apart learns a tool's whims by heart. A
    /// sixth of the time within which it is to be found; but of an attack that is over by then,
    /// no more than a tenth of its rows is left out.
    pub(super) fn onset(&self, name: &str) -> f64 {
        let attack = self.attacks.iter().find(|attack| attack.name == name);
        let promise = attack.and_then(|attack| attack.promise);
        promise.map_or(0.0, |promise| promise.as_secs_f64() / 6.0)
    }

    /// Whether every source of this attack begins it anew.
    pub(super) fn starts(&self, name: &str) -> bool {
        let attack = self.attacks.iter().find(|attack| attack.name == name);
        attack.is_some_and(Scenario::starts)
    }

    /// Whether a row is what a victim said to such a source: of what the same floods in full provoke there is enough.
    pub(super) fn provoked_by_starts(&self, name: &str) -> bool {
        let attack = name.strip_prefix(BACKSCATTER);
        attack.is_some_and(|attack| self.starts(attack))
    }

    fn sender(&self, address: IpAddr) -> Option<(Label, String)> {
        self.by_source.get(&address).cloned().or_else(|| {
            let mut networked = self.attacks.iter().chain(&self.crowds);
            let owner = networked.find(|scenario| scenario.has(address))?;
            Some((owner.label, owner.name.clone()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::plan;
    use super::*;

    #[test]
    fn a_crowds_clients_are_a_scenario() {
        let plan = plan(false);
        let mut owners = Owners::default();
        for scenario in plan.all() {
            owners.add(scenario);
        }
        let mut crowds = plan.benign.iter().flatten();
        let crowd = crowds.find(|one| one.crowd().is_some()).expect("there");
        let network = crowd.crowd().expect("it has one");
        let client: IpAddr = network.replace(".0/24", ".77").parse().expect("address");
        let h1: IpAddr = [10, 83, 0, 1].into();
        assert_eq!(owners.of(client, h1), (Label::Normal, crowd.name.clone()));
        assert_eq!(owners.of(h1, client), (Label::Normal, crowd.name.clone()));
    }

    #[test]
    fn forged_random_and_victims_addresses_have_owners() {
        let plan = plan(false);
        let mut owners = Owners::default();
        for attack in &plan.attacks {
            owners.add(attack);
        }
        let named = |name: &str| plan.attacks.iter().find(|attack| attack.name == name);
        let of = |src: IpAddr, dst: IpAddr| owners.of(src, dst).1;
        let h1: IpAddr = [10, 83, 0, 1].into();
        let stranger: IpAddr = [203, 0, 113, 9].into();

        let forged = named("forged-syn-1000").expect("there");
        let number = u8::try_from(forged.number()).expect("small");
        let source: IpAddr = [10, 84, number, 77].into();
        assert_eq!(of(source, h1), forged.name);
        assert_eq!(of(h1, source), "backscatter-forged-syn-1000");
        let random = named("random-syn")
            .and_then(Scenario::own)
            .expect("there")
            .0;
        assert_eq!(of(stranger, random.into()), "random-syn");
        assert_eq!(of(random.into(), stranger), "backscatter-random-syn");
        assert_eq!(of(stranger, h1), "other");
        // Its victim's answers are the attack, where that is of answers.
        let answers = named("synack-2000").expect("there");
        let of = |src: IpAddr, dst: IpAddr| owners.of(src, dst);
        let expected = (Label::Dos, answers.name.clone());
        assert_eq!(of(h1, answers.source().into()), expected);
        let random = named("synack-random").and_then(Scenario::own);
        let expected = (Label::Dos, "synack-random".to_owned());
        assert_eq!(of(random.expect("there").0.into(), stranger), expected);
        let of = |src: IpAddr, dst: IpAddr| owners.of(src, dst).1;
        // Whoever is limited there is limited because of it, whatever else passes by.
        let silent = named("forged-syn-quiet").expect("there");
        let [a, b, c] = [10, 96, u8::try_from(silent.number()).expect("small")];
        assert_eq!(of(stranger, [a, b, c, 7].into()), "other");
        let aimed = owners.aimed_at([a, b, c, 7].into());
        assert_eq!(aimed, Some((Label::Dos, silent.name.clone())));
        assert_eq!(owners.aimed_at(h1), None);
        let land = named("land").and_then(Scenario::own).expect("there").0;
        assert_eq!(of(land.into(), land.into()), "land");
        // Who was told to call calls for the attacker.
        let shell = named("shell-telnet").expect("there").source().into();
        assert_eq!(
            owners.of(h1, shell),
            (Label::U2r, "shell-telnet".to_owned())
        );
    }
}
