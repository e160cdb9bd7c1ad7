//! Training rows in a real InfluxDB: there, back, and what may go wrong on the way.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod proxy;
mod rows;
#[cfg(feature = "tls")]
mod tls;
#[path = "../training/mod.rs"]
mod training;
mod trouble;
#[path = "../workbench/mod.rs"]
mod workbench;
mod wrong;

use std::{fmt::Write as _, path::Path, time::Duration};

use tidegate_influx::{Secret, testing::DATABASE};
use tidegate_models::{
    Schema,
    train::{
        LabelledRow, OnBad, Rows, Summary,
        influx::{
            Database, Event, ImportOptions, Imported, InfluxError, Settings, StoredRows, import,
        },
    },
};

/// A database there, for those who wait a few seconds.
fn database(url: &str) -> Database {
    let mut settings = Settings::new(url, DATABASE);
    settings.access.timeout = Duration::from_secs(20);
    settings.patience = Duration::from_secs(3);
    Database::new(settings, Secret::default()).unwrap()
}

fn import_quietly(database: &Database, path: &Path) -> Result<Imported, InfluxError> {
    import(
        database,
        path,
        &ImportOptions::default(),
        &mut |_: Event<'_>| (),
    )
}

/// Rows as bytes: columns, class and group, in order.
fn bytes(rows: &mut dyn Iterator<Item = LabelledRow>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for row in rows {
        for value in row.features.values() {
            bytes.extend(value.to_le_bytes());
        }
        bytes.push(row.class as u8);
        bytes.extend(row.group.as_bytes());
        bytes.push(0);
    }
    bytes
}

fn of_file(path: &Path, schema: Schema) -> (Vec<u8>, Summary) {
    let rows = Rows::open(path, schema, OnBad::Stop).unwrap();
    rows.process(bytes).unwrap()
}

fn of_database(
    database: &Database,
    dataset: &str,
    schema: Schema,
) -> Result<(Vec<u8>, Summary), InfluxError> {
    StoredRows::open(database, dataset, schema)?.process(bytes)
}

/// KDD rows, no two alike.
fn many_rows(rows: u64) -> String {
    let mut text = String::new();
    for i in 0..rows {
        let label = ["normal", "neptune", "smurf", "satan"][i as usize % 4];
        writeln!(
            text,
            "{i},tcp,http,SF,{},{},0,0,0,{},0,1,0,0,0,0,0,0,0,0,0,0,{},9,0.{:02},0.00,0.00,0.00,1.00,0.00,0.00,9,9,1.00,0.00,0.11,0.00,0.00,0.00,0.00,0.00,{label}.",
            i * 7,
            i * i,
            i % 3,
            i % 512,
            i % 100
        )
        .unwrap();
    }
    text
}
