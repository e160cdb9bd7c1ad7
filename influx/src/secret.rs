//! The token or password, from the environment or a file, and nowhere else.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// The variable that holds it.
pub const SECRET_VARIABLE: &str = "TIDEGATE_INFLUX_SECRET";

const LONGEST: u64 = 4_096;

/// A secret; its `Debug` shows nothing. Empty where the server asks for none.
#[derive(Clone, Default)]
pub struct Secret(String);

/// No secret where one should be.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file can't be read.
    #[error("{name}: {error}")]
    Io {
        /// The file.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// What is there is no secret.
    #[error("{0} holds no secret: one line of ASCII characters is wanted")]
    None(String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// The variable [`SECRET_VARIABLE`] if it is set, else the file if one is named.
    ///
    /// # Errors
    ///
    /// A file that can't be read, or a secret that is not one line of visible characters.
    pub fn load(file: Option<&Path>) -> Result<Self, SecretError> {
        if let Some(text) = std::env::var(SECRET_VARIABLE)
            .ok()
            .filter(|text| !text.is_empty())
        {
            return Self::parse(SECRET_VARIABLE, &text);
        }
        let Some(path) = file else {
            return Ok(Self::default());
        };
        let name = format!("secret file {}", path.display());
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text))
            .map_err(|error| SecretError::Io {
                name: name.clone(),
                error,
            })?;
        Self::parse(&name, &text)
    }

    /// `from` is where it comes from, for the error; the secret itself is never shown.
    fn parse(from: &str, text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        let fits = text.len() as u64 <= LONGEST && !text.contains(|c: char| c.is_control());
        if text.is_empty() || !fits || !text.is_ascii() {
            return Err(SecretError::None(from.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The secret itself, for a request.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;

    #[test]
    fn a_file_holds_one_line_that_is_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "hush-hush\n").unwrap();
        let secret = Secret::load(Some(&path)).unwrap();
        assert_eq!(secret.expose(), "hush-hush");
        assert!(!format!("{secret:?}").contains("hush"));
        for text in ["", " \n", "two\nlines", "hüsh", &"x".repeat(5_000)] {
            std::fs::write(&path, text).unwrap();
            let error = Secret::load(Some(&path)).unwrap_err();
            assert!(matches!(error, SecretError::None(_)), "{text}");
            assert!(
                text.trim().is_empty() || !error.to_string().contains(text),
                "{error}"
            );
        }
        assert!(Secret::load(Some(folder.path())).is_err());
        assert!(Secret::load(None).unwrap().is_empty());
    }
}
