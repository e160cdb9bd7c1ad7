//! `cargo xtask onnx`: the exports, compared with the models row by row in ONNX Runtime.

use std::env;
use std::path::PathBuf;

use anyhow::Result;

use crate::build_cmd::cargo;
use crate::{paths, python};

pub(crate) fn command() -> Result<bool> {
    let python = match python::with_packages("onnx", "models/python/requirements.txt") {
        Ok(python) => python,
        Err(error) => {
            println!("skipped: no Python with ONNX Runtime: {error:#}");
            return Ok(true);
        }
    };
    let mut command = cargo();
    command
        .args(["test", "-p", "tidegate-models", "--features", "train"])
        .args(["--test", "onnx", "--", "--nocapture"])
        .env("TIDEGATE_PYTHON", python);
    if let Some(data) = data() {
        command.env("TIDEGATE_DATA", data);
    }
    Ok(command.status()?.success())
}

/// The folder with the KDD files: named, or where `cargo xtask data` puts them.
pub(crate) fn data() -> Option<PathBuf> {
    let named = env::var_os("TIDEGATE_DATA").map(PathBuf::from);
    named.or_else(|| Some(paths::root().join("models/data")).filter(|folder| folder.is_dir()))
}
