//! What comes over the network.

use std::net::TcpListener;

use super::*;

#[test]
fn a_file_is_fetched_once() {
    let (lab, text) = (Lab::new(), text());
    lab.serve("rows.gz", &gzip(&text));
    let (folder, file) = (lab.folder("whole"), published(Form::Gzip, &text));
    let path = lab.path("rows.gz");
    assert_eq!(
        folder.provide(&file).expect("fetched"),
        Done::Fetched(path.clone())
    );
    assert_eq!(lab.read("rows.gz"), gzip(&text));
    assert_eq!(folder.provide(&file).expect("there"), Done::Present(path));
    assert_eq!(lab.names(), ["rows.gz"]);
    assert_eq!(lab.log(), ["/whole/rows.gz - 200"]);
    // Nor where it is there in another form.
    fs::remove_file(lab.path("rows.gz")).expect("removed");
    let zst = zstd::encode_all(&text[..], 1).expect("in memory");
    for (name, bytes) in [("rows", &text), ("rows.zst", &zst)] {
        lab.write(name, bytes);
        let done = folder.provide(&file).expect("there");
        assert_eq!(done, Done::Present(lab.path(name)));
        fs::remove_file(lab.path(name)).expect("removed");
    }
    assert_eq!(lab.log().len(), 1);
}

#[test]
fn a_plain_file_is_fetched_as_it_is() {
    let (lab, text) = (Lab::new(), text());
    lab.serve("rows", &text);
    let done = lab.folder("whole").provide(&published(Form::Plain, &text));
    assert_eq!(done.expect("fetched"), Done::Fetched(lab.path("rows")));
    assert_eq!(lab.read("rows"), text);
}

#[test]
fn a_broken_connection_is_taken_up_where_it_broke() {
    let (lab, text) = (Lab::new(), text());
    let gz = gzip(&text);
    lab.serve("rows.gz", &gz);
    let file = published(Form::Gzip, &text);
    lab.folder("cut").provide(&file).expect("fetched");
    assert_eq!(lab.read("rows.gz"), gz);
    let resumed = format!("/cut/rows.gz bytes={}- 206", gz.len() / 2);
    assert_eq!(lab.log(), ["/cut/rows.gz - 200", resumed.as_str()]);
}

#[test]
fn a_killed_run_is_taken_up_by_the_next() {
    let (lab, text) = (Lab::new(), text());
    let gz = gzip(&text);
    lab.serve("rows.gz", &gz);
    lab.write("rows.gz.part", &gz[..1000]);
    let (folder, file) = (lab.folder("whole"), published(Form::Gzip, &text));
    folder.provide(&file).expect("fetched");
    assert_eq!(lab.log(), ["/whole/rows.gz bytes=1000- 206"]);
    assert_eq!(
        (lab.read("rows.gz"), lab.names()),
        (gz.clone(), vec!["rows.gz".to_owned()])
    );
    // Killed between the last byte and the new name: nothing is left to fetch.
    fs::rename(lab.path("rows.gz"), lab.path("rows.gz.part")).expect("renamed");
    folder.provide(&file).expect("checked");
    assert_eq!((lab.read("rows.gz"), lab.log().len()), (gz, 1));
}

#[test]
fn what_can_not_be_resumed_is_fetched_afresh() {
    let text = text();
    let gz = gzip(&text);
    let too_long = [&gz[..], b"and more"].concat();
    for (manner, part) in [("rangeless", &gz[..1000]), ("whole", &too_long)] {
        let lab = Lab::new();
        lab.serve("rows.gz", &gz);
        lab.write("rows.gz.part", part);
        // A trailing word makes gzip's content invalid, so the part is not taken for whole.
        lab.folder(manner)
            .provide(&published(Form::Gzip, &text))
            .expect("fetched");
        assert_eq!(lab.read("rows.gz"), gz);
        assert_eq!(lab.names(), ["rows.gz"]);
        assert_eq!(lab.log().len(), 2, "{:?}", lab.log());
        assert!(lab.log()[1].ends_with(" - 200"), "{:?}", lab.log());
    }
}

#[test]
fn a_wrong_file_is_put_aside_and_both_digests_are_told() {
    let (lab, text) = (Lab::new(), text());
    let other = b"another file\n";
    lab.serve("rows.gz", &gzip(other));
    let (folder, file) = (lab.folder("whole"), published(Form::Gzip, &text));
    let told = error(&folder, &file);
    for part in [sha256(other), sha256(&text), "rows.gz.part.wrong", &lab.url] {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(lab.names(), ["rows.gz.part.wrong"]);
    assert_eq!(lab.read("rows.gz.part.wrong"), gzip(other));
    // The next run starts afresh.
    lab.serve("rows.gz", &gzip(&text));
    folder.provide(&file).expect("fetched");
    assert_eq!(lab.log(), ["/whole/rows.gz - 200"; 2]);
}

#[test]
fn a_wrong_file_that_was_there_is_left_alone() {
    let (lab, text) = (Lab::new(), text());
    lab.serve("rows.gz", &gzip(&text));
    lab.write("rows", b"my own");
    let told = error(&lab.folder("whole"), &published(Form::Gzip, &text));
    assert!(told.contains("move it away"), "{told}");
    assert!(told.contains(sha256(b"my own")), "{told}");
    assert_eq!(lab.read("rows"), b"my own");
    lab.write("rows.gz", &gzip(&text)[..500]);
    fs::remove_file(lab.path("rows")).expect("removed");
    let told = error(&lab.folder("whole"), &published(Form::Gzip, &text));
    assert!(told.contains("rows.gz is damaged"), "{told}");
    assert!(lab.log().is_empty());
}

#[test]
fn a_missing_file_and_a_silent_server_are_told_with_the_way_out() {
    let lab = Lab::new();
    let file = published(Form::Gzip, b"");
    let told = error(&lab.folder("whole"), &file);
    assert!(
        told.contains(&format!("cannot fetch {}/whole/rows.gz: ", lab.url)),
        "{told}"
    );
    assert!(
        told.contains("404") && told.contains("--data DIR"),
        "{told}"
    );
    assert!(lab.names().is_empty());
    // A port that nobody listens on.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    let nobody = Folder {
        path: lab.path(""),
        source: Source::Mirror(format!("http://127.0.0.1:{port}")),
    };
    let told = error(&nobody, &file);
    let start = format!("cannot fetch http://127.0.0.1:{port}/rows.gz: ");
    assert!(
        told.starts_with(&start) && told.contains("--data DIR"),
        "{told}"
    );
}

#[test]
fn the_publishers_are_asked_unless_there_is_a_mirror() {
    let (lab, text) = (Lab::new(), text());
    lab.serve("rows", &text);
    let file = Published {
        base: format!("{}/whole", lab.url).leak(),
        ..published(Form::Plain, &text)
    };
    let folder = Folder {
        path: lab.path(""),
        source: Source::Publishers,
    };
    folder.provide(&file).expect("fetched");
    assert_eq!(lab.log(), ["/whole/rows - 200"]);
}
