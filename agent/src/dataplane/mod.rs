//! The kernel side, from user space: loading, attaching, pinning, and the maps.

mod attach;
mod pins;
mod tables;

use std::{io, path::PathBuf};

pub use attach::{Attachment, is_there};
use aya::{
    Ebpf, EbpfLoader,
    maps::{MapData, MapInfo, RingBuf},
    programs::{TestRun as _, TestRunOptions, Xdp},
};
use nix::time::{ClockId, clock_gettime};
pub use pins::{Pins, PinsError, Removed, detach};
pub use tables::Tables;
use tidegate_common::{event::FlowEvent, stats::Counter};

use crate::config::XdpMode;

/// The kernel programs, built by `build.rs`.
static PROGRAMS: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/tidegate-ebpf"));

/// What to load and where to attach it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of a BPF file system for the pins; mounted there when it is not one yet.
    pub bpf_root: PathBuf,
    /// Interfaces by name.
    pub interfaces: Vec<String>,
    /// Native, generic, or the better one that works.
    pub xdp: XdpMode,
    /// Whether to watch egress too.
    pub egress: bool,
    /// Conversations the kernel remembers.
    pub flow_table_size: u32,
    /// Size of the event buffer in bytes: a power of two and a multiple of the page size.
    pub ring_buffer_bytes: u32,
    /// Level of the programs' own log messages: 0 none, 1 errors, 2 warnings, 3 info, 4 debug.
    pub log_level: u8,
}

/// Why the kernel side could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum DataplaneError {
    /// The interface does not exist.
    #[error("no interface named {0}; `ip link` lists them")]
    NoInterface(String),
    /// The kernel said no for lack of a capability.
    #[error(
        "the kernel refused to {action}: {source}; run as root or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"
    )]
    Permission {
        /// What was tried.
        action: String,
        /// Its words.
        source: io::Error,
    },
    /// Some other program is attached.
    #[error(
        "interface {0} already runs another XDP program; detach it with `ip link set dev {0} xdp off` first"
    )]
    Busy(String),
    /// The interface takes no XDP program in the mode asked for.
    #[error("interface {interface} takes no {mode} XDP program: {reason}")]
    Unsupported {
        /// Its name.
        interface: String,
        /// `native` or `generic`.
        mode: &'static str,
        /// The kernel's words.
        reason: String,
    },
    /// The BPF file system.
    #[error(transparent)]
    Pins(#[from] PinsError),
    /// The kernel has no BPF, or not enough of it.
    #[error("this kernel can't {action}: {reason}; tidegate needs Linux 5.15 or later with BPF")]
    Kernel {
        /// What was tried.
        action: String,
        /// Its words.
        reason: String,
    },
    /// The programs are attached but do not count.
    #[error("the XDP program was loaded, but its packet counter does not move")]
    Dead,
}

/// The loaded programs and everything that keeps them attached.
pub struct Dataplane {
    /// Verdicts, allowlist, counters and control.
    pub tables: Tables,
    /// Milestones of flows.
    pub events: RingBuf<MapData>,
    /// Where the programs are attached.
    pub attachments: Vec<Attachment>,
    ebpf: Ebpf,
    pins: Pins,
}

impl Dataplane {
    /// Loads the programs, adopts maps pinned by an earlier run, and attaches to every interface.
    ///
    /// The control map is left as it was found; a fresh one enforces nothing. What was not there before is taken away
    /// again when the dataplane is dropped, unless [`Dataplane::keep`] was called.
    ///
    /// # Errors
    ///
    /// Says what to do. Interfaces that were attached by this call are detached again.
    pub fn open(options: &Options) -> Result<Self, DataplaneError> {
        let indices = options
            .interfaces
            .iter()
            .map(|name| attach::index_of(name).map(|index| (name.clone(), index)))
            .collect::<Result<Vec<_>, _>>()?;
        let pins = Pins::open(&options.bpf_root)?;
        let (mut ebpf, tables, events) = Self::load(options, &pins)?;
        let attachments = attach::all(&mut ebpf, &pins, &indices, options)?;
        Ok(Self {
            tables,
            events,
            attachments,
            ebpf,
            pins,
        })
    }

