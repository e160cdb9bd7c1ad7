//! The three floods of the demo, all ICMP echo from attacker to h1.

use std::time::Duration;

use anyhow::Result;

use crate::host::Host;
use crate::process::Running;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flood {
    /// 1,000 packets a second, whatever happens to them: the one to time with.
    FixedRate { packets: u32 },
    /// As fast as one CPU sends.
    Full,
    /// The ping flood of everyday. It is clocked by replies, so it fades to
    /// about 60 packets a second the moment it is dropped.
    Ping,
}

impl Flood {
    pub(crate) fn name(self) -> String {
        match self {
            Self::FixedRate { .. } => "hping3 -1 -i u1000 (1 kpps)".to_owned(),
            Self::Full => "hping3 -1 --flood".to_owned(),
            Self::Ping => "ping -f".to_owned(),
        }
    }

    /// How long it lasts unless ended; no flood outlives `limit`.
    pub(crate) fn duration(self) -> Duration {
        match self {
            Self::FixedRate { packets } => Duration::from_millis(u64::from(packets) * 13 / 10),
            Self::Full | Self::Ping => Duration::from_secs(5),
        }
    }

    /// The least share of packets that must be dropped, where one is promised:
    /// what `ping -f` sends after the verdict is too little to make up a share.
    pub(crate) fn least_dropped(self) -> Option<f64> {
        match self {
            Self::FixedRate { .. } => Some(98.0),
            Self::Full => Some(99.9),
            Self::Ping => None,
        }
    }

    fn words(self, target: &str) -> Vec<String> {
        let line = match self {
            Self::FixedRate { packets } => format!("hping3 -q -1 -i u1000 -c {packets} {target}"),
            Self::Full => format!("hping3 -q -1 --flood {target}"),
            Self::Ping => format!("ping -q -n -f {target}"),
        };
        line.split(' ').map(str::to_owned).collect()
    }

    pub(crate) fn start(self, attacker: &Host, target: &str, limit: Duration) -> Result<Running> {
        let words = self.words(target);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        attacker.spawn(limit, &words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fixed_rate_is_bounded_by_its_count() {
        let fixed = Flood::FixedRate { packets: 8000 };
        assert!(fixed.words("h").join(" ").ends_with("-i u1000 -c 8000 h"));
        assert!(fixed.duration() > Duration::from_secs(8));
        assert!(!Flood::Full.words("h").contains(&"-c".to_owned()));
    }
}
