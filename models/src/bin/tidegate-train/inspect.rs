//! `tidegate-train inspect`: a look at a data file.

use std::{
    fmt::{self, Write as _},
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Args;
use serde::Serialize;
use tidegate_models::{
    Classifier as _, Model, Schema,
    train::{
        data_file,
        inspect::{Importance, Inspection, Sample, importances, inspect},
    },
};

use super::Output;

/// Rows of a class that importances are measured on.
const SAMPLE: usize = 2000;

#[derive(Args)]
pub(super) struct InspectArgs {
    /// Labelled rows: KDD'99, NSL-KDD or a recording, plain, .gz or .zst.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Columns to look at, kdd41 or live; the file's own if absent.
    #[arg(long)]
    schema: Option<Schema>,
    /// Besides, what this model would lose without each column.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Seed of the rows drawn and shuffled for it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t = Output::Human)]
    output: Output,
}

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    inspection: Inspection,
    #[serde(skip_serializing_if = "Option::is_none")]
    importances: Option<Vec<Importance>>,
}

pub(super) fn run(args: &InspectArgs) -> anyhow::Result<()> {
    let file = data_file(&args.data)?;
    let model = args.model.as_ref().map(Model::load).transpose()?;
    let importances = model
        .map(|model| {
            let sample = Sample::draw(&file, model.schema(), SAMPLE, args.seed)?;
            anyhow::Ok(importances(&model, &sample, args.seed))
        })
        .transpose()?;
    let answer = Answer {
        inspection: inspect(&file, args.schema)?,
        importances,
    };
    let mut text = String::new();
    match args.output {
        Output::Json => text = serde_json::to_string(&answer)? + "\n",
        Output::Human => human(&mut text, &answer)?,
    }
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn human(text: &mut String, answer: &Answer) -> fmt::Result {
    let found = &answer.inspection;
    writeln!(
        text,
        "{}: {} rows, {} distinct ({:.1} % repeat another), {} columns of schema {}",
        found.source.file,
        found.rows,
        found.distinct_rows,
        found.duplicate_share * 100.0,
        found.columns.len(),
        found.schema
    )?;
    writeln!(
        text,
        "{} distinct rows of columns occur with more than one class",
        found.ambiguous_rows
    )?;
    let list = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    writeln!(text, "constant columns: {}", list(&found.constant_columns))?;
    writeln!(
        text,
        "columns with missing values: {}",
        list(&found.columns_with_missing)
    )?;
    writeln!(text, "\nclasses, {:.3} bits", found.class_entropy)?;
    for (class, rows) in &found.classes {
        writeln!(text, "  {class:<8} {rows:>9}")?;
    }
    writeln!(text, "\nattack types")?;
    for group in &found.groups {
        writeln!(
            text,
            "  {:<24} {:<8} {:>9}",
            group.name, group.class, group.rows
        )?;
    }
    writeln!(
        text,
        "\n{:<30} {:<9} {:>6} {:>11} {:>12} {:>7} {:>8} {:>6}",
        "column", "type", "least", "greatest", "mean", "values", "missing", "bits"
    )?;
    for column in &found.columns {
        let number = |value: Option<u32>| value.map_or("–".to_owned(), |value| value.to_string());
        writeln!(
            text,
            "{:<30} {:<9} {:>6} {:>11} {:>12} {:>7} {:>8} {:>6.3}",
            column.name,
            format!("{:?}", column.kind).to_lowercase(),
            number(column.least),
            number(column.greatest),
            column
                .mean
                .map_or("–".to_owned(), |mean| format!("{mean:.3}")),
            column.distinct_values,
            column.missing,
            column.mutual_information
        )?;
    }
    writeln!(text, "\ncolumns that say the same, |r| > 0.98")?;
    for pair in &found.correlations.pairs {
        writeln!(
            text,
            "  {:<28} {:<28} {:>7.4}",
            pair.first, pair.second, pair.r
        )?;
    }
    if let Some(importances) = &answer.importances {
        writeln!(text, "\nloss of mean recall when a column is shuffled")?;
        let mut sorted: Vec<_> = importances.iter().filter(|it| it.loss != 0.0).collect();
        sorted.sort_by(|a, b| b.loss.total_cmp(&a.loss));
        for importance in sorted {
            writeln!(text, "  {:<30} {:>7.4}", importance.column, importance.loss)?;
        }
    }
    Ok(())
}
