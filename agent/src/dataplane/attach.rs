//! Attaching to interfaces, replacing in place what an earlier run left.

use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use aya::{
    Ebpf,
    programs::{
        ProgramError, SchedClassifier, TcAttachType, Xdp,
        links::{FdLink, PinnedLink},
        tc,
        xdp::{self, XdpLink, XdpLinkId},
    },
};
use nix::libc;

use super::{DataplaneError, Options, Pins, refused};
use crate::config::XdpMode;

/// One interface with the programs on it.
#[derive(Debug)]
pub struct Attachment {
    /// Name of the interface.
    pub name: String,
    /// Its index.
    pub index: u32,
    /// `native` or `generic`.
    pub xdp: &'static str,
    /// Whether egress is watched too.
    pub egress: bool,
}

/// The kernel takes a link whose pin was removed down in its own time; longer than that it need not be waited for.
const LETTING_GO: Duration = Duration::from_secs(2);

const NATIVE: &str = "native";
const GENERIC: &str = "generic";

/// Index of an interface.
pub(super) fn index_of(name: &str) -> Result<u32, DataplaneError> {
    nix::net::if_::if_nametoindex(name).map_err(|_| DataplaneError::NoInterface(name.to_owned()))
}

/// Whether there is an interface of this index.
#[must_use]
pub fn is_there(index: u32) -> bool {
    // nix takes the null pointer of a failure for a success without a name.
    nix::net::if_::if_indextoname(index).is_ok_and(|name| !name.is_empty())
}

pub(super) fn ingress_program(ebpf: &mut Ebpf) -> Result<&mut Xdp, DataplaneError> {
    program(ebpf, "tidegate_ingress")
}

pub(super) fn egress_program(ebpf: &mut Ebpf) -> Result<&mut SchedClassifier, DataplaneError> {
    program(ebpf, "tidegate_egress")
}

fn program<'a, P>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut P, DataplaneError>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program, Error = ProgramError>,
{
    ebpf.program_mut(name)
        .ok_or_else(|| DataplaneError::Kernel {
            action: format!("find the program {name}"),
            reason: "the embedded object lacks it".to_owned(),
        })?
        .try_into()
        .map_err(|error: ProgramError| refused("use the program", error))
}

/// Attaches to every interface; when one fails, takes back those that this call attached.
pub(super) fn all(
    ebpf: &mut Ebpf,
    pins: &Pins,
    interfaces: &[(String, u32)],
    options: &Options,
) -> Result<Vec<Attachment>, DataplaneError> {
    forget_others(pins, interfaces)?;
    let mut attachments = Vec::with_capacity(interfaces.len());
    let mut made = Vec::new();
    for (name, index) in interfaces {
        let attached = one(ebpf, pins, name, *index, options, &mut made);
        match attached {
            Ok(attachment) => attachments.push(attachment),
            Err(error) => {
                for pin in made {
                    let _ = fs::remove_file(pin);
                }
                return Err(error);
            }
        }
    }
    Ok(attachments)
}

fn one(
    ebpf: &mut Ebpf,
    pins: &Pins,
    name: &str,
    index: u32,
    options: &Options,
    made: &mut Vec<std::path::PathBuf>,
) -> Result<Attachment, DataplaneError> {
    let program = ingress_program(ebpf)?;
    let modes: &[&'static str] = match options.xdp {
        XdpMode::Auto => &[NATIVE, GENERIC],
        XdpMode::Native => &[NATIVE],
        XdpMode::Generic => &[GENERIC],
    };
    let pin = |mode: &str| pins.links().join(format!("xdp-{mode}-{index}"));
    let mut xdp = None;
    let mut let_go = false;
    for mode in [NATIVE, GENERIC] {
        if xdp.is_none() && modes.contains(&mode) && replace(program, &pin(mode))? {
            xdp = Some(mode);
        } else {
            // A link in a mode no longer wanted, or of an interface that is gone.
            let_go |= fs::remove_file(pin(mode)).is_ok();
        }
    }
    let xdp = match xdp {
        Some(mode) => mode,
        None => {
            let patience = if let_go { LETTING_GO } else { Duration::ZERO };
            let deadline = Instant::now() + patience;
            let mode = loop {
                match attach_xdp(program, name, index, modes, &pin) {
                    Err(DataplaneError::Busy(_)) if Instant::now() < deadline => {
                        thread::sleep(Duration::from_millis(10));
                    }
                    attached => break attached?,
                }
            };
            made.push(pin(mode));
            mode
        }
    };
    let egress_pin = pins.links().join(format!("tc-{index}"));
    if options.egress {
        attach_egress(egress_program(ebpf)?, name, &egress_pin)?;
        made.push(egress_pin);
    } else {
        let _ = fs::remove_file(egress_pin);
    }
    Ok(Attachment {
        name: name.to_owned(),
        index,
        xdp,
        egress: options.egress,
    })
}

