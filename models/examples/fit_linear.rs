//! Fits a support vector machine or a network on KDD'99's 10 % file and writes its model file:
//!
//!     cargo run --release -p tidegate-models --features train --example fit_linear -- \
//!         svm DIR out.json [--validate] [name=value]...
//!
//! With `--validate` it says how the settings do on attack types left out, too.

use std::{collections::BTreeMap, env, fs, path::Path, process::ExitCode, time::Instant};

use anyhow::{Context as _, bail};
use tidegate_models::{
    Classifier, Costs, Model, Network, OperatingPoint, Schema, Svm,
    format::Parameters,
    train::{
        Assembly, Dataset, assemble, figures, find,
        fit::TRAINING_FILE,
        kdd, leave_out,
        network::{self, NetworkSettings},
        svm::{self, SvmSettings},
    },
};

const SEED: u64 = 1;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fit_linear: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [kind, folder, output, options @ ..] = arguments.as_slice() else {
        bail!("usage: svm|network DIR OUTPUT [--validate] [name=value]...");
    };
    let validate = options.iter().any(|option| option == "--validate");
    let options: BTreeMap<&str, &str> = options
        .iter()
        .filter_map(|option| option.split_once('='))
        .collect();
    let seed = number(&options, "seed", SEED)?;
    let (rows, source) = kdd::read(&find(Path::new(folder), TRAINING_FILE)?)?;
    let rows = rows
        .into_iter()
        .map(|row| (row.features, row.class, row.label));
    let data = Dataset::new(Schema::Kdd41, rows);
    eprintln!("{} distinct rows", data.rows.len());
    let start = Instant::now();
    let (settings, validation, parameters) = match kind.as_str() {
        "svm" => {
            let settings = svm_settings(&options)?;
            let validation = validate.then(|| {
                leave_out(&data, seed, |data| {
                    let fitted = svm::fit(data, &settings, seed)?;
                    let svm = Svm::new(data.schema, "svm", Costs::ARGMAX, &fitted)?;
                    anyhow::Ok(Box::new(svm) as Box<dyn Classifier>)
                })
            });
            let fitted = svm::fit(&data, &settings, seed)?;
            (settings.settings(), validation, Parameters::Svm(fitted))
        }
        "network" => {
            let settings = network_settings(&options)?;
            let validation = validate.then(|| {
                leave_out(&data, seed, |data| {
                    let (fitted, _) = network::fit(data, &settings, seed)?;
                    let network = Network::new(data.schema, "net", Costs::ARGMAX, &fitted)?;
                    anyhow::Ok(Box::new(network) as Box<dyn Classifier>)
                })
            });
            let (fitted, curve) = network::fit(&data, &settings, seed)?;
            for epoch in curve {
                eprintln!("{epoch:.5?}");
            }
            (settings.settings(), validation, Parameters::Network(fitted))
        }
        other => bail!("no kind of model is called {other:?}"),
    };
    eprintln!("{settings:?}: {:.1} s", start.elapsed().as_secs_f64());
    let validation = validation.transpose()?;
    if let Some(of) = &validation {
        eprintln!("left out: {:.4} {:.4?}", of.score(), of.parts);
    }
    let assembly = Assembly {
        name: Path::new(output)
            .file_stem()
            .context("the output has no name")?
            .to_string_lossy()
            .into_owned(),
        sources: vec![source],
        seed,
        settings,
        validation: validation.map(|of| of.confusion),
        decisions: vec![OperatingPoint {
            name: "argmax".to_owned(),
            costs: Costs::ARGMAX,
        }],
    };
    let file = assemble(&data, parameters, assembly)?;
    let text = file.to_json()?;
    let model = Model::from_json(&text)?;
    eprintln!("{}, {} bytes", model.size(), text.len());
    eprintln!("{}", figures(&file.metrics.training));
    fs::write(output, text)?;
    let start = Instant::now();
    let right = data
        .rows
        .iter()
        .filter(|row| model.predict(&row.features).class == row.class)
        .count();
    let took = start.elapsed().as_secs_f64() / data.rows.len() as f64;
    eprintln!("{right} distinct rows right, {:.2} µs a row", took * 1e6);
    Ok(())
}

fn svm_settings(options: &BTreeMap<&str, &str>) -> anyhow::Result<SvmSettings> {
    let default = SvmSettings::default();
    Ok(SvmSettings {
        random_features: number(options, "random_features", default.random_features)?,
        gamma: number(options, "gamma", default.gamma)?,
        linear: number(options, "linear", default.linear)?,
        cost: number(options, "cost", default.cost)?,
        balance: number(options, "balance", default.balance)?,
        tolerance: number(options, "tolerance", default.tolerance)?,
        passes: number(options, "passes", default.passes)?,
    })
}

fn network_settings(options: &BTreeMap<&str, &str>) -> anyhow::Result<NetworkSettings> {
    let default = NetworkSettings::default();
    let hidden = match options.get("hidden") {
        None => default.hidden,
        Some(text) => text
            .split('-')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .with_context(|| format!("hidden {text}"))?,
    };
    Ok(NetworkSettings {
        hidden,
        rate: number(options, "rate", default.rate)?,
        batch: number(options, "batch", default.batch)?,
        decay: number(options, "decay", default.decay)?,
        epochs: number(options, "epochs", default.epochs)?,
        patience: number(options, "patience", default.patience)?,
        balance: number(options, "balance", default.balance)?,
    })
}

fn number<T>(options: &BTreeMap<&str, &str>, name: &str, default: T) -> anyhow::Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    match options.get(name) {
        None => Ok(default),
        Some(text) => text.parse().with_context(|| format!("{name} {text}")),
    }
}
