//! What of the plan is played.

use std::path::Path;

use anyhow::{Result, bail};
use clap::ValueEnum;

use super::recovery;
use crate::record::{self, Label, Phase, Plan, Scenario};

/// Seconds of benign traffic in a quick run.
const QUICK_BENIGN: f64 = 60.0;
/// Attacks last so long in a quick run, at most; of three, one runs.
const QUICK_SECONDS: f64 = 4.0;
pub(super) const QUICK_EVERY: usize = 3;

/// What a short run plays: of each kind what is found by a wide margin, held out or not.
const SHORT: [&str; 16] = [
    "ping-100",
    "curl-series",
    "web-60",
    "dns-50",
    "ssh-commands",
    "ftp-passive",
    "desk", // benign
    "icmp-1000",
    "syn-1000",
    "udp-flood",
    "ping-f-preload",
    "random-syn", // dos
    "scan-connect-t4",
    "scan-masscan",
    "quiet-sweep", // probe
    "guess-ftp-4", // r2l
];

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Nobody attacks
    Benign,
    /// Every attack, one after the other
    Alone,
    /// The same beside thousands of benign connections a second
    Beside,
    /// What a block leaves behind
    Recovery,
}

pub(crate) struct Choice<'a> {
    /// A handful of scenarios; nothing is said of times.
    pub(crate) short: bool,
    pub(crate) quick: bool,
    pub(crate) model: Option<&'a Path>,
    /// Where to add the rows that were judged wrongly.
    pub(crate) misjudged: Option<&'a Path>,
    pub(crate) only: &'a [String],
    /// All where it names none.
    pub(crate) parts: &'a [Part],
    /// Print tables on the way.
    pub(crate) tables: bool,
}

impl Choice<'_> {
    pub(super) const fn full(&self) -> bool {
        !self.quick && !self.short
    }

    pub(super) fn plays(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }
}

pub(super) fn chosen(choice: &Choice<'_>) -> Result<Plan> {
    let mut plan = record::plan(false);
    if choice.quick || choice.short {
        plan.benign = record::plan(true).benign;
        if !choice.short {
            plan.benign = thinned(plan.benign);
        }
        if choice.only.is_empty() && !choice.short {
            let mut number = 0;
            plan.attacks.retain(|attack| {
                number += 1;
                recovery::ATTACKS.contains(&attack.name.as_str())
                    || attack.comes_again() && number % QUICK_EVERY == 1
            });
        }
        for attack in &mut plan.attacks {
            // Guessing takes its time to begin with.
            if attack.label != Label::R2l {
                attack.seconds = attack.seconds.min(QUICK_SECONDS);
            }
        }
    }
    let mut plan = plan.only(choice.only);
    if choice.short {
        let wanted = |scenario: &Scenario| SHORT.contains(&scenario.name.as_str());
        for phase in &mut plan.benign {
            phase.retain(wanted);
        }
        plan.benign.retain(|phase| !phase.is_empty());
        plan.attacks.retain(wanted);
    }
    if !choice.plays(Part::Benign) {
        plan.benign.clear();
    }
    if ![Part::Alone, Part::Beside, Part::Recovery]
        .into_iter()
        .any(|part| choice.plays(part))
    {
        plan.attacks.clear();
    }
    if plan.benign.is_empty() && plan.attacks.is_empty() {
        bail!(
            "no scenario's name begins with {:?} in the parts asked for",
            choice.only
        );
    }
    Ok(plan)
}

/// As many of the phases as fit into a minute, from all over the table.
fn thinned(phases: Vec<Phase>) -> Vec<Phase> {
    let longest = |phase: &Phase| phase.iter().map(|one| one.seconds).fold(0.0, f64::max);
    let all: f64 = phases.iter().map(|phase| longest(phase) + 0.4).sum();
    let mut due = 0.0;
    phases
        .into_iter()
        .filter(|phase| {
            due += (QUICK_BENIGN / all).min(1.0) * (longest(phase) + 0.4);
            let taken = due >= longest(phase) + 0.4;
            if taken {
                due -= longest(phase) + 0.4;
            }
            taken
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_run_takes_a_minute_from_all_over_the_table() {
        let all = record::plan(true).benign;
        let (first, last) = (all[0][0].number(), all[all.len() - 1][0].number());
        let few = thinned(all);
        let seconds: f64 = few
            .iter()
            .map(|phase| phase.iter().map(|one| one.seconds).fold(0.0, f64::max))
            .sum();
        assert!((30.0..=QUICK_BENIGN).contains(&seconds), "{seconds}");
        let middle = u16::midpoint(first, last);
        let later = few
            .iter()
            .filter(|phase| phase[0].number() > middle)
            .count();
        assert!(later > 0 && later < few.len());
    }

    #[test]
    fn choices_name_what_there_is() {
        let choose = |quick, only: &[String], parts: &[Part]| {
            chosen(&Choice {
                short: false,
                quick,
                model: None,
                misjudged: None,
                only,
                parts,
                tables: false,
            })
        };
        assert!(choose(false, &["nothing-like-it".to_owned()], &[]).is_err());
        let ping = ["ping-100".to_owned()];
        assert!(choose(false, &ping, &[Part::Benign]).is_ok());
        assert!(choose(false, &ping, &[Part::Beside]).is_err());
        let quick = choose(true, &[], &[]).expect("a plan").attacks;
        let labels = [Label::Dos, Label::Probe, Label::R2l];
        for label in labels {
            assert!(
                quick
                    .iter()
                    .any(|attack| attack.label == label && attack.held)
            );
            assert!(
                quick
                    .iter()
                    .any(|attack| attack.label == label && !attack.held)
            );
        }
    }

    #[test]
    fn a_short_run_has_all_that_it_names() {
        let plan = chosen(&Choice {
            short: true,
            quick: false,
            model: None,
            misjudged: None,
            only: &[],
            parts: &[],
            tables: false,
        });
        let plan = plan.expect("a plan");
        let played = plan.benign.iter().flatten().chain(&plan.attacks);
        assert_eq!(played.count(), SHORT.len());
        assert!(plan.attacks.iter().any(|attack| attack.held));
    }
}
