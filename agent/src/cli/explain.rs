//! `tidegate explain`: why a decision was made, or what is known of an address.

use std::{fmt::Write as _, net::IpAddr, str::FromStr};

use clap::Args;
use serde::Serialize;

use super::{
    allowlist::{check, protecting},
    args::ClientArgs,
    client::Client,
    decisions, flows,
    output::{Output, harmless},
};
use crate::{
    api::view::{AllowlistBody, DecisionBody, ExplainedBody, FeatureBody, FlowBody},
    error::AppError,
};

/// Flows shown of an address.
const FLOWS: usize = 20;

#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// An address, or the number of a decision.
    #[arg(value_name = "IP|ID")]
    subject: Subject,
}

#[derive(Clone, Copy, Debug)]
enum Subject {
    Decision(u64),
    Address(IpAddr),
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse().map(Self::Decision);
        number
            .or_else(|_| text.parse().map(Self::Address))
            .map_err(|_| format!("neither an address nor the number of a decision: {text:?}"))
    }
}

/// What is known of an address.
#[derive(Serialize)]
struct Known {
    address: IpAddr,
    protected_by: Vec<AllowlistBody>,
    decisions: Vec<DecisionBody>,
    flows: Vec<FlowBody>,
}

pub(super) fn explain(args: &ExplainArgs, out: &mut Output) -> Result<(), AppError> {
    let client = Client::new(&args.client);
    match args.subject {
        Subject::Decision(id) => {
            let explained: ExplainedBody = client.get(&format!("/v1/decisions/{id}"))?;
            out.object(&explained, || decision(&explained))
        }
        Subject::Address(address) => {
            let known = Known {
                address,
                protected_by: protecting(&client, address)?,
                decisions: client.get(&format!("/v1/decisions?all=true&address={address}"))?,
                flows: client.get(&format!("/v1/flows?limit={FLOWS}&address={address}"))?,
            };
            out.object(&known, || {
                format!(
                    "{}\n{}\n{}",
                    check(address, &known.protected_by),
                    decisions::human(&known.decisions),
                    flows::human(&known.flows)
                )
            })
        }
    }
}

fn decision(explained: &ExplainedBody) -> String {
    let ExplainedBody { decision, grounds } = explained;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{name:<9} {}", harmless(value));
    };
    line("decision", &decision.id.to_string());
    line("what", &format!("{} {}", decision.action, decision.value));
    line("why", &decision.scenario);
    let simulated = if decision.simulated {
        ", simulated: it counts and does not drop"
    } else {
        ""
    };
    let ended = decision.ended.as_deref().map(|why| format!(" ({why})"));
    line(
        "state",
        &format!("{}{}{simulated}", decision.phase, ended.unwrap_or_default()),
    );
    line(
        "time",
        &format!("from {} to {}", decision.created_at, decision.until),
    );
    line(
        "dropped",
        &format!(
            "{} packets, {} bytes",
            decision.packets_dropped, decision.bytes_dropped
        ),
    );
    if let Some(class) = &decision.class {
        let sure = format!("{class}, {:.1} % sure", decision.confidence * 100.0);
        let model = if decision.model.is_empty() {
            sure
        } else {
            format!("{sure}, by {}", decision.model)
        };
        line("class", &model);
    }
    let Some(grounds) = grounds else {
        text.push_str(if decision.class.is_some() {
            "\nMade by an agent that is gone, and so are its reasons.\n"
        } else {
            "\nMade by a person.\n"
        });
        return text;
    };
    line("evidence", &grounds.rule);
    text.push_str("\nthe model's way to its answer:\n");
    for step in &decision.path {
        let _ = writeln!(text, "  {}", harmless(step));
    }
    text.push_str("\nwhat it was given, but for zeros:\n");
    let told = grounds.features.iter().filter(|f| f.value != Some(0));
    for feature in told {
        let _ = writeln!(
            text,
            "  {:<28} {}",
            harmless(&feature.column),
            value(feature)
        );
    }
    text
}

fn value(feature: &FeatureBody) -> String {
    match (feature.value, &feature.name) {
        (None, _) => "missing".to_owned(),
        (Some(_), Some(name)) => harmless(name),
        (Some(value), None) => value.to_string(),
    }
}
