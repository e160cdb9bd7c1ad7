//! The integer of a column from its text, the same for every kind of file.

use crate::{Flag, MISSING, Protocol, Schema, Service};

/// How a file writes rates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rates {
    /// From 0 to 1, as KDD does.
    Fractions,
    /// Whole percent, as the model does and recordings do.
    Percents,
}

/// How to read a column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Column {
    Protocol,
    Service,
    Flag,
    Fraction,
    Percent,
    Number,
}

impl Column {
    pub(super) fn new(name: &str, rates: Rates) -> Self {
        match (name, rates) {
            ("protocol_type", _) => Self::Protocol,
            ("service", _) => Self::Service,
            ("flag", _) => Self::Flag,
            (rate, Rates::Fractions) if Schema::is_percent(rate) => Self::Fraction,
            (rate, Rates::Percents) if Schema::is_percent(rate) => Self::Percent,
            _ => Self::Number,
        }
    }

    /// The column's integer, or what is wrong with the text.
    pub(super) fn parse(self, text: &[u8]) -> Result<u32, &'static str> {
        match self {
            Self::Protocol => name(text)
                .and_then(|name| name.parse().ok())
                .map(Protocol::code)
                .ok_or("unknown protocol"),
            Self::Service => name(text)
                .and_then(Service::from_name)
                .map(Service::code)
                .ok_or("unknown service"),
            Self::Flag => name(text)
                .and_then(|name| name.parse().ok())
                .map(Flag::code)
                .ok_or("unknown flag"),
            Self::Fraction => fraction(text).ok_or("not a rate from 0 to 1"),
            Self::Percent => match whole(text) {
                Some(percent) if percent <= 100 => Ok(percent),
                Some(_) => Err("not a percentage"),
                None => Err(NOT_WHOLE),
            },
            Self::Number => whole(text).ok_or(NOT_WHOLE),
        }
    }
}

const NOT_WHOLE: &str = "not a whole number, 0 or above";

fn name(text: &[u8]) -> Option<&str> {
    str::from_utf8(text).ok()
}

fn float(text: &[u8]) -> Option<f64> {
    name(text)?.parse().ok()
}

/// Percent of a rate from 0 to 1, rounded half up.
fn fraction(text: &[u8]) -> Option<u32> {
    // KDD's own way of writing them; spares fifteen conversions of floats a row.
    if let [b'0', b'.', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = text {
        return Some(u32::from(tens - b'0') * 10 + u32::from(ones - b'0'));
    }
    let rate = float(text)?;
    (0.0..=1.0)
        .contains(&rate)
        .then(|| (rate * 100.0).round() as u32)
}

/// A whole number, also as a float such as `3.0`; saturates below [`MISSING`].
fn whole(text: &[u8]) -> Option<u32> {
    // Nine digits always fit.
    if (1..=9).contains(&text.len()) && text.iter().all(u8::is_ascii_digit) {
        let number = text
            .iter()
            .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
        return Some(number);
    }
    let number = float(text)?;
    // A cast saturates; infinity is not whole.
    (number >= 0.0 && number.fract() == 0.0).then(|| (number as u32).min(MISSING - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_may_be_floats() {
        for (text, expected) in [
            ("0", Some(0)),
            ("511", Some(511)),
            ("007", Some(7)),
            ("1.0", Some(1)),
            ("1e3", Some(1000)),
            ("999999999", Some(999_999_999)),
            ("1379963888", Some(1_379_963_888)),
            ("4294967295", Some(MISSING - 1)),
            ("99999999999999999999999", Some(MISSING - 1)),
            ("1.5", None),
            ("-1", None),
            ("-0.5", None),
            ("NaN", None),
            ("inf", None),
            ("-inf", None),
            ("", None),
            (" 1", None),
            ("1x1", None),
        ] {
            let got = Column::Number.parse(text.as_bytes());
            assert_eq!(got, expected.ok_or(NOT_WHOLE), "{text:?}");
        }
    }

    #[test]
    fn rates_become_percent() {
        for (text, expected) in [
            ("0.00", Some(0)),
            ("0.29", Some(29)),
            ("1.00", Some(100)),
            ("1", Some(100)),
            ("0.0", Some(0)),
            ("0.125", Some(13)),
            ("1.01", None),
            ("-0.01", None),
            ("nan", None),
            ("inf", None),
            ("", None),
            ("0.1O", None),
        ] {
            let got = Column::Fraction.parse(text.as_bytes());
            assert_eq!(got, expected.ok_or("not a rate from 0 to 1"), "{text:?}");
        }
        for hundredths in 0..=100 {
            let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            assert_eq!(Column::Fraction.parse(text.as_bytes()), Ok(hundredths));
            let exact = format!("{text}000");
            assert_eq!(Column::Fraction.parse(exact.as_bytes()), Ok(hundredths));
        }
        assert_eq!(Column::Percent.parse(b"100"), Ok(100));
        assert_eq!(Column::Percent.parse(b"101"), Err("not a percentage"));
        assert_eq!(Column::Percent.parse(b"0.5"), Err(NOT_WHOLE));
    }

    #[test]
    fn columns_are_read_by_name() {
        let column = |name| Column::new(name, Rates::Fractions);
        assert_eq!(column("protocol_type").parse(b"icmp"), Ok(2));
        assert_eq!(column("service").parse(b"ecr_i"), Ok(1));
        assert_eq!(column("flag").parse(b"SF"), Ok(4));
        assert_eq!(column("flag").parse(b"sf"), Err("unknown flag"));
        assert_eq!(column("service").parse(b"\xff"), Err("unknown service"));
        assert_eq!(column("serror_rate"), Column::Fraction);
        assert_eq!(Column::new("serror_rate", Rates::Percents), Column::Percent);
        assert_eq!(Column::new("packet_rate", Rates::Percents), Column::Number);
    }
}
