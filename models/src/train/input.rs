//! Data files: found by name, uncompressed on the way, digested.

use std::{
    cell::RefCell,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    rc::Rc,
};

use sha2::{Digest as _, Sha256};

use crate::{format::Source, model::hex};

/// A data file that can't be used, and where it is wrong.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file can't be opened or read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No such file in the folder, compressed or not.
    #[error("{folder}: no {name} (also looked for {name}.gz and {name}.zst)")]
    NotFound {
        /// The folder.
        folder: PathBuf,
        /// The name without compression suffix.
        name: String,
    },
    /// Test data offered to a fit.
    #[error("{0}: test data, never used to fit")]
    TestData(PathBuf),
    /// A row with too few or too many columns.
    #[error("{path}:{line}: {got} columns instead of {expected}")]
    Width {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Columns found.
        got: usize,
        /// Columns expected.
        expected: &'static str,
    },
    /// A value that does not fit its column.
    #[error("{path}:{line}: column {column}: {problem}: {value:?}")]
    Value {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What is wrong.
        problem: &'static str,
        /// The value.
        value: String,
    },
    /// A header without a needed column.
    #[error("{path}:1: the header has no column {column}")]
    Header {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// The CSV itself is broken.
    #[error("{path}: {source}")]
    Csv {
        /// The file.
        path: PathBuf,
        /// Why.
        source: csv::Error,
    },
}

/// An open data file.
pub struct Input {
    /// Its path, for messages.
    pub path: PathBuf,
    reader: BufReader<Box<dyn Read>>,
    digest: Rc<RefCell<Sha256>>,
}

impl Input {
    /// Opens a plain, `.gz` or `.zst` file.
    ///
    /// # Errors
    ///
    /// If it can't be opened.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let failed = |source| DataError::Io {
            path: path.to_owned(),
            source,
        };
        let file = BufReader::new(File::open(path).map_err(failed)?);
        let plain: Box<dyn Read> = match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
            Some("zst") => Box::new(zstd::Decoder::with_buffer(file).map_err(failed)?),
            _ => Box::new(file),
        };
        let digest = Rc::new(RefCell::new(Sha256::new()));
        let tee = Tee {
            inner: plain,
            digest: Rc::clone(&digest),
        };
        Ok(Self {
            path: path.to_owned(),
            reader: BufReader::with_capacity(1 << 16, Box::new(tee)),
            digest,
        })
    }

    /// Name, rows and digest, once everything has been read.
    pub fn source(&self, rows: u64) -> Source {
        let name = self
            .path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let file = name
            .strip_suffix(".zst")
            .or_else(|| name.strip_suffix(".gz"))
            .unwrap_or(&name)
            .to_owned();
        Source {
            file,
            rows,
            sha256: hex(&self.digest.borrow().clone().finalize()),
        }
    }
}

impl Read for &mut Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// Digests what passes.
struct Tee {
    inner: Box<dyn Read>,
    digest: Rc<RefCell<Sha256>>,
}

impl Read for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digest.borrow_mut().update(&buffer[..read]);
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
