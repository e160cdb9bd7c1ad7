//! `tidegate top`.

use std::{
    cmp::Reverse,
    collections::HashMap,
    io::{self, IsTerminal as _},
    net::IpAddr,
    thread,
    time::Duration,
};

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use tidegate_common::stats::Counter;

use super::{
    args::ClientArgs,
    client::Client,
    decisions, flows,
    output::{Output, harmless, table},
};
use crate::{
    api::view::{DecisionBody, FlowBody, StatsBody},
    error::AppError,
};

/// Connections looked at: as many as the agent tells at a time.
const FLOWS: &str = "/v1/flows?limit=1000&sort=packets";
/// Puts the cursor in the first line and clears what is below (ECMA-48: CUP, ED).
const CLEAR: &str = "\u{1b}[H\u{1b}[J";

#[derive(Args, Debug)]
pub(super) struct TopArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Lines of each table.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000), env = "TIDEGATE_LIMIT")]
    limit: u16,
    /// Seconds from one look to the next.
    #[arg(long, value_name = "S", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=3600), env = "TIDEGATE_INTERVAL")]
    interval: u16,
    /// Look once, and end; there are no rates then.
    #[arg(long, env = "TIDEGATE_ONCE")]
    once: bool,
}

/// Looks again and again, until Ctrl-C or nobody reads on.
pub(super) fn top(args: &TopArgs, out: &mut Output) -> Result<(), AppError> {
    let client = Client::new(&args.client);
    let clear = if !args.once && io::stdout().is_terminal() {
        CLEAR
    } else {
        ""
    };
    let mut before = None;
    loop {
        let seen = Seen::now(&client)?;
        let look = Look::new(&seen, before.as_ref(), usize::from(args.limit));
        out.object(&look, || format!("{clear}{}", look.human()))?;
        if args.once || out.is_closed() {
            return Ok(());
        }
        before = Some(seen);
        thread::sleep(Duration::from_secs(args.interval.into()));
    }
}

/// What the agent says at one moment.
struct Seen {
    stats: StatsBody,
    decisions: Vec<DecisionBody>,
    flows: Vec<FlowBody>,
}

impl Seen {
    fn now(client: &Client) -> Result<Self, AppError> {
        Ok(Self {
            stats: client.get("/v1/stats")?,
            decisions: client.get("/v1/decisions")?,
            flows: client.get(FLOWS)?,
        })
    }
}

/// What is shown of it.
#[derive(Serialize)]
struct Look {
    at: String,
    mode: String,
    model: String,
    /// Since the look before; `None` at the first one, as all rates.
    packets_per_s: Option<f64>,
    dropped_per_s: Option<f64>,
    would_drop_per_s: Option<f64>,
    events_per_s: Option<f64>,
    connections: usize,
    decisions_active: usize,
    /// Those that send most first.
    sources: Vec<SourceRow>,
    /// Those with most packets since the look before first.
    flows: Vec<FlowBody>,
    /// Those that drop most first.
    decisions: Vec<DecisionBody>,
    degraded: Vec<String>,
}

/// An originator, by its connections among those looked at.
#[derive(Clone, Serialize)]
struct SourceRow {
    source: IpAddr,
    connections: u64,
    /// It has sent.
    packets: u64,
    bytes: u64,
    packets_per_s: Option<f64>,
    /// What most of those of its connections are that are not normal.
    class: Option<String>,
    /// What is done about it: `drop`, `rate-limit`, `watch`.
    verdict: Option<String>,
}

impl Look {
    fn new(seen: &Seen, before: Option<&Seen>, limit: usize) -> Self {
        let stats = &seen.stats;
        let seconds = before.and_then(|before| seconds_between(&before.stats.at, &stats.at));
        let count = |stats: &StatsBody, counters: &[Counter]| -> u64 {
            let counts = counters.iter().map(|c| stats.counters.get(c.name()));
            counts.flatten().sum()
        };
        let rate = |counters: &[Counter]| {
            let grew = count(stats, counters).saturating_sub(count(&before?.stats, counters));
            Some(grew as f64 / seconds?)
        };
        let moved = moved(seen, before);
        let mut flows: Vec<_> = seen.flows.iter().zip(&moved).collect();
        flows.sort_by_key(|(flow, moved)| Reverse((**moved, flow.src_packets + flow.dst_packets)));
        let flows = flows.into_iter().take(limit);
        let mut decisions = seen.decisions.clone();
        decisions.sort_by_key(|decision| Reverse((decision.packets_dropped, decision.id)));
        decisions.truncate(limit);
        let mut sources = sources(seen, before, seconds);
        sources.truncate(limit);
        Self {
            at: stats.at.clone(),
            mode: stats.mode.clone(),
            model: stats.model.clone(),
            packets_per_s: rate(&[Counter::Packets]),
            dropped_per_s: rate(&[Counter::Dropped, Counter::RateLimited]),
            would_drop_per_s: rate(&[Counter::WouldDrop]),
            events_per_s: rate(&[Counter::Events]),
            connections: stats.connections,
            decisions_active: stats.decisions_active,
            sources,
            flows: flows.map(|(flow, _)| flow.clone()).collect(),
            decisions,
            degraded: stats.degraded.clone(),
        }
    }

