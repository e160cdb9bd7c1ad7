//! linfa's support vector machine beside this crate's, on KDD'99:
//!
//! ```text
//! cargo run --release -p tidegate-models --features linfa --example linfa_svm -- --data DIR
//! ```
//!
//! Both learn from four fifths of the training file's distinct rows, linfa's from a sample of
//! them, and both are judged on the last fifth.

use std::{path::PathBuf, time::Instant};

use clap::Parser;
use tidegate_models::{
    Classifier, Confusion, Costs, Schema, Svm,
    train::{
        Dataset, DatasetBuilder, OnBad, Rows, TEST_FILE, TrainingSet, find,
        linfa::{LinfaSvmSettings, fit_svm},
        svm,
    },
};

#[derive(Parser)]
struct Args {
    /// Folder with the KDD'99 files.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Rows that linfa's learns from, at most 5000.
    #[arg(long, default_value_t = LinfaSvmSettings::default().rows)]
    rows: usize,
    /// Seed of the sample, and of our machine.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Judge on the contest's test file, too.
    #[arg(long)]
    test: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let all = read(&args, TrainingSet::Kdd99.file())?;
    // Distinct rows are in the order of their values: every fifth is a fair share of everything.
    let kept = all.filter(|index, _| index % 5 != 0);
    let mut judged = vec![("held-out rows", all.filter(|index, _| index % 5 == 0))];

    let settings = LinfaSvmSettings {
        rows: args.rows,
        ..LinfaSvmSettings::default()
    };
    let start = Instant::now();
    let linfa = fit_svm(&kept, &settings, Costs::ARGMAX, args.seed)?;
    let linfa_seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let parameters = svm::fit(&kept, &svm::SvmSettings::default(), args.seed)?;
    let own = Svm::new(kept.schema, "own", Costs::ARGMAX, &parameters)?;
    let own_seconds = start.elapsed().as_secs_f64();

    if args.test {
        judged.push((TEST_FILE, read(&args, TEST_FILE)?));
    }
    for (name, seconds, classifier) in [
        ("linfa", linfa_seconds, &linfa as &dyn Classifier),
        ("own", own_seconds, &own),
    ] {
        println!("{name}: fitted in {seconds:.1} s");
        for (rows, data) in &judged {
            println!("{name} on {rows}: {}", figures(classifier, data));
        }
    }
    Ok(())
}

fn read(args: &Args, name: &str) -> anyhow::Result<Dataset> {
    let path = find(&args.data, name)?;
    let (data, _) = Rows::open(&path, Schema::Kdd41, OnBad::Stop)?.process(|rows| {
        let mut data = DatasetBuilder::new(Schema::Kdd41);
        for row in rows {
            data.add(&row.features, row.class, &row.group);
        }
        data.finish()
    })?;
    Ok(data)
}

/// All rows, duplicates included.
fn figures(classifier: &dyn Classifier, data: &Dataset) -> String {
    let mut confusion = Confusion::default();
    for row in &data.rows {
        let class = classifier.predict(&row.features).class;
        confusion.add(row.class, class, row.count);
    }
    format!(
        "cost {:.4}, false-positive rate {:.4}, accuracy {:.4}",
        confusion.kdd_cost(),
        confusion.false_positive_rate(),
        confusion.accuracy()
    )
}
