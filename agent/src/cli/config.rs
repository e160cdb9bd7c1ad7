//! `tidegate config`.

use clap::Subcommand;
use serde_json::json;

use super::{args::ConfigArgs, output::Output};
use crate::{error::AppError, token::Token};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Whether it is right.
    Check(ConfigArgs),
    /// All of it, with defaults, environment and flags applied; as a file that gives the same.
    Print(ConfigArgs),
}

pub(super) fn run(command: Command, out: &mut Output) -> Result<(), AppError> {
    match command {
        Command::Check(args) => {
            let name = args
                .file()
                .map_or_else(|| "defaults".to_owned(), |path| path.display().to_string());
            let config = args.resolve()?;
            crate::api::Models::load(config.model.as_deref())?;
            if config.token_file.exists() {
                Token::load(&config.token_file)?;
            }
            out.object(&json!({ "file": name, "ok": true }), || {
                format!("{name}: ok\n")
            })
        }
        Command::Print(args) => {
            let config = args.resolve()?;
            let text = config.to_toml()?;
            out.object(&config, || text)
        }
    }
}
