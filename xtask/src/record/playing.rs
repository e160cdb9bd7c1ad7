//! One more playing of the same scenarios in other surroundings.
//!
//! A scenario that was recorded once is known by its place: who came before it, which host it
//! went to, how fast one machine's tool was that day. From the second playing on, all of that
//! is drawn anew, the same for the same number: the order, the addresses, the hosts, what else
//! goes on, how servers greet and say no, and, as far as a tool can be told, its pace and sizes. What a scenario is, its
//! tool, its protocol, its ports and how many hosts it tries, stays.

use super::addresses::NEIGHBOURS;
use super::plan::Plan;
use super::scenarios::{Place, Scenario};
use super::servers::Manners;

/// A prime above all numbers, so that multiplying gives each scenario another one's number.
const NUMBERS: u16 = 509;

/// How much faster or slower than the table says.
const PACES: (f64, f64) = (0.75, 1.35);
const BACKGROUND_PACES: (f64, f64) = (0.3, 3.0);
const SIZES: (f64, f64) = (0.5, 1.3);
/// A second look need not be as long as the first.
const LENGTHS: (f64, f64) = (0.45, 0.7);
/// No tool is so slow that it shows nothing within it.
const SHORTEST: f64 = 3.0;
const GAPS: (f64, f64) = (0.7, 1.2);
/// Bytes that surely fit a packet.
const LARGEST: f64 = 1400.0;

impl Plan {
    /// The plan's playing of that number, from 1 on: the first is the table's.
    pub(crate) fn playing(mut self, playing: u32) -> Self {
        if playing < 2 {
            return self;
        }
        let (mut dice, named) = (Dice::new(playing), Dice::new(playing));
        let factor = 2 + dice.below(usize::from(NUMBERS) - 2) as u16;
        shuffle(&mut self.benign, &mut dice);
        shuffle(&mut self.attacks, &mut dice);
        let others = self.benign.iter_mut().flatten().chain(&mut self.attacks);
        for scenario in others {
            // By its name: it is the same whether others are left out or not.
            let mut dice = named.of(&scenario.name);
            scenario.move_to(factor, &mut dice);
            let length = scenario.seconds * dice.between(LENGTHS);
            scenario.seconds = length.max(scenario.seconds.min(SHORTEST));
            let (pace, size) = (dice.between(PACES), dice.between(SIZES));
            for line in &mut scenario.lines {
                *line = paced(line, pace, size);
            }
        }
        self.background
            .retain(|one| named.of(&one.name).below(4) > 0);
        for scenario in &mut self.background {
            let mut dice = named.of(&scenario.name);
            scenario.move_to(factor, &mut dice);
            let (pace, size) = (dice.between(BACKGROUND_PACES), dice.between(SIZES));
            for line in &mut scenario.lines {
                *line = paced(line, pace, size);
            }
        }
        self.gap = self.gap.min(dice.between(GAPS));
        self.manners = Manners::of(playing);
        self.busy = playing.is_multiple_of(2);
        if self.busy {
            let phases = self
                .benign
                .iter()
                .flatten()
                .map(|one| one.seconds)
                .sum::<f64>();
            for scenario in &mut self.background {
                scenario.seconds += phases;
            }
        }
        self
    }
}

impl Scenario {
    /// Gives it another number, and other hosts where its commands name none.
    fn move_to(&mut self, factor: u16, dice: &mut Dice) {
        self.number = (u32::from(self.number) * u32::from(factor) % u32::from(NUMBERS)) as u16;
        let named = self.lines.iter().any(|line| line.contains("10.83."));
        if !named && self.from != Place::Attacker && dice.below(2) == 0 {
            self.from = match self.from {
                Place::H1 => Place::H2,
                _ => Place::H1,
            };
        }
        // Its server answers datagrams from the host's first address, whichever was asked.
        if self.lines.iter().any(|line| line.contains("iperf3 -u")) {
            return;
        }
        // Even ones are h1's, odd ones h2's.
        let odd = u8::from(self.from == Place::H1);
        let last = 2 * (1 + dice.below(usize::from(NEIGHBOURS.end() / 2)) as u8) - odd;
        self.neighbour = (dice.below(3) > 0).then_some(last);
    }
}

/// The command with its rates times `pace`, and its sizes times `size`, where the tool has
/// options for these.
fn paced(line: &str, pace: f64, size: f64) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let has = |word: &str| words.contains(&word);
    let hping = has("hping3");
    let in_fragments = ["-m", "-f", "-x", "-g"].into_iter().any(has);
    let mut before = "";
    let mut all = Vec::with_capacity(words.len());
    for word in &words {
        let changed = match before {
            "--rate" | "--max-rate" | "--min-rate" | "-Q" | "-R" => times(word, pace),
            "--burst" => word
                .parse()
                .ok()
                .map(|burst: f64| format!("{:.0}", (burst * pace).max(1.0))),
            "-r" if has("slowhttptest") => times(word, pace),
            "-i" if has("ping") => times(word, 1.0 / pace),
            "-i" if hping => word
                .strip_prefix('u')
                .and_then(|gap| times(gap, 1.0 / pace))
                .map(|gap| format!("u{gap}")),
            "-t" if has("trafgen") => interval(word, "us", pace),
            "-d" if has("mausezahn") => interval(word, "usec", pace),
            "-d" if hping && !in_fragments => resized(word, size),
            "-p" if has("mausezahn") => resized(word, size),
            "--size" if has("media") => resized(word, size),
            _ => word
                .strip_prefix("{n@")
                .and_then(|rest| rest.strip_suffix('}'))
                .and_then(|rate| times(rate, pace))
                .map(|rate| format!("{{n@{rate}}}")),
        };
        all.push(changed.unwrap_or_else(|| (*word).to_owned()));
        before = word;
    }
    all.join(" ")
}

