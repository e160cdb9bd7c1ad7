//! KDD's attack types and their classes.

use std::{fmt, str::FromStr};

use crate::{Class, UnknownName};

/// An attack type of KDD'99 and NSL-KDD, or `normal`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Attack(u8);

/// Name, class, and whether the type occurs in KDD'99's training files; sorted by name.
///
/// `httptunnel` as u2r, and `multihop` and `worm` as r2l, are what gives the contest's official
/// totals on its test file. The 22 types in training are those of the contest's
/// `training_attack_types`; NSL-KDD's files are samples of KDD'99's and have the same.
const TABLE: [(&str, Class, bool); 40] = [
    ("apache2", Class::Dos, false),
    ("back", Class::Dos, true),
    ("buffer_overflow", Class::U2r, true),
    ("ftp_write", Class::R2l, true),
    ("guess_passwd", Class::R2l, true),
    ("httptunnel", Class::U2r, false),
    ("imap", Class::R2l, true),
    ("ipsweep", Class::Probe, true),
    ("land", Class::Dos, true),
    ("loadmodule", Class::U2r, true),
    ("mailbomb", Class::Dos, false),
    ("mscan", Class::Probe, false),
    ("multihop", Class::R2l, true),
    ("named", Class::R2l, false),
    ("neptune", Class::Dos, true),
    ("nmap", Class::Probe, true),
    ("normal", Class::Normal, true),
    ("perl", Class::U2r, true),
    ("phf", Class::R2l, true),
    ("pod", Class::Dos, true),
    ("portsweep", Class::Probe, true),
    ("processtable", Class::Dos, false),
    ("ps", Class::U2r, false),
    ("rootkit", Class::U2r, true),
    ("saint", Class::Probe, false),
    ("satan", Class::Probe, true),
    ("sendmail", Class::R2l, false),
    ("smurf", Class::Dos, true),
    ("snmpgetattack", Class::R2l, false),
    ("snmpguess", Class::R2l, false),
    ("spy", Class::R2l, true),
    ("sqlattack", Class::U2r, false),
    ("teardrop", Class::Dos, true),
    ("udpstorm", Class::Dos, false),
    ("warezclient", Class::R2l, true),
    ("warezmaster", Class::R2l, true),
    ("worm", Class::R2l, false),
    ("xlock", Class::R2l, false),
    ("xsnoop", Class::R2l, false),
    ("xterm", Class::U2r, false),
];

impl Attack {
    /// How many there are: 39 attack types and `normal`.
    pub const COUNT: usize = TABLE.len();

    /// All of them, sorted by name.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..).take(Self::COUNT).map(Self)
    }

    /// The type of that name, without KDD'99's trailing dot; `None` for an unknown one.
    pub fn from_name(name: &str) -> Option<Self> {
        let index = TABLE
            .binary_search_by_key(&name, |(known, ..)| known)
            .ok()?;
        u8::try_from(index).ok().map(Self)
    }

    /// KDD's name.
    pub fn name(self) -> &'static str {
        TABLE[self.index()].0
    }

    /// The class the contest counted it in.
    pub fn class(self) -> Class {
        TABLE[self.index()].1
    }

    /// Whether it occurs in KDD'99's training files. 17 types occur in the test file alone.
    pub fn in_training(self) -> bool {
        TABLE[self.index()].2
    }

    /// Its index in [`Attack::all`], below [`Attack::COUNT`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Attack {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_name(name).ok_or_else(|| UnknownName {
            kind: "attack type",
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(accept: impl Fn(Attack) -> bool) -> String {
        let names: Vec<_> = Attack::all()
            .filter(|attack| accept(*attack))
            .map(Attack::name)
            .collect();
        names.join(" ")
    }

    #[test]
    fn every_type_has_the_class_the_contest_counted() {
        for (class, expected) in [
            (Class::Normal, "normal"),
            (Class::Probe, "ipsweep mscan nmap portsweep saint satan"),
            (
                Class::Dos,
                "apache2 back land mailbomb neptune pod processtable smurf teardrop udpstorm",
            ),
            (
                Class::U2r,
                "buffer_overflow httptunnel loadmodule perl ps rootkit sqlattack xterm",
            ),
            (
                Class::R2l,
                "ftp_write guess_passwd imap multihop named phf sendmail snmpgetattack snmpguess spy warezclient warezmaster worm xlock xsnoop",
            ),
        ] {
            assert_eq!(names(|attack| attack.class() == class), expected);
        }
        assert_eq!(Attack::all().count(), 40);
    }

    #[test]
    fn the_types_of_the_test_file_alone_are_known() {
        let unseen = "apache2 httptunnel mailbomb mscan named processtable ps saint sendmail snmpgetattack snmpguess sqlattack udpstorm worm xlock xsnoop xterm";
        assert_eq!(names(|attack| !attack.in_training()), unseen);
        assert_eq!(unseen.split(' ').count(), 17);
    }

    #[test]
    fn names_are_sorted_and_round_trip() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        for (index, attack) in Attack::all().enumerate() {
            assert_eq!(attack.index(), index);
            assert_eq!(attack.to_string().parse(), Ok(attack));
        }
        for unknown in ["normal.", "Smurf", "", "13"] {
            assert_eq!(Attack::from_name(unknown), None, "{unknown:?}");
        }
    }
}
