//! The secret that allows changes: made at start, kept in a file nobody else can read.

use std::{
    fmt, fs,
    fs::{File, OpenOptions},
    hint::black_box,
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use crate::error::{AppError, ErrorKind};

/// Random bytes in a token we make.
const RANDOM_BYTES: usize = 32;
/// Fewest characters of a token somebody else made.
const SHORTEST: usize = 32;
const LONGEST: usize = 512;

/// A bearer token. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// What a server asks for: the variable `TIDEGATE_TOKEN` if it is set, else the file, made if need be.
    ///
    /// # Errors
    ///
    /// As [`Token::load_or_create`] and [`Token::parse`].
    pub fn for_server(path: &Path) -> Result<Self, AppError> {
        Self::from_variable().unwrap_or_else(|| Self::load_or_create(path))
    }

    /// What a client sends: the variable `TIDEGATE_TOKEN` if it is set, else the file.
    ///
    /// # Errors
    ///
    /// As [`Token::load`] and [`Token::parse`].
    pub fn for_client(path: &Path) -> Result<Self, AppError> {
        Self::from_variable().unwrap_or_else(|| Self::load(path))
    }

    /// Where files can't be private, as in many containers, secrets come as variables.
    fn from_variable() -> Option<Result<Self, AppError>> {
        let text = std::env::var("TIDEGATE_TOKEN")
            .ok()
            .filter(|text| !text.is_empty())?;
        Some(Self::parse(&text).map_err(|e| AppError::config(format_args!("TIDEGATE_TOKEN: {e}"))))
    }

    /// Reads the token file, making it first if it is not there.
    ///
    /// # Errors
    ///
    /// A file that others may read, that is no token, or that can't be made.
    pub fn load_or_create(path: &Path) -> Result<Self, AppError> {
        match open(path) {
            Ok(file) => Self::read(path, &file, false),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(e) => Err(unreadable(path, &e)),
        }
    }

    /// Reads the token file to present the token to an agent, which may be another user's when we are root.
    ///
    /// # Errors
    ///
    /// A file that is not there, that others may read or that is no token.
    pub fn load(path: &Path) -> Result<Self, AppError> {
        let file = open(path).map_err(|e| unreadable(path, &e))?;
        Self::read(path, &file, nix::unistd::geteuid().is_root())
    }

    /// A token from elsewhere, such as the environment.
    ///
    /// # Errors
    ///
    /// Too short, too long or with characters a header can't carry.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if !(SHORTEST..=LONGEST).contains(&text.len()) {
            return Err("a token has 32 to 512 characters");
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("a token has no spaces and only ASCII characters");
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether somebody knows the token; takes the same time wherever theirs differs.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        let own = self.0.as_bytes();
        if own.len() != candidate.len() {
            return false;
        }
        let difference = own
            .iter()
            .zip(candidate)
            .fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
        difference == 0
    }

    /// Value of the `Authorization` header that proves to know it.
    #[must_use]
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.0)
    }

    fn read(path: &Path, file: &File, of_anybody: bool) -> Result<Self, AppError> {
        let shown = path.display();
        // The open file is judged, not the path: it may be swapped meanwhile.
        let metadata = file.metadata().map_err(|e| unreadable(path, &e))?;
        if !metadata.is_file() {
            return Err(AppError::permission(format_args!(
                "{shown} is no regular file; name another with --token-file"
            )));
        }
        let mode = metadata.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(AppError::permission(format_args!(
                "{shown} can be read by others (mode {mode:04o}); run chmod 600 {shown}, and delete it if they may have read it"
            )));
        }
        let owner = metadata.uid();
        if !of_anybody && owner != 0 && owner != nix::unistd::geteuid().as_raw() {
            return Err(AppError::permission(format_args!(
                "{shown} belongs to another user (uid {owner}); delete it or name another with --token-file"
            )));
        }
        let mut text = String::new();
        file.take(LONGEST as u64 + 2)
            .read_to_string(&mut text)
            .map_err(|e| unreadable(path, &e))?;
        Self::parse(&text).map_err(|e| {
            AppError::config(format_args!(
                "{shown} holds no token ({e}); delete it and restart the agent"
            ))
        })
    }

    fn create(path: &Path) -> Result<Self, AppError> {
        let failed = |e: &io::Error| {
            AppError::io(
                ErrorKind::Failure,
                format_args!(
                    "cannot make the token file {} (name another with --token-file)",
                    path.display()
                ),
                e,
            )
        };
        let token = Self::random().map_err(|e| failed(&e))?;
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(|e| failed(&e))?;
        }
        let mut file = match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
        {
            Ok(file) => file,
            // Somebody else was faster.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                let file = open(path).map_err(|e| unreadable(path, &e))?;
                return Self::read(path, &file, false);
            }
            Err(e) => return Err(failed(&e)),
        };
        if let Err(e) = writeln!(file, "{}", token.0) {
            // Half a token must not stay behind.
            let _ = fs::remove_file(path);
            return Err(failed(&e));
        }
        Ok(token)
    }

    fn random() -> io::Result<Self> {
        let mut bytes = [0; RANDOM_BYTES];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(Self(bytes.iter().map(|b| format!("{b:02x}")).collect()))
    }
}

/// Does not follow a symbolic link, nor wait for a writer should the path be a FIFO.
fn open(path: &Path) -> io::Result<File> {
    let flags = nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)
}

fn unreadable(path: &Path, error: &io::Error) -> AppError {
    AppError::io(
        ErrorKind::Unavailable,
        format_args!("cannot read the token file {}", path.display()),
        error,
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn is_made_once_for_the_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run/token");
        let token = Token::load_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(token.0.len(), 2 * RANDOM_BYTES);
        let again = Token::load_or_create(&path).unwrap();
        assert!(token.matches(again.0.as_bytes()));
        let other = Token::load_or_create(&dir.path().join("other")).unwrap();
        assert!(!token.matches(other.0.as_bytes()));
        assert!(!token.matches(b""));
        assert!(!format!("{token:?}").contains(&token.0));
    }

    #[test]
    fn a_file_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        Token::load_or_create(&path).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = Token::load(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Permission, "{mode:o}");
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        for text in ["", "short", &"x ".repeat(20), &"x".repeat(600)] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert_eq!(
                Token::load(&path).unwrap_err().kind(),
                ErrorKind::Config,
                "{text}"
            );
        }
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(Token::load_or_create(&link).is_err());
        assert!(Token::load(dir.path()).is_err());
    }
}
