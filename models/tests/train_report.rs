//! Evaluation, inspection and report from the command line, with small models of their own.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Command, Output},
};

use quick_xml::{Reader, events::Event};
use serde_json::Value;
use tempfile::TempDir;
use tidegate_models::{
    CLASS_COUNT, Class, Classifier as _, Confusion, Costs, Features, Model, OperatingPoint, Schema,
    Split, Tree, TreeNode,
    format::{
        FORMAT_VERSION, Golden, Metrics, ModelFile, NodeLine, Parameters, Preprocessing, Source,
        Training,
    },
    train::{evaluate, find},
};

/// A row of a KDD file: only `duration` differs, `label` with its comma.
fn row(duration: u32, label: &str) -> String {
    format!("{duration},tcp,http,SF,{}0{label}\n", "0,".repeat(36))
}

/// 20 normal rows, 6 of a seen flood, 4 of an unseen attack; the model errs on some of each.
fn rows() -> String {
    let mut text = String::new();
    for duration in 0..20 {
        text += &row(duration * 2, ",normal.");
    }
    for duration in [1, 60, 61, 62, 63, 64] {
        text += &row(duration, ",smurf.");
    }
    for duration in [3, 5, 7, 70] {
        text += &row(duration, ",mailbomb.");
    }
    text
}

/// A tree that calls rows of a `duration` above 35 a flood (two normal rows among them), and
/// rows up to 9 perhaps one: by `argmax` they are normal, by `wary` they are not.
fn model_file(name: &str, trained_on: &str, seed: u64) -> ModelFile {
    let node = |split, normal: u64, dos: u64| {
        let mut counts = [0; CLASS_COUNT];
        (counts[0], counts[1]) = (normal, dos);
        let weights = counts.map(|count| count * 1000);
        TreeNode {
            split,
            counts,
            weights,
        }
    };
    let split = |threshold, left, right| {
        Some(Split {
            column: 0,
            threshold,
            left,
            right,
        })
    };
    let nodes = vec![
        node(split(35, 1, 4), 90, 60),
        node(split(9, 2, 3), 90, 10),
        node(None, 30, 10),
        node(None, 60, 0),
        node(None, 0, 50),
    ];
    let tree = Tree::new(Schema::Kdd41, name, Costs::ARGMAX, nodes.clone()).unwrap();
    let golden = (0..16).map(|duration| {
        let mut values = [0; 41];
        values[0] = duration * 4;
        let features = Features::from_values(Schema::Kdd41, &values).unwrap();
        Golden::new(&features, &tree.predict(&features))
    });
    let mut wary = Costs::ARGMAX;
    wary.0[Class::Dos.index()] = [9000, 0, 1000, 1000, 1000];
    ModelFile {
        format_version: FORMAT_VERSION,
        name: name.to_owned(),
        schema: Schema::Kdd41,
        classes: Class::ALL.to_vec(),
        preprocessing: Preprocessing::of(Schema::Kdd41),
        training: Training {
            sources: vec![Source {
                file: trained_on.to_owned(),
                rows: 150,
                sha256: "00".repeat(32),
            }],
            digest: String::new(),
            rows: 150,
            distinct_rows: 150,
            seed,
            settings: BTreeMap::from([("note".to_owned(), "a < b & \"c\"".to_owned())]),
        },
        metrics: Metrics {
            training: Confusion::default(),
            validation: None,
        },
        decisions: ["argmax", "wary"]
            .into_iter()
            .zip([Costs::ARGMAX, wary])
            .map(|(name, costs)| OperatingPoint {
                name: name.to_owned(),
                costs,
            })
            .collect(),
        golden: golden.collect(),
        parameters: Parameters::Tree(nodes.iter().map(NodeLine::from).collect()),
    }
}

fn write_model(folder: &Path, name: &str, trained_on: &str, seed: u64) {
    let text = model_file(name, trained_on, seed).to_json().unwrap();
    fs::write(folder.join(format!("{name}.json")), text).unwrap();
}

fn workbench(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate-train"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A folder with a model and the rows as the contest's test file.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    write_model(folder.path(), "tree", "kddcup.data_10_percent", 1);
    fs::write(folder.path().join("corrected"), rows()).unwrap();
    folder
}

