//! `cargo xtask onnx`: the exports, compared with the models row by row in ONNX Runtime.

use anyhow::Result;

use crate::build_cmd::cargo;
use crate::{data, python};

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
    if let Ok(data) = data::folder() {
        command.env("TIDEGATE_DATA", data);
    }
    Ok(command.status()?.success())
}
