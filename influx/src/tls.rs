//! Who may say who a server is.

use std::fs;

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use crate::server::{Access, AccessError};

/// Those of the file, and then nobody else.
pub(crate) fn trusting(access: &Access) -> Result<TlsConfig, AccessError> {
    let tls = TlsConfig::builder();
    let Some(path) = &access.ca_file else {
        return Ok(tls.build());
    };
    let wrong = |why: String| AccessError::Certificates {
        path: path.clone(),
        why,
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
