//! Telegraf's files: options it knows, and points of the shape the other ways give. Telegraf itself is not run.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;
use tidegate::{
    config::{InfluxApi, InfluxConfig},
    decision::Phase,
    export::{
        influx::{Exporter, Secret},
        verdict_log::VerdictLog,
    },
};
use tidegate_models::{KDD41_COLUMNS, Schema};

use crate::{
    influxd::{DATABASE, Influxd},
    support::{decision, ended, eventually, made, open},
    verdict_log::lines,
};

/// Plugins used here, with those of their options that are used.
const OPTIONS: [(&str, &[&str]); 5] = [
    (
        "inputs.directory_monitor",
        &[
            "csv_column_names",
            "csv_column_types",
            "csv_delimiter",
            "csv_header_row_count",
            "csv_tag_columns",
            "data_format",
            "directory",
            "directory_duration_threshold",
            "error_directory",
            "files_to_monitor",
            "finished_directory",
            "max_buffered_metrics",
            "name_override",
            "precision",
            "tagexclude",
            "tags",
        ],
    ),
    ("inputs.prometheus", &["metric_version", "url_tag", "urls"]),
    (
        "inputs.tail",
        &[
            "data_format",
            "files",
            "initial_read_offset",
            "json_v2",
            "max_undelivered_lines",
            "name_override",
            "path_tag",
            "watch_method",
        ],
    ),
    (
        "outputs.influxdb",
        &["database", "skip_database_creation", "timeout", "urls"],
    ),
    ("processors.strings", &["namepass", "trim_suffix"]),
];

fn file(name: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = root.join("deploy/telegraf").join(name);
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn every_option_is_one_of_telegrafs() {
    let agent = file("telegraf.conf");
    assert_eq!(agent["agent"]["precision"], "1ns");
    let buffer = agent["agent"]["metric_buffer_limit"].as_u64();
    let mut plugins = Vec::new();
    for name in [
        "telegraf.conf",
        "training.conf",
        "metrics.conf",
        "verdicts.conf",
    ] {
        let file = file(name);
        for (kind, of_kind) in file.as_object().unwrap() {
            if kind == "agent" {
                continue;
            }
            for (plugin, instances) in of_kind.as_object().unwrap() {
                let plugin = format!("{kind}.{plugin}");
                let known = OPTIONS.iter().find(|(name, _)| *name == plugin);
                let (_, known) = known.unwrap_or_else(|| panic!("{name}: {plugin}"));
                for instance in instances.as_array().unwrap() {
                    for option in instance.as_object().unwrap().keys() {
                        assert!(
                            known.contains(&option.as_str()),
                            "{name}: {plugin}.{option}"
                        );
                    }
                    for waiting in ["max_buffered_metrics", "max_undelivered_lines"] {
                        let waiting = instance.get(waiting).and_then(Value::as_u64);
                        assert!(waiting <= buffer, "{name}: more than the outputs hold");
                    }
                }
                plugins.push(plugin);
            }
        }
    }
    plugins.sort_unstable();
    assert!(plugins.iter().eq(OPTIONS.map(|(name, _)| name).iter()));
}

#[test]
fn training_rows_have_the_columns_and_types_of_the_schema() {
    let input = &file("training.conf")["inputs"]["directory_monitor"][0];
    let names = texts(&input["csv_column_names"]);
    let expected: Vec<&str> = KDD41_COLUMNS.into_iter().chain(["label"]).collect();
    assert_eq!(names, expected);
    let types = texts(&input["csv_column_types"]);
    assert_eq!(types.len(), names.len());
    for (name, kind) in names.into_iter().zip(types) {
        let expected = match name {
            "protocol_type" | "service" | "flag" | "label" => "string",
            rate if Schema::is_percent(rate) => "float",
            _ => "int",
        };
        assert_eq!(kind, expected, "{name}");
    }
    assert_eq!(texts(&input["csv_tag_columns"]), ["label"]);
    assert_eq!(input["precision"], "1ns");
    assert_eq!(input["name_override"], "tidegate_training");
    let tags: Vec<&String> = input["tags"].as_object().unwrap().keys().collect();
    assert_eq!(tags, ["dataset", "split"]);
}

#[test]
fn followed_verdicts_become_the_exporters_points() {
    let influxd = Influxd::start(&[]);
    influxd.create_database();
    let folder = tempfile::tempdir().unwrap();
    let (journal, path) = (folder.path().join("journal.db"), folder.path().join("log"));
    let (writer, _) = open(&journal);
    let one = decision(1);
    writer.record(made(&one));
    writer.record(ended(&one, Phase::Lifted, 9));
    eventually("all is written down", || {
        (writer.status().health().written == 2).then_some(())
    });
    let config = InfluxConfig {
        api: InfluxApi::V1,
        bucket: DATABASE.to_owned(),
        ..InfluxConfig::default()
    };
    let exporter = Exporter::start(&journal, &influxd.url(), &config, Secret::default()).unwrap();
    eventually("the point is stored", || {
        (exporter.status().health().stored == 1).then_some(())
    });
    let _log = VerdictLog::start(&journal, &path).unwrap();
    let line = eventually("the line is written", || lines(&path).pop());
    let point = influxd.query("SELECT * FROM tidegate_verdicts");
    let values = point["values"][0].as_array().unwrap().iter();
    let columns = texts(&point["columns"]).into_iter().zip(values);
    let point: BTreeMap<&str, &Value> = columns.collect();
    let kinds = influxd.query("SHOW FIELD KEYS FROM tidegate_verdicts");
    let kinds = kinds["values"].as_array().unwrap().iter();
    let kinds: BTreeMap<&str, &str> = kinds
        .map(|row| (row[0].as_str().unwrap(), row[1].as_str().unwrap()))
        .collect();

    let input = &file("verdicts.conf")["inputs"]["tail"][0];
    assert_eq!(input["name_override"], "tidegate_verdicts");
    let object = &input["json_v2"][0]["object"][0];
    let tags = texts(&object["tags"]);
    let time = object["timestamp_key"].as_str().unwrap();
    assert_eq!(line[time], one.created_at.to_string());
    assert_eq!(
        point["time"],
        &one.created_at
            .as_nanosecond()
            .to_string()
            .parse::<u64>()
            .unwrap()
    );
    for key in texts(&object["included_keys"]) {
        let value = &line[key];
        assert!(!value.is_null(), "{key} is not in {line}");
        if key == time {
            continue;
        }
        let stored = object["renames"]
            .get(key)
            .map_or(key, |name| name.as_str().unwrap());
        let same = match (value.as_f64(), point[stored].as_f64()) {
            (Some(one), Some(other)) => (one - other).abs() < 1e-6,
            _ => value == point[stored],
        };
        assert!(
            same,
            "{key}: {value} in the log, {} in the point",
            point[stored]
        );
        if tags.contains(&key) {
            assert!(!kinds.contains_key(stored), "{key}");
            continue;
        }
        let kind = match object["fields"].get(key).map(|kind| kind.as_str().unwrap()) {
            Some("int") => "integer",
            Some("bool") => "boolean",
            Some(kind) => kind,
            None => "string",
        };
        assert_eq!(kind, kinds[stored], "{key}");
    }
}
