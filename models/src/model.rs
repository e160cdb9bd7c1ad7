//! Loading a model: whole and checked, or an error of one line.

use std::{fmt::Write as _, fs::File, io::Read as _, path::Path};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::{
    CLASS_COUNT, Class, Classifier, Costs, Explanation, Features, Forest, ModelError, ModelProblem,
    Network, OperatingPoint, Prediction, Schema, Svm, Tree,
    format::{
        FORMAT_VERSION, MIN_GOLDEN, Metrics, ModelFile, Parameters, Preprocessing, Training,
        confidence_ppm,
    },
};

/// The shipped model for [`Schema::Kdd41`], as text.
pub const SHIPPED_KDD41: &str = include_str!("../trained/kdd41-tree.json");

/// The shipped model for [`Schema::Live`], as text.
pub const SHIPPED_LIVE: &str = include_str!("../trained/live-forest.json");

/// The largest model file that is read, in bytes.
pub(crate) const MAX_BYTES: u64 = 64 << 20;

/// A loaded model.
#[derive(Clone, Debug)]
pub struct Model {
    body: Body,
    decisions: Vec<OperatingPoint>,
    digest: String,
    training: Training,
    metrics: Metrics,
}

/// The classifier inside.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Tree(Tree),
    Forest(Forest),
    Svm(Svm),
    Network(Network),
}

impl Body {
    /// Checks the parameters; `costs` decide.
    pub(crate) fn new(
        schema: Schema,
        name: &str,
        costs: Costs,
        parameters: &Parameters,
    ) -> Result<Self, ModelProblem> {
        Ok(match parameters {
            Parameters::Tree(lines) => {
                let nodes = lines
                    .iter()
                    .enumerate()
                    .map(|(index, line)| line.node().ok_or(ModelProblem::Node(index)))
                    .collect::<Result<Vec<_>, _>>()?;
                Self::Tree(Tree::new(schema, name, costs, nodes)?)
            }
            Parameters::Forest(forest) => Self::Forest(Forest::new(schema, name, costs, forest)?),
            Parameters::Svm(svm) => Self::Svm(Svm::new(schema, name, costs, svm)?),
            Parameters::Network(net) => Self::Network(Network::new(schema, name, costs, net)?),
        })
    }

    pub(crate) fn classifier(&self) -> &dyn Classifier {
        match self {
            Self::Tree(tree) => tree,
            Self::Forest(forest) => forest,
            Self::Svm(svm) => svm,
            Self::Network(network) => network,
        }
    }
}

impl Model {
    /// Reads a model file.
    ///
    /// # Errors
    ///
    /// One line with the path and what is wrong.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        Self::load_deciding(path, None)
    }

    /// Reads a model file that is to decide by one of its [`Model::decisions`], or the first.
    ///
    /// # Errors
    ///
    /// One line with the path and what is wrong, or which decisions there are.
    pub fn load_deciding(
        path: impl AsRef<Path>,
        decision: Option<&str>,
    ) -> Result<Self, ModelError> {
        let path = path.as_ref();
        read(path)
            .and_then(|text| parse(&text, decision))
            .map_err(|problem| ModelError {
                origin: path.display().to_string(),
                problem,
            })
    }

    /// Reads a model from its text.
    ///
    /// # Errors
    ///
    /// As [`Model::load`], with `model` in place of the path.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        parse(text, None).map_err(|problem| ModelError {
            origin: "model".to_owned(),
            problem,
        })
    }

    /// The model that comes with this build.
    ///
    /// # Errors
    ///
    /// As [`Model::from_json`]; a test keeps the shipped models loadable.
    pub fn shipped(schema: Schema) -> Result<Self, ModelError> {
        let text = match schema {
            Schema::Kdd41 => SHIPPED_KDD41,
            Schema::Live => SHIPPED_LIVE,
        };
        parse(text, None).map_err(|problem| ModelError {
            origin: format!("shipped {schema} model"),
            problem,
        })
    }

    /// SHA-256 of the file's bytes, in hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The kind of model, for people.
    pub fn kind(&self) -> &'static str {
        match self.body {
            Body::Tree(_) => "tree",
            Body::Forest(_) => "forest",
            Body::Svm(_) => "svm",
            Body::Network(_) => "network",
        }
    }

    /// How big it is, for people.
    pub fn size(&self) -> String {
        match &self.body {
            Body::Tree(tree) => format!("{} nodes", tree.nodes().len()),
            Body::Forest(forest) => {
                format!("{} trees, {} leaves", forest.trees(), forest.leaves())
            }
            Body::Svm(svm) => {
                let (inputs, random) = (svm.inputs(), svm.random_features());
                format!("{inputs} inputs, {random} random features")
            }
            Body::Network(network) => {
                let widths: Vec<_> = network.widths().iter().map(usize::to_string).collect();
                format!("layers {}", widths.join("-"))
            }
        }
    }

    /// The tree, if it is one.
    pub fn tree(&self) -> Option<&Tree> {
        match &self.body {
            Body::Tree(tree) => Some(tree),
            _ => None,
        }
    }

    /// The forest, if it is one.
    pub(crate) fn forest(&self) -> Option<&Forest> {
        match &self.body {
            Body::Forest(forest) => Some(forest),
            _ => None,
        }
    }

    /// The ways to decide that the file offers; the first is the default.
    pub fn decisions(&self) -> &[OperatingPoint] {
        &self.decisions
    }

    /// What it was trained on, and how.
    pub fn training(&self) -> &Training {
        &self.training
    }

    /// How it did on its training data.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

