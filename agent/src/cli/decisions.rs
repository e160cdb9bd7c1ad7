//! `tidegate decisions`.

use std::net::IpAddr;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use ureq::http::Method;

use super::{
    args::ClientArgs,
    client::Client,
    output::{Output, table},
};
use crate::{api::view::DecisionBody, config::HumanDuration, error::AppError};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Decisions in force.
    List(ListArgs),
    /// Make a decision; its scope follows from what is given.
    Add(AddArgs),
    /// Take decisions back.
    Delete(DeleteArgs),
}

#[derive(Args, Debug)]
pub(super) struct ListArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Those that ended lately, too.
    #[arg(short, long)]
    all: bool,
    /// Those made within this time, such as 1h or 7d, ended or not: the journal's.
    #[arg(long, value_name = "TIME", conflicts_with = "all")]
    since: Option<HumanDuration>,
}

#[derive(Args, Debug)]
pub(super) struct AddArgs {
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    new: NewDecision,
}

/// The body of the request, flag by flag.
#[derive(Args, Debug, Serialize)]
struct NewDecision {
    /// Sender whose packets it covers.
    #[arg(long, value_name = "IP")]
    source: IpAddr,
    /// Only those to this receiver; needs --protocol.
    #[arg(long, value_name = "IP", requires = "protocol")]
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<IpAddr>,
    /// Only those of this protocol: tcp, udp, icmp, icmpv6 or a number.
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
    /// Only those to this port; needs --protocol.
    #[arg(long, value_name = "N", requires = "protocol")]
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// What happens to them.
    #[arg(long = "type", value_enum, default_value_t)]
    #[serde(rename = "type")]
    action: ActionName,
    /// Packets per second let through, for rate-limit.
    #[arg(long, value_name = "N", required_if_eq("action", "rate-limit"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
    /// For how long, such as 10m or 1h30m.
    #[arg(long, value_name = "TIME")]
    duration: HumanDuration,
    /// Why; shown wherever the decision is.
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum ActionName {
    /// Drop them.
    #[default]
    Drop,
    /// Drop what exceeds --rate.
    RateLimit,
    /// Count them.
    Watch,
}

#[derive(Args, Debug)]
pub(super) struct DeleteArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Which; see decisions list.
    #[arg(required_unless_present = "all")]
    ids: Vec<u64>,
    /// All that are in force.
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

pub(super) fn run(command: Command, out: &mut Output) -> Result<(), AppError> {
    match command {
        Command::List(args) => {
            let path = match args.since {
                Some(age) => format!("/v1/decisions?since={age}"),
                None if args.all => "/v1/decisions?all=true".to_owned(),
                None => "/v1/decisions".to_owned(),
            };
            let decisions: Vec<DecisionBody> = Client::new(&args.client).get(&path)?;
            out.list(&decisions, || human(&decisions))
        }
        Command::Add(args) => {
            let decision: DecisionBody =
                Client::new(&args.client).change(Method::POST, "/v1/decisions", Some(&args.new))?;
            out.object(&decision, || human(std::slice::from_ref(&decision)))
        }
        Command::Delete(args) => {
            let deleted = delete(&args)?;
            out.list(&deleted, || human(&deleted))
        }
    }
}

fn delete(args: &DeleteArgs) -> Result<Vec<DecisionBody>, AppError> {
    let client = Client::new(&args.client);
    let delete = |id: u64| {
        client.change::<DecisionBody>(Method::DELETE, &format!("/v1/decisions/{id}"), None::<&()>)
    };
    if !args.all {
        return args.ids.iter().copied().map(delete).collect();
    }
    let mut deleted = Vec::new();
    for decision in client.get::<Vec<DecisionBody>>("/v1/decisions")? {
        match delete(decision.id) {
            Ok(decision) => deleted.push(decision),
            // It ended by itself meanwhile.
            Err(e) if e.kind() == crate::error::ErrorKind::Failure => {}
            Err(e) => return Err(e),
        }
    }
    Ok(deleted)
}

pub(super) fn human(decisions: &[DecisionBody]) -> String {
    if decisions.is_empty() {
        return "no decisions\n".to_owned();
    }
    let rows: Vec<_> = decisions
        .iter()
        .map(|decision| {
            let action = if decision.simulated {
                format!("{} (simulated)", decision.action)
            } else {
                decision.action.clone()
            };
            let class = decision.class.as_ref().map_or_else(
                || "-".to_owned(),
                |class| format!("{class} {:.0}%", decision.confidence * 100.0),
            );
            let left = match decision.phase.as_str() {
                "active" => decision.duration.clone(),
                ended => ended.to_owned(),
            };
            [
                decision.id.to_string(),
                decision.origin.clone(),
                action,
                decision.value.clone(),
                class,
                left,
                decision.packets_dropped.to_string(),
                decision.bytes_dropped.to_string(),
                decision.scenario.clone(),
            ]
        })
        .collect();
    table(
        [
            "ID", "ORIGIN", "TYPE", "TARGET", "CLASS", "LEFT", "PACKETS", "BYTES", "REASON",
        ],
        &rows,
    )
}
