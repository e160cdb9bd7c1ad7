//! The way to a database.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;
use tidegate_influx::{Answer, Secret, may_be_too_large, one_line};
use ureq::{Agent, BodyReader, http::Response};

use super::{
    InfluxError, MEASUREMENT,
    point::LABEL,
    query::{name, series, text},
    retry::Retry,
};
use crate::UnknownName;

/// So much of an answer that is no success is read.
const WORDS: u64 = 4_096;
/// So much of any other answer but rows.
const ANSWER: u64 = 16 << 20;

/// Which endpoint takes rows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Api {
    /// `/write`: 1.x, and 2.x and 3.x for those who come from 1.x.
    #[default]
    V1,
    /// `/api/v2/write`: 1.8, 2.x and 3.x.
    V2,
}

impl FromStr for Api {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            _ => Err(UnknownName {
                kind: "API",
                name: name.to_owned(),
            }),
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        })
    }
}

/// Where the rows are. The secret is not here.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `http://host:port` or `https://host:port`, as [`tidegate_influx::server_url`] takes it.
    pub url: String,
    /// Endpoint for writing.
    pub api: Api,
    /// Database, or `database/retention-policy`; the bucket of [`Api::V2`].
    pub database: String,
    /// Organization; only [`Api::V2`] of a 2.x asks for it.
    pub org: String,
    /// User: the secret is then a password. Without one it is a token.
    pub user: String,
    /// Certificates (PEM) of those who may say who the server is; else those Mozilla trusts. For `https` only.
    pub ca_file: Option<PathBuf>,
    /// The measurement of the rows.
    pub measurement: String,
    /// Patience with a connection that does not come about.
    pub connect_timeout: Duration,
    /// Patience with every answer, and then with every part of it.
    pub timeout: Duration,
    /// How long failures that may pass are met with another attempt.
    pub patience: Duration,
    /// Is told of a query that waits: why, and how long.
    pub waiting: fn(&str, Duration),
}

impl Settings {
    /// A database without user or secret.
    pub fn new(url: &str, database: &str) -> Self {
        Self {
            url: url.to_owned(),
            api: Api::default(),
            database: database.to_owned(),
            org: String::new(),
            user: String::new(),
            ca_file: None,
            measurement: MEASUREMENT.to_owned(),
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(60),
            patience: Duration::from_secs(300),
            waiting: |_, _| (),
        }
    }
}

/// A database on a server.
#[derive(Clone, Debug)]
pub struct Database {
    settings: Settings,
    secret: Secret,
    agent: Agent,
}

