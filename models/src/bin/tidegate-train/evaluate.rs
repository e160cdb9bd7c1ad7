//! `tidegate-train evaluate`: judges a model on rows.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use tidegate_models::{
    Class, Model, OperatingPoint, Prediction,
    train::{
        self, Evaluation, MEASURES,
        evaluate::{Options, Subject, evaluate_points},
        figures, with_test_figures,
    },
};

use super::{Output, RowArgs};

/// `--decision` for every way to decide that the model has.
const ALL: &str = "all";

#[derive(Args)]
pub(super) struct EvaluateArgs {
    /// Model file.
    #[arg(value_name = "MODEL", required_unless_present = "model")]
    positional: Option<PathBuf>,
    /// Model file.
    #[arg(long, value_name = "FILE", conflicts_with = "positional")]
    model: Option<PathBuf>,
    /// Labelled rows: KDD'99, NSL-KDD or a recording, plain, .gz or .zst; or a folder, of which
    /// the contest's test file, corrected.
    #[arg(long, visible_alias = "file", value_name = "FILE|DIR")]
    data: PathBuf,
    /// The way to decide, by its name in the model file; the first if absent, each if "all".
    #[arg(long, value_name = "NAME")]
    decision: Option<String>,
    #[command(flatten)]
    rows: RowArgs,
    /// Blank the columns a /predict request may lack.
    #[arg(long)]
    request_columns: bool,
    /// Write the prediction of every row, in order; then the rows may lack the label.
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Add the figures to this model card.
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t = Output::Human)]
    output: Output,
}

pub(super) fn run(args: &EvaluateArgs) -> anyhow::Result<()> {
    let path = args.model.as_ref().or(args.positional.as_ref());
    let path = path.context("no model given")?;
    let named = args.decision.as_deref().filter(|name| *name != ALL);
    let model = Model::load_deciding(path, named)?;
    let points: Vec<OperatingPoint> = match args.decision.as_deref() {
        None => model.decisions()[..1].to_vec(),
        Some(name) => {
            let points = model.decisions().iter();
            let wanted = points.filter(|point| name == ALL || point.name == name);
            wanted.cloned().collect()
        }
    };
    let file = train::data_file(&args.data)?;
    let subject = Subject {
        model: &model,
        points: &points,
    };
    let options = Options {
        request_columns: args.request_columns,
        on_bad: args.rows.on_bad(),
        ..Options::default()
    };
    let mut predictions = args.predictions.as_deref().map(Csv::create).transpose()?;
    let evaluations = evaluate_points(&[subject], &file, options, &mut |prediction| {
        predictions
            .as_mut()
            .map_or(Ok(()), |csv| csv.write(prediction))
    })?;
    if let Some(csv) = predictions {
        csv.finish()?;
    }
    let evaluations: Vec<_> = evaluations.into_iter().flatten().collect();
    let first = evaluations.first().context("the model decides nothing")?;
    if first.skipped.count > 0 {
        eprintln!("{}: {}", first.source.file, first.skipped);
    }
    if first.lacks_hosts {
        let file = &first.source.file;
        eprintln!("{file}: recorded without the columns keyed by host: taken as 0");
    }
    if first.confusion.total() == 0 {
        anyhow::ensure!(
            args.predictions.is_some() && args.card.is_none(),
            "{}: no labels to judge by",
            file.display()
        );
        eprintln!("{}: no labels to judge by", file.display());
        return Ok(());
    }
    if let Some(path) = &args.card {
        let card =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let card = with_test_figures(&card, &evaluations);
        fs::write(path, card).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let text = match args.output {
        Output::Json if args.decision.as_deref() == Some(ALL) => {
            serde_json::to_string(&evaluations)? + "\n"
        }
        Output::Json => serde_json::to_string(first)? + "\n",
        Output::Human => human(&evaluations),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// One way to decide in full, or several a line each.
fn human(evaluations: &[Evaluation]) -> String {
    let mut text = String::new();
    for found in evaluations {
        if text.is_empty() {
            text = format!(
                "{} on {} ({} rows)\n\n",
                found.model, found.source.file, found.source.rows
            );
        }
        text.push_str(&format!("{}:", found.decision));
        for measure in &MEASURES {
            let figure = (measure.of)(found).map_or("–".to_owned(), |x| format!("{x:.4}"));
            text.push_str(&format!(" {} {figure},", measure.name));
        }
        text.push_str(&format!(" {:.3} µs a row\n", found.microseconds_a_row));
    }
    let [found] = evaluations else { return text };
    text.push_str(&format!(
        "\nVerdicts\n\n{}\nAttack types\n",
        figures(&found.confusion)
    ));
    for row in found.attacks.iter().filter(|row| row.class.is_attack()) {
        let seen = match row.seen {
            Some(true) => "seen",
            Some(false) => "not seen",
            None => "",
        };
        text.push_str(&format!(
            "{:<18} {:<6} {seen:<9} {:>7} rows  recall {:.4}  called an attack {:.4}\n",
            row.name, row.class, row.rows, row.recall, row.called_attack
        ));
    }
    text
}

/// Predictions as CSV: `class`, `nearest`, `confidence` and the share of every class.
struct Csv<'a> {
    path: &'a Path,
    writer: BufWriter<File>,
}

impl<'a> Csv<'a> {
    fn create(path: &'a Path) -> anyhow::Result<Self> {
        let context = || format!("cannot write {}", path.display());
        let mut writer = BufWriter::new(File::create(path).with_context(context)?);
        let classes = Class::ALL.map(Class::name).join(",");
        writeln!(writer, "class,nearest,confidence,{classes}").with_context(context)?;
        Ok(Self { path, writer })
    }

    fn write(&mut self, prediction: &Prediction) -> io::Result<()> {
        let Prediction {
            class,
            nearest,
            confidence,
            shares,
        } = prediction;
        write!(self.writer, "{class},{nearest},{confidence}")?;
        for share in shares {
            write!(self.writer, ",{share}")?;
        }
        writeln!(self.writer)
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.writer
            .flush()
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}
