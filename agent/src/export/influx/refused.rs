//! Points no server will ever take, in a file with its words: line protocol with comments, so that what was set right
//! can be sent again.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

/// The file grows no further.
const MOST: u64 = 64 << 20;

/// The file, made when the first point is refused.
#[derive(Clone, Debug)]
pub(super) struct Refused(PathBuf);

impl Refused {
    pub(super) const fn at(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Adds points, one a line, after the server's words (one line).
    ///
    /// # Errors
    ///
    /// What the file system says, or that the file is full.
    pub(super) fn add(&self, words: &str, lines: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.0)?;
        if file.metadata()?.len().saturating_add(lines.len() as u64) > MOST {
            return Err(io::Error::other("it is full; move it away"));
        }
        let text = format!("# {} {words}\n{lines}", Timestamp::now());
        file.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;

    #[test]
    fn points_follow_the_words_about_them_and_the_file_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let refused = Refused::at(folder.path().join("refused"));
        refused.add("400 no", "a x=1 1\n").unwrap();
        refused.add("422 old", "b x=1 1\nc x=1 1\n").unwrap();
        let text = std::fs::read_to_string(refused.path()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("# ") && lines[0].ends_with(" 400 no"));
        assert_eq!(
            (lines[1], lines[3], lines[4]),
            ("a x=1 1", "b x=1 1", "c x=1 1")
        );
        let huge = "x".repeat(usize::try_from(MOST).unwrap());
        let error = refused.add("400", &huge).unwrap_err();
        assert!(error.to_string().contains("full"), "{error}");
        assert_eq!(std::fs::read_to_string(refused.path()).unwrap(), text);
    }
}
