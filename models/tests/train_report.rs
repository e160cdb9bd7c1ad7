//! The report from the command line, with small models.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod small;
mod workbench;

use std::{collections::BTreeSet, fs};

use quick_xml::{Reader, events::Event};
use serde_json::Value;
use small::{rows, write_model};
use tempfile::TempDir;
use workbench::{stderr, workbench};

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
    for seed in [2, 3] {
        write_model(
            &models.join("seeds"),
            &format!("kdd-{seed}"),
            "kddcup.data_10_percent",
            seed,
        );
    }
    fs::write(
        models.join("kdd.curve.json"),
        r#"[{"epoch":1,"loss":0.5,"held_out_loss":0.6,"accuracy":0.8,"held_out_accuracy":0.7},
            {"epoch":2,"loss":0.3,"held_out_loss":0.4,"accuracy":0.9,"held_out_accuracy":0.8}]"#,
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
    assert_eq!(of_kdd["seeds"]["models"], 3, "seed 1 is the model itself");
    let spread = &of_kdd["seeds"]["spreads"]["kdd_cost"];
    assert_eq!(
        (&spread["least"], &spread["greatest"]),
        (&0.4.into(), &0.4.into())
    );
    assert_eq!(found["tests"][0]["published"][0]["kdd_cost"], 0.2331);
    assert_eq!(found["models"][0]["epochs"][1]["loss"], 0.3);
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
        card.starts_with("# kdd\n\n## Test figures\n\nAdded by ") && !card.contains("Note."),
        "the note is kept up: {card}"
    );
    assert!(card.contains("\n\n### corrected\n"), "{card}");
    // What a reader must know before believing a figure.
    for text in [&card, &page] {
        for told in [
            "used no row of a test file",
            "used published class counts of the test files",
            "no blind test",
            "docs/decisions/0013",
        ] {
            assert!(text.contains(told), "{told}");
        }
    }
    assert!(card.contains("### corrected, over seeds\n") && card.contains("| wary |"));
    assert!(!card.contains("µs"), "times would differ from run to run");
    assert!(workbench(folder.path(), &REPORT).status.success());
    assert_eq!(fs::read_to_string(&path).unwrap(), card);
    assert!(!folder.path().join("models/nsl&<b>.md").exists());

    let models = folder.path().join("models");
    fs::copy(models.join("kdd.json"), models.join("seeds/kdd-1.json")).unwrap();
    assert!(workbench(folder.path(), &REPORT).status.success());
    let again = fs::read_to_string(&path).unwrap();
    assert_eq!(again, card, "the model does not count twice");
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
