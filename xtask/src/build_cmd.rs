//! Cargo, with the tools doctor installed first in its search path.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{paths, process};

/// The search path with the installed tools first.
pub(crate) fn search_path() -> OsString {
    let mut path = OsString::from(paths::tools().join("bin"));
    if let Some(rest) = env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    path
}

/// `cargo` in the workspace's root; agent/build.rs finds bpf-linker through PATH.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command
        .env("PATH", search_path())
        .current_dir(paths::root());
    command
}

/// The agent and the workbench, in release mode.
pub(crate) fn build() -> Result<()> {
    for arguments in [
        &["build", "--release", "-p", "tidegate"][..],
        &[
            "build",
            "--release",
            "-p",
            "tidegate-models",
            "--features",
            "train",
        ],
    ] {
        let mut command = cargo();
        command.args(arguments);
        if !command.status()?.success() {
            bail!("`{}` failed", process::line(&command));
        }
    }
    Ok(())
}
