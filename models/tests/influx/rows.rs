//! Rows that come back as they went.

use std::{collections::BTreeMap, env, fs, path::Path};

use tempfile::TempDir;
use tidegate_influx::testing::Influxd;
use tidegate_models::{
    Schema,
    train::{
        Layout, find,
        fit::TRAINING_FILE,
        influx::{ImportOptions, StoredRows, import},
    },
};

use crate::{
    bytes, database, import_quietly, of_database, of_file,
    training::kdd_text,
    workbench::{stderr, workbench},
};

fn influxd() -> Influxd {
    let influxd = Influxd::start(&[]);
    influxd.create_database();
    influxd
}

/// All 494,021 rows, by the program: the same matrices, the same model.
#[test]
fn the_contests_training_file_comes_back_byte_for_byte() {
    let Some(data) = env::var_os("TIDEGATE_DATA") else {
        println!("skipped: TIDEGATE_DATA does not name a folder with the KDD files");
        return;
    };
    let file = find(Path::new(&data), TRAINING_FILE).unwrap();
    let influxd = influxd();
    let url = influxd.url();
    let folder = TempDir::new().unwrap();
    let place = ["--influx", &url, "--db", "gate"];
    let done = workbench(
        folder.path(),
        &[
            &["import", "-o", "json"],
            &place[..],
            &[file.to_str().unwrap()],
        ]
        .concat(),
    );
    assert!(done.status.success(), "{}", stderr(&done));
    let told: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        (&told["rows"], &told["sent"]),
        (&494_021.into(), &494_021.into())
    );

    let (expected, of_file) = of_file(&file, Schema::Kdd41);
    let (found, of_database) = of_database(&database(&url), TRAINING_FILE, Schema::Kdd41).unwrap();
    assert!(expected == found, "not the same rows");
    assert_eq!(of_file, of_database, "name, rows and digest");

    counts_by_label(&influxd, &file);

    let fit = |name: &str, place: &[&str]| {
        let settings = [
            "--schema",
            "kdd41",
            "--max-depth",
            "9",
            "--min-leaf",
            "4",
            "--balance",
            "sqrt",
        ];
        fs::create_dir(folder.path().join(name)).unwrap();
        let output = format!("{name}/tree.json");
        let words = [&["fit", "-o", &output], &settings[..], place].concat();
        let done = workbench(folder.path(), &words);
        assert!(done.status.success(), "{}", stderr(&done));
        fs::read(folder.path().join(output)).unwrap()
    };
    let data = Path::new(&data).to_str().unwrap();
    assert!(
        fit("csv", &["--data", data]) == fit("influx", &place),
        "not the same model"
    );
}

/// What was asked for with `SELECT COUNT("Attack Type") … GROUP BY "Attack Type"`: how many rows there are of what.
/// Where that is a tag, it is no field, and `COUNT` counts fields.
fn counts_by_label(influxd: &Influxd, file: &Path) {
    let by_label = |field: &str, tag: &str| {
        let query = format!(
            "SELECT COUNT(\"{field}\") FROM \"tidegate_training\" WHERE \"dataset\" = '{TRAINING_FILE}' GROUP BY \"{tag}\""
        );
        influxd.all(&query)
    };
    assert!(by_label("Attack Type", "Attack Type").is_empty());
    assert!(by_label("label", "label").is_empty());
    let counts: BTreeMap<String, u64> = by_label("duration", "label")
        .iter()
        .map(|series| {
            let label = series["tags"]["label"].as_str().unwrap();
            (label.to_owned(), series["values"][0][1].as_u64().unwrap())
        })
        .collect();
    let mut expected = BTreeMap::new();
    let rows = tidegate_models::train::Rows::open(file, Schema::Kdd41, Default::default()).unwrap();
    for row in rows {
        *expected.entry(row.unwrap().group.to_string()).or_insert(0) += 1;
    }
    assert_eq!(counts, expected);
    assert_eq!(counts["smurf"], 280_790);
}

