//! Who may say who the server is.

use std::fs;

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::{InfluxError, Settings};

/// Those of the file, and then nobody else.
pub(super) fn trusting(settings: &Settings) -> Result<TlsConfig, InfluxError> {
    let tls = TlsConfig::builder();
    let Some(path) = &settings.ca_file else {
        return Ok(tls.build());
    };
    let wrong = |problem: String| InfluxError::Setting {
        name: "--ca-file",
        problem: format!("{}: {problem}", path.display()),
    };
    let text = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let mut found = Vec::new();
    for item in parse_pem(&text) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| wrong(error.to_string()))? {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        return Err(wrong("holds no certificate in PEM".to_owned()));
    }
    Ok(tls.root_certs(RootCerts::new_with_certs(&found)).build())
}
