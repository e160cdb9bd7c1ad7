//! Flags that say where in an InfluxDB rows are.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, anyhow};
use clap::Args;
use tidegate_influx::{Secret, server_url};
use tidegate_models::train::influx::{Access, Api, Database, MEASUREMENT, Settings};

/// The token, or the password, comes from a file or from TIDEGATE_INFLUX_SECRET.
#[derive(Args)]
pub(crate) struct DatabaseArgs {
    /// Database, or DATABASE/RETENTION-POLICY; with 2.x and 3.x the bucket that is mapped to it.
    #[arg(
        id = "database",
        long = "db",
        value_name = "NAME",
        env = "TIDEGATE_INFLUX_BUCKET"
    )]
    name: Option<String>,
    /// Endpoint to write to: v1 (/write, of all versions) or v2 (/api/v2/write of 1.8, 2.x, 3.x).
    #[arg(long, value_name = "API", default_value_t, env = "TIDEGATE_INFLUX_API")]
    api: Api,
    /// Organization, for v2 of 2.x.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        env = "TIDEGATE_INFLUX_ORG"
    )]
    org: String,
    /// User; the secret is then a password, and else a token.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        env = "TIDEGATE_INFLUX_USER"
    )]
    user: String,
    /// File with the token or the password.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_INFLUX_SECRET_FILE")]
    secret_file: Option<PathBuf>,
    /// Certificates (PEM) of those who may say who a server of https is; else those Mozilla trusts.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Measurement of the rows.
    #[arg(long, value_name = "NAME", default_value = MEASUREMENT)]
    measurement: String,
    /// Patience with every answer, and with every part of a long one (seconds).
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Patience with a server that is away or busy (seconds).
    #[arg(long, value_name = "S", default_value_t = 300, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    patience: u64,
}

impl DatabaseArgs {
    /// The database on that server.
    pub(crate) fn open(&self, url: &str) -> anyhow::Result<Database> {
        // Not by clap, which would show again what may hold a password.
        let url = server_url(url).map_err(|problem| anyhow!("--influx {problem}"))?;
        let name = self.name.as_deref().context("--influx needs --db NAME")?;
        let settings = Settings::new(&url, name);
        let settings = Settings {
            access: Access {
                api: self.api,
                org: self.org.clone(),
                user: self.user.clone(),
                ca_file: self.ca_file.clone(),
                timeout: Duration::from_secs(self.timeout),
                ..settings.access
            },
            measurement: self.measurement.clone(),
            patience: Duration::from_secs(self.patience),
            waiting: |why, wait| eprintln!("{why}; again in {:.1} s", wait.as_secs_f64()),
        };
        let secret = Secret::load(self.secret_file.as_deref())?;
        Ok(Database::new(settings, secret)?)
    }
}