impl Database {
    /// Checks the settings; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// A setting that makes no sense, certificates that can't be read, or `https` in a build without the feature `tls`.
    pub fn new(settings: Settings, secret: Secret) -> Result<Self, InfluxError> {
        if settings.url.starts_with("https:") && !cfg!(feature = "tls") {
            return Err(InfluxError::Setting {
                name: "--influx",
                problem: "this build speaks no TLS: build with --features train,tls".to_owned(),
            });
        }
        if settings.ca_file.is_some() && !settings.url.starts_with("https:") {
            return Err(InfluxError::Setting {
                name: "--ca-file",
                problem: "is for a server of https".to_owned(),
            });
        }
        check_name("--db", &settings.database)?;
        check_name("--measurement", &settings.measurement)?;
        let config = Agent::config_builder()
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_recv_response(Some(settings.timeout))
            .timeout_per_read(Some(settings.timeout))
            .timeout_per_write(Some(settings.timeout))
            .http_status_as_error(false)
            // Nobody else gets to see the secret.
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("tidegate-train/", env!("CARGO_PKG_VERSION")));
        #[cfg(feature = "tls")]
        let config = config.tls_config(super::tls::trusting(&settings)?);
        Ok(Self {
            settings,
            secret,
            agent: config.build().new_agent(),
        })
    }

    /// What it was made of.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) const fn retry(&self) -> Retry {
        Retry::new(self.settings.patience)
    }

    /// Sends points, once.
    pub(super) fn write(&self, lines: &str) -> Answer {
        let Settings { url, database, .. } = &self.settings;
        let mut request = match self.settings.api {
            Api::V1 => {
                let (database, policy) = split(database);
                let request = self
                    .agent
                    .post(format!("{url}/write"))
                    .query("db", database);
                match policy {
                    Some(policy) => request.query("rp", policy),
                    None => request,
                }
            }
            Api::V2 => self
                .agent
                .post(format!("{url}/api/v2/write"))
                .query("bucket", database)
                .query("org", &self.settings.org),
        };
        request = request.query("precision", "ns");
        if let Some(proof) = self.proof() {
            request = request.header("authorization", proof);
        }
        match request.send(lines) {
            Ok(mut response) => answer(&mut response),
            Err(ureq::Error::Io(error)) if may_be_too_large(&error, lines.len()) => {
                Answer::TooLarge(one_line(&error.to_string()))
            }
            Err(error) => Answer::Later(one_line(&error.to_string()), None),
        }
    }

    /// Asks in InfluxQL, for JSON; tries again what may pass.
    pub(super) fn ask(&self, query: &str) -> Result<Value, InfluxError> {
        let mut retry = self.retry();
        loop {
            let asked = self
                .get(query, "application/json", false)
                .and_then(|mut response| {
                    let body = response.body_mut().with_config().limit(ANSWER);
                    let text = body.read_to_vec();
                    text.map_err(|error| Answer::Later(one_line(&error.to_string()), None))
                });
            match asked {
                Ok(text) => {
                    return serde_json::from_slice(&text)
                        .map_err(|error| self.not_understood(error.to_string()));
                }
                Err(answer) => self.again(answer, &mut retry)?,
            }
        }
    }

    /// Asks in InfluxQL, for CSV as it comes; tries again what may pass until it begins to come.
    pub(super) fn stream(&self, query: &str) -> Result<BodyReader<'static>, InfluxError> {
        let mut retry = self.retry();
        loop {
            match self.get(query, "application/csv", true) {
                Ok(response) => return Ok(response.into_body().into_reader()),
                Err(answer) => self.again(answer, &mut retry)?,
            }
        }
    }

    /// Rows by label, and the labels.
    pub(super) fn count(
        &self,
        dataset: &str,
        split: &str,
    ) -> Result<Vec<(String, u64)>, InfluxError> {
        let query = format!(
            "SELECT COUNT(\"duration\") AS \"rows\" FROM {} GROUP BY {}",
            self.rows_of(dataset, split),
            name(LABEL)
        );
        let answer = self.ask(&query)?;
        let found = series(&answer).map_err(|words| self.refused(words))?;
        let counts = found.into_iter().map(|series| {
            let row = series.rows().first();
            let count = row.and_then(|row| series.value(row, "rows")?.as_u64());
            let count =
                count.ok_or_else(|| self.not_understood("a COUNT without number".to_owned()));
            Ok((series.tag(LABEL).to_owned(), count?))
        });
        counts.collect()
    }

    /// What follows FROM, for the rows of a dataset.
    pub(super) fn rows_of(&self, dataset: &str, split: &str) -> String {
        format!(
            "{} WHERE \"dataset\" = {} AND \"split\" = {}",
            name(&self.settings.measurement),
            text(dataset),
            text(split)
        )
    }

    /// InfluxQL that removes a dataset; other tools run it.
    pub(super) fn cleanup(&self, dataset: &str, split: &str) -> String {
        format!("DELETE FROM {}", self.rows_of(dataset, split))
    }

    /// Waits and returns, or returns what it failed with for good.
    fn again(&self, answer: Answer, retry: &mut Retry) -> Result<(), InfluxError> {
        match answer {
            Answer::Later(why, asked) => {
                let tell = |wait| (self.settings.waiting)(&why, wait);
                if retry.wait(asked, tell) {
                    Ok(())
                } else {
                    Err(self.unavailable(why))
                }
            }
            Answer::Stored => Err(self.not_understood("an answer without a body".to_owned())),
            Answer::NotUs(words) | Answer::TooLarge(words) | Answer::Refused(words) => {
                Err(self.refused(words))
            }
        }
    }

    fn get(
        &self,
        query: &str,
        accept: &str,
        chunked: bool,
    ) -> Result<Response<ureq::Body>, Answer> {
        let (database, policy) = split(&self.settings.database);
        let mut request = self
            .agent
            .get(format!("{}/query", self.settings.url))
            .header("accept", accept)
            .query("db", database)
            .query("epoch", "ns")
            .query("q", query);
        if let Some(policy) = policy {
            request = request.query("rp", policy);
        }
        if chunked {
            request = request.query("chunked", "true");
        }
        if let Some(proof) = self.proof() {
            request = request.header("authorization", proof);
        }
        let response = request.call();
        let mut response =
            response.map_err(|error| Answer::Later(one_line(&error.to_string()), None))?;
        if response.status() == 200 {
            return Ok(response);
        }
        Err(answer(&mut response))
    }

    /// The header that proves who asks.
    fn proof(&self) -> Option<String> {
        let Settings { user, .. } = &self.settings;
        if !user.is_empty() {
            let both = BASE64_STANDARD.encode(format!("{user}:{}", self.secret.expose()));
            return Some(format!("Basic {both}"));
        }
        (!self.secret.is_empty()).then(|| format!("Token {}", self.secret.expose()))
    }

    pub(super) fn unavailable(&self, why: String) -> InfluxError {
        InfluxError::Unavailable {
            server: self.settings.url.clone(),
            patience: self.settings.patience,
            why,
        }
    }

    pub(super) fn refused(&self, words: String) -> InfluxError {
        let hint = match words.get(..3) {
            Some("401" | "403") => Some("see --user, --secret-file and TIDEGATE_INFLUX_SECRET"),
            Some("404") => {
                Some("see --db; InfluxDB 2.x needs a DBRP mapping for /query and /write")
            }
            _ => None,
        };
        InfluxError::Refused {
            server: self.settings.url.clone(),
            words,
            hint,
        }
    }

    pub(super) fn not_understood(&self, problem: String) -> InfluxError {
        InfluxError::Answer {
            server: self.settings.url.clone(),
            problem: one_line(&problem),
        }
    }
}

/// Tags carry no line ends and not every backslash.
pub(super) fn check_name(setting: &'static str, text: &str) -> Result<(), InfluxError> {
    if text.is_empty() || text.contains(|c: char| c.is_control() || c == '\\') {
        return Err(InfluxError::Setting {
            name: setting,
            problem: format!("must be one line without backslashes, and not empty: {text:?}"),
        });
    }
    Ok(())
}

fn answer(response: &mut Response<ureq::Body>) -> Answer {
    let status = response.status().as_u16();
    let wait = response.headers().get("retry-after");
    let wait = wait.and_then(|wait| Some(wait.to_str().ok()?.to_owned()));
    // Words that can't be read are none; the status says enough.
    let words = response
        .body_mut()
        .with_config()
        .limit(WORDS)
        .lossy_utf8(true);
    Answer::new(
        status,
        &words.read_to_string().unwrap_or_default(),
        wait.as_deref(),
    )
}

/// Database and retention policy.
fn split(database: &str) -> (&str, Option<&str>) {
    match database.split_once('/') {
        Some((database, policy)) => (database, Some(policy)),
        None => (database, None),
    }
}
