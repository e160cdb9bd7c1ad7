//! Which files a fit opens, as the kernel tells: never one of the published test files.

#![cfg(all(feature = "train", target_os = "linux"))]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod training;
mod workbench;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::Path,
};

use flate2::{Compression, write::GzEncoder};
use nix::{
    errno::Errno,
    sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor},
};
use tempfile::TempDir;
use tidegate_models::train::{TrainingSet, fit::ModelKind, is_test_file};
use training::kdd_text;
use workbench::{stderr, workbench};

/// Every published test file, as it may come.
const TEST_FILES: [&str; 3] = ["corrected", "KDDTest+.txt", "KDDTest-21.txt"];

/// Rows as NSL-KDD writes them: no dot, and a difficulty.
fn nsl_text() -> String {
    kdd_text().replace(".\n", ",19\n")
}

fn write_training_files(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(TrainingSet::Kdd99.file()), kdd_text()).unwrap();
    fs::write(folder.join(TrainingSet::NslKdd.file()), nsl_text()).unwrap();
}

/// Good rows that a fit could well learn from: floods that look normal in training.
fn write_test_files(folder: &Path) {
    for name in TEST_FILES {
        let text = if name == "corrected" {
            kdd_text()
        } else {
            nsl_text()
        };
        let text = text.replace("normal", "smurf");
        fs::write(folder.join(name), &text).unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        fs::write(folder.join(format!("{name}.gz")), gzip.finish().unwrap()).unwrap();
        let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
        fs::write(folder.join(format!("{name}.zst")), zstd).unwrap();
    }
}

/// Tells which files of a folder are opened or read, whatever path leads to them.
struct Watch {
    inotify: Inotify,
    names: BTreeMap<WatchDescriptor, String>,
}

impl Watch {
    fn new(folder: &Path) -> Self {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).unwrap();
        let on = AddWatchFlags::IN_OPEN | AddWatchFlags::IN_ACCESS;
        let entries = fs::read_dir(folder).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (inotify.add_watch(&path, on).unwrap(), name)
        });
        let names = entries.collect();
        Self { inotify, names }
    }

    /// What was opened or read since the last call.
    fn touched(&self) -> BTreeSet<&str> {
        let mut touched = BTreeSet::new();
        loop {
            match self.inotify.read_events() {
                Ok(events) => {
                    for event in events {
                        assert!(!event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW));
                        touched.insert(self.names[&event.wd].as_str());
                    }
                }
                Err(Errno::EAGAIN) => return touched,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn no_fit_opens_a_test_file_nor_cares_whether_there_are_any() {
    let folder = TempDir::new().unwrap();
    let [with, without] = ["with", "without"].map(|name| folder.path().join(name));
    write_training_files(&with);
    write_training_files(&without);
    write_test_files(&with);
    let watch = Watch::new(&with);
    assert_eq!(watch.names.len(), 2 + 3 * TEST_FILES.len());

    for kind in ModelKind::ALL {
        for training_set in TrainingSet::ALL {
            let fitted = |data: &str| {
                let output = folder.path().join("model.json");
                let mut fit = vec!["fit", "--kind", kind.name(), "--schema", "kdd41"];
                fit.extend(["--training-set", training_set.name(), "--data", data]);
                let done = workbench(folder.path(), &[&fit[..], &["-o", "model.json"]].concat());
                assert!(done.status.success(), "{}", stderr(&done));
                ["json", "md"].map(|extension| {
                    let path = output.with_extension(extension);
                    let text = fs::read(&path).unwrap();
                    fs::remove_file(path).unwrap();
                    text
                })
            };
            let one = fitted("with");
            let touched = watch.touched();
            let training = BTreeSet::from([training_set.file()]);
            assert_eq!(touched, training, "{} of {training_set:?}", kind.name());
            assert!(one == fitted("without"), "{}", kind.name());
        }
    }
    assert!(watch.touched().is_empty(), "the other folder's fits");

    // So the watch would have told.
    let fit = ["fit", "--schema", "kdd41", "--data", "with", "-o", "m.json"];
    assert!(workbench(folder.path(), &fit).status.success());
    watch.touched();
    for name in watch
        .names
        .values()
        .filter(|name| is_test_file(Path::new(name)))
    {
        let path = format!("with/{name}");
        let done = workbench(folder.path(), &["evaluate", "m.json", "--data", &path]);
        assert!(done.status.success(), "{}", stderr(&done));
        assert_eq!(watch.touched(), BTreeSet::from([name.as_str()]));
    }
    let done = workbench(folder.path(), &["evaluate", "m.json", "--data", "with"]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(watch.touched(), BTreeSet::from(["corrected"]));
}

/// The shipped models' recipes, and their check.
#[test]
fn fitting_all_opens_no_test_file() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    write_training_files(&data);
    write_test_files(&data);
    let watch = Watch::new(&data);
    let rest = ["--seeds", "2", "--data", "data", "-o", "out"];
    let recorded = ["--recorded", "data/corrected"];
    let run = |words: &[&[&str]]| workbench(folder.path(), &words.concat());
    // Test data under the name of a recording is refused unopened.
    let done = run(&[&["fit", "--all", "--only", "live-tree"], &rest, &recorded]);
    assert_eq!(done.status.code(), Some(1));
    assert!(watch.touched().is_empty());
    // Recordings are not needed by any of these.
    let only = ["fit", "--all", "--only", "41-tree", "--only", "svm"];
    for words in [&[&only[..], &rest][..], &[&only, &["--check"], &rest[2..]]] {
        let done = run(words);
        assert!(done.status.success(), "{}", stderr(&done));
        let both = TrainingSet::ALL.map(TrainingSet::file);
        assert_eq!(watch.touched(), BTreeSet::from(both));
    }
}
