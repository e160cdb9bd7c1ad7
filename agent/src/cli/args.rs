//! Flags that several commands share, and how they become a configuration.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use tidegate_common::control::Mode;

use crate::{
    config::{
        Config, InfluxApi, InfluxOverrides, Overrides, Placement, XdpMode, bpf_root,
        interface_name, listen_address, start_mode,
    },
    error::AppError,
};

/// Everything that makes a configuration.
#[derive(Args, Clone, Debug)]
pub(super) struct ConfigArgs {
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "TIDEGATE_CONFIG")]
    config: Option<PathBuf>,
    /// Interface to watch; repeatable.
    #[arg(short, long, value_name = "IFACE", value_delimiter = ',', value_parser = interface_name, env = "TIDEGATE_INTERFACE")]
    interface: Vec<String>,
    /// Model file; the shipped models if not given.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_MODEL")]
    model: Option<PathBuf>,
    /// Drop, or only count what would be dropped [enforce, monitor].
    #[arg(long, value_name = "MODE", value_parser = start_mode, env = "TIDEGATE_MODE")]
    mode: Option<Mode>,
    /// How to attach [auto, native, generic].
    #[arg(long, value_name = "MODE", env = "TIDEGATE_XDP_MODE")]
    xdp_mode: Option<XdpMode>,
    /// Whether this machine forwards the traffic or is an end of it [transit, host].
    #[arg(long, value_name = "PLACE", env = "TIDEGATE_PLACEMENT")]
    placement: Option<Placement>,
    /// Where the API listens.
    #[arg(long, value_name = "ADDR:PORT", value_parser = listen_address, env = "TIDEGATE_API")]
    api: Option<SocketAddr>,
    /// Directory below which maps and links are pinned.
    #[arg(long, value_name = "DIR", value_parser = bpf_root, env = "TIDEGATE_BPF_ROOT")]
    bpf_root: Option<PathBuf>,
    /// File with the API's token; made if it is not there.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Where decisions are written down; else in the state directory, if there is one.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_JOURNAL")]
    journal: Option<PathBuf>,
    #[command(flatten)]
    influx: InfluxArgs,
}

/// Where decisions are sent to. The token, or the password, comes from the file or from TIDEGATE_INFLUX_SECRET.
#[derive(Args, Clone, Debug)]
struct InfluxArgs {
    /// InfluxDB that gets every decision.
    // Not parsed by clap, which would show again what may hold a password.
    #[arg(
        long,
        value_name = "URL",
        env = "TIDEGATE_INFLUX",
        hide_env_values = true
    )]
    influx: Option<String>,
    /// Its endpoint: v1 (/write) or v2 (/api/v2/write of 1.8, 2.x and 3.x) [v1, v2].
    #[arg(long, value_name = "API", env = "TIDEGATE_INFLUX_API")]
    influx_api: Option<InfluxApi>,
    /// Bucket; with 1.x the database.
    #[arg(long, value_name = "NAME", env = "TIDEGATE_INFLUX_BUCKET")]
    influx_bucket: Option<String>,
    /// Organization, for 2.x.
    #[arg(long, value_name = "NAME", env = "TIDEGATE_INFLUX_ORG")]
    influx_org: Option<String>,
    /// User, for v1.
    #[arg(long, value_name = "NAME", env = "TIDEGATE_INFLUX_USER")]
    influx_user: Option<String>,
    /// File with the token, or with the password for v1.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_INFLUX_SECRET_FILE")]
    influx_secret_file: Option<PathBuf>,
}

impl InfluxArgs {
    fn overrides(self) -> Result<InfluxOverrides, AppError> {
        let url = self.influx.map(|url| tidegate_influx::server_url(&url));
        Ok(InfluxOverrides {
            url: url
                .transpose()
                .map_err(|problem| AppError::usage(format_args!("--influx {problem}")))?,
            api: self.influx_api,
            bucket: self.influx_bucket,
            org: self.influx_org,
            user: self.influx_user,
            secret_file: self.influx_secret_file,
        })
    }
}