#[test]
fn figures_by_hand() {
    let folder = folder();
    let arguments = [
        "evaluate",
        "--model",
        "tree.json",
        "--data",
        ".",
        "-o",
        "json",
    ];
    let found = json(&workbench(folder.path(), &arguments));
    // Above 35: 2 of 20 normal rows, 5 of 6 smurf rows, 1 of 4 mailbomb rows.
    assert_eq!(
        found["confusion"][0],
        serde_json::json!([18, 2, 0, 0, 0, 0])
    );
    assert_eq!(found["confusion"][1], serde_json::json!([4, 6, 0, 0, 0, 0]));
    assert_eq!(found["contest_confusion"], found["confusion"]);
    assert_eq!(found["false_positive_rate"], 0.1);
    assert_eq!(found["detection_rate"], 0.6);
    assert_eq!(found["accuracy"], 0.8);
    assert_eq!(found["kdd_cost"], (2.0 * 2.0 + 4.0 * 2.0) / 30.0);
    assert_eq!(found["recall"]["dos"], 0.6);
    assert_eq!(found["precision"]["dos"], 0.75);
    // Scores: high (2 normal, 6 attacks), middle up to 9 (5 normal: 0 to 8; 4 attacks), low (13).
    // Pairs: 6 · (18 + 2/2) + 4 · (13 + 5/2), of 20 · 10.
    assert_eq!(
        found["curves"]["roc_auc"],
        (6.0 * 19.0 + 4.0 * 15.5) / 200.0
    );
    let precision = 0.6 * 6.0 / 8.0 + 0.4 * 10.0 / 17.0;
    let average = found["curves"]["average_precision"].as_f64().unwrap();
    assert!((average - precision).abs() < 1e-12, "{average}");
    let attacks = found["attacks"].as_array().unwrap();
    let of = |name: &str| attacks.iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(of("smurf")["seen"], true);
    assert_eq!(of("smurf")["recall"], 5.0 / 6.0);
    assert_eq!(of("mailbomb")["seen"], false);
    assert_eq!(
        of("mailbomb")["called"],
        serde_json::json!([3, 1, 0, 0, 0, 0])
    );
    assert_eq!(of("normal")["rows"], 20);
    let interval = &found["intervals"]["detection_rate"];
    let (low, high) = (
        interval["low"].as_f64().unwrap(),
        interval["high"].as_f64().unwrap(),
    );
    assert!(
        low < 0.6 && 0.6 < high && low > 0.1 && high < 1.0,
        "{interval}"
    );
    // The shares of the leaves: 50.2 of 51, 30.2 of 41, 60.2 of 61.
    let (flood, middle, low) = (50.2 / 51.0, 30.2 / 41.0, 60.2 / 61.0);
    // Bins: 0.7 to 0.8 has the middle's 9 rows, 5 right; 0.9 to 1 has 8 floods, 6 right, and 13
    // normal rows, all right.
    let sure: f64 = (8.0 * flood + 13.0 * low) / 21.0;
    let middle: f64 = middle;
    let error = (9.0 * (middle - 5.0 / 9.0).abs() + 21.0 * (sure - 19.0 / 21.0).abs()) / 30.0;
    let found = found["calibration"]["expected_error"].as_f64().unwrap();
    assert!((found - error).abs() < 1e-6, "{found} {error}");
}

#[test]
fn decisions_differ_and_the_model_agrees_with_each() {
    let folder = folder();
    let evaluate = ["evaluate", "tree.json", "--data", "corrected", "-o", "json"];
    let with = |name| {
        workbench(
            folder.path(),
            &[&evaluate[..], &["--decision", name]].concat(),
        )
    };
    let all = json(&with("all"));
    let found: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["decision"].as_str().unwrap(),
                it["false_positive_rate"].as_f64().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, [("argmax", 0.1), ("wary", 0.35)]);
    assert_eq!(json(&with("wary"))["confusion"], all[1]["confusion"]);
    let path = folder.path().join("tree.json");
    for (index, name) in ["argmax", "wary"].into_iter().enumerate() {
        let model = Model::load_deciding(&path, Some(name)).unwrap();
        let mut row = Features::from_values(Schema::Kdd41, &[0; 41]).unwrap();
        let mut called = 0;
        for duration in 0..20 {
            row.set(0, duration * 2);
            called += u64::from(model.predict(&row).class == Class::Dos);
        }
        assert_eq!(all[index]["confusion"][0][1], called, "{name}");
    }
    let unknown = with("bold");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        stderr(&unknown).contains("argmax, wary"),
        "{}",
        stderr(&unknown)
    );
    let human = workbench(
        folder.path(),
        &["evaluate", "tree.json", "--data", ".", "--decision", "all"],
    );
    let human = String::from_utf8(human.stdout).unwrap();
    assert_eq!(human.matches("false-positive rate").count(), 2, "{human}");
}

