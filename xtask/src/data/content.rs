//! What is in a file, digested.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::catalogue::Check;

/// Whether the file is the published one; if not, how it differs.
pub(super) fn verify(path: &Path, check: Check) -> Result<()> {
    let (what, got, published) = match check {
        Check::Content(published) => ("content", digest(path, true), published),
        Check::Gzip(published) => ("gzip file", digest(path, false), published),
    };
    let got = got.with_context(|| format!("{} is damaged", path.display()))?;
    if got != published {
        bail!(
            "{}: the SHA-256 of its {what} is {got}, not {published} as published",
            path.display()
        );
    }
    Ok(())
}

/// SHA-256 in hex; of what a gzip or zstd file (by its first bytes) holds, if `unpack`.
fn digest(path: &Path, unpack: bool) -> Result<String> {
    let mut file = BufReader::new(File::open(path)?);
    let start = file.fill_buf()?;
    let mut content: Box<dyn Read> = if unpack && start.starts_with(&[0x1f, 0x8b]) {
        Box::new(MultiGzDecoder::new(file))
    } else if unpack && start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(zstd::Decoder::with_buffer(file)?)
    } else {
        Box::new(file)
    };
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => digest.update(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
