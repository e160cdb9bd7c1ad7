//! Root: namespaces, BPF and package installation need it.

use std::env;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Whether `sudo` works without asking.
pub(crate) fn can_sudo() -> bool {
    Command::new("sudo")
        .args(["-n", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A command that runs as root, with this environment's search path.
pub(crate) fn as_root(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", "-E", program]);
    command
}

/// Runs this same xtask command as root where we are not root yet.
/// `true`: it ran, there is nothing left to do. Its failure is an error.
pub(crate) fn become_root() -> Result<bool> {
    if is_root() {
        return Ok(false);
    }
    if !can_sudo() {
        bail!("this needs root (namespaces, BPF): run it as root or allow sudo");
    }
    let mut path = std::ffi::OsString::from("PATH=");
    path.push(env::var_os("PATH").unwrap_or_default());
    let status = Command::new("sudo")
        .args(["-n", "-E", "env"])
        .arg(path)
        .arg(env::current_exe()?)
        .args(env::args_os().skip(1))
        .status()?;
    if !status.success() {
        bail!("the run as root failed ({status})");
    }
    Ok(true)
}
