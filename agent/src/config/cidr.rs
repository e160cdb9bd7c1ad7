//! Address ranges.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A range of addresses, `10.0.0.0/8` or `2001:db8::/32`; a bare address is a range of one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Cidr {
    network: IpAddr,
    prefix: u8,
}

/// Why a text is no address range.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadCidr {
    /// Neither an address nor one with a prefix length.
    #[error("{0:?} is no address range: write for example 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32")]
    Syntax(String),
    /// A prefix longer than the address.
    #[error("/{prefix} is too long for {address}: at most /{longest}")]
    Prefix {
        /// The address.
        address: IpAddr,
        /// The prefix length given.
        prefix: u8,
        /// The longest it can have.
        longest: u8,
    },
    /// Bits set behind the prefix: probably not the range that was meant.
    #[error("{given} has bits set behind its prefix; did you mean {meant}?")]
    HostBits {
        /// What was given.
        given: String,
        /// The range that holds it.
        meant: Cidr,
    },
}

impl Cidr {
    /// The range of this prefix length that holds an address; `None` when the prefix is too long.
    #[must_use]
    pub fn around(address: IpAddr, prefix: u8) -> Option<Self> {
        let network = match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX
                    .checked_shl(32_u32.checked_sub(prefix.into())?)
                    .unwrap_or(0);
                IpAddr::from((v4.to_bits() & mask).to_be_bytes())
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX
                    .checked_shl(128_u32.checked_sub(prefix.into())?)
                    .unwrap_or(0);
                IpAddr::from((v6.to_bits() & mask).to_be_bytes())
            }
        };
        Some(Self { network, prefix })
    }

    /// Its first address.
    #[must_use]
    pub const fn network(&self) -> IpAddr {
        self.network
    }

    /// Leading bits that count; at most 32 for IPv4.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether an address is in it. An IPv4-mapped IPv6 address counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.network.is_ipv4()
            && Self::around(address, self.prefix).is_some_and(|range| range == *self)
    }
}

impl From<IpAddr> for Cidr {
    /// The range of one address.
    fn from(address: IpAddr) -> Self {
        let prefix = if address.is_ipv4() { 32 } else { 128 };
        Self {
            network: address,
            prefix,
        }
    }
}

impl FromStr for Cidr {
    type Err = BadCidr;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let syntax = || BadCidr::Syntax(text.chars().take(60).collect());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| syntax())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            // u8::from_str takes a sign; a prefix has none.
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| syntax())?
            }
            Some(_) => return Err(syntax()),
            None => longest,
        };
        let range = Self::around(address, prefix).ok_or(BadCidr::Prefix {
            address,
            prefix,
            longest,
        })?;
        if range.network != address {
            return Err(BadCidr::HostBits {
                given: text.to_owned(),
                meant: range,
            });
        }
        // One form for each address, as the kernel's maps have it.
        match (address.to_canonical(), prefix.checked_sub(96)) {
            (v4 @ IpAddr::V4(_), Some(prefix)) if address.is_ipv6() => Ok(Self {
                network: v4,
                prefix,
            }),
            _ => Ok(range),
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn holds_its_addresses_and_no_others() {
        let ten = cidr("10.0.0.0/8");
        assert!(ten.contains("10.255.255.255".parse().unwrap()));
        assert!(ten.contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!ten.contains("11.0.0.0".parse().unwrap()));
        assert!(!ten.contains("::a00:1".parse().unwrap()));
        assert!(cidr("0.0.0.0/0").contains("255.1.2.3".parse().unwrap()));
        assert!(!cidr("0.0.0.0/0").contains("::1".parse().unwrap()));
        let doc = cidr("2001:db8::/33");
        assert!(doc.contains("2001:db8:7fff::1".parse().unwrap()));
        assert!(!doc.contains("2001:db8:8000::1".parse().unwrap()));
        assert!(cidr("192.0.2.7").contains("192.0.2.7".parse().unwrap()));
        assert!(!cidr("192.0.2.7").contains("192.0.2.6".parse().unwrap()));
    }

    #[test]
    fn a_mapped_range_is_ipv4() {
        assert_eq!(cidr("::ffff:10.0.0.0/104"), cidr("10.0.0.0/8"));
        assert_eq!(cidr("::/0").to_string(), "::/0");
    }

    #[test]
    fn refuses_what_is_no_range_and_says_what_was_meant() {
        for text in [
            "",
            "10.0.0",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "host",
            "10.0.0.0/999",
        ] {
            assert!(
                matches!(text.parse::<Cidr>(), Err(BadCidr::Syntax(_))),
                "{text}"
            );
        }
        let error = "10.0.0.0/33".parse::<Cidr>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "/33 is too long for 10.0.0.0: at most /32"
        );
        let error = "10.1.2.3/8".parse::<Cidr>().unwrap_err();
        assert!(
            error.to_string().ends_with("did you mean 10.0.0.0/8?"),
            "{error}"
        );
    }
}
