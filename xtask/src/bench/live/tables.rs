//! What is printed for people.

use std::collections::BTreeMap;

use super::number;
use super::tally::Scenarios;
use super::watch::{FalseBlock, Outcome};
use crate::table::{self, grouped};

pub(super) fn outcomes(outcomes: &[Outcome]) -> String {
    let cells: Vec<Vec<String>> = outcomes
        .iter()
        .map(|outcome| {
            let classes: Vec<&str> = outcome.classes.iter().map(String::as_str).collect();
            vec![
                outcome.name.clone(),
                outcome.label.name().to_owned(),
                if outcome.held { "held" } else { "" }.to_owned(),
                format!("{:.0}", number(outcome.sent) / outcome.seconds),
                classes.join(" "),
                format!(
                    "{} of {}",
                    grouped(outcome.accused),
                    grouped(outcome.predictions)
                ),
                outcome.decisions.to_string(),
                outcome.reaction.map_or_else(
                    || "-".to_owned(),
                    |time| format!("{:.0} ms", time.as_secs_f64() * 1000.0),
                ),
                outcome
                    .dropped
                    .map_or_else(|| "-".to_owned(), |share| format!("{share:.1} %")),
                match (outcome.holds(), outcome.reaction) {
                    (true, _) => "ok",
                    (false, Some(_)) => "LATE",
                    (false, None) if outcome.promise.is_none() => "no promise",
                    (false, None) => "MISSED",
                }
                .to_owned(),
            ]
        })
        .collect();
    let header = [
        "attack",
        "label",
        "",
        "packets/s",
        "decided",
        "seen as attack",
        "decisions",
        "first",
        "dropped then",
        "",
    ];
    table::render(&header, &cells)
}

/// Benign scenarios of which something else was predicted.
pub(super) fn accusations(scenarios: &Scenarios) -> String {
    let cells: Vec<Vec<String>> = scenarios
        .iter()
        .filter(|(_, seen)| !seen.attack && seen.accusations() > 0)
        .map(|(name, seen)| {
            let classes: Vec<String> = seen
                .accused
                .iter()
                .map(|(class, times)| format!("{class} {}", grouped(*times)))
                .collect();
            vec![
                name.clone(),
                grouped(seen.predictions),
                grouped(seen.accusations()),
                classes.join(", "),
            ]
        })
        .collect();
    let (predictions, accused) = super::sum_benign(scenarios);
    format!(
        "{}{} of {} predictions false\n",
        table::render(&["benign scenario", "predictions", "false", "as"], &cells),
        grouped(accused),
        grouped(predictions)
    )
}

/// By whom they met and as what, each with one of them as an example.
pub(super) fn false_blocks(blocks: &[FalseBlock]) -> String {
    let mut kinds: BTreeMap<(&str, &str), Vec<&FalseBlock>> = BTreeMap::new();
    for block in blocks {
        let kind = (block.scenario.as_str(), block.class.as_str());
        kinds.entry(kind).or_default().push(block);
    }
    kinds
        .iter()
        .map(|((scenario, class), blocks)| {
            format!(
                "  FALSE  {scenario} as {class}: {} decisions, {} packets dropped, e.g. {}\n",
                blocks.len(),
                grouped(blocks.iter().map(|block| block.dropped).sum()),
                blocks[0].target
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_of_a_kind_are_a_line() {
        let block = |scenario: &str, target: &str| FalseBlock {
            scenario: scenario.to_owned(),
            class: "dos".to_owned(),
            target: target.to_owned(),
            dropped: 600,
        };
        let text = false_blocks(&[block("web", "a"), block("ftp", "b"), block("web", "c")]);
        assert_eq!(
            text,
            "  FALSE  ftp as dos: 1 decisions, 600 packets dropped, e.g. b\n  \
             FALSE  web as dos: 2 decisions, 1,200 packets dropped, e.g. a\n"
        );
    }
}
