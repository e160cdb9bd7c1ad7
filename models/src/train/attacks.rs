//! KDD's attack names and their classes.

use crate::Class;

/// The class of a KDD'99 or NSL-KDD label, without the trailing dot; `None` for an unknown one.
///
/// `httptunnel` as u2r, and `multihop` and `worm` as r2l, are what gives the contest's official
/// totals on its test file.
pub fn class_of(label: &str) -> Option<Class> {
    Some(match label {
        "normal" => Class::Normal,
        "ipsweep" | "mscan" | "nmap" | "portsweep" | "saint" | "satan" => Class::Probe,
        "apache2" | "back" | "land" | "mailbomb" | "neptune" | "pod" | "processtable" | "smurf"
        | "teardrop" | "udpstorm" => Class::Dos,
        "buffer_overflow" | "httptunnel" | "loadmodule" | "perl" | "ps" | "rootkit"
        | "sqlattack" | "xterm" => Class::U2r,
        "ftp_write" | "guess_passwd" | "imap" | "multihop" | "named" | "phf" | "sendmail"
        | "snmpgetattack" | "snmpguess" | "spy" | "warezclient" | "warezmaster" | "worm"
        | "xlock" | "xsnoop" => Class::R2l,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_map_as_the_contest_counted() {
        assert_eq!(class_of("normal"), Some(Class::Normal));
        assert_eq!(class_of("mscan"), Some(Class::Probe));
        assert_eq!(class_of("httptunnel"), Some(Class::U2r));
        assert_eq!(class_of("multihop"), Some(Class::R2l));
        assert_eq!(class_of("worm"), Some(Class::R2l));
        assert_eq!(class_of("normal."), None);
        assert_eq!(class_of("13"), None);
    }
}
