//! `tidegate manual`: a page for every command, out of the same words as `--help`.

use std::{fs, path::PathBuf};

use serde_json::json;

use super::output::Output;
use crate::error::{AppError, ErrorKind};

/// Flags of `manual`.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Folder the pages are written into.
    folder: PathBuf,
}

pub(super) fn manual(
    args: &Args,
    program: clap::Command,
    out: &mut Output,
) -> Result<(), AppError> {
    let folder = args.folder.display();
    let failed = |error: &_| AppError::io(ErrorKind::Failure, &folder, error);
    fs::create_dir_all(&args.folder).map_err(|error| failed(&error))?;
    clap_mangen::generate_to(program, &args.folder).map_err(|error| failed(&error))?;
    out.object(&json!({ "folder": args.folder }), || {
        format!("manual pages are in {folder}\n")
    })
}
