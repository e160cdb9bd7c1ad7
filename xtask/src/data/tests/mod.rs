//! Against a real server on loopback, with files of the tests' own.

mod fetching;
mod folders;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::catalogue::Check;
use super::*;
use crate::process::Running;

const FILE: Published = Published {
    name: "rows",
    file: "rows",
    base: "http://127.0.0.1:9/never",
    form: Form::Gzip,
    check: Check::Content(""),
    usual: true,
};

/// Text that gzip can't make small, so that half of it is something.
fn text() -> Vec<u8> {
    (0..2000_u32)
        .flat_map(|row| format!("{}\n", row.wrapping_mul(2_654_435_761)).into_bytes())
        .collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("in memory");
    encoder.finish().expect("in memory")
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, text) in members {
        archive
            .start_file(*name, SimpleFileOptions::default())
            .expect("in memory");
        archive.write_all(text).expect("in memory");
    }
    archive.finish().expect("in memory").into_inner()
}

/// A digest that lives as long as a table's.
fn sha256(bytes: &[u8]) -> &'static str {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    hex.leak()
}

fn published(form: Form, content: &[u8]) -> Published {
    Published {
        form,
        check: Check::Content(sha256(content)),
        ..FILE
    }
}

/// A server with a folder of files, and a folder to put them.
struct Lab {
    files: TempDir,
    output: TempDir,
    url: String,
    _server: Running,
}

impl Lab {
    fn new() -> Self {
        let [files, output] = [(), ()].map(|()| TempDir::new().expect("folder"));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/data/tests/server.py");
        let mut server = Running::start(
            Command::new("/usr/bin/python3")
                .arg(script)
                .args([files.path(), &output.path().join("log")])
                .stdout(Stdio::piped()),
        )
        .expect("python3");
        let stdout = server.child().stdout.take().expect("piped");
        let mut port = String::new();
        BufReader::new(stdout).read_line(&mut port).expect("a port");
        Self {
            files,
            output,
            url: format!("http://127.0.0.1:{}", port.trim()),
            _server: server,
        }
    }

    fn serve(&self, name: &str, bytes: &[u8]) {
        fs::write(self.files.path().join(name), bytes).expect("written");
    }

    fn folder(&self, manner: &str) -> Folder {
        Folder {
            path: self.path(""),
            source: Source::Mirror(format!("{}/{manner}/", self.url)),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.output.path().join("data").join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::create_dir_all(self.path("")).expect("made");
        fs::write(self.path(name), bytes).expect("written");
    }

    /// The files put there.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("")).expect("there");
        let mut names: Vec<_> = entries
            .map(|entry| {
                entry
                    .expect("entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }

    /// The requests so far.
    fn log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.output.path().join("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }
}

fn error(folder: &Folder, file: &Published) -> String {
    format!("{:#}", folder.provide(file).expect_err("an error"))
}
