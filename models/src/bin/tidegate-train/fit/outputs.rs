//! A model file and what goes beside it.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tidegate_models::{
    Model,
    train::{fit::Fitted, render_card, without_test_figures},
};

/// Paths and what is to be there.
pub(super) type Files = Vec<(PathBuf, String)>;

/// The model file and what goes beside it; the card needs the command that made it, without one
/// there is only the model.
pub(super) fn files(fitted: &Fitted, path: &Path, command: Option<&str>) -> anyhow::Result<Files> {
    let text = fitted.file.to_json()?;
    // What can't be loaded is not written.
    let model = Model::from_json(&text)?;
    let mut files = vec![(path.to_owned(), text)];
    if let Some(command) = command {
        files.push((
            path.with_extension("md"),
            render_card(fitted, &model, command),
        ));
        if !fitted.curve.is_empty() {
            let curve = serde_json::to_string(&fitted.curve)?;
            files.push((path.with_extension("curve.json"), format!("{curve}\n")));
        }
    }
    Ok(files)
}

pub(super) fn write(files: &Files) -> anyhow::Result<()> {
    for (path, text) in files {
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("wrote {} ({} bytes)", path.display(), text.len());
    }
    Ok(())
}

/// What is where a file should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Found {
    Same,
    Differs,
    Missing,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Same => "same",
            Self::Differs => "differs",
            Self::Missing => "missing",
        })
    }
}

/// Compares byte for byte; of a card only what a fit writes, since test figures come later.
pub(super) fn compare(files: &Files) -> anyhow::Result<Vec<(&Path, Found)>> {
    let found = files.iter().map(|(path, text)| {
        let there = match fs::read(path) {
            Ok(there) => there,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((path.as_path(), Found::Missing));
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let is_card = path.extension().is_some_and(|extension| extension == "md");
        let same = match str::from_utf8(&there) {
            Ok(there) if is_card => without_test_figures(there) == without_test_figures(text),
            _ => there == text.as_bytes(),
        };
        let found = if same { Found::Same } else { Found::Differs };
        Ok((path.as_path(), found))
    });
    found.collect()
}
