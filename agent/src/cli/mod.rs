//! The command line.

mod allowlist;
mod args;
mod client;
mod config;
mod decisions;
pub mod detach;
mod doctor;
mod explain;
mod flows;
mod health;
mod logging;
mod manual;
mod models;
mod output;
mod ready;
mod replay;
mod serve;
mod status;
mod top;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand, error::ErrorKind as ClapKind};

pub use ready::Ready;

use crate::error::{AppError, ErrorKind};
use args::{ClientArgs, ConfigArgs, RunArgs, ServeArgs};
use output::{Format, Output};

/// Intrusion prevention in the kernel's fast path, with a trained model.
///
/// Data goes to stdout, the log to stderr. Exit codes: 0 ok, 1 failure, 64 usage, 69 unavailable, 77 permission,
/// 78 configuration.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, propagate_version = true)]
struct Cli {
    /// How to print data.
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "TIDEGATE_OUTPUT"
    )]
    output: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch interfaces and block what the model condemns.
    Run(RunArgs),
    /// Answer /predict only: no root, no kernel programs.
    Serve(ServeArgs),
    /// Read captures instead of a network: connections, classes, and what would have been decided.
    Replay(replay::Args),
    /// What the running agent does.
    Status(ClientArgs),
    /// Who sends most, what moves and what is blocked, every two seconds.
    Top(top::TopArgs),
    /// Decisions of the running agent.
    #[command(subcommand)]
    Decisions(decisions::Command),
    /// Who is never blocked by the running agent.
    #[command(subcommand)]
    Allowlist(allowlist::Command),
    /// Connections the running agent follows.
    #[command(subcommand)]
    Flows(flows::Command),
    /// Why a decision was made, or what is known of an address.
    Explain(explain::ExplainArgs),
    /// Whether an agent or a server answers and is ready: exit code 0, else 69.
    Health(health::Args),
    /// Whether this machine can run the agent, and what to do if not.
    Doctor(ConfigArgs),
    /// Remove what an agent left in the kernel: programs, verdicts, counters.
    Detach(detach::Args),
    /// The models that come with this build, files, and the one that judges live traffic.
    #[command(subcommand)]
    Models(models::Command),
    /// The configuration that would be used.
    #[command(subcommand)]
    Config(config::Command),
    /// A script that completes commands and flags; see your shell's manual for where it goes.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages, one for each command.
    Manual(manual::Args),
}

/// Does what the command line says; the process's exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    match dispatch(cli) {
        Ok(code) => code,
        Err(error) => {
            // Nothing is left to do if stderr is closed.
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("tidegate: {error}\n").as_bytes(),
            );
            error.exit_code()
        }
    }
}

fn dispatch(cli: Cli) -> Result<ExitCode, AppError> {
    let mut out = Output::new(cli.output);
    match cli.command {
        Command::Run(args) => run(args)?,
        Command::Serve(args) => serve::serve(args)?,
        Command::Replay(args) => return replay::replay(&args, cli.output),
        Command::Status(args) => status::status(&args, &mut out)?,
        Command::Top(args) => top::top(&args, &mut out)?,
        Command::Decisions(command) => decisions::run(command, &mut out)?,
        Command::Allowlist(command) => return allowlist::run(command, &mut out),
        Command::Flows(command) => flows::run(command, &mut out)?,
        Command::Explain(args) => explain::explain(&args, &mut out)?,
        Command::Health(args) => {
            let port = std::env::var("PORT").ok();
            health::health(args, port.as_deref(), &mut out)?;
        }
        Command::Doctor(args) => return doctor::doctor(args, &mut out),
        Command::Detach(args) => detach::run(&args, &mut out)?,
        Command::Models(command) => models::run(command, &mut out)?,
        Command::Config(command) => config::run(command, &mut out)?,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tidegate", &mut script);
            output::write(&script)?;
        }
        Command::Manual(args) => manual::manual(&args, Cli::command(), &mut out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn run(args: RunArgs) -> Result<(), AppError> {
    let _log = logging::init(&args.log)?;
    let config = args.resolve()?;
    config.require_interfaces()?;
    crate::run::run(&config)
}

/// Help and version are data; anything else is a usage error.
fn explain(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    match error.kind() {
        ClapKind::DisplayHelp | ClapKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(ErrorKind::Usage.exit_code()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_has_an_environment_variable() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments() {
                let Some(long) = argument.get_long() else {
                    continue;
                };
                // What a single call is about is no setting.
                let client = ["api", "token-file"].contains(&long);
                let settings = !["help", "version"].contains(&long)
                    && (client || !["add", "delete", "list"].contains(&command.get_name()));
                if settings {
                    let name = argument.get_env().and_then(|name| name.to_str());
                    let expected = format!("TIDEGATE_{}", long.replace('-', "_").to_uppercase());
                    assert_eq!(
                        name,
                        Some(expected.as_str()),
                        "{} --{long}",
                        command.get_name()
                    );
                }
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