    /// Whether the maps are new, not an earlier agent's; to be asked before [`Dataplane::keep`].
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.pins.are_new()
    }

    /// From now on programs and verdicts outlive this: a crash leaves them in force.
    pub const fn keep(&mut self) {
        self.pins.keep();
    }

    fn load(
        options: &Options,
        pins: &Pins,
    ) -> Result<(Ebpf, Tables, RingBuf<MapData>), DataplaneError> {
        let mut ebpf = EbpfLoader::new()
            .default_map_pin_directory(pins.maps())
            .map_max_entries("FLOWS", size(pins, "FLOWS", options.flow_table_size))
            .map_max_entries("EVENTS", size(pins, "EVENTS", options.ring_buffer_bytes))
            .override_global("AYA_LOG_LEVEL", &options.log_level, false)
            .load(PROGRAMS)
            .map_err(|error| refused("create the maps", error))?;
        let tables = Tables::take(&mut ebpf)?;
        let mut events = tables::take(&mut ebpf, "EVENTS", RingBuf::try_from)?;
        discard_stale(&mut events, options.ring_buffer_bytes);
        let program = attach::ingress_program(&mut ebpf)?;
        program
            .load()
            .map_err(|error| refused("load the XDP program", error))?;
        prove(program, &tables)?;
        if options.egress {
            attach::egress_program(&mut ebpf)?
                .load()
                .map_err(|error| refused("load the TC program", error))?;
        }
        Ok((ebpf, tables, events))
    }

    /// The programs' own log messages, once.
    pub fn take_logger(&mut self) -> Option<aya_log::EbpfLogger<&'static dyn log::Log>> {
        aya_log::EbpfLogger::init(&mut self.ebpf).ok()
    }

    /// The loaded XDP program, for test runs.
    ///
    /// # Errors
    ///
    /// When the object file holds no such program.
    pub fn ingress_program(&mut self) -> Result<&mut Xdp, DataplaneError> {
        attach::ingress_program(&mut self.ebpf)
    }

    /// Detaches everywhere and removes every pin: the machine is as it was before.
    ///
    /// # Errors
    ///
    /// When a pin can't be removed.
    pub fn close(self) -> Result<(), PinsError> {
        let Self {
            ebpf,
            attachments,
            tables,
            events,
            pins,
        } = self;
        drop((attachments, ebpf, tables, events));
        pins.remove()
    }
}

/// The size of a map: that of the pinned one, which can't be changed, if there is one.
fn size(pins: &Pins, map: &str, wanted: u32) -> u32 {
    let Ok(pinned) = MapInfo::from_pin(pins.maps().join(map)) else {
        return wanted;
    };
    let size = pinned.max_entries();
    if size != wanted {
        tracing::warn!(
            map,
            size,
            wanted,
            "the map of an earlier run has another size and is kept; `tidegate detach` first to change it"
        );
    }
    size
}

/// Throws away what was sent while no agent listened: verdicts on what is long over would be wrong.
fn discard_stale(events: &mut RingBuf<MapData>, bytes: u32) {
    // Bounded, for new ones keep coming.
    for _ in 0..bytes as usize / size_of::<FlowEvent>() {
        if events.next().is_none() {
            return;
        }
    }
}

/// Runs the program once on a frame too short to have a header, and checks that it was counted.
fn prove(program: &Xdp, tables: &Tables) -> Result<(), DataplaneError> {
    let count = || tables.stats().map(|stats| stats.value(Counter::Packets));
    let before = count()?;
    // 14 bytes are the least that the kernel runs a program on; ethertype 0 is nobody's.
    program
        .test_run(TestRunOptions {
            data_in: Some(&[0; 14]),
            ..TestRunOptions::new()
        })
        .map_err(|error| refused("run the XDP program", error))?;
    if count()? > before {
        Ok(())
    } else {
        Err(DataplaneError::Dead)
    }
}

/// Sorts a refusal by what can be done about it.
fn refused(action: &str, error: impl std::error::Error + 'static) -> DataplaneError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && let Some(errno @ (nix::libc::EPERM | nix::libc::EACCES)) = io.raw_os_error()
        {
            return DataplaneError::Permission {
                action: action.to_owned(),
                source: io::Error::from_raw_os_error(errno),
            };
        }
        cause = error.source();
    }
    DataplaneError::Kernel {
        action: action.to_owned(),
        reason: last_line(&error.to_string()),
    }
}

/// Verifier logs are pages long; what is wrong stands at their end.
fn last_line(message: &str) -> String {
    message
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or(message)
        .to_owned()
}

/// The clock of the kernel side, in ns.
#[must_use]
pub fn monotonic_ns() -> u64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |time| {
        time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
    })
}
