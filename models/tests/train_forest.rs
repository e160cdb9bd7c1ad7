//! Forests, their made-up rows, and how their operating points are chosen.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use std::collections::BTreeSet;

use tidegate_models::{
    Class, Classifier as _, Costs, Explanation, Features, Forest, LIVE_COLUMNS, MISSING, Schema,
    format::{ForestNode, ForestParameters, SHARE_UNIT},
    train::{
        Dataset, ForestParams, ParamsError, forest,
        select::{Aim, ForestSettings, Goal, Mix, SelectError, choose_forest},
        unknown::{UnknownParams, with_unknown},
    },
};

const WIDTH: usize = LIVE_COLUMNS.len();

/// A fixed hash, for data that looks random.
fn draw(seed: u64) -> u64 {
    let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 17
}

/// Normal rows, floods of two types and scans of two, each in its own corner of columns 0 to 3.
fn data() -> Dataset {
    let rows = (0..2000_u64).map(|index| {
        let mut features = Features::from_values(Schema::Live, &[0; WIDTH]).unwrap();
        let noise = |bits: u64| (draw(index * 7 + bits) % 40) as u32;
        let (class, group, corner) = match index % 8 {
            0..4 => (Class::Normal, "normal", [10, 10, 10, 10]),
            4 => (Class::Dos, "neptune", [500, 10, 300, 10]),
            5 => (Class::Dos, "smurf", [600, 10, 350, 10]),
            6 => (Class::Probe, "satan", [10, 700, 10, 200]),
            _ => (Class::Probe, "nmap", [10, 800, 10, 300]),
        };
        for (column, (base, bits)) in corner.into_iter().zip(0..).enumerate() {
            features.set(column, base + noise(bits));
        }
        // Columns that say nothing.
        for column in 4..10 {
            features.set(column, noise(column as u64 + 9));
        }
        (features, class, group.to_owned())
    });
    Dataset::new(Schema::Live, rows)
}

fn small() -> ForestParams {
    ForestParams {
        trees: 9,
        leaves: 20,
        kinds: 3,
        ..ForestParams::default()
    }
}

fn forest_of(parameters: &ForestParameters) -> Forest {
    Forest::new(Schema::Live, "test", Costs::ARGMAX, parameters).unwrap()
}

#[test]
fn a_forest_learns_within_its_bounds() {
    let data = data();
    let parameters = forest::fit(&data, &small(), 1).unwrap();
    assert_eq!((parameters.trees.len(), parameters.kinds.len()), (9, 3));
    for tree in &parameters.trees {
        let leaves = tree
            .iter()
            .filter(|node| matches!(node, ForestNode::Leaf(_)));
        assert!(leaves.count() <= 20);
    }
    let forest = forest_of(&parameters);
    let right = data
        .rows
        .iter()
        .filter(|row| forest.predict(&row.features).class == row.class);
    let share = right.count() as f64 / data.rows.len() as f64;
    assert!(share > 0.99, "{share}");
}

