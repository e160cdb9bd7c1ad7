//! Section `[influx]`.

use std::{path::PathBuf, time::Duration};

use serde::Serialize;

use super::{choice, human};
use crate::error::AppError;

choice! {
    /// Which endpoint takes the points.
    InfluxApi {
        /// `/write` with user and password: InfluxDB 1.x.
        V1 = "v1",
        /// `/api/v2/write` with a token: InfluxDB 1.8, 2.x and 3.x.
        V2 = "v2",
    }
}

/// Where decisions are sent to. The secret is not here: it comes from a file or the environment.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct InfluxConfig {
    /// `http://host:port` or `https://host:port`; nothing is sent while `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Which endpoint.
    pub api: InfluxApi,
    /// Bucket; with 1.x the database, or `database/retention-policy`.
    pub bucket: String,
    /// Organization; only 2.x asks for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub org: String,
    /// User of the v1 endpoint.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// File with the token, or with the user's password for v1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// Certificates (PEM) of those who may say who the server is; else those Mozilla trusts. For `https` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Tag `host` of every point; else the machine's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// File for points the server refuses; else the journal's name with `.refused` after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_file: Option<PathBuf>,
    /// Patience with a connection that does not come about.
    #[serde(serialize_with = "human")]
    pub connect_timeout: Duration,
    /// Patience with a whole request, once connected.
    #[serde(serialize_with = "human")]
    pub timeout: Duration,
}

impl Default for InfluxConfig {
    fn default() -> Self {
        Self {
            url: None,
            api: InfluxApi::V2,
            bucket: "tidegate".to_owned(),
            org: String::new(),
            user: String::new(),
            secret_file: None,
            ca_file: None,
            host: String::new(),
            refused_file: None,
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(10),
        }
    }
}

/// What the environment and the flags say on it.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of InfluxConfig")]
pub struct InfluxOverrides {
    pub url: Option<String>,
    pub api: Option<InfluxApi>,
    pub bucket: Option<String>,
    pub org: Option<String>,
    pub user: Option<String>,
    pub secret_file: Option<PathBuf>,
}

impl InfluxConfig {
    pub(super) fn apply(&mut self, overrides: InfluxOverrides) {
        let InfluxOverrides {
            url,
            api,
            bucket,
            org,
            user,
            secret_file,
        } = overrides;
        self.url = url.or(self.url.take());
        self.api = api.unwrap_or(self.api);
        self.secret_file = secret_file.or(self.secret_file.take());
        for (value, new) in [
            (&mut self.bucket, bucket),
            (&mut self.org, org),
            (&mut self.user, user),
        ] {
            if let Some(new) = new {
                *value = new;
            }
        }
    }

    /// Refuses what only fits together in parts.
    pub(super) fn check(&self) -> Result<(), AppError> {
        let Some(url) = &self.url else {
            return Ok(());
        };
        if !self.user.is_empty() && self.api == InfluxApi::V2 {
            return Err(AppError::config(
                "influx.user is for influx.api = \"v1\"; with v2 a token says who it is (1.8: \"user:password\")",
            ));
        }
        let is_https = url.starts_with("https:");
        if is_https && !cfg!(feature = "tls") {
            return Err(AppError::config(
                "this build speaks no TLS, as influx.url wants: build with --features tls",
            ));
        }
        if self.ca_file.is_some() && !is_https {
            return Err(AppError::config(
                "influx.ca_file is for an influx.url of https",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_does_not_go_with_a_token() {
        let config = InfluxConfig {
            url: Some("http://a:1".to_owned()),
            user: "me".to_owned(),
            ..InfluxConfig::default()
        };
        assert!(config.check().is_err());
        let v1 = InfluxConfig {
            api: InfluxApi::V1,
            ..config
        };
        assert_eq!(v1.check(), Ok(()));
    }

    #[test]
    fn certificates_go_with_https() {
        let with = |url: &str| InfluxConfig {
            url: Some(url.to_owned()),
            ca_file: Some("/etc/ca.pem".into()),
            ..InfluxConfig::default()
        };
        let plain = with("http://a:1").check();
        assert!(plain.is_err_and(|error| error.to_string().contains("influx.ca_file")));
        let secure = with("https://a:1").check();
        assert_eq!(secure.is_ok(), cfg!(feature = "tls"), "{secure:?}");
    }
}