/// Whole numbers of two digits and more stay whole: some tools take no other.
fn times(word: &str, factor: f64) -> Option<String> {
    let number: f64 = word.parse().ok()?;
    let product = number * factor;
    Some(if number >= 10.0 && !word.contains('.') {
        format!("{:.0}", product.max(1.0))
    } else {
        format!("{product:.3}")
    })
}

fn interval(word: &str, unit: &str, pace: f64) -> Option<String> {
    let shorter = times(word.strip_suffix(unit)?, 1.0 / pace)?;
    Some(shorter + unit)
}

fn resized(word: &str, factor: f64) -> Option<String> {
    let number: f64 = word.parse().ok()?;
    (number <= LARGEST).then(|| format!("{:.0}", (number * factor).clamp(1.0, LARGEST)))
}

fn shuffle<T>(items: &mut [T], dice: &mut Dice) {
    for index in (1..items.len()).rev() {
        items.swap(index, dice.below(index + 1));
    }
}

/// Numbers that look drawn: splitmix64 (Steele, Lea and Flood, 2014).
struct Dice(u64);

impl Dice {
    fn new(playing: u32) -> Self {
        Self(u64::from(playing))
    }

    /// The same dice for the same name, whatever was drawn before of others.
    fn of(&self, name: &str) -> Self {
        // FNV-1a.
        let name = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(self.0 ^ name)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Between the two, any ratio as likely as its inverse would be.
    fn between(&mut self, (least, most): (f64, f64)) -> f64 {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        least * (most / least).powf(share)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::plan::plan;
    use super::*;

    fn sources(plan: &Plan) -> HashSet<std::net::Ipv4Addr> {
        plan.all().map(Scenario::source).collect()
    }

    #[test]
    fn the_first_playing_is_the_tables() {
        let (first, table) = (plan(false).playing(1), plan(false));
        let names = |plan: &Plan| -> Vec<_> {
            let attacks = plan.attacks.iter();
            attacks
                .map(|one| (one.name.clone(), one.number, one.lines.clone()))
                .collect()
        };
        assert_eq!(names(&first), names(&table));
        assert!(!first.busy);
    }

    #[test]
    fn a_playing_has_the_same_scenarios_elsewhere() {
        let (first, second) = (plan(false), plan(false).playing(2));
        assert_eq!(first.attacks.len(), second.attacks.len());
        assert_eq!(sources(&second).len(), second.all().count());
        let same = first.attacks.iter().zip(&second.attacks);
        let same = same.filter(|(a, b)| a.name == b.name).count();
        assert!(same < 10, "{same} attacks have kept their place");
        let again = plan(false).playing(2);
        let lines = |plan: &Plan| -> Vec<_> {
            let attacks = plan.attacks.iter();
            attacks.map(|one| one.lines.clone()).collect()
        };
        assert_eq!(lines(&second), lines(&again));
        assert_ne!(lines(&second), lines(&plan(false).playing(3)));
    }

    #[test]
    fn what_is_left_out_changes_nothing_of_the_rest() {
        let only = ["icmp-1000".to_owned()];
        let alone = plan(false).only(&only).playing(2);
        let among = plan(false).playing(2);
        let same = among.attacks.iter().find(|one| one.name == "icmp-1000");
        let lines = same.map(|one| &one.lines);
        assert_eq!(lines, Some(&alone.attacks[0].lines));
    }

    #[test]
    fn rates_and_sizes_are_changed_where_a_tool_has_them() {
        for (line, expected) in [
            (
                "hping3 -q -S -d 100 -i u700 -c {n@1400} x",
                "hping3 -q -S -d 50 -i u350 -c {n@2800} x",
            ),
            (
                "hping3 -2 -d 3000 -m 1000 -i u700 x",
                "hping3 -2 -d 3000 -m 1000 -i u350 x",
            ),
            ("ping -n -i 0.2 -s 1000 x", "ping -n -i 0.100 -s 1000 x"),
            ("nmap -p 1-5 --max-rate 30 x", "nmap -p 1-5 --max-rate 60 x"),
            (
                "{traffic} web a b --rate 0.5 --burst 8",
                "{traffic} web a b --rate 1.000 --burst 16",
            ),
            (
                "mausezahn -6 d -d 500usec -t udp -p 64",
                "mausezahn -6 d -d 250usec -t udp -p 32",
            ),
            (
                "trafgen -n {n@50} -t 500us {x}",
                "trafgen -n {n@100} -t 250us {x}",
            ),
            ("iperf3 -c x -t 5 -R", "iperf3 -c x -t 5 -R"),
            ("ssh -i key -b a", "ssh -i key -b a"),
        ] {
            assert_eq!(paced(line, 2.0, 0.5), expected);
        }
    }
}
