//! The reader of `kddcup.names`.

use std::path::Path;

use tempfile::TempDir;
use tidegate_models::{
    KDD41_COLUMNS,
    train::{Attack, Kind, find, read_names},
};

use crate::files::write;

fn names() -> String {
    let attacks: Vec<_> = Attack::all()
        .filter(|attack| attack.in_training())
        .map(Attack::name)
        .collect();
    let mut text = format!("{}.\n", attacks.join(","));
    for column in KDD41_COLUMNS {
        text.push_str(&format!("{column}: {}.\n", Kind::of(column).name()));
    }
    text
}

#[test]
fn names_and_kinds_are_read() {
    let folder = TempDir::new().unwrap();
    for (name, text) in [
        ("kddcup.names", names()),
        ("kddcup.names.gz", names()),
        ("windows", names().replace('\n', "\r\n")),
    ] {
        let names = read_names(&write(&folder, name, &text)).unwrap();
        assert_eq!(names.attacks.len(), 23);
        assert!(names.attacks.iter().all(|attack| attack.in_training()));
        let columns: Vec<_> = names.columns.iter().map(|(name, _)| *name).collect();
        assert_eq!(columns, KDD41_COLUMNS);
        assert_eq!(names.columns[1], ("protocol_type", Kind::Symbolic));
        assert_eq!(names.columns[4], ("src_bytes", Kind::Continuous));
    }
}

#[test]
fn what_is_wrong_is_named_by_line() {
    let folder = TempDir::new().unwrap();
    for (from, to, message) in [
        ("smurf", "smurfs", "1: unknown attack type \"smurfs\""),
        (
            "warezmaster.",
            "warezmaster",
            "1: the attack types don't end in a dot",
        ),
        (
            "flag: symbolic.",
            "flags: symbolic.",
            "5: column \"flags\" where flag belongs",
        ),
        (
            "flag: symbolic.",
            "flag: continuous.",
            "5: column flag is symbolic, not \"continuous\"",
        ),
        (
            "urgent: continuous.",
            "urgent",
            "10: not of the form `name: kind.`: \"urgent\"",
        ),
        (
            "land: symbolic.\n",
            "",
            "8: column \"wrong_fragment\" where land belongs",
        ),
        (
            "dst_host_srv_rerror_rate: continuous.\n",
            "",
            "41: the list ends before column dst_host_srv_rerror_rate",
        ),
        (
            "dst_host_srv_rerror_rate: continuous.\n",
            "dst_host_srv_rerror_rate: continuous.\nsrc_count: continuous.\n",
            "43: more than 41 columns: \"src_count: continuous.\"",
        ),
    ] {
        assert!(names().contains(from), "{from}");
        let path = write(&folder, "bad.names", &names().replacen(from, to, 1));
        let error = read_names(&path).unwrap_err().to_string();
        assert_eq!(error, format!("{}:{message}", path.display()));
    }
    let empty = write(&folder, "empty", "");
    let error = read_names(&empty).unwrap_err().to_string();
    assert!(error.ends_with("empty:1: no attack types"), "{error}");
    assert!(read_names(Path::new("missing")).is_err());
}

#[test]
fn the_published_list_is_the_schema() {
    let Some(data) = std::env::var_os("TIDEGATE_DATA") else {
        println!("skipped: TIDEGATE_DATA does not name a folder with the KDD files");
        return;
    };
    let names = read_names(&find(Path::new(&data), "kddcup.names").unwrap()).unwrap();
    let training: Vec<_> = Attack::all()
        .filter(|attack| attack.in_training())
        .collect();
    assert_eq!(names.attacks, training);
}
