//! The networks that were added to the allowlist at run time, on disk, for the next agent.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::{
    config::Cidr,
    error::{AppError, ErrorKind},
};

const FILE: &str = "allowlist";
const TITLE: &str = "# Networks added by `tidegate allowlist add`; the agent rewrites this file.\n";

/// A file with a network a line, in the state directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kept(PathBuf);

impl Kept {
    /// In a directory; `None` where that does not exist, and then nothing is kept.
    #[must_use]
    pub fn in_directory(directory: &Path) -> Option<Self> {
        directory.is_dir().then(|| Self(directory.join(FILE)))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What was kept; nothing if there is no file yet.
    ///
    /// # Errors
    ///
    /// A file that can't be read, or `file:line: what is wrong`.
    pub fn load(&self) -> Result<Vec<Cidr>, AppError> {
        let text = match fs::read_to_string(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(AppError::io(ErrorKind::Config, self.0.display(), &error));
            }
            Ok(text) => text,
        };
        let lines = text.lines().enumerate();
        lines
            .map(|(index, line)| (index + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| {
                line.parse().map_err(|error| {
                    AppError::config(format_args!("{}:{number}: {error}", self.0.display()))
                })
            })
            .collect()
    }

    /// Keeps these networks and no others. Readable by its owner only; whoever reads it sees the old file or the new
    /// one, never half.
    ///
    /// # Errors
    ///
    /// What the file system says; the old file is still there then.
    pub fn store(&self, networks: &[Cidr]) -> io::Result<()> {
        let mut text = TITLE.to_owned();
        for network in networks {
            text.push_str(&format!("{network}\n"));
        }
        let fresh = self.0.with_extension("new");
        // A link or a leftover of a crash is replaced, not written through.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &self.0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_stored_is_loaded_and_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Kept::in_directory(&folder.path().join("none")), None);
        let kept = Kept::in_directory(folder.path()).unwrap();
        assert_eq!(kept.load().unwrap(), []);
        let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap());
        // A crash left something behind.
        fs::write(folder.path().join("allowlist.new"), "half").unwrap();
        kept.store(&networks).unwrap();
        assert_eq!(kept.load().unwrap(), networks);
        let mode = fs::metadata(kept.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        kept.store(&[]).unwrap();
        assert_eq!(kept.load().unwrap(), []);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_file_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::in_directory(folder.path()).unwrap();
        fs::write(kept.path(), "# title\n10.0.0.0/8\n10.0.0.1/8\n").unwrap();
        let error = kept.load().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let shown = error.to_string();
        assert!(shown.contains("allowlist:3: 10.0.0.1/8"), "{shown}");
    }
}