/// Puts the new program into a pinned link; says whether there was one that is still alive.
fn replace(program: &mut Xdp, pin: &Path) -> Result<bool, DataplaneError> {
    let Ok(pinned) = PinnedLink::from_pin(pin) else {
        return Ok(false);
    };
    let Ok(link) = XdpLink::try_from(FdLink::from(pinned)) else {
        return Ok(false);
    };
    match program.attach_to_link(link) {
        // Only the pin keeps the link from here on.
        Ok(id) => program
            .take_link(id)
            .map(|_| true)
            .map_err(|error| refused("take over the XDP link", error)),
        // ENOLINK: the interface it was on is gone, and another one may have its index now.
        Err(_) => Ok(false),
    }
}

fn attach_xdp(
    program: &mut Xdp,
    name: &str,
    index: u32,
    modes: &[&'static str],
    pin: &impl Fn(&str) -> std::path::PathBuf,
) -> Result<&'static str, DataplaneError> {
    let mut refusal = None;
    for &mode in modes {
        let flag = if mode == NATIVE {
            xdp::XdpMode::Driver
        } else {
            xdp::XdpMode::Skb
        };
        match program.attach_to_if_index(index, flag) {
            Ok(id) => {
                keep(program, id, &pin(mode))?;
                return Ok(mode);
            }
            Err(error) => match errno(&error) {
                Some(libc::EBUSY | libc::EEXIST) => {
                    return Err(DataplaneError::Busy(name.to_owned()));
                }
                Some(libc::EPERM | libc::EACCES) => {
                    return Err(refused(&format!("attach to {name}"), error));
                }
                _ => {
                    if modes.len() > 1 && mode == NATIVE {
                        tracing::warn!(interface = name, %error, "no native XDP here; trying generic");
                    }
                    refusal = Some(DataplaneError::Unsupported {
                        interface: name.to_owned(),
                        mode,
                        reason: errno(&error).map_or_else(
                            || error.to_string(),
                            |errno| io::Error::from_raw_os_error(errno).to_string(),
                        ),
                    });
                }
            },
        }
    }
    Err(refusal.unwrap_or(DataplaneError::Dead))
}

fn keep(program: &mut Xdp, id: XdpLinkId, pin: &Path) -> Result<(), DataplaneError> {
    let link = program
        .take_link(id)
        .map_err(|error| refused("keep the XDP link", error))?;
    let link = FdLink::try_from(link).map_err(|error| DataplaneError::Kernel {
        action: "attach XDP by a link".to_owned(),
        reason: error.to_string(),
    })?;
    link.pin(pin)
        .map(drop)
        .map_err(|error| refused("pin the XDP link", error))
}

/// Egress is only observed: a moment without it, as between two links, loses counts and nothing else.
fn attach_egress(
    program: &mut SchedClassifier,
    name: &str,
    pin: &Path,
) -> Result<(), DataplaneError> {
    let _ = fs::remove_file(pin);
    // Needed before Linux 6.6; says EEXIST where it is there already.
    let _ = tc::qdisc_add_clsact(name);
    let action = || format!("watch the egress of {name}");
    let id = program
        .attach(name, TcAttachType::Egress)
        .map_err(|error| refused(&action(), error))?;
    let link = program
        .take_link(id)
        .map_err(|error| refused(&action(), error))?;
    match FdLink::try_from(link) {
        Ok(link) => link
            .pin(pin)
            .map(drop)
            .map_err(|error| refused("pin the TC link", error)),
        Err(error) => Err(DataplaneError::Kernel {
            action: action(),
            reason: format!("{error} (host placement needs Linux 6.6)"),
        }),
    }
}

/// Detaches from interfaces that are no longer asked for.
fn forget_others(pins: &Pins, interfaces: &[(String, u32)]) -> Result<(), DataplaneError> {
    let links = pins.links();
    let pinned = fs::read_dir(&links).map_err(|error| refused("list the pinned links", error))?;
    for pin in pinned.flatten() {
        let name = pin.file_name();
        let wanted = name
            .to_string_lossy()
            .rsplit_once('-')
            .and_then(|(_, index)| index.parse().ok())
            .is_some_and(|index: u32| interfaces.iter().any(|(_, wanted)| *wanted == index));
        if !wanted {
            let _ = fs::remove_file(pin.path());
        }
    }
    Ok(())
}

fn errno(error: &ProgramError) -> Option<i32> {
    match error {
        ProgramError::SyscallError(syscall) => syscall.io_error.raw_os_error(),
        _ => None,
    }
}
