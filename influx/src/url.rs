//! Where a server is.

use std::net::IpAddr;

/// A server's address: scheme, host and port, and nothing that might be a secret.
///
/// # Errors
///
/// Shows how to write one.
pub fn server_url(text: &str) -> Result<String, String> {
    let wrong = || "must be http://HOST:PORT or https://HOST:PORT, such as http://127.0.0.1:8086";
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
        .ok_or_else(wrong)?;
    if rest.contains('@') {
        // Not shown again: it may hold a password.
        return Err("must not name a user: user and secret are given otherwise".to_owned());
    }
    let authority = rest.trim_end_matches('/');
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') && !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|host| matches!(host.parse(), Ok(IpAddr::V6(_))));
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let is_name = !host.is_empty() && host.chars().all(letters);
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    if (is_address || is_name) && port_fits {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(wrong().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_servers() {
        for url in [
            "http://127.0.0.1:8086",
            "http://[::1]:8086",
            "https://eu-1.example.org",
            "http://influx:1",
        ] {
            assert_eq!(server_url(url).as_deref(), Ok(url));
            assert_eq!(server_url(&format!("{url}/")).as_deref(), Ok(url));
        }
        for url in [
            "",
            "127.0.0.1:8086",
            "ftp://a:1",
            "http://",
            "http://a:0",
            "http://a:99999",
            "http://a:x",
            "http://a/path",
            "http://a?x=1",
            "http://a b",
            "http://[::1",
            "http://::1:8086",
            "http://[1.2.3.4]:1",
        ] {
            assert!(server_url(url).is_err(), "{url}");
        }
        let error = server_url("http://me:hush@a:1");
        assert!(error.is_err_and(|error| !error.contains("hush")));
    }
}
