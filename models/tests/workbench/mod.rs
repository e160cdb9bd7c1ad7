//! The workbench as a program.

use std::{
    path::Path,
    process::{Command, Output},
};

/// Runs it in the folder.
pub(crate) fn workbench(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate-train"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

/// What it said.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
