//! Data files: found by name, uncompressed and digested on the way, split into lines and fields.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
};

use csv::{ByteRecord, ReaderBuilder};
use sha2::{Digest as _, Sha256};

use super::DataError;
use crate::{format::Source, model::hex};

/// No row is longer; keeps a file that is no table from filling the memory.
const MAX_LINE: u64 = 1 << 16;

/// The first bytes of a gzip member (RFC 1952) and of a zstd frame (RFC 8878).
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The lines of an open data file.
pub(super) struct Input {
    path: PathBuf,
    reader: BufReader<Digesting>,
    text: Vec<u8>,
    line: u64,
}

impl Input {
    /// Opens a plain, gzip or zstd file; its first bytes say which.
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let failed = |error| DataError::Io {
            path: path.to_owned(),
            error,
        };
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let start = file.fill_buf().map_err(failed)?;
        let inner: Box<dyn Read> = if start.starts_with(GZIP_MAGIC) {
            Box::new(flate2::bufread::MultiGzDecoder::new(file))
        } else if start.starts_with(ZSTD_MAGIC) {
            Box::new(zstd::Decoder::with_buffer(file).map_err(failed)?)
        } else {
            Box::new(file)
        };
        Ok(Self::new(path, inner))
    }

    /// Reads what is no file; errors name it by `path`.
    pub(super) fn new(path: &Path, inner: Box<dyn Read>) -> Self {
        let digesting = Digesting {
            inner,
            digest: Sha256::new(),
        };
        Self {
            path: path.to_owned(),
            reader: BufReader::with_capacity(1 << 16, digesting),
            text: Vec::new(),
            line: 0,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The number of the line last read, from 1.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// The next line that is not blank, without its end; `None` after the last.
    pub(super) fn next_line(&mut self) -> Result<Option<&[u8]>, DataError> {
        loop {
            self.text.clear();
            let read = (&mut self.reader)
                .take(MAX_LINE)
                .read_until(b'\n', &mut self.text);
            let broken = |error| DataError::Broken {
                path: self.path.clone(),
                line: self.line,
                error,
            };
            if read.map_err(broken)? as u64 == MAX_LINE {
                let long = format!("a line of more than {MAX_LINE} bytes");
                return Err(broken(io::Error::new(io::ErrorKind::InvalidData, long)));
            }
            if self.text.is_empty() {
                return Ok(None);
            }
            self.line += 1;
            if self.text.ends_with(b"\n") {
                self.text.pop();
            }
            if self.text.ends_with(b"\r") {
                self.text.pop();
            }
            if self.line == 1 && self.text.starts_with("\u{feff}".as_bytes()) {
                self.text.drain(.."\u{feff}".len());
            }
            if !self.text.is_empty() {
                // Borrowed again: returned from within the loop it would be borrowed throughout.
                break;
            }
        }
        Ok(Some(&self.text))
    }

    /// The fields of the next line that is not blank; `false` after the last.
    pub(super) fn next_record(&mut self, record: &mut ByteRecord) -> Result<bool, DataError> {
        record.clear();
        let Some(text) = self.next_line()? else {
            return Ok(false);
        };
        if text.contains(&b'"') {
            let mut quoted = ReaderBuilder::new().has_headers(false).from_reader(text);
            // Reading from memory does not fail, and one line is at most one record.
            return Ok(quoted.read_byte_record(record).unwrap_or(false));
        }
        for field in text.split(|byte| *byte == b',') {
            record.push_field(field);
        }
        Ok(true)
    }

    /// Name, rows and digest; of the whole file once everything has been read.
    pub(super) fn source(&self, rows: u64) -> Source {
        let digest = self.reader.get_ref().digest.clone();
        Source {
            file: without_suffix(&self.path),
            rows,
            sha256: hex(&digest.finalize()),
        }
    }
}

/// Digests what passes.
struct Digesting {
    inner: Box<dyn Read>,
    digest: Sha256,
}

impl Read for Digesting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}

/// The file of that name in a folder: plain, `.gz` or `.zst`, in this order.
///
/// # Errors
///
/// If there is none.
pub fn find(folder: &Path, name: &str) -> Result<PathBuf, DataError> {
    ["", ".gz", ".zst"]
        .into_iter()
        .map(|suffix| folder.join(format!("{name}{suffix}")))
        .find(|path| path.is_file())
        .ok_or_else(|| DataError::NotFound {
            folder: folder.to_owned(),
            name: name.to_owned(),
        })
}

/// A file's name without folder and compression suffix.
pub(super) fn without_suffix(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    name.strip_suffix(".zst")
        .or_else(|| name.strip_suffix(".gz"))
        .unwrap_or(&name)
        .to_owned()
}

/// Whether a path names one of the published test files, which no fit may open.
pub fn is_test_file(path: &Path) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default();
    name.starts_with("corrected")
        || name.starts_with("kddtest")
        || name.starts_with("kddcup.testdata")
}
