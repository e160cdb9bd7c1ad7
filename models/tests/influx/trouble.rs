//! Servers that are busy, full or away, answers that end early, and imports that are interrupted.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tidegate_influx::testing::Influxd;
use tidegate_models::{
    Schema,
    train::influx::{Api, Database, Event, ImportOptions, InfluxError, Settings, import},
};

use crate::{
    database, import_quietly, many_rows, of_database, of_file,
    proxy::{Proxy, Tricks},
    workbench::stderr,
};

/// A server, somebody before it, and a file of so many rows.
struct Lab {
    influxd: Influxd,
    proxy: Proxy,
    _folder: TempDir,
    path: PathBuf,
}

impl Lab {
    fn new(rows: u64, tricks: Tricks) -> Self {
        let influxd = Influxd::start(&[]);
        influxd.create_database();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("rows");
        fs::write(&path, many_rows(rows)).unwrap();
        Self {
            proxy: Proxy::start(influxd.port(), tricks),
            influxd,
            _folder: folder,
            path,
        }
    }

    fn database(&self) -> Database {
        database(&self.proxy.url())
    }

    /// Whether the database has the file.
    fn check(&self) {
        let found = of_database(&database(&self.influxd.url()), "rows", Schema::Kdd41).unwrap();
        assert!(found == of_file(&self.path, Schema::Kdd41));
    }

    fn stored(&self) -> u64 {
        let count = "SELECT COUNT(\"duration\") FROM tidegate_training";
        self.influxd.query(count)["values"][0][1]
            .as_u64()
            .unwrap_or(0)
    }
}

#[test]
fn busy_servers_are_waited_for_and_full_ones_get_less() {
    let tricks = Tricks {
        busy: 2,
        retry_after: "1",
        most: Some(300_000),
        ..Tricks::default()
    };
    let lab = Lab::new(7_000, tricks);
    let mut waits = Vec::new();
    let mut tell = |event: Event<'_>| {
        if let Event::Waiting { why, wait } = event {
            assert_eq!(why, "503 the test");
            waits.push(wait);
        }
    };
    let options = ImportOptions::default();
    let imported = import(&lab.database(), &lab.path, &options, &mut tell).unwrap();
    assert_eq!(imported.sent, 7_000);
    assert_eq!(waits.len(), 2);
    assert!(waits.iter().all(|wait| *wait >= Duration::from_secs(1)));
    let seen = lab.proxy.seen();
    let writes: Vec<_> = seen
        .iter()
        .filter(|(line, _)| line.contains("/write"))
        .collect();
    let full = writes
        .iter()
        .filter(|(_, length)| *length > 300_000)
        .count();
    // What was too much once is not tried again.
    assert!((1..=5).contains(&full), "{writes:?}");
    lab.check();
}

/// It says 413 without reading the request, and hangs up.
#[test]
fn an_influxd_with_a_small_limit_gets_less() {
    let influxd = Influxd::start(&[("INFLUXDB_HTTP_MAX_BODY_SIZE", "600000")]);
    influxd.create_database();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rows");
    fs::write(&path, many_rows(7_000)).unwrap();
    let database = database(&influxd.url());
    import_quietly(&database, &path).unwrap();
    assert!(
        of_database(&database, "rows", Schema::Kdd41).unwrap() == of_file(&path, Schema::Kdd41)
    );
}

#[test]
fn a_server_that_stays_away_ends_the_import_and_it_goes_on_later() {
    // The note and three batches.
    let tricks = Tricks {
        writes: Some(4),
        ..Tricks::default()
    };
    let lab = Lab::new(23_000, tricks);
    let error = import_quietly(&lab.database(), &lab.path).unwrap_err();
    assert!(matches!(error, InfluxError::Unavailable { .. }), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("nothing for 3 s but: 503 the test"),
        "{error}"
    );
    assert_eq!(lab.stored(), 15_000);
    let error = of_database(&lab.database(), "rows", Schema::Kdd41).unwrap_err();
    assert!(matches!(error, InfluxError::Unfinished { .. }), "{error}");

    lab.proxy.set(Tricks::default());
    let mut resumed = None;
    let options = ImportOptions::default();
    let imported = import(&lab.database(), &lab.path, &options, &mut |event| {
        if let Event::Resumed(rows) = event {
            resumed = Some(rows);
        }
    });
    // The last batch is sent again: how much of it arrived is not known.
    assert_eq!((resumed, imported.unwrap().sent), (Some(10_000), 13_000));
    lab.check();
    // And once more, all of it, over the same points.
    assert_eq!(
        import_quietly(&lab.database(), &lab.path).unwrap().sent,
        23_000
    );
    assert_eq!(lab.stored(), 23_000);
    lab.check();
}

