//! `tidegate-train import`: rows of data files to an InfluxDB.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use tidegate_models::train::influx::{Event, ImportOptions, import};

use crate::{Output, RowArgs, database::DatabaseArgs};

/// Columns of the bar.
const BAR: u64 = 30;
/// Time between two looks of the bar.
const TERMINAL: Duration = Duration::from_millis(100);
/// And between two lines where there is no terminal.
const LOG: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(super) struct ImportArgs {
    /// Server that gets the rows.
    #[arg(long, value_name = "URL", requires = "database")]
    influx: String,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Tag dataset of the rows of one file; the file's name if absent.
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Tag split; if absent test for the published test files, train for any other.
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    #[command(flatten)]
    rows: RowArgs,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t = Output::Human)]
    output: Output,
    /// Labelled rows: KDD'99, NSL-KDD, recordings or tables, plain, .gz or .zst.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

pub(super) fn run(args: &ImportArgs) -> anyhow::Result<()> {
    anyhow::ensure!(
        args.dataset.is_none() || args.files.len() == 1,
        "--dataset names the rows of one file, and {} are given",
        args.files.len()
    );
    let database = args.database.open(&args.influx)?;
    for path in &args.files {
        let mut progress = Progress::new(path);
        let options = ImportOptions {
            dataset: args.dataset.clone(),
            split: args.split.clone(),
            on_bad: args.rows.on_bad(),
        };
        let imported = import(&database, path, &options, &mut |event| progress.show(event));
        progress.end();
        let imported = imported.with_context(|| format!("cannot import {}", path.display()))?;
        if imported.skipped.count > 0 {
            eprintln!("{}: {}", path.display(), imported.skipped);
        }
        let rate = progress.rate().round();
        let line = match args.output {
            Output::Json => json!({
                "file": imported.source.file,
                "sha256": imported.source.sha256,
                "rows": imported.source.rows,
                "sent": imported.sent,
                "rows_per_second": rate,
                "dataset": imported.dataset,
                "split": imported.split,
            })
            .to_string(),
            Output::Human => format!(
                "{}: {} rows stored, {} of them now ({rate} rows/s), as dataset {} and split {}",
                imported.source.file,
                imported.source.rows,
                imported.sent,
                imported.dataset,
                imported.split
            ),
        };
        writeln!(io::stdout(), "{line}")?;
    }
    Ok(())
}

/// How far it is, on stderr: a bar on a terminal, else a line now and then.
struct Progress {
    name: String,
    terminal: bool,
    /// When the first row was to be sent, and how many were stored already.
    began: Option<(Instant, u64)>,
    stored: u64,
    shown: Option<Instant>,
    drawn: bool,
}

impl Progress {
    fn new(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default();
        Self {
            name: name.to_string_lossy().into_owned(),
            terminal: io::stderr().is_terminal(),
            began: None,
            stored: 0,
            shown: None,
            drawn: false,
        }
    }

    fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Checked(rows) => self.draw(&format!("{}: {rows} rows checked", self.name)),
            Event::Resumed(rows) => {
                self.end();
                eprintln!("{}: goes on after {rows} rows", self.name);
                self.stored = rows;
            }
            Event::Begin => self.began = Some((Instant::now(), self.stored)),
            Event::Stored { rows, of } => {
                self.stored = rows;
                self.draw(&self.bar(rows, of));
            }
            Event::Waiting { why, wait } => {
                self.end();
                eprintln!("{}: {why}; again in {:.1} s", self.name, wait.as_secs_f64());
            }
        }
    }

    fn bar(&self, rows: u64, of: u64) -> String {
        let full = rows * BAR / of.max(1);
        let rate = self.rate();
        format!(
            "{}: [{}{}] {rows} of {of} rows, {rate:.0} rows/s, {:.0} s left",
            self.name,
            "#".repeat(full as usize),
            ".".repeat(BAR.saturating_sub(full) as usize),
            (of.saturating_sub(rows)) as f64 / rate.max(1.0)
        )
    }

    /// Rows a second since the first was sent.
    fn rate(&self) -> f64 {
        self.began.map_or(0.0, |(began, before)| {
            (self.stored - before) as f64 / began.elapsed().as_secs_f64().max(1e-9)
        })
    }

    fn draw(&mut self, line: &str) {
        let every = if self.terminal { TERMINAL } else { LOG };
        if self.shown.is_some_and(|shown| shown.elapsed() < every) {
            return;
        }
        self.shown = Some(Instant::now());
        if self.terminal {
            // To the line's start, and what is longer is erased.
            eprint!("\r{line}\x1b[K");
            self.drawn = true;
        } else {
            eprintln!("{line}");
        }
    }

    /// Ends the bar's line.
    fn end(&mut self) {
        if std::mem::take(&mut self.drawn) {
            eprintln!();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_how_far_it_is_how_fast_and_how_long_it_takes() {
        let mut progress = Progress::new(Path::new("data/rows.gz"));
        progress.show(Event::Resumed(1_000));
        progress.show(Event::Begin);
        progress.stored = 5_000;
        let bar = progress.bar(5_000, 10_000);
        let full = "rows.gz: [###############...............] 5000 of 10000 rows, ";
        assert!(bar.starts_with(full), "{bar}");
        assert!(
            bar.contains(" rows/s, ") && bar.ends_with(" s left"),
            "{bar}"
        );
        // What was stored before is not to this run's credit, and no rows are no trouble.
        assert!(progress.began.is_some_and(|(_, before)| before == 1_000));
        assert!(progress.bar(0, 0).contains("] 0 of 0 rows"));
    }
}
