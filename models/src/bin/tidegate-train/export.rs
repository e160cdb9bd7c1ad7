//! `tidegate-train export`: models and rows for other programs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use tidegate_models::{
    CLASS_COUNT, Class, Classifier as _, Features, Model, Schema,
    format::ModelFile,
    train::{OnBad, Rows, npy, onnx},
};

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Write this tree or forest as ONNX.
    #[arg(long, value_name = "MODEL", required_unless_present_any = ["rows", "predictions"])]
    onnx: Option<PathBuf>,
    /// Write the rows of a data file as this schema's integers, the class's code last: a NumPy
    /// array of uint32.
    #[arg(
        long,
        value_name = "SCHEMA",
        requires = "file",
        conflicts_with = "onnx"
    )]
    rows: Option<Schema>,
    /// Write this model's answers to the rows of a data file: a NumPy array of float32, the six
    /// shares, then the codes of nearest and class.
    #[arg(long, value_name = "MODEL", requires = "file", conflicts_with_all = ["onnx", "rows"])]
    predictions: Option<PathBuf>,
    /// Labelled rows: KDD'99, NSL-KDD or a recording, plain, .gz or .zst.
    #[arg(long, value_name = "FILE", conflicts_with = "onnx")]
    file: Option<PathBuf>,
    /// Decide by this one of the model's decisions instead of its first.
    #[arg(long, value_name = "NAME", conflicts_with = "rows")]
    decision: Option<String>,
    /// File to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(crate) fn run(args: &ExportArgs) -> anyhow::Result<()> {
    let decision = args.decision.as_deref();
    let file = || args.file.as_deref().context("no file of rows");
    let bytes = match (&args.onnx, args.rows, &args.predictions) {
        (Some(path), _, _) => {
            // Checks the file.
            Model::load_deciding(path, decision)?;
            let named = || path.display().to_string();
            let text = fs::read_to_string(path).with_context(named)?;
            let file: ModelFile = serde_json::from_str(&text).with_context(named)?;
            onnx::export(&file.widen()?, decision).with_context(named)?
        }
        (_, Some(schema), _) => rows(file()?, schema)?,
        (_, _, Some(path)) => predictions(file()?, &Model::load_deciding(path, decision)?)?,
        _ => anyhow::bail!("nothing to export"),
    };
    fs::write(&args.output, &bytes)
        .with_context(|| format!("cannot write {}", args.output.display()))?;
    eprintln!("wrote {} ({} bytes)", args.output.display(), bytes.len());
    Ok(())
}

fn read(path: &Path, schema: Schema) -> anyhow::Result<Vec<(Features, Class)>> {
    let rows = Rows::open(path, schema, OnBad::Stop)?;
    rows.map(|row| row.map(|row| (row.features, row.class)))
        .collect::<Result<_, _>>()
        .map_err(Into::into)
}

fn rows(path: &Path, schema: Schema) -> anyhow::Result<Vec<u8>> {
    let rows = read(path, schema)?;
    let values = rows.iter().flat_map(|(features, class)| {
        let values = features.values().iter().copied();
        values.chain([class.index() as u32])
    });
    let values: Vec<u32> = values.collect();
    Ok(npy::of_integers(schema.columns().len() + 1, &values))
}

fn predictions(path: &Path, model: &Model) -> anyhow::Result<Vec<u8>> {
    let rows = read(path, model.schema())?;
    let values = rows.iter().flat_map(|(features, _)| {
        let prediction = model.predict(features);
        let codes = [prediction.nearest, prediction.class].map(|class| class.index() as f32);
        prediction.shares.into_iter().chain(codes)
    });
    let values: Vec<f32> = values.collect();
    Ok(npy::of_floats(CLASS_COUNT + 2, &values))
}
