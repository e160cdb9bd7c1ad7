//! Rows a second to a real InfluxDB 1.x on this machine, and back: KDD'99's 10 % file.
//!
//! `cargo bench -p tidegate-models --features train --bench influx -- --data DIR` prints one line of JSON, and fails if
//! what comes back is not what went; `cargo xtask bench influx` sets targets beside it. CPU times on stderr say what a
//! row costs whatever else the machine does.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use clap::Parser;
use nix::time::{ClockId, clock_gettime};
use serde_json::json;
use tidegate_influx::{
    Secret,
    testing::{DATABASE, Influxd},
};
use tidegate_models::{
    Schema,
    train::{
        DatasetBuilder, LabelledRow, OnBad, Rows, find,
        fit::TRAINING_FILE,
        influx::{Database, Event, ImportOptions, Settings, StoredRows, import},
    },
};

#[derive(Parser)]
struct Options {
    /// Folder with kddcup.data_10_percent (plain, .gz or .zst).
    #[arg(long, env = "TIDEGATE_DATA")]
    data: PathBuf,
    /// How often to measure; the best counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    runs: u32,
    /// What cargo bench passes.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What one way took.
struct Took {
    rows: u64,
    wall: Duration,
    /// Of this process; the server's is its own.
    cpu: Duration,
    server: Duration,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let path = find(&options.data, TRAINING_FILE)?;
    let expected = merged(|take| {
        let rows = Rows::open(&path, Schema::Kdd41, OnBad::Stop)?;
        rows.process(take)?;
        Ok(())
    })?;
    let (mut imports, mut reads) = (Vec::new(), Vec::new());
    for run in 1..=options.runs {
        let influxd = Influxd::start(&[]);
        influxd.create_database();
        let settings = Settings::new(&influxd.url(), DATABASE);
        let database = Database::new(settings, Secret::default())?;
        let imported = took(&influxd, |began| {
            let begin = &mut |event: Event<'_>| {
                if event == Event::Begin {
                    *began = Instant::now();
                }
            };
            let imported = import(&database, &path, &ImportOptions::default(), begin)?;
            Ok(imported.source.rows)
        })?;
        let mut found = Vec::new();
        let read = took(&influxd, |_| {
            found = merged(|take| {
                let rows = StoredRows::open(&database, TRAINING_FILE, Schema::Kdd41)?;
                rows.process(take)?;
                Ok(())
            })?;
            Ok(imported.rows)
        })?;
        ensure!(found == expected, "what came back is not what went");
        eprintln!("run {run}: import {imported}, read {read}");
        imports.push(imported);
        reads.push(read);
    }
    // Other programs only slow it down: the best run is what it can do.
    let best = |runs: &[Took]| runs.iter().map(Took::rate).fold(0.0, f64::max);
    let (import, read) = (best(&imports), best(&reads));
    println!("{}", json!({ "import": import, "read": read }));
    Ok(())
}

type Merged = Vec<(Vec<u32>, u64)>;

/// What a fit begins with: the distinct rows.
fn merged(
    read: impl FnOnce(&mut dyn FnMut(&mut dyn Iterator<Item = LabelledRow>)) -> anyhow::Result<()>,
) -> anyhow::Result<Merged> {
    let mut builder = DatasetBuilder::new(Schema::Kdd41);
    read(&mut |rows| {
        for row in rows {
            builder.add(&row.features, row.class, &row.group);
        }
    })?;
    let data = builder.finish();
    let rows = data.rows.iter();
    Ok(rows
        .map(|row| (row.features.values().to_vec(), row.count))
        .collect())
}

/// `work` gives its rows, and may set when it began.
fn took(
    influxd: &Influxd,
    work: impl FnOnce(&mut Instant) -> anyhow::Result<u64>,
) -> anyhow::Result<Took> {
    let cpu = || {
        anyhow::Ok(Duration::from(clock_gettime(
            ClockId::CLOCK_PROCESS_CPUTIME_ID,
        )?))
    };
    let mut began = Instant::now();
    let (own, server) = (cpu()?, influxd.cpu().context("no CPU time of influxd")?);
    let rows = work(&mut began)?;
    Ok(Took {
        rows,
        wall: began.elapsed(),
        cpu: cpu()? - own,
        server: influxd.cpu().context("no CPU time of influxd")? - server,
    })
}

impl Took {
    fn rate(&self) -> f64 {
        self.rows as f64 / self.wall.as_secs_f64()
    }
}

impl std::fmt::Display for Took {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let per_row = |time: Duration| time.as_secs_f64() * 1e6 / self.rows as f64;
        write!(
            f,
            "{:.0} rows/s (CPU a row: {:.1} µs here, {:.1} µs in influxd)",
            self.rate(),
            per_row(self.cpu),
            per_row(self.server)
        )
    }
}
