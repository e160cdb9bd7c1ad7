//! KDD's `service` names and how a live sensor gets them from ports and ICMP types.

use std::fmt;

use crate::Protocol;

/// A network service by its KDD name. The code is the value of the `service` column and part of
/// the model-file format: names may be appended to the table, never moved.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Service(u8);

/// All KDD'99 and NSL-KDD names. ICMP, UDP and catch-alls come first, so that a threshold on the
/// code can tell the families apart; TCP follows in alphabetical order.
const NAMES: [&str; 71] = [
    "eco_i",
    "ecr_i",
    "red_i",
    "tim_i",
    "urh_i",
    "urp_i",
    "icmp",
    "domain_u",
    "ntp_u",
    "tftp_u",
    "private",
    "other",
    "IRC",
    "X11",
    "Z39_50",
    "aol",
    "auth",
    "bgp",
    "courier",
    "csnet_ns",
    "ctf",
    "daytime",
    "discard",
    "domain",
    "echo",
    "efs",
    "exec",
    "finger",
    "ftp",
    "ftp_data",
    "gopher",
    "harvest",
    "hostnames",
    "http",
    "http_2784",
    "http_443",
    "http_8001",
    "imap4",
    "iso_tsap",
    "klogin",
    "kshell",
    "ldap",
    "link",
    "login",
    "mtp",
    "name",
    "netbios_dgm",
    "netbios_ns",
    "netbios_ssn",
    "netstat",
    "nnsp",
    "nntp",
    "pm_dump",
    "pop_2",
    "pop_3",
    "printer",
    "remote_job",
    "rje",
    "shell",
    "smtp",
    "sql_net",
    "ssh",
    "sunrpc",
    "supdup",
    "systat",
    "telnet",
    "time",
    "uucp",
    "uucp_path",
    "vmnet",
    "whois",
];

/// The service of a KDD name, looked up when this is compiled; a name that KDD does not have is not.
macro_rules! named {
    ($name:literal) => {
        const { Service::of_name($name) }
    };
}

impl Service {
    /// No more precise name is known; the port is 1024 or above.
    pub const OTHER: Self = Self(11);
    /// No more precise name is known; the port is below 1024.
    pub const PRIVATE: Self = Self(10);
    /// How many services there are; codes are below it.
    pub const COUNT: usize = NAMES.len();

    /// The service behind a responder's port.
    ///
    /// Names follow the `services(5)` of KDD's time. Unnamed ports are `private` below 1024 (the
    /// neptune floods over low ports and SNMP are `private` in the data) and `other` from 1024 on.
    /// ICMP has no ports: use [`Service::from_icmp`]; here it gives `other`.
    pub fn from_port(protocol: Protocol, responder_port: u16) -> Self {
        match protocol {
            Protocol::Tcp => tcp(responder_port),
            Protocol::Udp => match responder_port {
                53 => named!("domain_u"),
                69 => named!("tftp_u"),
                123 => named!("ntp_u"),
                0..1024 => Self::PRIVATE,
                _ => Self::OTHER,
            },
            Protocol::Icmp => Self::OTHER,
        }
    }

    /// The service of an ICMP (version 4) message.
    pub fn from_icmp(icmp_type: u8, code: u8) -> Self {
        match (icmp_type, code) {
            (0, _) => named!("ecr_i"),
            (3, 1) => named!("urh_i"),
            (3, _) => named!("urp_i"),
            (5, _) => named!("red_i"),
            (8, _) => named!("eco_i"),
            (11, _) => named!("tim_i"),
            _ => Self::OTHER,
        }
    }

    /// The service of an ICMPv6 message: the nearest ICMPv4 one (RFC 4443 and RFC 4861 types).
    pub fn from_icmpv6(icmp_type: u8, code: u8) -> Self {
        match (icmp_type, code) {
            // Address unreachable.
            (1, 3) => Self::from_icmp(3, 1),
            (1, _) => Self::from_icmp(3, 3),
            (3, _) => Self::from_icmp(11, code),
            (128, _) => Self::from_icmp(8, 0),
            (129, _) => Self::from_icmp(0, 0),
            (137, _) => Self::from_icmp(5, 0),
            _ => Self::OTHER,
        }
    }

    /// The service of that KDD name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        let index = NAMES.iter().position(|known| *known == name)?;
        u8::try_from(index).ok().map(Self)
    }

    /// For [`named`]: slow, and panics if there is none.
    const fn of_name(name: &str) -> Self {
        let mut code = 0;
        while !same(NAMES[code].as_bytes(), name.as_bytes()) {
            code += 1;
        }
        Self(code as u8)
    }

    /// The service of that code, if there is one.
    pub fn from_code(code: u32) -> Option<Self> {
        let code = u8::try_from(code).ok()?;
        (usize::from(code) < NAMES.len()).then_some(Self(code))
    }

    /// KDD's name.
    pub fn name(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }

    /// The value of the `service` column.
    pub const fn code(self) -> u32 {
        self.0 as u32
    }

    /// All names in the order of their codes.
    pub const fn names() -> &'static [&'static str] {
        &NAMES
    }
}

