//! Small data files of every kind.

use std::{fs, io::Write as _, path::PathBuf};

use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;
use tidegate_models::{LIVE_COLUMNS, REQUIRED_FEATURES};

pub(crate) const WEB: &str = "0,tcp,http,SF,181,5450,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,8,8,0.00,0.00,0.00,0.00,1.00,0.00,0.00,9,9,1.00,0.00,0.11,0.00,0.00,0.00,0.00,0.00,normal.";
pub(crate) const SMURF: &str = "0,icmp,ecr_i,SF,1032,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,511,511,0.00,0.00,0.00,0.00,1.00,0.00,0.00,255,255,1.00,0.00,1.00,0.00,0.00,0.00,0.00,0.00,smurf.";
pub(crate) const NEPTUNE: &str = "4,tcp,private,S0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,123,6,1.00,1.00,0.00,0.00,0.05,0.07,0.00,255,26,0.10,0.05,0.00,0.00,1.00,1.00,0.00,0.00,neptune.";

/// Writes a file, compressed as its name says.
pub(crate) fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, compress(name, text)).unwrap();
    path
}

pub(crate) fn compress(name: &str, text: &str) -> Vec<u8> {
    match name.rsplit_once('.') {
        Some((_, "gz")) => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        }
        Some((_, "zst")) => zstd::encode_all(text.as_bytes(), 1).unwrap(),
        _ => text.as_bytes().to_vec(),
    }
}

/// Rows as NSL-KDD writes them: no dot, and a difficulty.
pub(crate) fn nsl(row: &str) -> String {
    format!("{},19", row.trim_end_matches('.'))
}

/// A recording whose columns are in another order than the schema's, with one more; `change`
/// makes each value from its column and its default.
pub(crate) fn recording(change: impl Fn(&str, &str) -> String) -> String {
    let mut names: Vec<&str> = LIVE_COLUMNS.iter().rev().copied().collect();
    names.extend(["time_s", "label", "scenario"]);
    let value = |(column, name): (usize, &&str)| {
        let value = match *name {
            "protocol_type" => "udp".to_owned(),
            "service" => "domain_u".to_owned(),
            "flag" => "SF".to_owned(),
            "label" => "dos".to_owned(),
            "scenario" => "udp_flood".to_owned(),
            "time_s" => "1.25".to_owned(),
            _ => column.to_string(),
        };
        change(name, &value)
    };
    let row: Vec<String> = names.iter().enumerate().map(value).collect();
    format!("{}\n{}\n", names.join(","), row.join(","))
}

/// A table as data-frame tools write it: an unnamed index, the columns a request must have in
/// reverse order, counts as floats, a time, and the labels given.
pub(crate) fn table(labels: &[(&str, &str)]) -> String {
    let mut names = vec![""];
    names.extend(REQUIRED_FEATURES.iter().rev());
    names.push("time");
    names.extend(labels.iter().map(|(name, _)| name));
    let value = |name: &&str| match *name {
        "" => "17".to_owned(),
        "protocol_type" => "tcp".to_owned(),
        "flag" => "S0".to_owned(),
        "count" => "123.0".to_owned(),
        "serror_rate" => "1.0".to_owned(),
        "diff_srv_rate" => "0.07".to_owned(),
        "time" => "1999-03-29 08:00:01".to_owned(),
        name => labels
            .iter()
            .find(|label| label.0 == name)
            .map_or_else(|| "0".to_owned(), |(_, value)| (*value).to_owned()),
    };
    let row: Vec<String> = names.iter().map(value).collect();
    format!("{}\n{}\n", names.join(","), row.join(","))
}