impl Classifier for Model {
    fn schema(&self) -> Schema {
        self.body.classifier().schema()
    }

    fn name(&self) -> &str {
        self.body.classifier().name()
    }

    fn predict(&self, features: &Features) -> Prediction {
        match &self.body {
            Body::Tree(tree) => tree.predict(features),
            Body::Forest(forest) => forest.predict(features),
            Body::Svm(svm) => svm.predict(features),
            Body::Network(network) => network.predict(features),
        }
    }

    fn predict_batch(&self, features: &[Features], predictions: &mut [Prediction]) {
        self.body.classifier().predict_batch(features, predictions);
    }

    fn decide_by(
        &self,
        costs: &Costs,
        features: &Features,
        shares: [f32; CLASS_COUNT],
    ) -> Prediction {
        self.body.classifier().decide_by(costs, features, shares)
    }

    fn explain(&self, features: &Features) -> Explanation {
        self.body.classifier().explain(features)
    }
}

/// Lower-case hex of a SHA-256 digest.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn read(path: &Path) -> Result<String, ModelProblem> {
    let file = File::open(path).map_err(ModelProblem::Read)?;
    let mut text = String::new();
    // Bounded by what is read, not by what the file says of itself: it may be a pipe, or grow.
    file.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(ModelProblem::Read)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(ModelProblem::TooLarge);
    }
    Ok(text)
}

/// Only the version, whatever else the file holds.
#[derive(Deserialize)]
struct Version {
    format_version: u64,
}

fn parse(text: &str, decision: Option<&str>) -> Result<Model, ModelProblem> {
    // The version first: a newer file may have fields this build must not judge.
    let version: Version = serde_json::from_str(text).map_err(json_problem)?;
    if version.format_version != u64::from(FORMAT_VERSION) {
        return Err(ModelProblem::Version(version.format_version));
    }
    let file: ModelFile = serde_json::from_str(text).map_err(json_problem)?;
    check_vocabulary(&file)?;
    let file = file.widen()?;
    let first = file.decisions.first().ok_or(ModelProblem::NoDecision)?;
    let deciding = |costs| Body::new(file.schema, &file.name, costs, &file.parameters);
    let mut body = deciding(first.costs)?;
    check_golden(&file, body.classifier())?;
    if let Some(name) = decision.filter(|name| *name != first.name) {
        let names = || {
            let names: Vec<_> = file.decisions.iter().map(|d| d.name.as_str()).collect();
            names.join(", ")
        };
        let wanted = file.decisions.iter().find(|d| d.name == name);
        let wanted =
            wanted.ok_or_else(|| ModelProblem::UnknownDecision(name.to_owned(), names()))?;
        body = deciding(wanted.costs)?;
    }
    Ok(Model {
        body,
        digest: hex(&Sha256::digest(text)),
        decisions: file.decisions,
        training: file.training,
        metrics: file.metrics,
    })
}

fn json_problem(error: serde_json::Error) -> ModelProblem {
    if error.is_eof() {
        ModelProblem::Truncated {
            line: error.line(),
            column: error.column(),
        }
    } else {
        ModelProblem::Json(error)
    }
}

fn check_vocabulary(file: &ModelFile) -> Result<(), ModelProblem> {
    let own = Preprocessing::of(file.schema);
    let theirs = &file.preprocessing;
    for (what, same) in [
        ("classes", file.classes == Class::ALL),
        (
            "columns",
            theirs.columns.len() >= file.schema.fewest_columns()
                && own.columns.starts_with(&theirs.columns),
        ),
        ("protocol names", theirs.protocol_type == own.protocol_type),
        ("service names", theirs.service == own.service),
        ("flag names", theirs.flag == own.flag),
    ] {
        if !same {
            return Err(ModelProblem::Vocabulary(what));
        }
    }
    Ok(())
}

fn check_golden(file: &ModelFile, classifier: &dyn Classifier) -> Result<(), ModelProblem> {
    if file.golden.len() < MIN_GOLDEN {
        return Err(ModelProblem::FewGolden(file.golden.len()));
    }
    for (index, golden) in file.golden.iter().enumerate() {
        let width = ModelProblem::GoldenWidth {
            index,
            got: golden.values.len(),
            expected: file.schema.columns().len(),
        };
        let features = Features::from_values(file.schema, &golden.row()).ok_or(width)?;
        let prediction = classifier.predict(&features);
        let got_ppm = confidence_ppm(prediction.confidence);
        if prediction.class != golden.class || got_ppm != golden.confidence_ppm {
            return Err(ModelProblem::Golden {
                index,
                expected: golden.class,
                expected_ppm: golden.confidence_ppm,
                got: prediction.class,
                got_ppm,
            });
        }
    }
    Ok(())
}