impl ConfigArgs {
    /// The configuration; the file it came from, if any.
    pub(super) fn resolve(self) -> Result<Config, AppError> {
        let (file, overrides) = self.split()?;
        Config::resolve(file.as_deref(), overrides)
    }

    pub(super) const fn file(&self) -> Option<&PathBuf> {
        self.config.as_ref()
    }

    fn split(self) -> Result<(Option<PathBuf>, Overrides), AppError> {
        let overrides = Overrides {
            interfaces: self.interface,
            mode: self.mode,
            placement: self.placement,
            xdp_mode: self.xdp_mode,
            bpf_root: self.bpf_root,
            token_file: self.token_file,
            model: self.model,
            listen: self.api,
            journal: self.journal,
            influx: self.influx.overrides()?,
            ..Overrides::default()
        };
        Ok((self.config, overrides))
    }
}

/// Flags of `run`.
#[derive(Args, Clone, Debug)]
pub(super) struct RunArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Write "ready" to this file descriptor and close it once everything is attached.
    #[arg(long, value_name = "FD", value_parser = clap::value_parser!(i32).range(0..), env = "TIDEGATE_ONCE_READY_FD")]
    once_ready_fd: Option<i32>,
    /// Record what the pipeline saw in this file.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_RECORD")]
    record: Option<PathBuf>,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

impl RunArgs {
    pub(super) fn resolve(self) -> Result<Config, AppError> {
        let (file, overrides) = self.config.split()?;
        let overrides = Overrides {
            record: self.record,
            once_ready_fd: self.once_ready_fd,
            ..overrides
        };
        Config::resolve(file.as_deref(), overrides)
    }
}

/// Flags of `serve`.
#[derive(Args, Clone, Debug)]
pub(super) struct ServeArgs {
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "TIDEGATE_CONFIG")]
    config: Option<PathBuf>,
    /// Model file of schema kdd41; the shipped model if not given.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_MODEL")]
    model: Option<PathBuf>,
    /// Where the API listens; else 0.0.0.0 and the port in the variable PORT, if that is set.
    #[arg(long, value_name = "ADDR:PORT", value_parser = listen_address, env = "TIDEGATE_API")]
    api: Option<SocketAddr>,
    /// File with the API's token; made if it is not there.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

impl ServeArgs {
    /// The configuration, where `port` is the value of the variable PORT.
    pub(super) fn resolve(self, port: Option<&str>) -> Result<Config, AppError> {
        let listen = match (self.api, port) {
            (Some(listen), _) => Some(listen),
            (None, None | Some("")) => None,
            (None, Some(port)) => {
                let port = port.parse::<u16>().map_err(|_| {
                    AppError::usage(format_args!(
                        "PORT must be a number up to 65535, not {port:?}"
                    ))
                })?;
                Some((std::net::Ipv4Addr::UNSPECIFIED, port).into())
            }
        };
        let overrides = Overrides {
            model: self.model,
            listen,
            token_file: self.token_file,
            ..Overrides::default()
        };
        Config::resolve(self.config.as_deref(), overrides)
    }
}

/// Flags of long-running commands.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct LogArgs {
    /// How to write the log.
    #[arg(long, value_enum, default_value_t, env = "TIDEGATE_LOG_FORMAT")]
    pub(super) log_format: LogFormat,
    /// What to log; else what RUST_LOG says, else info.
    #[arg(long, value_enum, env = "TIDEGATE_LOG_LEVEL")]
    pub(super) log_level: Option<LogLevel>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum LogFormat {
    #[default]
    Human,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Flags of commands that ask the running agent.
#[derive(Args, Clone, Debug)]
pub(super) struct ClientArgs {
    /// Address of the agent's API.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = super::client::base_url, env = "TIDEGATE_API")]
    pub(super) api: String,
    /// File with the API's token.
    #[arg(long, value_name = "FILE", default_value = crate::config::DEFAULT_TOKEN_FILE, env = "TIDEGATE_TOKEN_FILE")]
    pub(super) token_file: PathBuf,
}