#[test]
fn predictions_are_a_row_each_in_order_with_or_without_labels() {
    let folder = folder();
    let bare: String = rows()
        .lines()
        .map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n")
        .collect();
    fs::write(folder.path().join("bare"), &bare).unwrap();
    let predict = |data: &str| {
        let arguments = [
            "evaluate",
            "--model",
            "tree.json",
            "--predictions",
            "out.csv",
            "--data",
        ];
        let done = workbench(folder.path(), &[&arguments[..], &[data]].concat());
        assert!(done.status.success(), "{}", stderr(&done));
        (
            fs::read_to_string(folder.path().join("out.csv")).unwrap(),
            done,
        )
    };
    let (text, _) = predict("corrected");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[0],
        "class,nearest,confidence,normal,dos,probe,r2l,u2r,unknown"
    );
    let model = Model::load(folder.path().join("tree.json")).unwrap();
    assert_eq!(lines.len(), 31);
    for (line, row) in lines[1..].iter().zip(bare.lines()) {
        let mut features = Features::from_values(Schema::Kdd41, &[0; 41]).unwrap();
        features.set(0, row.split_once(',').unwrap().0.parse().unwrap());
        let expected = model.predict(&features);
        let cells: Vec<_> = line.split(',').collect();
        assert_eq!(cells[0], expected.class.name());
        assert_eq!(cells[1], expected.nearest.name());
        assert_eq!(cells[2].parse::<f32>().unwrap(), expected.confidence);
        let shares: Vec<f32> = cells[3..].iter().map(|it| it.parse().unwrap()).collect();
        assert_eq!(shares, expected.shares);
    }
    let (unlabelled, done) = predict("bare");
    assert_eq!(unlabelled, text);
    assert!(done.stdout.is_empty() && stderr(&done).contains("no labels"));
    let judged = workbench(folder.path(), &["evaluate", "tree.json", "--data", "bare"]);
    assert_eq!(judged.status.code(), Some(1));
    assert!(stderr(&judged).contains("no labels to judge by"));
}

#[test]
fn an_inspection_counts_what_repeats_and_contradicts() {
    let folder = TempDir::new().unwrap();
    let text = [
        row(1, ",normal."),
        row(1, ",normal."),
        row(1, ",smurf."),
        row(9, ",neptune."),
    ];
    fs::write(folder.path().join("rows"), text.concat()).unwrap();
    write_model(folder.path(), "tree", "kddcup.data_10_percent", 1);
    let arguments = [
        "inspect",
        "--data",
        "rows",
        "--model",
        "tree.json",
        "-o",
        "json",
    ];
    let found = json(&workbench(folder.path(), &arguments));
    assert_eq!(found["rows"], 4);
    assert_eq!(found["distinct_rows"], 3);
    assert_eq!(found["duplicate_share"], 0.25);
    assert_eq!(found["ambiguous_rows"], 1);
    assert_eq!(found["classes"]["dos"], 2);
    assert_eq!(found["class_entropy"], 1.0);
    assert_eq!(found["constant_columns"].as_array().unwrap().len(), 40);
    assert_eq!(found["columns"][0]["mean"], 3.0);
    assert_eq!(found["importances"].as_array().unwrap().len(), 41);
    let human = workbench(folder.path(), &["inspect", "--data", "rows"]);
    assert!(
        String::from_utf8(human.stdout)
            .unwrap()
            .contains("num_outbound_cmds")
    );
}

