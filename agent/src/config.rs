//! The configuration: a TOML file, overridden by the environment, overridden by flags.
//!
//! Whoever holds a [`Config`] holds one whose every value is in its range.

mod cidr;
mod duration;
mod file;
mod influx;
mod journal;
mod policy;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Serialize, Serializer};
use tidegate_common::control::Mode;

pub use cidr::{BadCidr, Cidr};
pub use duration::{BadDuration, HumanDuration};
pub use influx::{InfluxApi, InfluxConfig, InfluxOverrides};
pub use journal::JournalConfig;
pub use policy::{ClassRule, PolicyConfig, Reaction};

use crate::error::{AppError, ErrorKind};

/// Where the API listens, and where clients look for it, unless told otherwise.
pub const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// Where maps and links are pinned unless told otherwise.
pub const DEFAULT_BPF_ROOT: &str = "/run/tidegate/bpf";
/// Where the API's token lies unless told otherwise.
pub const DEFAULT_TOKEN_FILE: &str = "/run/tidegate/token";
/// Where the agent keeps what has to outlive it, if that directory exists.
pub const DEFAULT_STATE_DIR: &str = "/var/lib/tidegate";

/// Everything the agent can be told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// Interfaces to watch. May be empty here; [`Config::require_interfaces`] refuses that.
    pub interfaces: Vec<String>,
    /// Enforce or monitor.
    #[serde(serialize_with = "mode_by_name")]
    pub mode: Mode,
    /// Where this machine stands in the path of the traffic.
    pub placement: Placement,
    /// How the XDP program is attached.
    pub xdp_mode: XdpMode,
    /// Directory below which maps and links are pinned.
    pub bpf_root: PathBuf,
    /// File with the API's token.
    pub token_file: PathBuf,
    /// Directory that keeps what changed at run time; nothing is kept where it does not exist.
    pub state_dir: PathBuf,
    /// Model file; the shipped ones when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<PathBuf>,
    /// File in which the pipeline records what it saw. A flag only.
    #[serde(skip)]
    pub record: Option<PathBuf>,
    /// File descriptor that is told once everything is attached. A flag only.
    #[serde(skip)]
    pub once_ready_fd: Option<i32>,
    /// The HTTP API.
    pub api: ApiConfig,
    /// The kernel side.
    pub dataplane: DataplaneConfig,
    /// When to act, and for how long.
    pub policy: PolicyConfig,
    /// Where decisions are written down.
    pub journal: JournalConfig,
    /// Where decisions are sent to.
    pub influx: InfluxConfig,
}

/// Section `[api]`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ApiConfig {
    /// Address and port.
    pub listen: SocketAddr,
}

/// Section `[dataplane]`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct DataplaneConfig {
    /// Entries of the flow table.
    pub flow_table_size: u32,
    /// New flows a CPU may insert in a second.
    pub new_flows_per_second: u32,
    /// What becomes of verdicts when the agent falls silent.
    pub on_agent_loss: OnAgentLoss,
    /// Silence after which the agent counts as lost.
    #[serde(serialize_with = "human")]
    pub agent_timeout: Duration,
    /// Size of the ring buffer that carries events; a power of two.
    pub ring_buffer_bytes: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            mode: Mode::Enforce,
            placement: Placement::Host,
            xdp_mode: XdpMode::Auto,
            bpf_root: DEFAULT_BPF_ROOT.into(),
            token_file: DEFAULT_TOKEN_FILE.into(),
            state_dir: DEFAULT_STATE_DIR.into(),
            model: None,
            record: None,
            once_ready_fd: None,
            api: ApiConfig {
                listen: DEFAULT_LISTEN,
            },
            dataplane: DataplaneConfig {
                flow_table_size: 131_072,
                new_flows_per_second: 20_000,
                on_agent_loss: OnAgentLoss::Open,
                agent_timeout: Duration::from_secs(10),
                ring_buffer_bytes: 4_194_304,
            },
            policy: PolicyConfig::default(),
            journal: JournalConfig::default(),
            influx: InfluxConfig::default(),
        }
    }
}

/// What the environment and the flags say.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of Config")]
pub struct Overrides {
    pub interfaces: Vec<String>,
    pub mode: Option<Mode>,
    pub placement: Option<Placement>,
    pub xdp_mode: Option<XdpMode>,
    pub bpf_root: Option<PathBuf>,
    pub token_file: Option<PathBuf>,
    pub model: Option<PathBuf>,
    pub listen: Option<SocketAddr>,
    pub journal: Option<PathBuf>,
    pub influx: InfluxOverrides,
    pub record: Option<PathBuf>,
    pub once_ready_fd: Option<i32>,
}

