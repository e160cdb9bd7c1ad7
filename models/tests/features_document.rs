//! `docs/FEATURES.md` defines every column.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use std::{fs, path::Path};

use tidegate_models::LIVE_COLUMNS;

#[test]
fn the_document_names_exactly_the_columns_in_their_order() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/FEATURES.md");
    let text = fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|row| row.split(" | ").collect())
        .collect();
    let names: Vec<&str> = rows
        .iter()
        .map(|row| row[0].trim_end_matches('`'))
        .collect();
    assert_eq!(names, LIVE_COLUMNS);
    for row in rows {
        assert_eq!(
            row.len(),
            6,
            "name, meaning, unit, window, source, difference: {row:?}"
        );
        assert!(
            row.iter()
                .all(|cell| !cell.trim_matches([' ', '|']).is_empty()),
            "{row:?}"
        );
    }
}
