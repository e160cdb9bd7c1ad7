//! `tidegate flows`.

use std::{collections::HashMap, net::IpAddr, thread, time::Duration};

use clap::{Args, Subcommand, ValueEnum};

use super::{
    args::ClientArgs,
    client::Client,
    output::{Output, table},
};
use crate::{api::view::FlowBody, error::AppError};

/// From one look to the next.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Connections that are followed, and what the classifier says of them.
    List(ListArgs),
}

#[derive(Args, Debug)]
pub(super) struct ListArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// At most so many.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Only those from or to this address.
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// Which come first.
    #[arg(long, value_enum, default_value_t)]
    sort: Sort,
    /// Go on: each second, those that have moved. Ends with Ctrl-C.
    #[arg(short, long)]
    follow: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Sort {
    /// The most recently active.
    #[default]
    Recent,
    /// Those with the most packets.
    Packets,
}

pub(super) fn run(command: Command, out: &mut Output) -> Result<(), AppError> {
    let Command::List(args) = command;
    let client = Client::new(&args.client);
    let mut path = format!("/v1/flows?limit={}", args.limit);
    if let Sort::Packets = args.sort {
        path.push_str("&sort=packets");
    }
    if let Some(address) = args.address {
        path.push_str(&format!("&address={address}"));
    }
    let flows: Vec<FlowBody> = client.get(&path)?;
    out.list(&flows, || human(&flows))?;
    let mut moved = Moved::default();
    moved.since(flows);
    if !args.follow {
        return Ok(());
    }
    loop {
        thread::sleep(PAUSE);
        let flows = moved.since(client.get(&path)?);
        if !flows.is_empty() {
            out.list(&flows, || rows(&flows))?;
        }
        if out.is_closed() {
            return Ok(());
        }
    }
}

/// Both ends and the protocol.
pub(super) type Key = (IpAddr, u16, IpAddr, u16, String);

pub(super) fn key(flow: &FlowBody) -> Key {
    (
        flow.src,
        flow.src_port,
        flow.dst,
        flow.dst_port,
        flow.protocol.clone(),
    )
}

/// Packets each way, and the state.
type Progress = (u64, u64, String);

/// What each flow had come to at the last look.
#[derive(Default)]
struct Moved(HashMap<Key, Progress>);

impl Moved {
    /// Those that have changed since; what was not looked at this time is forgotten.
    fn since(&mut self, flows: Vec<FlowBody>) -> Vec<FlowBody> {
        let before = std::mem::take(&mut self.0);
        let mut moved = Vec::new();
        for flow in flows {
            let key = key(&flow);
            let now = (flow.src_packets, flow.dst_packets, flow.flag.clone());
            if before.get(&key) != Some(&now) {
                moved.push(flow);
            }
            self.0.insert(key, now);
        }
        moved
    }
}

const HEAD: [&str; 10] = [
    "FROM", "TO", "PROTO", "SERVICE", "STATE", "AGE", "PACKETS", "BYTES", "CLASS", "CONF",
];

/// A table of flows.
pub(super) fn human(flows: &[FlowBody]) -> String {
    if flows.is_empty() {
        return "no connections\n".to_owned();
    }
    table(HEAD, &cells(flows))
}

/// The same without its head, for those that come later.
fn rows(flows: &[FlowBody]) -> String {
    let text = table(HEAD, &cells(flows));
    text.split_once('\n')
        .map_or_else(String::new, |(_, rows)| rows.to_owned())
}

fn cells(flows: &[FlowBody]) -> Vec<[String; 10]> {
    let end = |ip: IpAddr, port: u16| match (ip, port) {
        (ip, 0) => ip.to_string(),
        (ip, port) => std::net::SocketAddr::new(ip, port).to_string(),
    };
    let cells = |flow: &FlowBody| {
        [
            end(flow.src, flow.src_port),
            end(flow.dst, flow.dst_port),
            flow.protocol.clone(),
            flow.service.clone(),
            flow.flag.clone(),
            format!("{:.1}s", flow.age_s),
            format!("{}/{}", flow.src_packets, flow.dst_packets),
            format!("{}/{}", flow.src_bytes, flow.dst_bytes),
            flow.class.clone().unwrap_or_else(|| "-".to_owned()),
            format!("{:.0}%", flow.confidence * 100.0),
        ]
    };
    flows.iter().map(cells).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_moved_is_shown_again() {
        let flow = |port: u16, packets: u64| FlowBody {
            src: IpAddr::from([10, 0, 0, 1]),
            src_port: port,
            dst: IpAddr::from([10, 0, 0, 2]),
            dst_port: 80,
            protocol: "tcp".to_owned(),
            service: "http".to_owned(),
            flag: "S1".to_owned(),
            duration_s: 1.0,
            age_s: 1.0,
            idle_s: 0.0,
            src_bytes: 0,
            dst_bytes: 0,
            src_packets: packets,
            dst_packets: 0,
            class: None,
            confidence: 0.0,
        };
        let mut moved = Moved::default();
        assert_eq!(moved.since(vec![flow(1, 1), flow(2, 1)]).len(), 2);
        let again = moved.since(vec![flow(1, 1), flow(2, 2), flow(3, 1)]);
        let ports: Vec<_> = again.iter().map(|flow| flow.src_port).collect();
        assert_eq!(ports, [2, 3]);
        assert_eq!(rows(&again).lines().count(), 2);
    }
}