impl Default for Service {
    fn default() -> Self {
        Self::OTHER
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut equal = 0;
    while equal < one.len() && equal < other.len() && one[equal] == other[equal] {
        equal += 1;
    }
    equal == one.len() && equal == other.len()
}

const fn tcp(port: u16) -> Service {
    match port {
        5 => named!("remote_job"),
        7 => named!("echo"),
        9 => named!("discard"),
        11 => named!("systat"),
        13 => named!("daytime"),
        15 => named!("netstat"),
        20 => named!("ftp_data"),
        21 => named!("ftp"),
        22 => named!("ssh"),
        23 => named!("telnet"),
        25 => named!("smtp"),
        37 => named!("time"),
        42 => named!("name"),
        43 => named!("whois"),
        53 => named!("domain"),
        57 => named!("mtp"),
        66 | 150 => named!("sql_net"),
        70 => named!("gopher"),
        71..=74 | 77 => named!("rje"),
        79 => named!("finger"),
        // 8000, 8008 and 8080 are today's habit, not KDD's: they behave as port 80 did.
        80 | 8000 | 8008 | 8080 => named!("http"),
        84 => named!("ctf"),
        87 => named!("link"),
        95 => named!("supdup"),
        101 => named!("hostnames"),
        102 => named!("iso_tsap"),
        105 => named!("csnet_ns"),
        109 => named!("pop_2"),
        110 => named!("pop_3"),
        111 => named!("sunrpc"),
        113 => named!("auth"),
        117 => named!("uucp_path"),
        119 => named!("nntp"),
        137 => named!("netbios_ns"),
        138 => named!("netbios_dgm"),
        139 => named!("netbios_ssn"),
        143 => named!("imap4"),
        175 => named!("vmnet"),
        179 => named!("bgp"),
        194 | 6660..=6669 => named!("IRC"),
        210 => named!("Z39_50"),
        389 => named!("ldap"),
        433 => named!("nnsp"),
        443 => named!("http_443"),
        512 => named!("exec"),
        513 => named!("login"),
        514 => named!("shell"),
        515 => named!("printer"),
        520 => named!("efs"),
        530 => named!("courier"),
        540 => named!("uucp"),
        543 => named!("klogin"),
        544 => named!("kshell"),
        2784 => named!("http_2784"),
        5190 => named!("aol"),
        6000..=6063 => named!("X11"),
        8001 => named!("http_8001"),
        0..1024 => Service::PRIVATE,
        _ => Service::OTHER,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;

    #[test]
    fn names_are_unique_and_round_trip() {
        for (code, name) in Service::names().iter().enumerate() {
            let service = Service::from_name(name).unwrap();
            assert_eq!(service.code() as usize, code);
            assert_eq!(Service::from_code(service.code()), Some(service));
            assert_eq!(service.name(), *name);
        }
        assert_eq!(Service::from_code(Service::COUNT as u32), None);
        assert_eq!(Service::from_name("HTTP"), None);
        assert_eq!(Service::OTHER.name(), "other");
        assert_eq!(Service::PRIVATE.name(), "private");
    }

    #[test]
    fn ports_map_to_kdd_names() {
        let name = |protocol, port| Service::from_port(protocol, port).name();
        for (port, expected) in [
            (80, "http"),
            (8080, "http"),
            (443, "http_443"),
            (20, "ftp_data"),
            (25, "smtp"),
            (6000, "X11"),
            (6667, "IRC"),
            (1, "private"),
            (1023, "private"),
            (1024, "other"),
            (65535, "other"),
        ] {
            assert_eq!(name(Protocol::Tcp, port), expected, "tcp/{port}");
        }
        for (port, expected) in [
            (53, "domain_u"),
            (123, "ntp_u"),
            (69, "tftp_u"),
            (161, "private"),
            (5001, "other"),
        ] {
            assert_eq!(name(Protocol::Udp, port), expected, "udp/{port}");
        }
    }

    #[test]
    fn names_are_the_same_when_compiled() {
        for name in NAMES {
            assert_eq!(Service::from_name(name), Some(Service::of_name(name)));
        }
        // One of which another is the beginning.
        assert_eq!(named!("http_443").name(), "http_443");
        assert_eq!(named!("http").name(), "http");
    }

    #[test]
    fn icmp_types_map_to_kdd_names() {
        let v4 = |icmp_type, code| Service::from_icmp(icmp_type, code).name();
        assert_eq!(
            [
                v4(8, 0),
                v4(0, 0),
                v4(3, 1),
                v4(3, 3),
                v4(5, 0),
                v4(11, 0),
                v4(13, 0)
            ],
            [
                "eco_i", "ecr_i", "urh_i", "urp_i", "red_i", "tim_i", "other"
            ]
        );
        let v6 = |icmp_type, code| Service::from_icmpv6(icmp_type, code).name();
        assert_eq!(
            [
                v6(128, 0),
                v6(129, 0),
                v6(1, 3),
                v6(1, 4),
                v6(137, 0),
                v6(3, 0),
                v6(135, 0)
            ],
            [
                "eco_i", "ecr_i", "urh_i", "urp_i", "red_i", "tim_i", "other"
            ]
        );
    }
}