#[test]
fn a_killed_import_goes_on_where_it_was() {
    let lab = Lab::new(60_000, Tricks::default());
    let (url, file) = (lab.influxd.url(), lab.path.to_str().unwrap());
    let words = ["import", "--influx", &url, "--db", "gate", file];
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate-train"));
        command
            .args(words)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let mut first = start();
    let deadline = Instant::now() + Duration::from_secs(120);
    while lab.stored() < 10_000 {
        assert!(Instant::now() < deadline, "nothing arrives");
        thread::sleep(Duration::from_millis(5));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let interrupted = lab.stored();
    assert!(interrupted < 60_000, "the whole file had arrived");
    let second = start().wait_with_output().unwrap();
    assert!(second.status.success(), "{}", stderr(&second));
    assert!(
        stderr(&second).contains("rows: goes on after "),
        "{}",
        stderr(&second)
    );
    lab.check();
}

#[test]
fn an_influxd_that_crashes_loses_nothing() {
    let mut lab = Lab::new(20_000, Tricks::default());
    let (url, path) = (lab.influxd.url(), lab.path.clone());
    let importer = thread::spawn(move || {
        let settings = Settings {
            patience: Duration::from_secs(60),
            ..database(&url).settings().clone()
        };
        let database = Database::new(settings, Default::default()).unwrap();
        import_quietly(&database, &path)
    });
    let deadline = Instant::now() + Duration::from_secs(60);
    while lab.stored() == 0 {
        assert!(Instant::now() < deadline, "nothing arrives");
        thread::sleep(Duration::from_millis(5));
    }
    lab.influxd.crash_and_restart(Duration::from_millis(500));
    importer.join().unwrap().unwrap();
    lab.check();
}

#[test]
fn an_answer_that_ends_early_is_an_error() {
    let lab = Lab::new(3_000, Tricks::default());
    import_quietly(&lab.database(), &lab.path).unwrap();
    let cut = |cut| Tricks {
        cut: Some(cut),
        ..Tricks::default()
    };
    for bytes in [100_000, 250_001] {
        lab.proxy.set(cut(bytes));
        let error = of_database(&lab.database(), "rows", Schema::Kdd41).unwrap_err();
        assert!(
            matches!(error, InfluxError::Broken { expected: 3_000, got, .. } if got > 0 && got < 3_000),
            "{error}"
        );
    }
}

/// Answers that are whole, of rows that are too few, or not the file's.
#[test]
fn rows_that_are_not_those_counted_or_imported_are_an_error() {
    let lab = Lab::new(3_000, Tricks::default());
    import_quietly(&lab.database(), &lab.path).unwrap();
    lab.proxy.set(Tricks {
        limit: Some(2_999),
        ..Tricks::default()
    });
    let error = of_database(&lab.database(), "rows", Schema::Kdd41).unwrap_err();
    let short = "rows: 2999 rows came, where the server counts 3000";
    assert_eq!(error.to_string(), short);
    lab.proxy.set(Tricks::default());
    lab.check();
    // A value of row 1,500 becomes another.
    let time = 946_684_800_000_000_000 + 1_500_i64 * 1_000;
    let tags = "dataset=rows,label=normal,split=train";
    let line = format!("tidegate_training,{tags} src_bytes=1i {time}");
    let request = tidegate_influx::testing::client().post(format!("{}/write", lab.influxd.url()));
    let sent = request.query("db", "gate").send(line);
    assert_eq!(sent.unwrap().status(), 204);
    let error = of_database(&lab.database(), "rows", Schema::Kdd41).unwrap_err();
    assert!(matches!(error, InfluxError::Changed { .. }), "{error}");
    import_quietly(&lab.database(), &lab.path).unwrap();
    lab.check();
}

#[test]
fn the_v2_endpoint_takes_rows_too() {
    let lab = Lab::new(100, Tricks::default());
    let mut settings = lab.database().settings().clone();
    settings.access.api = Api::V2;
    "testers".clone_into(&mut settings.access.org);
    let database = Database::new(settings, Default::default()).unwrap();
    import_quietly(&database, &lab.path).unwrap();
    let seen = lab.proxy.seen();
    let v2 = "POST /api/v2/write?bucket=gate&org=testers&precision=ns HTTP/1.1";
    assert_eq!(seen.iter().filter(|(line, _)| line == v2).count(), 3);
    lab.check();
}