/// A folder of models (with other seeds, a training curve and a broken file) and the data files
/// they name.
fn models_and_data(broken: bool) -> TempDir {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    fs::create_dir_all(path.join("models/seeds")).unwrap();
    fs::create_dir_all(path.join("data")).unwrap();
    let models = path.join("models");
    write_model(&models, "kdd", "kddcup.data_10_percent", 1);
    write_model(&models, "nsl&<b>", "KDDTrain+.txt", 1);
    for seed in [1, 2, 3] {
        write_model(
            &models.join("seeds"),
            &format!("kdd-{seed}"),
            "kddcup.data_10_percent",
            seed,
        );
    }
    fs::write(
        models.join("kdd.curve.json"),
        r#"[{"epoch":1,"fit_loss":0.5,"held_out_loss":0.6,"fit_accuracy":0.8,"held_out_accuracy":0.7},
            {"epoch":2,"fit_loss":0.3,"held_out_loss":0.4,"fit_accuracy":0.9,"held_out_accuracy":0.8}]"#,
    )
    .unwrap();
    fs::write(models.join("kdd.md"), "# kdd\n\n## Test figures\n\nNote.\n").unwrap();
    if broken {
        fs::write(models.join("<i>broken.json"), "{}").unwrap();
    }
    for file in [
        "corrected",
        "kddcup.data_10_percent",
        "KDDTrain+.txt",
        "KDDTest+.txt",
        "KDDTest-21.txt",
    ] {
        fs::write(path.join("data").join(file), rows()).unwrap();
    }
    folder
}

const REPORT: [&str; 9] = [
    "report",
    "--data",
    "data",
    "--models",
    "models",
    "-o",
    "page.html",
    "--json",
    "report.json",
];

/// The names of all elements, with every attribute's value; panics unless all are closed.
fn elements(page: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut reader = Reader::from_str(page);
    reader.config_mut().check_end_names = true;
    let mut open = Vec::new();
    let mut found = Vec::new();
    loop {
        let event = reader.read_event().unwrap();
        if let Event::Start(tag) | Event::Empty(tag) = &event {
            let name = tag.name().as_ref().to_owned();
            let attributes = tag.attributes().map(|attribute| {
                let attribute = attribute.unwrap();
                (
                    attribute.key.as_ref().to_owned(),
                    attribute.value.into_owned(),
                )
            });
            found.push((name.clone(), attributes.collect()));
            if matches!(event, Event::Start(_)) {
                open.push(name);
            }
        } else if let Event::End(tag) = &event {
            assert_eq!(open.pop().unwrap(), tag.name().as_ref());
        } else if matches!(event, Event::Eof) {
            break;
        }
    }
    assert!(open.is_empty(), "{open:?}");
    found
}

#[test]
fn the_page_is_well_formed_and_needs_nothing_from_elsewhere() {
    let folder = models_and_data(true);
    let done = workbench(folder.path(), &REPORT);
    assert_eq!(
        done.status.code(),
        Some(1),
        "a model does not load: {}",
        stderr(&done)
    );
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    let elements = elements(&page);
    let names: BTreeSet<_> = elements.iter().map(|(name, _)| name.as_str()).collect();
    for needed in ["svg", "table", "caption", "polyline", "details", "style"] {
        assert!(names.contains(needed), "{needed}");
    }
    for forbidden in ["script", "link", "img", "iframe", "object", "b", "i"] {
        let expected = forbidden == "b";
        // The page's own <b> is in its headline, and never one of a file name.
        assert_eq!(names.contains(forbidden), expected, "{forbidden}");
    }
    assert!(page.contains("nsl&amp;&lt;b&gt;") && page.contains("&lt;i&gt;broken.json"));
    assert!(page.contains("a &lt; b &amp; &quot;c&quot;"));
    for (name, attributes) in &elements {
        for (key, value) in attributes {
            assert!(!key.starts_with("on"), "{name} {key}");
            if ["href", "src"].contains(&key.as_str()) {
                assert!(value.starts_with('#'), "{name} {key}={value}");
                let id = &value[1..];
                let target = elements.iter().flat_map(|(_, all)| all);
                assert!(
                    target
                        .clone()
                        .any(|(key, value)| key == "id" && value == id),
                    "{id}"
                );
            }
        }
        if name == "svg" {
            let labelled = attributes
                .iter()
                .any(|(key, _)| key == "aria-label" || key == "aria-hidden");
            assert!(labelled, "a drawing without a name");
        }
        if name == "th" {
            assert!(attributes.iter().any(|(key, _)| key == "scope"));
        }
    }
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("@import"));
    assert!(
        !page.contains("url("),
        "nothing is loaded by the style sheet"
    );
    assert!(
        !page.contains("NaN") && !page.contains("inf\""),
        "no number that is none"
    );
}

