//! How points get to a server.

use std::{io, path::PathBuf};

use reqwest::{
    Client, Url,
    header::{AUTHORIZATION, HeaderValue, RETRY_AFTER},
    redirect,
};
use tidegate_influx::{Answer, Secret, may_be_too_large, one_line};

use crate::config::{InfluxApi, InfluxConfig};

/// So much of an answer is read.
const ANSWER: usize = 4_096;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Not an address.
    #[error("influx.url: {0}")]
    Url(String),
    /// The HTTP client.
    #[error("can't make an HTTP client: {0}")]
    Client(String),
    /// Nobody who could say who the server is.
    #[error("influx.ca_file: {path}: {why}")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// A server and the way to it.
///
/// `influxdb2` keeps an answer's headers to itself, so `Retry-After` can't be read from it. What it sent without
/// success is sent again by a request of our own, to the same endpoint.
pub(super) struct Transport {
    crate_client: Option<influxdb2::Client>,
    client: Client,
    url: Url,
    query: Vec<(&'static str, String)>,
    user: String,
    secret: Secret,
    bucket: String,
    org: String,
}

impl Transport {
    pub(super) fn new(
        url: &str,
        config: &InfluxConfig,
        secret: Secret,
    ) -> Result<Self, TransportError> {
        let base = Url::parse(url).map_err(|error| TransportError::Url(error.to_string()))?;
        let failed =
            |error: &dyn std::error::Error| TransportError::Client(one_line(&causes(error)));
        let client = builder(config)?.build().map_err(|error| failed(&error))?;
        let precision = ("precision", "ns".to_owned());
        let (path, query, crate_client) = match config.api {
            InfluxApi::V1 => {
                let (database, policy) = match config.bucket.split_once('/') {
                    Some((database, policy)) => (database, Some(policy)),
                    None => (config.bucket.as_str(), None),
                };
                let mut query = vec![("db", database.to_owned()), precision];
                query.extend(policy.map(|policy| ("rp", policy.to_owned())));
                ("/write", query, None)
            }
            InfluxApi::V2 => {
                let bucket = ("bucket", config.bucket.clone());
                let query = vec![bucket, ("org", config.org.clone()), precision];
                let client = influxdb2::ClientBuilder::with_builder(
                    builder(config)?,
                    url,
                    config.org.clone(),
                    secret.expose(),
                );
                let client = client.build().map_err(|error| failed(&error))?;
                ("/api/v2/write", query, Some(client))
            }
        };
        let url = base
            .join(path)
            .map_err(|error| TransportError::Url(error.to_string()))?;
        Ok(Self {
            crate_client,
            client,
            url,
            query,
            user: config.user.clone(),
            secret,
            bucket: config.bucket.clone(),
            org: config.org.clone(),
        })
    }

    /// Sends points; `again` after an attempt that failed.
    pub(super) async fn send(&self, lines: String, again: bool) -> Answer {
        // Once may be a server that crashes, or a connection that was idle for too long.
        let bytes = if again { lines.len() } else { 0 };
        match &self.crate_client {
            Some(client) if !again => {
                let sent = client.write_line_protocol(&self.org, &self.bucket, lines);
                match sent.await {
                    Ok(()) => Answer::Stored,
                    Err(influxdb2::RequestError::Http { status, text }) => {
                        Answer::new(status.as_u16(), &text, None)
                    }
                    Err(error) => unanswered(&error, bytes),
                }
            }
            _ => match self.post(lines).await {
                Ok(answer) => answer,
                Err(error) => unanswered(&error.without_url(), bytes),
            },
        }
    }

    async fn post(&self, lines: String) -> reqwest::Result<Answer> {
        let request = self.client.post(self.url.clone()).query(&self.query);
        let request = match (self.secret.is_empty(), &self.crate_client) {
            (true, _) => request,
            (false, Some(_)) => request.header(AUTHORIZATION, token(&self.secret)),
            (false, None) => request.basic_auth(&self.user, Some(self.secret.expose())),
        };
        let mut response = request.body(lines).send().await?;
        let status = response.status().as_u16();
        let wait = response.headers().get(RETRY_AFTER);
        let wait = wait.and_then(|wait| Some(wait.to_str().ok()?.to_owned()));
        let mut words = Vec::new();
        while words.len() < ANSWER
            && let Some(chunk) = response.chunk().await?
        {
            words.extend_from_slice(&chunk);
        }
        let words = String::from_utf8_lossy(&words);
        Ok(Answer::new(status, &words, wait.as_deref()))
    }
}

/// The crate sets no timeouts of its own. No proxy and no redirect: somebody else would get to see the secret.
fn builder(config: &InfluxConfig) -> Result<reqwest::ClientBuilder, TransportError> {
    let builder = Client::builder()
        .connect_timeout(config.connect_timeout)
        .timeout(config.timeout)
        .pool_max_idle_per_host(1)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")));
    trusting(builder, config)
}

/// Without TLS there is nobody to trust: the configuration was refused.
#[cfg(not(feature = "tls"))]
fn trusting(
    builder: reqwest::ClientBuilder,
    _: &InfluxConfig,
) -> Result<reqwest::ClientBuilder, TransportError> {
    Ok(builder)
}

/// Those of the file, and then nobody else.
#[cfg(feature = "tls")]
fn trusting(
    builder: reqwest::ClientBuilder,
    config: &InfluxConfig,
) -> Result<reqwest::ClientBuilder, TransportError> {
    let Some(path) = &config.ca_file else {
        return Ok(builder);
    };
    let wrong = |why: String| TransportError::Certificates {
        path: path.clone(),
        why,
    };
    let text = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let found = reqwest::Certificate::from_pem_bundle(&text);
    let found = found.map_err(|error| wrong(causes(&error)))?;
    if found.is_empty() {
        return Err(wrong("holds no certificate in PEM".to_owned()));
    }
    let builder = builder.tls_built_in_root_certs(false);
    Ok(found.into_iter().fold(builder, |builder, certificate| {
        builder.add_root_certificate(certificate)
    }))
}

/// A request that nobody answered; `bytes` is its length, where that may be the reason.
fn unanswered(error: &(dyn std::error::Error + 'static), bytes: usize) -> Answer {
    let words = one_line(&causes(error));
    let mut cause = Some(error);
    while let Some(error) = cause {
        let broken = error.downcast_ref::<io::Error>();
        if broken.is_some_and(|broken| may_be_too_large(broken, bytes)) {
            return Answer::TooLarge(words);
        }
        cause = error.source();
    }
    Answer::Later(words, None)
}

/// Value of a header that proves to know the secret; nobody shows it.
fn token(secret: &Secret) -> HeaderValue {
    // A secret has only characters that a header can carry.
    let value = HeaderValue::try_from(format!("Token {}", secret.expose()));
    let mut value = value.unwrap_or(HeaderValue::from_static("Token"));
    value.set_sensitive(true);
    value
}

/// An error and what is behind it, for the first says little.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;

    #[test]
    fn a_token_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "hush-hush\n").unwrap();
        let secret = Secret::load(Some(&path)).unwrap();
        assert_eq!(token(&secret), "Token hush-hush");
        assert!(!format!("{:?}", token(&secret)).contains("hush"));
    }
}
