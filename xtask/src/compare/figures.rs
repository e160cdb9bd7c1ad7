//! What the runs come to: medians, as a table's cells and as a bench's rows.

use super::{Played, Side};
use crate::bench::{Row, median};
use crate::counters::percent_missing;
use crate::floods::Flood;
use crate::table::grouped;

/// One flood against both sides.
pub(super) struct Pair {
    pub(super) flood: Flood,
    pub(super) tidegate: Figures,
    pub(super) controller: Figures,
}

/// A side's figures, one of each kind a run.
#[derive(Default)]
pub(super) struct Figures {
    classes: Vec<String>,
    sent: Vec<f64>,
    delivered: Vec<f64>,
    dropped: Vec<f64>,
    lost: Vec<f64>,
    first_ms: Vec<f64>,
    last_ms: Vec<f64>,
    cpu: Vec<f64>,
    switch_cpu: Vec<f64>,
    bystander_loss: Vec<f64>,
    others: Vec<f64>,
}

/// A line of the table: what, in which unit, which side may be proud, and where to find it.
struct Line {
    what: &'static str,
    unit: &'static str,
    better: Option<Better>,
    of: fn(&Figures) -> &[f64],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Better {
    Less,
    More,
}

const LINES: [Line; 10] = [
    line("packets sent", "", None, |f| &f.sent),
    line("reached the victim", "", Some(Better::Less), |f| {
        &f.delivered
    }),
    line("dropped by verdict", "%", Some(Better::More), |f| {
        &f.dropped
    }),
    line("lost otherwise", "%", None, |f| &f.lost),
    line("first drop after", "ms", Some(Better::Less), |f| {
        &f.first_ms
    }),
    line(
        "last packet at the victim after",
        "ms",
        Some(Better::Less),
        |f| &f.last_ms,
    ),
    line("CPU of the detector", "s", Some(Better::Less), |f| &f.cpu),
    line("CPU of the switch", "s", Some(Better::Less), |f| {
        &f.switch_cpu
    }),
    line("h1↔h2 pings lost", "%", Some(Better::Less), |f| {
        &f.bystander_loss
    }),
    line("verdicts against others", "", Some(Better::Less), |f| {
        &f.others
    }),
];

const fn line(
    what: &'static str,
    unit: &'static str,
    better: Option<Better>,
    of: fn(&Figures) -> &[f64],
) -> Line {
    Line {
        what,
        unit,
        better,
        of,
    }
}

fn middle(values: &[f64]) -> f64 {
    median(&mut values.to_vec())
}

impl Figures {
    fn add(&mut self, played: &Played) {
        let Played { watched, verdict } = played;
        let missing = watched.sent.saturating_sub(watched.delivered);
        if !self.classes.contains(&verdict.class) {
            self.classes.push(verdict.class.clone());
        }
        self.sent.push(count(watched.sent));
        self.delivered.push(count(watched.delivered));
        // Of what is missing: an ARP packet that met the verdict is no part of the flood.
        let dropped = verdict.dropped.min(missing);
        self.dropped
            .push(100.0 - percent_missing(watched.sent, dropped));
        self.lost
            .push(100.0 - percent_missing(watched.sent, missing - dropped));
        // A verdict that never came is as late as the flood was long.
        let whole = played_ms(watched.last_ms);
        self.first_ms.push(verdict.first_ms.unwrap_or(whole));
        self.last_ms.push(whole);
        self.cpu.push(watched.cpu[0]);
        self.switch_cpu.push(watched.cpu[1]);
        self.bystander_loss.push(watched.bystander.loss());
        self.others.push(count(verdict.others as u64));
    }