#[test]
fn kinds_know_attacks_only() {
    let data = data();
    let forest = forest_of(&forest::fit(&data, &small(), 1).unwrap());
    for row in data.rows.iter().step_by(37) {
        let kinds = forest.kinds(&row.features);
        assert!(kinds[Class::Normal.index()].abs() < f32::EPSILON);
        assert!((kinds.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        if row.class.is_attack() {
            assert!(kinds[row.class.index()] > 0.5, "{kinds:?}");
        }
    }
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let data = data();
    let fit = |seed| forest::fit(&data, &small(), seed).unwrap();
    assert_eq!(fit(1), fit(1));
    assert_ne!(fit(1), fit(2));
}

#[test]
fn nothing_can_be_learnt_from_nothing() {
    let empty = data().filter(|_, _| false);
    assert!(matches!(
        forest::fit(&empty, &small(), 1),
        Err(ParamsError::NoRows)
    ));
}

#[test]
fn one_class_only_gives_one_answer() {
    let data = data().filter(|_, row| row.class == Class::Normal);
    let parameters = forest::fit(&data, &small(), 1).unwrap();
    assert!(parameters.kinds.is_empty(), "no attack, no kinds");
    let prediction = forest_of(&parameters).predict(&data.rows[0].features);
    assert_eq!(prediction.class, Class::Normal);
    assert!((prediction.confidence - 1.0).abs() < f32::EPSILON);
}

#[test]
fn a_column_that_is_always_missing_is_never_asked() {
    let mut data = data();
    for row in &mut data.rows {
        row.features.set(0, MISSING);
    }
    let parameters = forest::fit(&data, &small(), 1).unwrap();
    let asked = parameters.trees.iter().flatten().any(|node| match node {
        ForestNode::Split([column, ..]) => *column == 0,
        ForestNode::Leaf(_) => false,
    });
    assert!(!asked);
    assert_eq!(forest_of(&parameters).trees(), 12);
}

#[test]
fn missing_values_count_as_the_baselines() {
    let data = data();
    let parameters = forest::fit(&data, &small(), 1).unwrap();
    let forest = forest_of(&parameters);
    let attack = data
        .rows
        .iter()
        .find(|row| row.class == Class::Dos)
        .unwrap();
    let mut gaps = attack.features;
    let mut filled = attack.features;
    for column in [0, 2, 5] {
        gaps.set(column, MISSING);
        filled.set(column, parameters.baseline[column]);
    }
    assert_eq!(forest.predict(&gaps), forest.predict(&filled));
}

#[test]
fn contributions_name_the_columns_that_tell() {
    let data = data();
    let forest = forest_of(&forest::fit(&data, &small(), 1).unwrap());
    let attack = data
        .rows
        .iter()
        .find(|row| row.class == Class::Dos)
        .unwrap();
    let Explanation::Contributions(columns) = forest.explain(&attack.features) else {
        panic!("a forest explains itself by contributions");
    };
    let first = columns.first().unwrap();
    let names = Schema::Live.columns();
    assert!([names[0], names[2]].contains(&first.column), "{columns:?}");
    assert!(first.weight > 0.0);
    let order: Vec<f32> = columns.iter().map(|column| column.weight.abs()).collect();
    assert!(order.is_sorted_by(|a, b| a >= b));
}

#[test]
fn broken_forests_are_refused_by_tree_and_node() {
    let good = forest::fit(&data(), &small(), 1).unwrap();
    let refused = |change: &dyn Fn(&mut ForestParameters)| {
        let mut parameters = good.clone();
        change(&mut parameters);
        Forest::new(Schema::Live, "test", Costs::ARGMAX, &parameters)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refused(&|p| p.trees.clear()), "0 trees: must be 1 to 1024");
    assert_eq!(
        refused(&|p| p.baseline.truncate(5)),
        format!("the baseline is no whole row of {WIDTH} columns")
    );
    assert_eq!(
        refused(&|p| p.baseline[3] = MISSING),
        format!("the baseline is no whole row of {WIDTH} columns")
    );
    assert_eq!(
        refused(&|p| p.trees[2] = vec![ForestNode::Leaf([1, 0, 0, 0, 0, 0])]),
        format!("tree 2: node 0: its shares do not sum to {SHARE_UNIT}")
    );
    assert_eq!(
        refused(&|p| p.kinds[1] = vec![ForestNode::Leaf([u32::MAX, 0, 0, 0, 0, 0])]),
        format!("tree 10: node 0: its shares do not sum to {SHARE_UNIT}")
    );
    assert_eq!(
        refused(&|p| p.trees[0][0] = ForestNode::Split([WIDTH as u32, 5, 2])),
        format!("tree 0: node 0: column {WIDTH} is out of range (the schema has {WIDTH})")
    );
    assert_eq!(
        refused(&|p| {
            if let ForestNode::Split([.., right]) = &mut p.trees[4][0] {
                *right = 1;
            }
        }),
        "tree 4: node 1: 2 parents instead of one"
    );
}

#[test]
fn made_up_rows_are_unlike_any_real_one() {
    let data = data();
    let real = data.rows.len();
    let known: BTreeSet<Vec<u32>> = data
        .rows
        .iter()
        .map(|row| row.features.values().to_vec())
        .collect();
    let (weight, digest) = (data.weight(), data.digest());
    let params = UnknownParams::default();
    let more = with_unknown(data.clone(), &params, 5);
    let made = &more.rows[real..];
    assert!(made.len() > real * 8 / 10, "{} of {real}", made.len());
    for row in made {
        assert_eq!((row.class, row.count), (Class::Unknown, 0));
        assert!(!known.contains(row.features.values()));
        assert_eq!(more.groups[row.group], "unknown");
        // Every value comes from a real row of the same column.
        let value = row.features.value(0);
        assert!(known.iter().any(|values| values[0] == value));
    }
    let total: u64 = made.iter().map(|row| row.weight).sum();
    assert!(
        total.abs_diff(weight) <= made.len() as u64,
        "{total} of {weight}"
    );
    assert_eq!(
        with_unknown(data.clone(), &params, 5).digest(),
        more.digest()
    );
    assert_ne!(
        with_unknown(data.clone(), &params, 6).digest(),
        more.digest()
    );
    let none = UnknownParams {
        rows_percent: 0,
        ..params
    };
    assert_eq!(with_unknown(data, &none, 5).digest(), digest);
}

const MIX: Mix = Mix {
    normal: 0.5,
    known: 0.3,
    unseen: 0.2,
};

fn settings() -> [ForestSettings; 1] {
    [ForestSettings {
        forest: small(),
        unknown: UnknownParams::default(),
    }]
}

#[test]
fn operating_points_keep_to_their_alerts_and_find_what_was_left_out() {
    let goals = [
        Goal {
            name: "cost",
            aim: Aim::Cost,
            alerts: 0.05,
        },
        Goal {
            name: "detection",
            aim: Aim::Detection,
            alerts: 0.05,
        },
        Goal {
            name: "quiet",
            aim: Aim::Accuracy,
            alerts: 0.001,
        },
    ];
    let data = data();
    let trials = choose_forest(&data, &settings(), &goals, MIX, 1, |_| ()).unwrap();
    // The one tried, and again with all trees.
    assert_eq!(trials.len(), 2);
    assert!(trials[0].settings.forest.trees > trials[1].settings.forest.trees);
    for trial in &trials {
        for (point, goal) in trial.points.iter().zip(goals) {
            assert_eq!(
                (point.goal, point.point.name.as_str()),
                (Some(goal), goal.name)
            );
            let outcome = &point.outcome;
            assert!(outcome.false_positive_rate <= goal.alerts);
            // Every row is judged once as itself, and attacks once more when their type is out.
            let judged = outcome.confusion.total();
            assert!((data.count()..2 * data.count()).contains(&judged));
        }
        let [cost, detection, _] = &trial.points[..] else {
            panic!("a point a goal");
        };
        assert!(detection.outcome.detection >= cost.outcome.detection);
        assert!(
            detection.outcome.detection > 0.9,
            "types never seen are found: {}",
            detection.outcome.detection
        );
        assert!(cost.score <= MIX.normal * 0.0 + MIX.unseen * 2.0);
    }
}

#[test]
fn a_goal_nobody_can_meet_says_so() {
    let impossible = Goal {
        name: "never",
        aim: Aim::Cost,
        alerts: -0.1,
    };
    let error = choose_forest(&data(), &settings(), &[impossible], MIX, 1, |_| ()).unwrap_err();
    assert!(matches!(error, SelectError::Alerts(_)), "{error}");
}
