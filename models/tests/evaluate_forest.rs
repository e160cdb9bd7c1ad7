//! A forest with trees of kinds is judged as it decides, at every operating point.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use std::{fmt::Write as _, fs};

use tempfile::TempDir;
use tidegate_models::{
    CLASS_COUNT, Class, Classifier as _, Confusion, Costs, KNOWN_COUNT, Model, OperatingPoint,
    Schema,
    format::Parameters,
    train::{
        Assembly, Dataset, ForestParams, LabelledRow, OnBad, Rows, assemble,
        evaluate::{Options, Subject, evaluate_points},
        forest,
        unknown::{UnknownParams, with_unknown},
    },
};

/// Four sorts of rows, each in its own corner of three columns; a `mixed` row has each of the
/// columns from another sort.
fn rows(mixed: bool) -> String {
    const CORNERS: [[u32; 3]; 4] = [[200, 3000, 2], [0, 0, 400], [8, 0, 90], [90_000, 500, 1]];
    let mut text = String::new();
    for i in 0..240_usize {
        let sort = i % 4;
        let label = ["normal", "neptune", "satan", "warezclient"][sort];
        let corner = |column: usize| {
            let sort = if mixed {
                sort + i / 4 / (column + 1)
            } else {
                sort
            };
            CORNERS[sort % 4][column] + i as u32 % 7
        };
        let [sent, answered, count] = [corner(0), corner(1), corner(2)];
        let zeros = "0,".repeat(16);
        let rest = "0,".repeat(18);
        writeln!(
            text,
            "0,tcp,http,SF,{sent},{answered},{zeros}{count},{rest}{label}."
        )
        .unwrap();
    }
    text
}

/// Missed attacks dearer than confused ones, what confuses classes as the contest's matrix says;
/// what an unknown attack is called costs the mean.
fn point(name: &str, missed_unknown: u32) -> OperatingPoint {
    let mut costs = [[0; KNOWN_COUNT]; CLASS_COUNT];
    for actual in Class::KNOWN {
        for said in Class::KNOWN {
            let cost = Confusion::cost_of(actual, said) as u32 * 1000;
            costs[actual.index()][said.index()] = cost;
            if said.is_attack() && actual.is_attack() {
                costs[Class::Unknown.index()][said.index()] += cost / 4;
            }
        }
    }
    costs[Class::Unknown.index()][0] = missed_unknown;
    OperatingPoint {
        name: name.to_owned(),
        costs: Costs(costs),
    }
}

#[test]
fn every_point_is_judged_as_a_model_that_decides_by_it() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let read = |path| -> Vec<LabelledRow> {
        let rows = Rows::open(path, Schema::Kdd41, OnBad::Stop).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let learnt = write("learnt", rows(false));
    let rows = write("judged", rows(true));
    let data = read(&learnt).into_iter().map(LabelledRow::into_parts);
    let data = with_unknown(
        Dataset::new(Schema::Kdd41, data),
        &UnknownParams::default(),
        1,
    );
    let params = ForestParams {
        trees: 9,
        kinds: 5,
        ..ForestParams::default()
    };
    let parameters = forest::fit(&data, &params, 1).unwrap();
    assert_eq!(parameters.kinds.len(), 5);
    let assembly = Assembly {
        name: "forest".to_owned(),
        sources: Vec::new(),
        seed: 1,
        settings: Default::default(),
        validation: None,
        decisions: vec![point("calm", 200), point("even", 1500), point("wary", 9000)],
    };
    let file = assemble(&data, Parameters::Forest(parameters), assembly).unwrap();
    let path = write("forest.json", file.to_json().unwrap());

    let model = Model::load(&path).unwrap();
    let subject = Subject {
        model: &model,
        points: model.decisions(),
    };
    let mut told = Vec::new();
    let found = evaluate_points(&[subject], &rows, Options::default(), &mut |prediction| {
        told.push(*prediction);
        Ok(())
    });
    let found = found.unwrap().remove(0);
    assert_eq!(found.len(), 3);
    let labelled = read(&rows);
    let mut kinds_count = 0;
    for (point, evaluation) in model.decisions().iter().zip(&found) {
        let deciding = Model::load_deciding(&path, Some(&point.name)).unwrap();
        let (mut verdicts, mut nearest) = (Confusion::default(), Confusion::default());
        for row in &labelled {
            let prediction = deciding.predict(&row.features);
            verdicts.add(row.class, prediction.class, 1);
            nearest.add(row.class, prediction.nearest, 1);
            let without = point.costs.decide(prediction.shares);
            kinds_count += u32::from(without.nearest != prediction.nearest);
        }
        assert_eq!(evaluation.decision, point.name);
        assert_eq!(evaluation.confusion, verdicts, "{}", point.name);
        assert_eq!(evaluation.contest_confusion, nearest, "{}", point.name);
    }
    let default = labelled.iter().map(|row| model.predict(&row.features));
    assert!(default.eq(told), "the first point's are handed on");
    assert_ne!(found[0].confusion, found[2].confusion, "the points differ");
    assert!(
        kinds_count > 0,
        "no row whose kinds decide: this tests nothing"
    );
}
