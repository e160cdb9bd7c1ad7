//! What is wrong with a database, a dataset or a word of the command line, said in a line.

use std::fs;

use tempfile::TempDir;
use tidegate_influx::{
    Secret,
    testing::{DATABASE, Influxd, client},
};
use tidegate_models::{
    Schema,
    train::influx::{Database, Settings, StoredRows},
};

use crate::{
    database, import_quietly, many_rows,
    training::kdd_text,
    workbench::{stderr, workbench},
};

fn influxd() -> Influxd {
    let influxd = Influxd::start(&[]);
    influxd.create_database();
    influxd
}

fn write(influxd: &Influxd, lines: &str) {
    let url = format!("{}/write?db={DATABASE}", influxd.url());
    assert_eq!(client().post(url).send(lines).unwrap().status(), 204);
}

fn error(influxd: &Influxd, dataset: &str) -> String {
    let rows = StoredRows::open(&database(&influxd.url()), dataset, Schema::Kdd41);
    let error = rows.and_then(|rows| rows.process(|rows| rows.count()));
    error.unwrap_err().to_string()
}

#[test]
fn what_is_not_there_names_itself() {
    let influxd = influxd();
    assert_eq!(
        error(&influxd, "kdd"),
        "gate has no fields of tidegate_training: nothing was imported there"
    );
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("kdd");
    fs::write(&path, kdd_text()).unwrap();
    import_quietly(&database(&influxd.url()), &path).unwrap();
    assert_eq!(
        error(&influxd, "other"),
        "tidegate_training: no rows with dataset = \"other\" and split = \"train\""
    );
    // A row without one of the columns.
    let tags = "tidegate_training,dataset=mine,label=smurf,split=train";
    write(&influxd, &format!("{tags} duration=1i,flag=\"SF\" 1000"));
    let lacking = error(&influxd, "mine");
    assert!(
        lacking
            .starts_with("mine, row 1 (time 1000): column protocol_type: unknown protocol: \"\""),
        "{lacking}"
    );
    let settings = Settings {
        measurement: "mine".to_owned(),
        ..database(&influxd.url()).settings().clone()
    };
    let mine = Database::new(settings, Secret::default()).unwrap();
    let error = || {
        let rows = StoredRows::open(&mine, "mine", Schema::Kdd41);
        rows.map(|_| ()).unwrap_err().to_string()
    };
    let tags = "mine,dataset=mine,label=smurf,split=train";
    write(
        &influxd,
        &format!("{tags} duration=1i,protocol_type=\"tcp\" 1000"),
    );
    assert_eq!(error(), "mine: no column flag");
    write(&influxd, &format!("{tags} flag=4i 1000"));
    assert_eq!(error(), "mine: column flag is of type integer, not string");
}

#[test]
fn a_dataset_of_another_file_is_not_mixed_with_it() {
    let influxd = influxd();
    let database = database(&influxd.url());
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rows");
    fs::write(&path, many_rows(20)).unwrap();
    import_quietly(&database, &path).unwrap();
    fs::write(&path, many_rows(10)).unwrap();
    let error = import_quietly(&database, &path).unwrap_err().to_string();
    let (why, cleanup) = error.split_once(", or remove them first: ").unwrap();
    assert_eq!(
        why,
        "rows has 20 rows of another file, rows: choose another --dataset"
    );
    // What it says does it.
    influxd.query(cleanup);
    assert_eq!(import_quietly(&database, &path).unwrap().source.rows, 10);
}

#[test]
fn a_bad_row_is_found_before_anything_is_sent() {
    let influxd = influxd();
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("bad"), many_rows(9) + "1,2,3\n").unwrap();
    let words = ["import", "--influx", &influxd.url(), "--db", "gate", "bad"];
    let done = workbench(folder.path(), &words);
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(
        stderr(&done),
        "tidegate-train: cannot import bad: bad:10: 3 columns instead of 42\n"
    );
    assert!(influxd.query("SHOW MEASUREMENTS").is_null());
    let done = workbench(folder.path(), &[&words[..], &["--skip-bad"]].concat());
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(stderr(&done).contains("1 bad rows skipped"));
}

#[test]
fn secrets_open_the_door_and_are_never_shown() {
    let mut influxd = Influxd::start(&[("INFLUXDB_HTTP_AUTH_ENABLED", "true")]);
    influxd.query("CREATE USER gate WITH PASSWORD 'hush-hush' WITH ALL PRIVILEGES");
    influxd.login = Some(("gate", "hush-hush"));
    influxd.create_database();
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("rows"), kdd_text()).unwrap();
    fs::write(folder.path().join("right"), "hush-hush\n").unwrap();
    fs::write(folder.path().join("wrong"), "psst-psst\n").unwrap();
    let url = influxd.url();
    let import = |secret: &str| {
        let words = ["import", "--influx", &url, "--db", "gate", "--user", "gate"];
        workbench(
            folder.path(),
            &[&words[..], &["--secret-file", secret, "rows"]].concat(),
        )
    };
    let refused = import("wrong");
    assert_eq!(refused.status.code(), Some(1));
    let said = stderr(&refused);
    assert!(
        said.contains("401 ") && said.contains("authorization failed"),
        "{said}"
    );
    assert!(
        !said.contains("psst") && said.contains("see --user, --secret-file"),
        "{said}"
    );
    let done = import("right");
    assert!(done.status.success(), "{}", stderr(&done));
}

#[test]
fn words_that_make_no_sense_are_refused() {
    let folder = TempDir::new().unwrap();
    let at = ["--influx", "http://127.0.0.1:1"];
    for (words, code, said) in [
        (vec!["import", "--db", "x", "f"], 64, "--influx <URL>"),
        (vec!["import", at[0], at[1], "f"], 64, "--db <NAME>"),
        (
            vec!["import", "--influx", "http://me:hush@a:1", "--db", "x", "f"],
            1,
            "must not name a user",
        ),
        (
            vec![
                "import",
                at[0],
                at[1],
                "--db",
                "x",
                "--dataset",
                "d",
                "f",
                "g",
            ],
            1,
            "--dataset names the rows of one file",
        ),
        (
            vec!["import", at[0], at[1], "--db", "x\\", "f"],
            1,
            "--db: must be one line without backslashes",
        ),
        (
            vec!["import", at[0], at[1], "--db", "x", "--ca-file", "c", "f"],
            1,
            "--ca-file: is for a server of https",
        ),
        (vec!["fit", "--schema", "kdd41"], 64, "--data <DIR>"),
        (
            vec!["fit", "--schema", "kdd41", at[0], at[1]],
            64,
            "--db <NAME>",
        ),
        (
            vec![
                "fit", "--schema", "kdd41", at[0], at[1], "--db", "x", "--data", "d",
            ],
            64,
            "cannot be used with",
        ),
        (
            vec![
                "fit",
                "--schema",
                "kdd41",
                at[0],
                at[1],
                "--db",
                "x",
                "--patience",
                "0",
            ],
            1,
            "http://127.0.0.1:1: nothing for 0 s but: ",
        ),
        (
            vec![
                "fit",
                "--schema",
                "kdd41",
                "--influx",
                "https://a",
                "--db",
                "x",
            ],
            1,
            "speaks no TLS",
        ),
    ] {
        if said == "speaks no TLS" && cfg!(feature = "tls") {
            continue;
        }
        let done = workbench(folder.path(), &words);
        let stderr = stderr(&done);
        assert_eq!(done.status.code(), Some(code), "{words:?}: {stderr}");
        assert!(stderr.contains(said), "{words:?}: {stderr}");
        assert!(!stderr.contains("hush@"), "{words:?}: {stderr}");
    }
}
