//! `tidegate allowlist`.

use std::{net::IpAddr, process::ExitCode};

use clap::{Args, Subcommand};
use serde_json::json;
use ureq::http::Method;

use super::{
    args::ClientArgs,
    client::Client,
    output::{Output, table},
};
use crate::{
    api::view::{AllowlistBody, AllowlistChangeBody},
    config::Cidr,
    error::AppError,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Who is never blocked, and why.
    List(ClientArgs),
    /// Never block a network from now on; decisions on it are lifted.
    Add(ChangeArgs),
    /// Take back what was added at run time.
    Remove(ChangeArgs),
    /// Whether an address is on it: exits 0 if it is, 1 if not.
    Check(CheckArgs),
}

#[derive(Args, Debug)]
pub(super) struct ChangeArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// An address, or a network such as 192.0.2.0/24.
    network: Cidr,
}

#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Which.
    address: IpAddr,
}

pub(super) fn run(command: Command, out: &mut Output) -> Result<ExitCode, AppError> {
    match command {
        Command::List(client) => {
            let entries: Vec<AllowlistBody> = Client::new(&client).get("/v1/allowlist")?;
            out.list(&entries, || list(&entries))?;
        }
        Command::Add(args) => {
            let body = json!({ "network": args.network });
            let change: AllowlistChangeBody =
                Client::new(&args.client).change(Method::POST, "/v1/allowlist", Some(&body))?;
            out.object(&change, || added(&change))?;
        }
        Command::Remove(args) => {
            let path = format!("/v1/allowlist?network={}", args.network);
            let change: AllowlistChangeBody =
                Client::new(&args.client).change(Method::DELETE, &path, None::<&()>)?;
            out.object(&change, || {
                format!("{} is no longer on the allowlist\n", change.network)
            })?;
        }
        Command::Check(args) => {
            let entries = protecting(&Client::new(&args.client), args.address)?;
            out.list(&entries, || check(args.address, &entries))?;
            if entries.is_empty() {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What protects an address.
pub(super) fn protecting(client: &Client, address: IpAddr) -> Result<Vec<AllowlistBody>, AppError> {
    client.get(&format!("/v1/allowlist?address={address}"))
}

/// What protects an address, in a sentence.
pub(super) fn check(address: IpAddr, entries: &[AllowlistBody]) -> String {
    if entries.is_empty() {
        return format!("{address} is not protected\n");
    }
    let reasons: Vec<_> = entries
        .iter()
        .map(|entry| format!("{} ({})", entry.network, origin(entry)))
        .collect();
    format!("{address} is never blocked: {}\n", reasons.join(", "))
}

fn list(entries: &[AllowlistBody]) -> String {
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| [entry.network.clone(), origin(entry).to_owned()])
        .collect();
    table(["NETWORK", "WHY"], &rows)
}

fn origin(entry: &AllowlistBody) -> &str {
    match entry.origin.as_str() {
        "config" => "listed in the configuration",
        "runtime" => "added at run time",
        "own" => "an address of the agent's machine",
        "gateway" => "its default gateway",
        other => other,
    }
}

fn added(change: &AllowlistChangeBody) -> String {
    let lifted = match change.lifted.len() {
        0 => String::new(),
        1 => "; 1 decision lifted".to_owned(),
        n => format!("; {n} decisions lifted"),
    };
    let kept = if change.kept {
        "kept in the agent's state directory, not in its configuration file"
    } else {
        "until the agent ends: there is no state directory to keep it in; to keep it, list it in policy.allowlist"
    };
    format!("{} is never blocked{lifted}\n{kept}\n", change.network)
}
