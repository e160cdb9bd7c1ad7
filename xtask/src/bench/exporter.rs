//! `cargo xtask bench exporter`: what an exporter whose server is frozen costs whoever classifies.
//!
//! Agents with and without exporter take turns on the same traffic; both keep a journal. What is noise is said by the
//! runs without.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Row, median, options};
use crate::agent::{self, Agent};
use crate::lab::{Kind, Lab};
use crate::process::Running;
use crate::{daemons, interrupt};

/// First packets of connections, 2,500 a second for four seconds.
const TRAFFIC: &str = "hping3 -q -n -S -p ++1 -i u400 -c 10000";
const LIMIT: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(20);
const HISTOGRAM: &str = "tidegate_classification_latency_seconds_bucket";
/// A tenth more is noise, however well the runs without agree.
const LEAST_NOISE: f64 = 1.1;
/// Fewer are no measurement.
const LEAST: f64 = 2_000.0;

/// A run's figures.
#[derive(Clone, Copy)]
struct Figures {
    /// From an event's packet to its class: geometric mean, in µs.
    latency_us: f64,
    /// CPU time of the thread that classifies, in µs for each classification.
    cpu_us: f64,
}

pub(super) fn measure(runs: u32) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let (server, url) = frozen(folder.path())?;
    let mut lab = Lab::start(Kind::Plain)?;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        without.push(one(&mut lab, folder.path(), None)?);
        with.push(one(&mut lab, folder.path(), Some(&url))?);
        for (name, runs) in [("no exporter", &without), ("InfluxDB frozen", &with)] {
            if let Some(last) = runs.last() {
                let Figures { latency_us, cpu_us } = last;
                eprintln!("run {run}, {name}: {latency_us:.1} µs, {cpu_us:.2} µs of CPU");
            }
        }
    }
    // A stopped process does not hear SIGTERM.
    kill(Pid::from_raw(i32::try_from(server.pid())?), Signal::SIGCONT)?;
    let row = |name: &str, pick: fn(&Figures) -> f64| {
        let [mut plain, mut frozen] = [&without, &with].map(|runs| {
            let figures = runs.iter().map(pick);
            figures.collect::<Vec<f64>>()
        });
        let middle = median(&mut plain);
        let noise = plain
            .iter()
            .fold(LEAST_NOISE, |worst, value| f64::max(worst, value / middle));
        Row::less(name, median(&mut frozen) / middle, "times", noise)
    };
    Ok(vec![
        row("time to a class, InfluxDB frozen; of that without", |f| {
            f.latency_us
        }),
        row("CPU of a class, InfluxDB frozen; of that without", |f| {
            f.cpu_us
        }),
    ])
}

/// An influxd that takes connections and never answers.
fn frozen(folder: &Path) -> Result<(Running, String)> {
    let program =
        daemons::find("influxd").context("no influxd: cargo xtask doctor --fix --tests")?;
    let (http, backup) = (agent::free_address()?, agent::free_address()?);
    let log = File::create(folder.join("influxd.log"))?;
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("INFLUXDB_REPORTING_DISABLED", "true")
        .env("INFLUXDB_META_DIR", folder.join("meta"))
        .env("INFLUXDB_DATA_DIR", folder.join("data"))
        .env("INFLUXDB_DATA_WAL_DIR", folder.join("wal"))
        .env("INFLUXDB_BIND_ADDRESS", backup.to_string())
        .env("INFLUXDB_HTTP_BIND_ADDRESS", http.to_string())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    let mut server = Running::start(&mut command)?;
    let url = format!("http://{http}");
    let deadline = Instant::now() + PATIENCE;
    while ask(&format!("{url}/ping")).is_err() {
        if server.has_ended() || Instant::now() > deadline {
            bail!(
                "influxd does not answer: {}",
                folder.join("influxd.log").display()
            );
        }
        interrupt::pause(Duration::from_millis(100))?;
    }
    kill(Pid::from_raw(i32::try_from(server.pid())?), Signal::SIGSTOP)?;
    Ok((server, url))
}

