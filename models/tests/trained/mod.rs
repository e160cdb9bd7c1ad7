//! The shipped models.

use std::{fs, path::Path};

/// Names of the shipped model files, in order, with their text.
pub(crate) fn trained() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("trained");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.to_string_lossy();
            // A network's loss by epoch is beside it.
            name.ends_with(".json") && !name.ends_with(".curve.json")
        })
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no models in models/trained");
    files
}
