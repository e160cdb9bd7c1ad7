//! An InfluxDB behind TLS, and those who are not it.

use std::{fs, path::Path};

use tidegate::{
    config::{InfluxApi, InfluxConfig},
    export::influx::{Exporter, Secret},
};

use crate::{
    influxd::{DATABASE, Https, certificate},
    support::{decision, eventually, made, open},
};

#[test]
fn points_go_by_https_to_whom_the_file_vouches_for_and_to_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let influxd = Https::start(folder.path());
    let (other, _) = certificate(folder.path(), "other");
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    journal.record(made(&decision(1)));
    let start = |api, ca_file: Option<&Path>| {
        let config = InfluxConfig {
            api,
            bucket: DATABASE.to_owned(),
            ca_file: ca_file.map(Path::to_owned),
            ..InfluxConfig::default()
        };
        Exporter::start(&path, &influxd.url(), &config, Secret::default())
    };
    for api in [InfluxApi::V1, InfluxApi::V2] {
        for stranger in [None, Some(&*other)] {
            let exporter = start(api, stranger).unwrap();
            let trouble = eventually("it is not believed", || exporter.status().health().trouble);
            assert!(trouble.contains("certificate"), "{trouble}");
            assert_eq!(exporter.status().health().stored, 0);
        }
    }
    let exporter = start(InfluxApi::V1, Some(&influxd.certificate)).unwrap();
    eventually("the point is stored", || {
        (exporter.status().health().stored == 1).then_some(())
    });
    let count = influxd.query("SELECT COUNT(\"id\") FROM tidegate_verdicts");
    assert!(count.contains(",1]]"), "{count}");
    // Of 1.6 there is no /api/v2/write, and that it says so is understood.
    drop(exporter);
    journal.record(made(&decision(2)));
    let exporter = start(InfluxApi::V2, Some(&influxd.certificate)).unwrap();
    let trouble = eventually("its words show", || exporter.status().health().trouble);
    assert!(trouble.contains("404"), "{trouble}");
    drop(exporter);

    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "nothing\n").unwrap();
    for (file, why) in [
        (&empty, "no certificate"),
        (&folder.path().join("none"), "No such file"),
    ] {
        let error = start(InfluxApi::V1, Some(file)).unwrap_err().to_string();
        assert!(
            error.starts_with("influx.ca_file: ") && error.contains(why),
            "{error}"
        );
    }
}
