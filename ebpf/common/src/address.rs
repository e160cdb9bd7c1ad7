//! IPv4 and IPv6 addresses in one form.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv6 address, or an IPv4 address in its IPv4-mapped form (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2).
///
/// Two host-order halves: comparing them is two instructions in BPF, comparing 16 bytes is a loop.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(C)]
pub struct Address {
    high: u64,
    low: u64,
}

const V4_MAPPED: u64 = 0xffff_0000_0000;

impl Address {
    /// The all-zero address; in verdict keys it stands for "any".
    pub const ANY: Self = Self { high: 0, low: 0 };

    /// From the four bytes of an IPv4 header field.
    #[inline(always)]
    #[must_use]
    pub const fn from_v4(octets: [u8; 4]) -> Self {
        Self {
            high: 0,
            low: V4_MAPPED | u32::from_be_bytes(octets) as u64,
        }
    }

    /// From the sixteen bytes of an IPv6 header field, given as its two halves.
    #[inline(always)]
    #[must_use]
    pub const fn from_v6_halves(high: [u8; 8], low: [u8; 8]) -> Self {
        Self {
            high: u64::from_be_bytes(high),
            low: u64::from_be_bytes(low),
        }
    }

    /// Sixteen bytes in network order, as longest-prefix tries want them.
    #[inline(always)]
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        // Two stores of eight bytes; u128 arithmetic would be expanded by the BPF back end.
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.high.to_be_bytes());
        bytes[8..].copy_from_slice(&self.low.to_be_bytes());
        bytes
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self::from_v4(v4.octets()),
            IpAddr::V6(v6) => {
                let bits = v6.to_bits();
                Self {
                    high: (bits >> 64) as u64,
                    low: bits as u64,
                }
            }
        }
    }
}

impl From<Address> for IpAddr {
    fn from(address: Address) -> Self {
        if address.high == 0 && address.low >> 32 == 0xffff {
            Self::V4(Ipv4Addr::from_bits(address.low as u32))
        } else {
            Self::V6(Ipv6Addr::from_bits(
                u128::from(address.high) << 64 | u128::from(address.low),
            ))
        }
    }
}

impl core::fmt::Display for Address {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        IpAddr::from(*self).fmt(f)
    }
}
