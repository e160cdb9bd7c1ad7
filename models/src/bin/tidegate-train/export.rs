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
    train::{kdd, onnx},
};

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Write this tree or forest as ONNX.
    #[arg(long, value_name = "MODEL", required_unless_present_any = ["rows", "predictions"])]
    onnx: Option<PathBuf>,
    /// Write the rows of a KDD file as this schema's integers, the class's code last: a NumPy
    /// array of uint32.
    #[arg(
        long,
        value_name = "SCHEMA",
        requires = "file",
        conflicts_with = "onnx"
    )]
    rows: Option<Schema>,
    /// Write this model's answers to the rows of a KDD file: a NumPy array of float32, the six
    /// shares, then the codes of nearest and class.
    #[arg(long, value_name = "MODEL", requires = "file", conflicts_with_all = ["onnx", "rows"])]
    predictions: Option<PathBuf>,
    /// KDD'99 or NSL-KDD file.
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
            onnx::export(&file, decision).with_context(named)?
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
    let (rows, _) = kdd::read(path)?;
    let of_schema = |features: &Features| match schema {
        Schema::Kdd41 => *features,
        Schema::Live => kdd::to_live(features),
    };
    Ok(rows
        .iter()
        .map(|row| (of_schema(&row.features), row.class))
        .collect())
}

fn rows(path: &Path, schema: Schema) -> anyhow::Result<Vec<u8>> {
    let rows = read(path, schema)?;
    let mut bytes = npy_header("<u4", rows.len(), schema.columns().len() + 1);
    for (features, class) in &rows {
        let values = features.values().iter().copied();
        bytes.extend(
            values
                .chain([class.index() as u32])
                .flat_map(u32::to_le_bytes),
        );
    }
    Ok(bytes)
}

fn predictions(path: &Path, model: &Model) -> anyhow::Result<Vec<u8>> {
    let rows = read(path, model.schema())?;
    let mut bytes = npy_header("<f4", rows.len(), CLASS_COUNT + 2);
    for (features, _) in &rows {
        let prediction = model.predict(features);
        let codes = [prediction.nearest, prediction.class].map(|class| class.index() as f32);
        let values = prediction.shares.into_iter().chain(codes);
        bytes.extend(values.flat_map(f32::to_le_bytes));
    }
    Ok(bytes)
}

/// NumPy's format 1.0: magic, version, length, a dictionary padded to 64 bytes with its newline.
fn npy_header(kind: &str, rows: usize, columns: usize) -> Vec<u8> {
    let dictionary =
        format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let length = (10 + dictionary.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{dictionary:<width$}\n", width = length - 1).into_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_begin_at_a_multiple_of_64_bytes() {
        for rows in [0, 1, 311_029, usize::MAX] {
            let header = npy_header("<u4", rows, 42);
            assert_eq!(header.len() % 64, 0);
            assert_eq!(usize::from(header[8]), header.len() - 10);
            assert!(header.ends_with(b"\n"));
        }
    }
}
