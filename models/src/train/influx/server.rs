//! The way to a database.

use std::{io::Read, time::Duration};

use serde_json::Value;
use tidegate_influx::{Access, AccessError, Answer, Api, Secret, Server, one_line};

use super::{
    InfluxError, MEASUREMENT,
    point::LABEL,
    query::{name, series, text},
    retry::Retry,
};
/// So much of any other answer but rows.
const ANSWER: u64 = 16 << 20;

/// Where the rows are. The secret is not here.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server, and the database there.
    pub access: Access,
    /// The measurement of the rows.
    pub measurement: String,
    /// How long failures that may pass are met with another attempt.
    pub patience: Duration,
    /// Is told of a query that waits: why, and how long.
    pub waiting: fn(&str, Duration),
}

impl Settings {
    /// A database without user or secret.
    pub fn new(url: &str, database: &str) -> Self {
        Self {
            access: Access {
                url: url.to_owned(),
                api: Api::default(),
                database: database.to_owned(),
                org: String::new(),
                user: String::new(),
                ca_file: None,
                connect_timeout: Duration::from_secs(3),
                timeout: Duration::from_secs(60),
                user_agent: concat!("tidegate-train/", env!("CARGO_PKG_VERSION")),
            },
            measurement: MEASUREMENT.to_owned(),
            patience: Duration::from_secs(300),
            waiting: |_, _| (),
        }
    }
}

/// A database on a server.
#[derive(Clone, Debug)]
pub struct Database {
    settings: Settings,
    server: Server,
}

impl Database {
    /// Checks the settings; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// A setting that makes no sense, certificates that can't be read, or `https` in a build without the feature `tls`.
    pub fn new(settings: Settings, secret: Secret) -> Result<Self, InfluxError> {
        let access = &settings.access;
        if access.ca_file.is_some() && !access.url.starts_with("https:") {
            return Err(InfluxError::Setting {
                name: "--ca-file",
                problem: "is for a server of https".to_owned(),
            });
        }
        check_name("--db", &access.database)?;
        check_name("--measurement", &settings.measurement)?;
        let server = Server::new(settings.access.clone(), secret).map_err(|error| match error {
            AccessError::NoTls => InfluxError::Setting {
                name: "--influx",
                problem: format!("{error}: build with --features train,tls"),
            },
            AccessError::Certificates { .. } => InfluxError::Setting {
                name: "--ca-file",
                problem: error.to_string(),
            },
        })?;
        Ok(Self { settings, server })
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
        self.server.write(lines)
    }

    /// Asks in InfluxQL, for JSON; tries again what may pass.
    pub(super) fn ask(&self, query: &str) -> Result<Value, InfluxError> {
        let mut retry = self.retry();
        loop {
            let asked = self
                .server
                .query(query, "application/json", false)
                .and_then(|mut body| {
                    let text = body.with_config().limit(ANSWER).read_to_vec();
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
    pub(super) fn stream(&self, query: &str) -> Result<impl Read + use<>, InfluxError> {
        let mut retry = self.retry();
        loop {
            match self.server.query(query, "application/csv", true) {
                Ok(body) => return Ok(body.into_reader()),
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
            Answer::NotUs(words)
            | Answer::TooLarge(words)
            | Answer::Cut(words)
            | Answer::Refused(words) => Err(self.refused(words)),
        }
    }

    pub(super) fn unavailable(&self, why: String) -> InfluxError {
        InfluxError::Unavailable {
            server: self.settings.access.url.clone(),
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
            server: self.settings.access.url.clone(),
            words,
            hint,
        }
    }

    pub(super) fn not_understood(&self, problem: String) -> InfluxError {
        InfluxError::Answer {
            server: self.settings.access.url.clone(),
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