#[test]
fn a_recording_comes_back_with_scenarios_and_percents() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("recorded/live.csv.zst");
    let text = zstd_text(&path);
    let folder = TempDir::new().unwrap();
    let mut lines: Vec<String> = text.lines().take(4_000).map(str::to_owned).collect();
    // What a tag or a field has to escape, in the scenario's name.
    let column = lines[0]
        .split(',')
        .position(|name| name == "scenario")
        .unwrap();
    for (line, scenario) in lines[1..]
        .iter_mut()
        .zip([r"a\b", "a b=c", "it's", "né", "x\\"].iter().cycle())
    {
        let mut fields: Vec<_> = line.split(',').collect();
        fields[column] = scenario;
        *line = fields.join(",");
    }
    let path = folder.path().join("rec.csv");
    fs::write(&path, lines.join("\n")).unwrap();
    let influxd = influxd();
    let database = database(&influxd.url());
    // Beside rows of another schema, whose rates are fractions.
    let kdd = folder.path().join("kdd");
    fs::write(&kdd, kdd_text()).unwrap();
    import_quietly(&database, &kdd).unwrap();
    import_quietly(&database, &path).unwrap();
    assert_eq!(
        of_file(&path, Schema::Live),
        of_database(&database, "rec.csv", Schema::Live).unwrap()
    );
    assert_eq!(
        of_file(&kdd, Schema::Live),
        of_database(&database, "kdd", Schema::Live).unwrap()
    );
    let error = of_database(&database, "rec.csv", Schema::Kdd41).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a recording has live columns only"),
        "{error}"
    );
    let stored = StoredRows::open(&database, "rec.csv", Schema::Live).unwrap();
    assert_eq!(stored.layout(), Layout::Recording);
}

#[test]
fn a_table_of_classes_may_lack_columns_and_have_any_name() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("table.csv");
    let names = tidegate_models::REQUIRED_FEATURES;
    let mut text = names.join(",") + ",Attack Type\n";
    for (row, class) in ["dos", "normal", "probe", "U2R"].iter().enumerate() {
        for name in names {
            text += &match name {
                "protocol_type" => "udp".to_owned(),
                "flag" => "SF".to_owned(),
                "service" => "domain_u".to_owned(),
                rate if Schema::is_percent(rate) => format!("0.{row}25"),
                _ => format!("{row}4294967295"),
            };
            text += ",";
        }
        text += class;
        text += "\n";
    }
    fs::write(&path, text).unwrap();
    let influxd = influxd();
    let database = database(&influxd.url());
    let name = "it's \"a\", b=c né \u{1f30a}";
    let options = ImportOptions {
        dataset: Some(name.to_owned()),
        ..ImportOptions::default()
    };
    let imported = import(&database, &path, &options, &mut |_| ()).unwrap();
    assert_eq!(imported.source.rows, 4);
    let expected = of_file(&path, Schema::Kdd41);
    assert_eq!(
        expected,
        of_database(&database, name, Schema::Kdd41).unwrap()
    );
    // Again, beside a dataset with all columns.
    let kdd = folder.path().join("kdd");
    fs::write(&kdd, kdd_text()).unwrap();
    import_quietly(&database, &kdd).unwrap();
    assert_eq!(
        expected,
        of_database(&database, name, Schema::Kdd41).unwrap()
    );
}

/// Rows that another program wrote: nothing is noted of them.
#[test]
fn rows_of_other_programs_need_no_note() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("kdd");
    fs::write(&path, kdd_text()).unwrap();
    let influxd = influxd();
    let database = database(&influxd.url());
    import_quietly(&database, &path).unwrap();
    influxd.query("DROP MEASUREMENT tidegate_training_files");
    let stored = StoredRows::open(&database, "kdd", Schema::Kdd41).unwrap();
    let (found, summary) = stored.process(bytes).unwrap();
    let (expected, of_file) = of_file(&path, Schema::Kdd41);
    assert!(found == expected);
    assert_eq!(summary.source.file, "kdd");
    assert_ne!(summary.source.sha256, of_file.source.sha256);
}

fn zstd_text(path: &Path) -> String {
    let file = fs::File::open(path).unwrap();
    std::io::read_to_string(zstd::Decoder::new(file).unwrap()).unwrap()
}