    /// What the runs' verdicts were.
    pub(super) fn class(&self) -> String {
        self.classes.join(" or ")
    }
}

fn played_ms(last_ms: Option<f64>) -> f64 {
    last_ms.unwrap_or(0.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn count(number: u64) -> f64 {
    number as f64
}

impl Pair {
    pub(super) fn new(flood: Flood) -> Self {
        Self {
            flood,
            tidegate: Figures::default(),
            controller: Figures::default(),
        }
    }

    pub(super) fn add(&mut self, side: Side, played: &Played) {
        match side {
            Side::Tidegate => self.tidegate.add(played),
            Side::Controller => self.controller.add(played),
        }
    }

    /// Rows of three cells: what, tidegate, controller.
    pub(super) fn cells(&self) -> Vec<Vec<String>> {
        let called = vec![
            "called".to_owned(),
            self.tidegate.class(),
            self.controller.class(),
        ];
        let medians = LINES.iter().map(|line| {
            let cell = |figures| spread((line.of)(figures), line.unit);
            vec![
                line.what.to_owned(),
                cell(&self.tidegate),
                cell(&self.controller),
            ]
        });
        [called].into_iter().chain(medians).collect()
    }

    /// As of a bench: tidegate's figure, with the controller's for reference and to be beaten.
    pub(super) fn rows(&self) -> Vec<Row> {
        LINES
            .iter()
            .filter_map(|line| {
                let name = format!("compare, {}: {}", self.flood.name(), line.what);
                let value = middle((line.of)(&self.tidegate));
                let other = middle((line.of)(&self.controller));
                let row = match line.better? {
                    Better::Less => Row::less(name, value, line.unit, other),
                    Better::More => Row::more(name, value, line.unit, other),
                };
                Some(row.beside(other))
            })
            .collect()
    }
}

/// The median, and what it lies between where that is something else.
fn spread(values: &[f64], unit: &str) -> String {
    let middle = quantity(middle(values), unit);
    let least = quantity(values.iter().copied().fold(f64::NAN, f64::min), unit);
    let most = quantity(values.iter().copied().fold(f64::NAN, f64::max), unit);
    if least == most {
        return middle;
    }
    let least = least.strip_suffix(unit).map_or(&*least, str::trim_end);
    let most = most.strip_suffix(unit).map_or(&*most, str::trim_end);
    format!("{middle} ({least}–{most})")
}

/// A figure with its unit; counts are whole, small shares keep what tells them from nothing.
fn quantity(value: f64, unit: &str) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts and milliseconds, never negative"
    )]
    let whole = value.round() as u64;
    match unit {
        "" => grouped(whole),
        "ms" => format!("{} ms", grouped(whole)),
        // 99.996 must not read as 100.
        "%" if value > 99.9 && value < 100.0 => {
            format!("{:.3} %", (value * 1_000.0).floor() / 1_000.0)
        }
        "%" => format!("{value:.1} %"),
        _ => format!("{value:.2} {unit}"),
    }
}

pub(super) fn milliseconds(value: Option<f64>) -> String {
    value.map_or_else(|| "no time known".to_owned(), |value| quantity(value, "ms"))
}

#[cfg(test)]
mod tests {
    use super::super::{Verdict, Watched};
    use super::*;
    use crate::counters::Pinged;

    fn played(delivered: u64, dropped: u64, first_ms: Option<f64>) -> Played {
        Played {
            watched: Watched {
                sent: 1_000,
                delivered,
                last_ms: Some(900.0),
                bystander: Pinged {
                    sent: 10,
                    received: 10,
                },
                cpu: vec![0.1, 0.2],
            },
            verdict: Verdict {
                class: "dos".to_owned(),
                dropped,
                first_ms,
                others: 0,
            },
        }
    }

    fn value(pair: &Pair, what: &str) -> (f64, Option<f64>, bool) {
        let rows = pair.rows();
        let row = rows
            .iter()
            .find(|row| row.name.ends_with(what))
            .expect("row");
        (row.value, row.reference, row.ok)
    }

    #[test]
    fn what_the_switch_loses_is_no_drop_of_the_verdict() {
        let mut pair = Pair::new(Flood::Full);
        pair.add(Side::Tidegate, &played(10, 990, Some(30.0)));
        pair.add(Side::Controller, &played(300, 500, Some(1_000.0)));
        let (value, reference, ok) = value(&pair, "dropped by verdict");
        assert!((value - 99.0).abs() < 1e-9 && ok);
        assert_eq!(reference, Some(50.0));
        let cells = pair.cells();
        let lost = cells.iter().find(|row| row[0] == "lost otherwise");
        assert_eq!(lost.expect("row")[1..], ["0.0 %", "20.0 %"]);
    }

    #[test]
    fn without_a_verdict_the_whole_flood_counts() {
        let mut pair = Pair::new(Flood::Full);
        pair.add(Side::Tidegate, &played(1_000, 0, None));
        pair.add(Side::Controller, &played(300, 700, Some(400.0)));
        let (first, _, ok) = value(&pair, "first drop after");
        assert!((first - 900.0).abs() < 1e-9 && !ok);
    }

    #[test]
    fn medians_of_runs() {
        let mut pair = Pair::new(Flood::Full);
        for delivered in [50, 10, 30] {
            pair.add(Side::Tidegate, &played(delivered, 900, Some(1.0)));
            pair.add(Side::Controller, &played(90, 900, Some(1.0)));
        }
        assert!((value(&pair, "reached the victim").0 - 30.0).abs() < 1e-9);
    }

    #[test]
    fn quantities() {
        assert_eq!(quantity(12_345.0, ""), "12,345");
        assert_eq!(quantity(99.9987, "%"), "99.998 %");
        assert_eq!(quantity(0.034, "s"), "0.03 s");
        assert_eq!(spread(&[30.0, 10.0, 1_200.0], "ms"), "30 ms (10–1,200)");
        assert_eq!(spread(&[30.2, 30.1, 30.4], "ms"), "30 ms");
        assert_eq!(spread(&[7.0, 9.0, 8.0], ""), "8 (7–9)");
    }
}
