//! docs/SPECIFICATION.md names the tests that enforce its promises: each must be there.

use std::fs;
use std::path::Path;

use crate::paths;

/// What stands between backquotes as `folder::test`.
fn named(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|words| {
        let (folder, test) = words.split_once("::")?;
        (!words.contains(' ')).then_some((folder, test))
    })
}

/// All Rust below `folder`, as one text.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(&path).expect("source files are text");
        }
    }
    text
}

#[test]
fn every_promise_has_its_tests() {
    let text =
        fs::read_to_string(paths::root().join("docs/SPECIFICATION.md")).expect("it is there");
    let mut count = 0;
    for (folder, test) in named(&text) {
        let sources = sources(&paths::root().join(folder));
        assert!(
            sources.contains(&format!("fn {test}(")),
            "docs/SPECIFICATION.md: there is no test {test} below {folder}"
        );
        count += 1;
    }
    assert!(count > 40, "only {count} tests are named");
}

#[test]
fn names_are_found_between_backquotes() {
    let text = "| x | `a/b::c`, `cargo bench -p x`, `d::e` | `f` ::g";
    assert_eq!(named(text).collect::<Vec<_>>(), [("a/b", "c"), ("d", "e")]);
}
