//! An influxd behind TLS.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{DATABASE, Influxd};

/// An influxd that speaks https only, with [`DATABASE`].
#[derive(Debug)]
pub struct Https {
    server: Influxd,
    /// Who vouches for it: itself.
    pub certificate: PathBuf,
}

impl Https {
    /// Its certificate and key are files of the folder.
    pub fn start(folder: &Path) -> Self {
        let (certificate, key) = certificate(folder, "influxd");
        let server = Influxd::start(&[
            ("INFLUXDB_HTTP_HTTPS_ENABLED", "true"),
            (
                "INFLUXDB_HTTP_HTTPS_CERTIFICATE",
                certificate.to_str().unwrap(),
            ),
            ("INFLUXDB_HTTP_HTTPS_PRIVATE_KEY", key.to_str().unwrap()),
        ]);
        let https = Self {
            server,
            certificate,
        };
        https.query(&format!("CREATE DATABASE {DATABASE}"));
        https
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.server.port())
    }

    /// InfluxQL; the whole answer. By curl: the client of the tests need not speak TLS.
    pub fn query(&self, query: &str) -> String {
        let asked = Command::new("curl")
            .args(["-sS", "--fail", "--noproxy", "*", "--cacert"])
            .arg(&self.certificate)
            .args(["--data-urlencode", &format!("q={query}")])
            .arg(format!("{}/query?db={DATABASE}", self.url()))
            .output()
            .unwrap();
        assert!(asked.status.success(), "{query}: {asked:?}");
        String::from_utf8(asked.stdout).unwrap()
    }
}

/// Files with a certificate for 127.0.0.1 that is signed by itself, and with its key.
pub fn certificate(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let file = |ending: &str| folder.join(format!("{name}.{ending}"));
    let (certificate, key) = (file("pem"), file("key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=gate"])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args([Path::new("-keyout"), &key, Path::new("-out"), &certificate])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    (certificate, key)
}