fn one(lab: &mut Lab, folder: &Path, influx: Option<&str>) -> Result<Figures> {
    let journal = folder.join("journal.db");
    for old in ["", "-wal", "-shm", ".lock"] {
        let _ = fs::remove_file(folder.join(format!("journal.db{old}")));
    }
    let mut sections = format!("[journal]\nfile = \"{}\"\n", journal.display());
    if let Some(url) = influx {
        sections += &format!("[influx]\nurl = \"{url}\"\napi = \"v1\"\ntimeout = \"1s\"\n");
    }
    let address = agent::free_address()?;
    let options = agent::Options {
        mode: "monitor",
        ..options(address)
    };
    let agent = Agent::start_with(lab, &options, &sections)?;
    let words = format!("{TRAFFIC} {}", lab.h1.ip);
    let words: Vec<&str> = words.split(' ').collect();
    let cpu = cpu_ns(agent.pid())?;
    lab.attacker.spawn(LIMIT, &words)?.wait_within(LIMIT)?;
    interrupt::pause(Duration::from_millis(500))?;
    let cpu = cpu_ns(agent.pid())? - cpu;
    let text = ask(&format!("http://{address}/metrics"))?;
    agent.stop();
    let (latency_us, count) = geometric_mean_us(&text).context("the agent has no histogram")?;
    if count < LEAST {
        bail!("only {count} classifications: {}", words.join(" "));
    }
    let shows = |sample: &str| text.lines().any(|line| line == sample);
    if influx.is_some()
        && (!shows("tidegate_influx_points_total{result=\"stored\"} 0")
            || shows("tidegate_influx_lag_decisions 0"))
    {
        bail!("no decision waited for the InfluxDB");
    }
    Ok(Figures {
        latency_us,
        cpu_us: cpu as f64 / 1e3 / count,
    })
}

fn ask(url: &str) -> Result<String> {
    let client = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(2)))
        .proxy(None)
        .build()
        .new_agent();
    Ok(client.get(url).call()?.body_mut().read_to_string()?)
}

/// Time the agent's thread `pipeline` was on a CPU.
fn cpu_ns(pid: u32) -> Result<u64> {
    let deadline = Instant::now() + PATIENCE;
    let times = loop {
        // A thread gives itself its name, maybe after others say that they are ready.
        if let Some(times) = schedstat(pid, "pipeline")? {
            break times;
        }
        if Instant::now() > deadline {
            bail!("the agent has no thread named pipeline");
        }
        interrupt::pause(Duration::from_millis(50))?;
    };
    let first = times.split(' ').next().unwrap_or_default();
    first.parse().context("unreadable schedstat")
}

/// What the kernel has of a process's thread of that name.
fn schedstat(pid: u32, name: &str) -> Result<Option<String>> {
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?.path();
        if fs::read_to_string(task.join("comm"))?.trim() == name {
            return Ok(Some(fs::read_to_string(task.join("schedstat"))?));
        }
    }
    Ok(None)
}

/// Of the histogram, each bucket taken at the geometric middle of its bounds; and how many it holds.
fn geometric_mean_us(text: &str) -> Option<(f64, f64)> {
    let (mut below, mut from, mut sum) = (0.0, None::<f64>, 0.0);
    for line in text.lines().filter(|line| line.starts_with(HISTOGRAM)) {
        let (_, rest) = line.split_once("le=\"")?;
        let (bound, count) = rest.split_once("\"} ")?;
        let count: f64 = count.parse().ok()?;
        // The first bucket has no lower end and the last no upper one: four times is a bucket's width.
        let bound = bound.parse().ok().filter(|bound: &f64| bound.is_finite());
        let bound = bound.or(from.map(|from| from * 4.0))?;
        let middle = (bound * from.unwrap_or(bound / 4.0)).sqrt();
        sum += (count - below) * middle.ln();
        (below, from) = (count, Some(bound));
    }
    (below > 0.0).then(|| ((sum / below).exp() * 1e6, below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_taken_at_their_middle() {
        let text = format!(
            "{HISTOGRAM}{{le=\"0.000004\"}} 0\n{HISTOGRAM}{{le=\"0.000016\"}} 3\n{HISTOGRAM}{{le=\"+Inf\"}} 3\nother 9\n"
        );
        let (mean, count) = geometric_mean_us(&text).expect("a histogram");
        assert!((mean - 8.0).abs() < 1e-9 && (count - 3.0).abs() < 1e-9);
        let two = text.replace("+Inf\"} 3", "+Inf\"} 6");
        let (mean, _) = geometric_mean_us(&two).expect("a histogram");
        assert!((mean - 16.0).abs() < 1e-9);
        assert!(geometric_mean_us("").is_none());
    }
}