impl Config {
    /// The defaults, then the file if there is one, then the overrides.
    ///
    /// # Errors
    ///
    /// A file that can't be read, or `file:line: what is wrong`.
    pub fn resolve(file: Option<&Path>, overrides: Overrides) -> Result<Self, AppError> {
        let mut config = match file {
            None => Self::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|e| AppError::io(ErrorKind::Config, path.display(), &e))?;
                Self::from_toml(&path.display().to_string(), &text)?
            }
        };
        config.apply(overrides);
        config.influx.check()?;
        Ok(config)
    }

    /// Reads a file's text; `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// `name:line: what is wrong`.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, AppError> {
        file::parse(name, text)
    }

    /// The configuration as a file that gives the same one.
    ///
    /// # Errors
    ///
    /// A path that is not UTF-8.
    pub fn to_toml(&self) -> Result<String, AppError> {
        toml::to_string(self).map_err(AppError::config)
    }

    /// Refuses a configuration that names no interface.
    ///
    /// # Errors
    ///
    /// Says how to name one.
    pub fn require_interfaces(&self) -> Result<(), AppError> {
        if self.interfaces.is_empty() {
            return Err(AppError::usage(
                "no interface to watch: pass -i IFACE, or set interfaces = [\"eth0\"] in the --config file",
            ));
        }
        Ok(())
    }

    fn apply(&mut self, overrides: Overrides) {
        fn set<T>(value: &mut T, new: Option<T>) {
            if let Some(new) = new {
                *value = new;
            }
        }
        if !overrides.interfaces.is_empty() {
            self.interfaces = overrides.interfaces;
        }
        set(&mut self.mode, overrides.mode);
        set(&mut self.placement, overrides.placement);
        set(&mut self.xdp_mode, overrides.xdp_mode);
        set(&mut self.bpf_root, overrides.bpf_root);
        set(&mut self.token_file, overrides.token_file);
        set(&mut self.api.listen, overrides.listen);
        self.model = overrides.model.or(self.model.take());
        self.journal.file = overrides.journal.or(self.journal.file.take());
        self.influx.apply(overrides.influx);
        self.record = overrides.record;
        self.once_ready_fd = overrides.once_ready_fd;
    }
}

/// A value that is one of a few words.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, serde::Serialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// The words.
            pub const NAMES: &'static [&'static str] = &[$($word),+];

            /// Its word.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("must be {}, not {text:?}", Self::NAMES.join(" or "))),
                }
            }
        }
    };
}

use choice;

choice! {
    /// Where this machine stands in the path of the traffic.
    Placement {
        /// It forwards: both directions arrive on watched interfaces.
        Transit = "transit",
        /// It is an end: what it sends is watched on egress.
        Host = "host",
    }
}

choice! {
    /// How the XDP program is attached.
    XdpMode {
        /// Native where the driver can, else generic.
        Auto = "auto",
        /// In the driver, or not at all.
        Native = "native",
        /// In the stack; works everywhere.
        Generic = "generic",
    }
}

choice! {
    /// What becomes of verdicts when the agent falls silent.
    OnAgentLoss {
        /// They are ignored.
        Open = "open",
        /// They stand until they expire.
        Closed = "closed",
    }
}

/// Name of a mode in the API, the configuration and on the command line.
#[must_use]
pub const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Monitor => "monitor",
        Mode::Bypass => "bypass",
    }
}

/// A mode an agent may start in.
///
/// # Errors
///
/// Says which there are.
pub fn start_mode(text: &str) -> Result<Mode, String> {
    match text {
        "enforce" => Ok(Mode::Enforce),
        "monitor" => Ok(Mode::Monitor),
        _ => Err(format!("must be enforce or monitor, not {text:?}")),
    }
}

/// A name an interface can have.
///
/// # Errors
///
/// Says what is wrong with it.
pub fn interface_name(text: &str) -> Result<String, String> {
    let fits = (1..=15).contains(&text.len()) && text != "." && text != "..";
    if fits && !text.contains(|c: char| c == '/' || c == ':' || c.is_whitespace()) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "an interface name has 1 to 15 bytes without spaces, '/' and ':', unlike {text:?}"
        ))
    }
}

/// An address to listen on.
///
/// # Errors
///
/// Shows how to write one.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("must be ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080, not {text:?}")
    })
}

/// A directory for pins.
///
/// # Errors
///
/// Asks for an absolute path.
pub fn bpf_root(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let climbs = path
        .components()
        .any(|c| c == std::path::Component::ParentDir);
    if path.is_absolute() && path.parent().is_some() && !climbs {
        Ok(path)
    } else {
        Err(format!(
            "must be an absolute path such as {DEFAULT_BPF_ROOT}, not {text:?}"
        ))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn mode_by_name<S: Serializer>(mode: &Mode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mode_name(*mode))
}

fn human<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    HumanDuration(*duration).serialize(serializer)
}