    fn human(&self) -> String {
        let mut text = format!(
            "mode {}  model {}  {} connections  {} decisions in force\n{} packets/s  {} dropped/s  {} would be dropped/s  {} events/s\n",
            self.mode,
            self.model,
            self.connections,
            self.decisions_active,
            whole(self.packets_per_s),
            whole(self.dropped_per_s),
            whole(self.would_drop_per_s),
            whole(self.events_per_s),
        );
        for reason in &self.degraded {
            text.push_str(&format!("degraded: {}\n", harmless(reason)));
        }
        let sources: Vec<_> = self.sources.iter().map(SourceRow::cells).collect();
        if !sources.is_empty() {
            let head = [
                "SOURCE",
                "CONNECTIONS",
                "PACKETS/S",
                "PACKETS",
                "BYTES",
                "CLASS",
                "VERDICT",
            ];
            text.push_str(&format!("\n{}", table(head, &sources)));
        }
        text.push_str(&format!("\n{}", flows::human(&self.flows)));
        text.push_str(&format!("\n{}", decisions::human(&self.decisions)));
        text
    }
}

impl SourceRow {
    fn cells(&self) -> [String; 7] {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        [
            self.source.to_string(),
            self.connections.to_string(),
            whole(self.packets_per_s),
            self.packets.to_string(),
            self.bytes.to_string(),
            or_none(&self.class),
            or_none(&self.verdict),
        ]
    }
}

fn whole(rate: Option<f64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"))
}

/// `None` if no time has passed, or the times can't be read.
fn seconds_between(before: &str, now: &str) -> Option<f64> {
    let [before, now] = [before, now].map(|at| at.parse::<Timestamp>().ok());
    let seconds = now?.duration_since(before?).as_secs_f64();
    (seconds > 0.0).then_some(seconds)
}

/// Packets both ways that each connection has more than at the look before; none at the first look.
fn moved(seen: &Seen, before: Option<&Seen>) -> Vec<u64> {
    let packets = |flow: &FlowBody| flow.src_packets + flow.dst_packets;
    let known = before.map(|before| by_key(before, packets));
    let moved = |flow: &FlowBody| {
        let known = known.as_ref()?;
        Some(since(packets(flow), known.get(&flows::key(flow)).copied()))
    };
    seen.flows.iter().map(|f| moved(f).unwrap_or(0)).collect()
}

/// What a count has grown by. One that is lower than before is another connection's.
fn since(now: u64, before: Option<u64>) -> u64 {
    before.map_or(now, |before| now.checked_sub(before).unwrap_or(now))
}

fn by_key(seen: &Seen, count: impl Fn(&FlowBody) -> u64) -> HashMap<flows::Key, u64> {
    let counts = seen.flows.iter().map(|f| (flows::key(f), count(f)));
    counts.collect()
}

/// All originators, those that send most first.
fn sources(seen: &Seen, before: Option<&Seen>, seconds: Option<f64>) -> Vec<SourceRow> {
    struct Sum {
        row: SourceRow,
        moved: u64,
        classes: HashMap<String, u64>,
    }
    let known = before.map(|before| by_key(before, |flow| flow.src_packets));
    let mut sums: HashMap<IpAddr, Sum> = HashMap::new();
    for flow in &seen.flows {
        let sum = sums.entry(flow.src).or_insert_with(|| Sum {
            row: SourceRow {
                source: flow.src,
                connections: 0,
                packets: 0,
                bytes: 0,
                packets_per_s: None,
                class: None,
                verdict: verdict(&seen.decisions, flow.src),
            },
            moved: 0,
            classes: HashMap::new(),
        });
        sum.row.connections += 1;
        sum.row.packets += flow.src_packets;
        sum.row.bytes += flow.src_bytes;
        if let Some(known) = &known {
            let earlier = known.get(&flows::key(flow)).copied();
            sum.moved += since(flow.src_packets, earlier);
        }
        if let Some(class) = &flow.class {
            *sum.classes.entry(class.clone()).or_default() += 1;
        }
    }
    let mut sums: Vec<_> = sums.into_values().collect();
    sums.sort_by_key(|sum| (Reverse((sum.moved, sum.row.packets)), sum.row.source));
    let rows = sums.into_iter().map(|sum| SourceRow {
        packets_per_s: known
            .as_ref()
            .and(seconds)
            .map(|seconds| sum.moved as f64 / seconds),
        class: worst(sum.classes),
        ..sum.row
    });
    rows.collect()
}

/// The class that stands out: the most frequent one other than normal, if there is one.
fn worst(classes: HashMap<String, u64>) -> Option<String> {
    let standing = |(class, count): &(String, u64)| (class != "normal", *count, class.clone());
    let worst = classes.into_iter().max_by_key(standing);
    worst.map(|(class, _)| class)
}

/// What the decision on a source does that is in force the longest.
fn verdict(decisions: &[DecisionBody], source: IpAddr) -> Option<String> {
    let on_it = decisions.iter().find(|d| d.source == Some(source))?;
    Some(if on_it.simulated {
        format!("{} (simulated)", on_it.action)
    } else {
        on_it.action.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_went_down_are_another_connections() {
        assert_eq!(since(7, Some(5)), 2);
        assert_eq!(since(3, Some(5)), 3);
        assert_eq!(since(3, None), 3);
    }

    #[test]
    fn one_attack_stands_out_among_many_normal_connections() {
        let worst = |classes: &[(&str, u64)]| {
            let classes = classes.iter().map(|(class, n)| ((*class).to_owned(), *n));
            worst(classes.collect())
        };
        assert_eq!(
            worst(&[("normal", 90), ("probe", 2), ("dos", 1)]).as_deref(),
            Some("probe")
        );
        assert_eq!(worst(&[("normal", 1)]).as_deref(), Some("normal"));
        assert_eq!(worst(&[]), None);
    }

    #[test]
    fn no_time_is_no_rate() {
        let (a, b) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:02.5Z");
        assert_eq!(seconds_between(a, b), Some(2.5));
        assert_eq!(seconds_between(a, a), None);
        assert_eq!(seconds_between(b, a), None);
        assert_eq!(seconds_between("yesterday", a), None);
    }
}
