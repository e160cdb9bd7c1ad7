//! `tidegate models`.

use std::{fmt::Write as _, path::Path};

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;
use tidegate_models::{
    Classifier as _, Model, OperatingPoint, Schema,
    format::{Metrics, Training},
};
use ureq::http::Method;

use super::{
    args::ClientArgs,
    client::Client,
    output::{Output, table},
};
use crate::{
    api::view,
    error::{AppError, ErrorKind},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// The models that come with this build.
    List,
    /// One model: what it was trained on, and how it did.
    Show(ShowArgs),
    /// Let the running agent judge live traffic by another one.
    Use(UseArgs),
}

#[derive(Args, Debug)]
pub(super) struct UseArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Name or schema of a shipped model, or a file.
    #[arg(value_name = "NAME|FILE")]
    model: String,
}

#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    /// Name or schema of a shipped model, or a file.
    #[arg(value_name = "NAME|FILE")]
    model: String,
}

#[derive(Serialize)]
struct ModelBody<'a> {
    name: &'a str,
    schema: Schema,
    kind: &'static str,
    size: String,
    decisions: &'a [OperatingPoint],
    sha256: &'a str,
    training: &'a Training,
    metrics: &'a Metrics,
}

impl<'a> ModelBody<'a> {
    fn new(model: &'a Model) -> Self {
        Self {
            name: model.name(),
            schema: model.schema(),
            kind: model.kind(),
            size: model.size(),
            decisions: model.decisions(),
            sha256: model.digest(),
            training: model.training(),
            metrics: model.metrics(),
        }
    }
}

pub(super) fn run(command: Command, out: &mut Output) -> Result<(), AppError> {
    match command {
        Command::List => {
            let models = shipped()?;
            let models: Vec<_> = models.iter().map(ModelBody::new).collect();
            out.list(&models, || list(&models))
        }
        Command::Show(args) => {
            let model = find(&args.model)?;
            let model = ModelBody::new(&model);
            out.object(&model, || show(&model))
        }
        Command::Use(args) => {
            let body = json!({ "model": named(&args.model)? });
            let model: view::ModelBody =
                Client::new(&args.client).change(Method::PUT, "/v1/model", Some(&body))?;
            out.object(&model, || {
                format!("{} judges live traffic, until the agent ends\n", model.name)
            })
        }
    }
}

/// How the agent is told of a model: it has a working directory of its own, so files go by their whole path.
fn named(model: &str) -> Result<String, AppError> {
    let path = Path::new(model);
    if !path.is_file() {
        return Ok(model.to_owned());
    }
    let whole = path
        .canonicalize()
        .map_err(|error| AppError::io(ErrorKind::Failure, path.display(), &error))?;
    whole
        .into_os_string()
        .into_string()
        .map_err(|path| AppError::usage(format_args!("{} is no UTF-8", path.display())))
}

fn shipped() -> Result<Vec<Model>, AppError> {
    Schema::ALL
        .into_iter()
        .map(|schema| Model::shipped(schema).map_err(AppError::config))
        .collect()
}

fn find(name: &str) -> Result<Model, AppError> {
    // A file first: it must be seen even where a shipped model is broken.
    if Path::new(name).is_file() {
        return Model::load(name).map_err(AppError::config);
    }
    shipped()?
        .into_iter()
        .find(|model| model.name() == name || model.schema().name() == name)
        .ok_or_else(|| {
            AppError::usage(format_args!(
                "no shipped model and no file is called {name:?}; see tidegate models list"
            ))
        })
}

fn list(models: &[ModelBody<'_>]) -> String {
    let rows: Vec<_> = models
        .iter()
        .map(|model| {
            [
                model.name.to_owned(),
                model.schema.to_string(),
                model.kind.to_owned(),
                model.size.clone(),
                model.training.rows.to_string(),
                model.sha256.chars().take(12).collect(),
            ]
        })
        .collect();
    table(["NAME", "SCHEMA", "KIND", "SIZE", "ROWS", "SHA256"], &rows)
}

fn show(model: &ModelBody<'_>) -> String {
    let training = model.training;
    let mut text = format!(
        "name      {}\nschema    {}\nkind      {}, {}\nsha256    {}\ntrained   on {} rows ({} distinct), seed {}\n",
        model.name,
        model.schema,
        model.kind,
        model.size,
        model.sha256,
        training.rows,
        training.distinct_rows,
        training.seed
    );
    for source in &training.sources {
        // Writing to a String can't fail.
        let _ = writeln!(text, "data      {}, {} rows", source.file, source.rows);
    }
    text
}
