//! Archives, folders and the catalogue.

use std::env;

use super::*;

#[test]
fn an_archive_is_fetched_once_for_all_its_members() {
    let (lab, text) = (Lab::new(), text());
    let members: [(&str, &[u8]); 3] = [
        ("NSL/._rows", b"not this one"),
        ("NSL/rows", &text),
        ("NSL/more", b"more rows\n"),
    ];
    lab.serve("all.zip", &zip(&members));
    let folder = lab.folder("cut");
    let rows = published(Form::Zip("all.zip"), &text);
    let more = Published {
        file: "more",
        ..published(Form::Zip("all.zip"), b"more rows\n")
    };
    for (file, name) in [(&rows, "rows"), (&more, "more")] {
        let done = folder.provide(file).expect("unpacked");
        assert_eq!(done, Done::Unpacked(lab.path(name)));
        let done = folder.provide(file).expect("there");
        assert_eq!(done, Done::Present(lab.path(name)));
    }
    assert_eq!(lab.read("rows"), text);
    assert_eq!(lab.names(), ["all.zip", "more", "rows"]);
    assert_eq!(lab.log().len(), 2, "cut and resumed, once: {:?}", lab.log());
    let lost = Published {
        file: "lost",
        ..rows
    };
    let told = error(&folder, &lost);
    assert!(told.contains("all.zip has no lost"), "{told}");
}

#[test]
fn a_wrong_archive_is_put_aside() {
    let lab = Lab::new();
    let file = published(Form::Zip("all.zip"), b"rows\n");
    for (archive, words) in [
        (zip(&[("rows", b"others\n")]), sha256(b"others\n")),
        (b"<html>not found</html>".to_vec(), "no zip archive"),
    ] {
        lab.serve("all.zip", &archive);
        let told = error(&lab.folder("whole"), &file);
        assert!(told.contains(words), "{told}");
        assert_eq!(lab.names(), ["all.zip.part.wrong"]);
        assert_eq!(lab.read("all.zip.part.wrong"), archive);
    }
}

#[test]
fn files_are_copied_from_a_folder_in_the_form_they_have_there() {
    let (lab, text) = (Lab::new(), text());
    let folder = Folder {
        path: lab.path(""),
        source: Source::Folder(lab.files.path().to_owned()),
    };
    let file = published(Form::Gzip, &text);
    let told = error(&folder, &file);
    assert!(told.ends_with("none of rows, rows.gz, rows.zst"), "{told}");
    let zst = zstd::encode_all(&text[..], 1).expect("in memory");
    for (name, bytes) in [
        ("rows.zst", zst),
        ("rows.gz", gzip(&text)),
        ("rows", text.clone()),
    ] {
        lab.serve(name, &bytes);
        let done = folder.provide(&file).expect("copied");
        assert_eq!(done, Done::Copied(lab.path(name)));
        assert_eq!(lab.read(name), bytes);
        assert_eq!(lab.names(), [name]);
        fs::remove_file(lab.path(name)).expect("removed");
    }
    lab.serve("rows", b"wrong");
    let told = error(&folder, &file);
    assert!(told.contains(sha256(b"wrong")), "{told}");
    assert_eq!(lab.names(), ["rows.part.wrong"]);
    // Or from a publisher's archive there.
    lab.serve("all.zip", &zip(&[("more", b"more\n")]));
    let more = Published {
        file: "more",
        ..published(Form::Zip("all.zip"), b"more\n")
    };
    let done = folder.provide(&more).expect("unpacked");
    assert_eq!(done, Done::Unpacked(lab.path("more")));
}

#[test]
fn a_digest_of_the_gzip_file_holds_for_no_other_form() {
    let (lab, text) = (Lab::new(), text());
    let file = Published {
        check: Check::Gzip(sha256(&gzip(&text))),
        ..FILE
    };
    let folder = Folder {
        path: lab.path(""),
        source: Source::Folder(lab.files.path().to_owned()),
    };
    lab.serve("rows", &text);
    let told = error(&folder, &file);
    assert!(told.ends_with("none of rows.gz"), "{told}");
    lab.serve("rows.gz", &gzip(&text));
    folder.provide(&file).expect("copied");
    assert_eq!(lab.names(), ["rows.gz"]);
}

#[test]
fn names_choose_files_and_the_full_one_only_by_name() {
    let names = |names: &[&str]| -> Vec<_> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        chosen(&names).map(|file| file.name).collect()
    };
    assert_eq!(
        names(&[]),
        [
            "kddcup.names",
            "kddcup.data_10_percent",
            "corrected",
            "KDDTrain+",
            "KDDTest+",
            "KDDTest-21"
        ]
    );
    assert_eq!(names(&["kddcup.data"]), ["kddcup.data"]);
    for file in CATALOGUE {
        let (Check::Content(digest) | Check::Gzip(digest)) = file.check;
        assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

#[test]
fn the_catalogue_knows_the_published_files() {
    let Some(data) = env::var_os("TIDEGATE_DATA") else {
        println!("skipped: TIDEGATE_DATA does not name a folder with the KDD files");
        return;
    };
    let output = TempDir::new().expect("folder");
    let folder = Folder {
        path: output.path().to_owned(),
        source: Source::Folder(data.into()),
    };
    for file in chosen(&[]) {
        let done = folder.provide(file).expect(file.name);
        assert!(matches!(done, Done::Copied(_)), "{done:?}");
    }
}

#[test]
fn a_folder_is_whole_with_all_the_usual_files_in_any_form() {
    let folder = TempDir::new().expect("folder");
    let files: Vec<_> = chosen(&[]).collect();
    for (turn, file) in files.iter().enumerate() {
        let error = whole(folder.path()).expect_err("a file lacks").to_string();
        assert!(error.contains(file.file), "{error}");
        let forms = file.forms();
        fs::write(folder.path().join(&forms[turn % forms.len()]), "").expect("written");
    }
    let found = whole(folder.path()).expect("whole");
    assert!(found.is_absolute());
}
