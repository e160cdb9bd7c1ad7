//! The demo as a picture: two panels of SVG, legible on light and dark.

use std::fmt::Write as _;

/// The counters at one moment; totals, not rates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) second: f64,
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    pub(crate) replies: u64,
}

/// Packets a second between two samples.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rate {
    second: f64,
    sent: f64,
    delivered: f64,
    replies: f64,
}

const LEFT: f64 = 70.0;
const RIGHT: f64 = 840.0;

/// A band of the picture with its own scale.
struct Panel {
    top: f64,
    bottom: f64,
    highest: f64,
}

impl Panel {
    fn y(&self, value: f64) -> f64 {
        self.bottom - (value / self.highest).min(1.0) * (self.bottom - self.top)
    }
}

/// Draws attacker's and h1's packets a second, and below it h1's answered pings.
pub(crate) fn draw(samples: &[Sample], reaction_ms: Option<f64>) -> String {
    let rates = rates(samples);
    let end = rates.last().map_or(1.0, |rate| rate.second).max(1.0);
    let x = |second: f64| LEFT + second / end * (RIGHT - LEFT);
    let top = |pick: fn(&Rate) -> f64| rates.iter().map(pick).fold(0.0, f64::max);
    let packets = Panel {
        top: 74.0,
        bottom: 270.0,
        highest: nice(top(|rate| rate.sent)),
    };
    let pings = Panel {
        top: 330.0,
        bottom: 400.0,
        highest: nice(top(|rate| rate.replies)),
    };

    let mut svg = String::from(HEAD);
    for panel in [&packets, &pings] {
        for share in [0.0, 0.5, 1.0] {
            let value = panel.highest * share;
            let y = panel.y(value);
            let _ = writeln!(
                svg,
                r#"<path class="grid" d="M{LEFT} {y:.1}H{RIGHT}"/><text class="tick" x="{:.0}" y="{:.1}" text-anchor="end">{value:.0}</text>"#,
                LEFT - 8.0,
                y + 4.0
            );
        }
    }
    let mut second = 0.0;
    while second <= end {
        let _ = writeln!(
            svg,
            r#"<text class="tick" x="{:.1}" y="420" text-anchor="middle">{second:.0} s</text>"#,
            x(second)
        );
        second += 1.0;
    }
    line(&mut svg, "sent", &rates, &packets, x, |rate| rate.sent);
    line(&mut svg, "delivered", &rates, &packets, x, |rate| {
        rate.delivered
    });
    line(&mut svg, "pings", &rates, &pings, x, |rate| rate.replies);
    if let (Some(start), Some(reaction)) = (flood_start(samples), reaction_ms) {
        let at = x(start + reaction / 1000.0);
        let _ = writeln!(
            svg,
            r#"<path class="verdict" d="M{at:.1} 66V{:.0}"/><text class="label verdict-text" x="{:.1}" y="62">verdict: first drop after {reaction:.1} ms</text>"#,
            packets.bottom,
            at + 2.0
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// The colours are readable on white and on near-black; text follows the reader's scheme.
const HEAD: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 432" role="img" aria-label="Packets per second sent by the attacker and delivered to h1, and h1's answered pings to h2">
<style>
text{font:13px system-ui,sans-serif;fill:#24292f}
.title{font-size:15px;font-weight:600}
.tick{font-size:11px;fill:#6e7781}
.grid{stroke:#8c959f;stroke-opacity:.3;fill:none}
.sent{stroke:#d9480f;stroke-width:2;fill:none}
.delivered{stroke:#1c7ed6;stroke-width:2.5;fill:none}
.pings{stroke:#2b9348;stroke-width:2;fill:none}
.verdict{stroke:#9c36b5;stroke-width:1.5;stroke-dasharray:4 3;fill:none}
.verdict-text{fill:#9c36b5}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.tick{fill:#9198a1}
.sent{stroke:#ff922b}.delivered{stroke:#4dabf7}.pings{stroke:#51cf66}
.verdict{stroke:#da77f2}.verdict-text{fill:#da77f2}}
</style>
<text class="title" x="70" y="24">A flood of 1,000 packets a second meets tidegate</text>
<path class="sent" d="M560 19h22"/><text x="588" y="24">sent by attacker</text>
<path class="delivered" d="M702 19h22"/><text x="730" y="24">delivered to h1</text>
<text class="tick" x="70" y="44">packets/s</text>
<text class="tick" x="70" y="312">h1’s pings to h2, answered/s</text>
"##;

fn line(
    svg: &mut String,
    class: &str,
    rates: &[Rate],
    panel: &Panel,
    x: impl Fn(f64) -> f64,
    pick: fn(&Rate) -> f64,
) {
    let mut path = String::new();
    for rate in rates {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(
            path,
            "{command}{:.1} {:.1}",
            x(rate.second),
            panel.y(pick(rate))
        );
    }
    let _ = writeln!(svg, r#"<path class="{class}" d="{path}"/>"#);
}

/// Rates over a sliding 300 ms: packets at ten a second would flicker in less.
fn rates(samples: &[Sample]) -> Vec<Rate> {
    const SPAN: usize = 3;
    samples
        .windows(SPAN + 1)
        .map(|window| {
            let (first, last) = (window[0], window[SPAN]);
            let span = (last.second - first.second).max(1e-3);
            let rate = |now: u64, then: u64| {
                f64::from(u32::try_from(now - then).unwrap_or(u32::MAX)) / span
            };
            Rate {
                second: f64::midpoint(first.second, last.second),
                sent: rate(last.sent, first.sent),
                delivered: rate(last.delivered, first.delivered),
                replies: rate(last.replies, first.replies),
            }
        })
        .collect()
}

/// Where the flood begins: the last sample before the first clear step up in
/// what attacker sends.
fn flood_start(samples: &[Sample]) -> Option<f64> {
    let step = |pair: &[Sample]| pair[1].sent - pair[0].sent;
    let highest = samples.windows(2).map(step).max()?;
    samples
        .windows(2)
        .find(|pair| step(pair) > highest / 10)
        .map(|pair| pair[0].second)
}

/// The scale's end: the next number whose half is round, too.
fn nice(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let unit = 10_f64.powf(value.log10().floor());
    [1.0, 1.2, 1.6, 2.0, 4.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * unit)
        .find(|step| *step >= value)
        .unwrap_or(unit * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flood() -> Vec<Sample> {
        (0..100_u64)
            .map(|tenth| Sample {
                #[expect(clippy::cast_precision_loss, reason = "a small test number")]
                second: tenth as f64 / 10.0,
                sent: tenth.saturating_sub(20) * 100,
                delivered: (tenth.saturating_sub(20) * 100).min(30),
                replies: tenth,
            })
            .collect()
    }

    #[test]
    fn totals_become_rates() {
        let rates = rates(&flood());
        let last = rates.last().expect("rates");
        assert!((last.sent - 1000.0).abs() < 1.0);
        assert!(last.delivered.abs() < 1e-9);
        assert!((last.replies - 10.0).abs() < 0.1);
    }

    #[test]
    fn the_floods_start_is_found() {
        let start = flood_start(&flood()).expect("start");
        assert!((start - 2.0).abs() < 0.15, "{start}");
    }

    #[test]
    fn scales_end_on_round_numbers() {
        assert!((nice(930.0) - 1000.0).abs() < 1e-9);
        assert!((nice(1010.0) - 1200.0).abs() < 1e-6);
        assert!((nice(0.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_picture_is_whole_and_marks_the_verdict() {
        let svg = draw(&flood(), Some(12.5));
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("first drop after 12.5 ms"));
        assert!(!svg.contains("NaN"));
        let none = draw(&[], None);
        assert!(none.ends_with("</svg>\n") && !none.contains("NaN"));
    }
}