#[test]
fn the_json_has_the_pages_numbers_and_the_cards_stay() {
    let folder = models_and_data(false);
    let done = workbench(folder.path(), &REPORT);
    assert!(done.status.success(), "{}", stderr(&done));
    let text = fs::read_to_string(folder.path().join("report.json")).unwrap();
    let found: Value = serde_json::from_str(&text).unwrap();
    let models = |test: usize| {
        let models = found["tests"][test]["models"].as_array().unwrap();
        models
            .iter()
            .map(|it| {
                (
                    it["model"].as_str().unwrap(),
                    it["of_its_collection"].as_bool().unwrap(),
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(models(0), [("kdd", true)], "corrected");
    assert_eq!(models(1), [("kdd", false), ("nsl&<b>", true)], "KDDTest+");
    assert_eq!(models(2), [("nsl&<b>", true)], "KDDTest-21");
    let of_kdd = &found["tests"][0]["models"][0];
    assert_eq!(of_kdd["points"][0]["kdd_cost"], 0.4);
    assert_eq!(of_kdd["points"][1]["decision"], "wary");
    assert_eq!(of_kdd["seeds"]["models"], 3);
    let spread = &of_kdd["seeds"]["spreads"]["kdd_cost"];
    assert_eq!(
        (&spread["least"], &spread["greatest"]),
        (&0.4.into(), &0.4.into())
    );
    assert_eq!(found["tests"][0]["published"][0]["kdd_cost"], 0.2331);
    assert_eq!(found["models"][0]["epochs"][1]["held_out_loss"], 0.4);
    assert_eq!(found["training_files"].as_array().unwrap().len(), 2);
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    for shown in [
        "0.4000",
        "10.00 %",
        "0.2331",
        "wary",
        "Loss by epoch",
        "duration ≤ 35",
    ] {
        assert!(page.contains(shown), "{shown}");
    }

    let path = folder.path().join("models/kdd.md");
    let card = fs::read_to_string(&path).unwrap();
    assert!(
        card.starts_with("# kdd\n\n## Test figures\n\nNote.\n\n### corrected\n"),
        "{card}"
    );
    assert!(card.contains("### corrected, over seeds\n") && card.contains("| wary |"));
    assert!(!card.contains("µs"), "times would differ from run to run");
    assert!(workbench(folder.path(), &REPORT).status.success());
    assert_eq!(fs::read_to_string(&path).unwrap(), card);
    assert!(!folder.path().join("models/nsl&<b>.md").exists());
}

#[test]
fn a_report_says_what_it_lacks() {
    let folder = models_and_data(false);
    for file in ["KDDTest+.txt", "KDDTest-21.txt", "KDDTrain+.txt"] {
        fs::remove_file(folder.path().join("data").join(file)).unwrap();
    }
    let done = workbench(folder.path(), &REPORT);
    assert!(done.status.success(), "{}", stderr(&done));
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("left out: KDDTest+.txt, KDDTest-21.txt, KDDTrain+.txt."));
    fs::remove_file(folder.path().join("data/corrected")).unwrap();
    let done = workbench(folder.path(), &REPORT);
    assert_eq!(done.status.code(), Some(1));
    assert!(
        stderr(&done).contains("none of corrected"),
        "{}",
        stderr(&done)
    );
}

#[test]
fn binary_accuracy_on_nsl_kdd_is_that_of_its_confusion() {
    let Some(data) = std::env::var_os("TIDEGATE_DATA") else {
        println!("skipped: TIDEGATE_DATA does not name a folder with the KDD files");
        return;
    };
    let path = find(Path::new(&data), "KDDTest+.txt").unwrap();
    let found = evaluate(&Model::shipped(Schema::Kdd41).unwrap(), &path, false).unwrap();
    // KDDTest+ has 9,711 normal rows and 12,833 attacks, 3,750 of 17 types not in training.
    let rows = |seen| {
        let attacks = found.attacks.iter();
        let attacks = attacks.filter(|row| row.class.is_attack() && row.seen == Some(seen));
        attacks.map(|row| row.rows).sum::<u64>()
    };
    assert_eq!((rows(true), rows(false)), (9083, 3750));
    let right = 9711.0 * (1.0 - found.false_positive_rate) + 12_833.0 * found.detection_rate;
    assert!((found.binary_accuracy - right / 22_544.0).abs() < 1e-12);
    assert!(found.curves.roc_auc.unwrap() > 0.8);
}
