//! The named values of a connection: its class, protocol and state.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How many classes there are, [`Class::Unknown`] included.
pub const CLASS_COUNT: usize = 6;

/// How many classes data sets know: all but [`Class::Unknown`].
pub const KNOWN_COUNT: usize = 5;

/// What a connection is: one of the five categories of the KDD'99 contest, or an attack of none.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Class {
    /// Harmless traffic.
    #[default]
    Normal = 0,
    /// Denial of service.
    Dos = 1,
    /// Reconnaissance: scans and sweeps.
    Probe = 2,
    /// Access from a remote machine without an account ("remote to local").
    R2l = 3,
    /// Elevation from a user to root ("user to root").
    U2r = 4,
    /// Unlike anything in the training data. No data set has such rows; models are taught it with
    /// made-up ones.
    Unknown = 5,
}

impl Class {
    /// All classes, in the order of their codes.
    pub const ALL: [Self; CLASS_COUNT] = [
        Self::Normal,
        Self::Dos,
        Self::Probe,
        Self::R2l,
        Self::U2r,
        Self::Unknown,
    ];

    /// The classes of data sets, in the order of their codes.
    pub const KNOWN: [Self; KNOWN_COUNT] =
        [Self::Normal, Self::Dos, Self::Probe, Self::R2l, Self::U2r];

    /// The lower-case name, as in model files and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Dos => "dos",
            Self::Probe => "probe",
            Self::R2l => "r2l",
            Self::U2r => "u2r",
            Self::Unknown => "unknown",
        }
    }

    /// The class's index in count arrays, `0..CLASS_COUNT`.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Anything but [`Class::Normal`].
    pub const fn is_attack(self) -> bool {
        !matches!(self, Self::Normal)
    }
}

/// Transport of a connection, with KDD's names.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp = 0,
    /// UDP.
    Udp = 1,
    /// ICMP, and ICMPv6 for a live sensor.
    Icmp = 2,
}

impl Protocol {
    /// All protocols, in the order of their codes.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Icmp];

    /// KDD's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
        }
    }

    /// The value of the `protocol_type` column.
    pub const fn code(self) -> u32 {
        self as u32
    }
}

/// State of a connection, as Bro named it when KDD'99 was made (Zeek's `conn_state` today).
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[repr(u8)]
pub enum Flag {
    /// SYN seen, no answer.
    S0 = 0,
    /// Established, not closed.
    S1 = 1,
    /// Established, closed by the originator only.
    S2 = 2,
    /// Established, closed by the responder only.
    S3 = 3,
    /// Established and closed by both; also every UDP and ICMP row.
    #[default]
    SF = 4,
    /// SYN answered by RST.
    REJ = 5,
    /// Established, aborted by the originator.
    RSTO = 6,
    /// Aborted by the responder.
    RSTR = 7,
    /// SYN then RST from the originator, no answer.
    RSTOS0 = 8,
    /// SYN then FIN from the originator, no answer.
    SH = 9,
    /// No SYN seen.
    OTH = 10,
}

impl Flag {
    /// All states, in the order of their codes.
    pub const ALL: [Self; 11] = [
        Self::S0,
        Self::S1,
        Self::S2,
        Self::S3,
        Self::SF,
        Self::REJ,
        Self::RSTO,
        Self::RSTR,
        Self::RSTOS0,
        Self::SH,
        Self::OTH,
    ];

    /// KDD's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::S0 => "S0",
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::SF => "SF",
            Self::REJ => "REJ",
            Self::RSTO => "RSTO",
            Self::RSTR => "RSTR",
            Self::RSTOS0 => "RSTOS0",
            Self::SH => "SH",
            Self::OTH => "OTH",
        }
    }

    /// The value of the `flag` column.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// Whether KDD counts the state in the `serror` rates (measured on the data files).
    pub const fn is_serror(self) -> bool {
        matches!(self, Self::S0 | Self::S1 | Self::S2 | Self::S3 | Self::SH)
    }

    /// Whether KDD counts the state in the `rerror` rates (measured on the data files).
    pub const fn is_rerror(self) -> bool {
        matches!(self, Self::REJ | Self::RSTO | Self::RSTOS0 | Self::RSTR)
    }
}

/// A name that is not in the vocabulary.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown {kind} {name:?}")]
pub struct UnknownName {
    /// What kind of name was expected.
    pub kind: &'static str,
    /// What was given.
    pub name: String,
}

macro_rules! named {
    ($type:ident, $kind:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .into_iter()
                    .find(|value| value.name() == name)
                    .ok_or_else(|| UnknownName {
                        kind: $kind,
                        name: name.to_owned(),
                    })
            }
        }
    };
}

named!(Class, "class");
named!(Protocol, "protocol");
named!(Flag, "flag");

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;

    #[test]
    fn names_and_codes_round_trip() {
        for (code, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class.index(), code);
            assert_eq!(class.to_string().parse::<Class>().unwrap(), class);
            assert_eq!(
                serde_json::to_string(&class).unwrap(),
                format!("\"{class}\"")
            );
        }
        for (code, flag) in Flag::ALL.into_iter().enumerate() {
            assert_eq!(flag.code() as usize, code);
            assert_eq!(flag.name().parse::<Flag>().unwrap(), flag);
        }
        for (code, protocol) in Protocol::ALL.into_iter().enumerate() {
            assert_eq!(protocol.code() as usize, code);
            assert_eq!(protocol.name().parse::<Protocol>().unwrap(), protocol);
        }
        assert_eq!(
            "Normal".parse::<Class>().unwrap_err().to_string(),
            "unknown class \"Normal\""
        );
    }

    #[test]
    fn error_states_are_kdds() {
        let names = |is: fn(Flag) -> bool| {
            Flag::ALL
                .into_iter()
                .filter(|f| is(*f))
                .map(Flag::name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(Flag::is_serror), ["S0", "S1", "S2", "S3", "SH"]);
        assert_eq!(names(Flag::is_rerror), ["REJ", "RSTO", "RSTR", "RSTOS0"]);
    }
}
