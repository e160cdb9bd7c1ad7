//! The configuration: a TOML file, overridden by the environment, overridden by flags.
//!
//! Whoever holds a [`Config`] holds one whose every value is in its range.

mod cidr;
mod duration;
mod file;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use serde::{Serialize, Serializer};
use tidegate_common::{control::Mode, verdict::Action};
use tidegate_models::Class;

pub use cidr::{BadCidr, Cidr};
pub use duration::{BadDuration, HumanDuration};

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

/// Section `[policy]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyConfig {
    /// Confidence below which a prediction does not count.
    pub confidence: f32,
    /// Narrow verdicts: of the latest `of_events` pieces of evidence on two hosts, so many must agree.
    pub agreeing_events: u32,
    /// How many pieces of evidence on two hosts are looked at.
    pub of_events: u32,
    /// What happens within this time is one piece of evidence on two hosts.
    #[serde(serialize_with = "human")]
    pub evidence_interval: Duration,
    /// Wide verdicts: of the latest `wide_of_events` connections of a source, so many must agree.
    pub wide_agreeing_events: u32,
    /// How many connections of a source are looked at.
    pub wide_of_events: u32,
    /// Connections of a source that begin within this time are one piece of evidence.
    #[serde(serialize_with = "human")]
    pub wide_evidence_interval: Duration,
    /// Packets a second of a blocked source that keep its verdict alive.
    pub hold_rate: u32,
    /// Good conduct for so long under a verdict lifts it.
    #[serde(serialize_with = "human")]
    pub lift_after: Duration,
    /// Events of normal traffic that good conduct has to show.
    pub lift_events: u32,
    /// Longest time a verdict of the classifier lasts, repeats included.
    #[serde(serialize_with = "human")]
    pub max_ttl: Duration,
    /// Longest time a verdict lasts for which anybody could have forged the evidence.
    #[serde(serialize_with = "human")]
    pub forgeable_ttl: Duration,
    /// Packets a second let through by the reaction `rate-limit`.
    pub limit_rate: u32,
    /// What is done about a flood from forged sources.
    pub crowd_action: Reaction,
    /// Sources within a second or two that make a crowd.
    pub crowd_sources: u32,
    /// Packets a second of new conversations let through to the destination of such a flood.
    pub crowd_rate: u32,
    /// What is done about denial of service.
    pub dos_action: Reaction,
    /// First verdict on it.
    #[serde(serialize_with = "human")]
    pub dos_ttl: Duration,
    /// Confidence it takes, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dos_confidence: Option<f32>,
    /// What is done about reconnaissance.
    pub probe_action: Reaction,
    /// First verdict on it.
    #[serde(serialize_with = "human")]
    pub probe_ttl: Duration,
    /// Confidence it takes, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_confidence: Option<f32>,
    /// What is done about remote-to-local.
    pub r2l_action: Reaction,
    /// First verdict on it.
    #[serde(serialize_with = "human")]
    pub r2l_ttl: Duration,
    /// Confidence it takes, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r2l_confidence: Option<f32>,
    /// What is done about user-to-root.
    pub u2r_action: Reaction,
    /// First verdict on it.
    #[serde(serialize_with = "human")]
    pub u2r_ttl: Duration,
    /// Confidence it takes, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub u2r_confidence: Option<f32>,
    /// What is done about what resembles nothing known.
    pub unknown_action: Reaction,
    /// First verdict on it.
    #[serde(serialize_with = "human")]
    pub unknown_ttl: Duration,
    /// Confidence it takes, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_confidence: Option<f32>,
    /// Sources that are never blocked.
    pub allowlist: Vec<Cidr>,
}

/// What the policy says about one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassRule {
    /// What happens to its packets.
    pub action: Action,
    /// For how long at first.
    pub ttl: Duration,
    /// From which confidence on.
    pub confidence: f32,
}

impl PolicyConfig {
    /// The rule for a class; `None` when nothing is done about it. Normal traffic never has one.
    #[must_use]
    pub fn rule(&self, class: Class) -> Option<ClassRule> {
        let (reaction, ttl, confidence) = match class {
            Class::Normal => return None,
            Class::Dos => (self.dos_action, self.dos_ttl, self.dos_confidence),
            Class::Probe => (self.probe_action, self.probe_ttl, self.probe_confidence),
            Class::R2l => (self.r2l_action, self.r2l_ttl, self.r2l_confidence),
            Class::U2r => (self.u2r_action, self.u2r_ttl, self.u2r_confidence),
            Class::Unknown => (
                self.unknown_action,
                self.unknown_ttl,
                self.unknown_confidence,
            ),
        };
        Some(ClassRule {
            action: reaction.action()?,
            ttl,
            confidence: confidence.unwrap_or(self.confidence),
        })
    }
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            confidence: 0.9,
            agreeing_events: 3,
            of_events: 4,
            evidence_interval: Duration::from_millis(2),
            wide_agreeing_events: 6,
            wide_of_events: 8,
            wide_evidence_interval: Duration::from_millis(20),
            hold_rate: 5,
            lift_after: Duration::from_secs(10),
            lift_events: 10,
            max_ttl: Duration::from_secs(3_600),
            forgeable_ttl: Duration::from_secs(60),
            limit_rate: 20,
            crowd_action: Reaction::RateLimit,
            crowd_sources: 32,
            crowd_rate: 200,
            dos_action: Reaction::Drop,
            dos_ttl: Duration::from_secs(60),
            dos_confidence: None,
            probe_action: Reaction::Drop,
            probe_ttl: Duration::from_secs(300),
            probe_confidence: None,
            r2l_action: Reaction::Drop,
            r2l_ttl: Duration::from_secs(600),
            r2l_confidence: None,
            u2r_action: Reaction::Drop,
            u2r_ttl: Duration::from_secs(600),
            u2r_confidence: None,
            unknown_action: Reaction::None,
            unknown_ttl: Duration::from_secs(60),
            unknown_confidence: None,
            allowlist: Vec::new(),
        }
    }
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
        self.record = overrides.record;
        self.once_ready_fd = overrides.once_ready_fd;
    }
}

/// A value that is one of a few words.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
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

        impl FromStr for $name {
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

choice! {
    /// What is done about traffic of a class.
    Reaction {
        /// Its packets are dropped.
        Drop = "drop",
        /// What exceeds a rate is dropped.
        RateLimit = "rate-limit",
        /// Its packets are counted.
        Watch = "watch",
        /// Nothing.
        None = "none",
    }
}

impl Reaction {
    /// What the kernel is told; `None` for nothing.
    #[must_use]
    pub const fn action(self) -> Option<Action> {
        match self {
            Self::Drop => Some(Action::Drop),
            Self::RateLimit => Some(Action::RateLimit),
            Self::Watch => Some(Action::Watch),
            Self::None => None,
        }
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
