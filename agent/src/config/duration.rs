//! Durations as people write them: `90s`, `1h30m`, `58.2s`, `7d`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration in words, as Go writes it; days are understood too.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct HumanDuration(pub Duration);

/// Why a text is no duration.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no duration: write for example 500ms, 10s, 5m, 1h30m or 7d")]
pub struct BadDuration(String);

const UNITS: [(&str, u128); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

impl FromStr for HumanDuration {
    type Err = BadDuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map(Self).ok_or_else(|| {
            // A client may send a megabyte.
            BadDuration(text.chars().take(40).collect())
        })
    }
}

fn parse(text: &str) -> Option<Duration> {
    if text.len() > 40 {
        return None;
    }
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let scale = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        total = total.checked_add(scaled(number, scale)?)?;
        rest = next;
    }
    u64::try_from(total).ok().map(Duration::from_nanos)
}

/// `number` (digits, perhaps a fraction) times `scale`, without floating point.
fn scaled(number: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut sum = whole.parse::<u128>().ok()?.checked_mul(scale)?;
    if number.contains('.') {
        // More digits than a nanosecond has places mean nothing.
        if fraction.is_empty() || fraction.len() > 9 {
            return None;
        }
        let places = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
        sum = sum.checked_add(fraction.parse::<u128>().ok()?.checked_mul(scale)? / places)?;
    }
    Some(sum)
}

impl fmt::Display for HumanDuration {
    /// As Go does: `0s`, `250ms`, `58.2s`, `1m0s`, `1h30m0s`; nothing below a millisecond.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        if millis == 0 {
            return f.write_str("0s");
        }
        if millis < 1_000 {
            return write!(f, "{millis}ms");
        }
        let (seconds, fraction) = (millis / 1_000, millis % 1_000);
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if seconds >= 60 {
            write!(f, "{minutes}m")?;
        }
        write!(f, "{}", seconds % 60)?;
        if fraction > 0 {
            let digits = format!("{fraction:03}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("s")
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, millis) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("58.2s", 58_200),
            ("1h30m", 5_400_000),
            ("1m0.5s", 60_500),
            ("7d", 604_800_000),
            (" 5m ", 300_000),
        ] {
            let duration: HumanDuration = text.parse().unwrap();
            assert_eq!(duration.0.as_millis(), millis, "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "10",
            "s",
            "-5s",
            "1.s",
            "1..2s",
            "1.2.3s",
            "5 s",
            "5x",
            "s5",
            "1h30",
            "inf",
            "10S",
            "99999999999999999999d",
            "5\u{b5}s",
        ] {
            assert!(text.parse::<HumanDuration>().is_err(), "{text}");
        }
        assert!("9".repeat(10_000).parse::<HumanDuration>().is_err());
    }

    #[test]
    fn writes_as_go_does() {
        for (millis, text) in [
            (0, "0s"),
            (250, "250ms"),
            (58_200, "58.2s"),
            (60_000, "1m0s"),
            (3_600_000, "1h0m0s"),
            (5_445_050, "1h30m45.05s"),
        ] {
            let duration = HumanDuration(Duration::from_millis(millis));
            assert_eq!(duration.to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn round_trips_to_the_millisecond(millis in 0_u64..10_000_000_000) {
            let duration = HumanDuration(Duration::from_millis(millis));
            prop_assert_eq!(duration.to_string().parse::<HumanDuration>().unwrap(), duration);
        }

        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = text.parse::<HumanDuration>();
        }
    }
}
