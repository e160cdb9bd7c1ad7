//! Errors that end the program: one line that says what to do, and an exit code.

use std::{fmt, io, process::ExitCode};

use tidegate_influx::SecretError;

/// What kind of failure, in the words of `sysexits.h`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorKind {
    /// Something went wrong.
    Failure,
    /// The command line makes no sense.
    Usage,
    /// Something needed is not there: the agent, a port, the kernel's support.
    Unavailable,
    /// The user may not do this.
    Permission,
    /// The configuration or a model file is wrong.
    Config,
}

impl ErrorKind {
    /// The exit code scripts can rely on.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failure => 1,
            Self::Usage => 64,
            Self::Unavailable => 69,
            Self::Permission => 77,
            Self::Config => 78,
        }
    }
}

/// Why the program ends.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct AppError {
    kind: ErrorKind,
    message: String,
}

impl AppError {
    /// An error of any kind. The message is made one line.
    pub fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        let message = message.to_string();
        let lines: Vec<_> = message
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        Self {
            kind,
            message: lines.join("; "),
        }
    }

    /// [`ErrorKind::Failure`].
    pub fn failure(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Failure, message)
    }

    /// [`ErrorKind::Usage`].
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// [`ErrorKind::Unavailable`].
    pub fn unavailable(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// [`ErrorKind::Permission`].
    pub fn permission(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Permission, message)
    }

    /// [`ErrorKind::Config`].
    pub fn config(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// An operating system error: [`ErrorKind::Permission`] when it says so, else the kind given.
    pub fn io(otherwise: ErrorKind, what: impl fmt::Display, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied => ErrorKind::Permission,
            _ => otherwise,
        };
        Self::new(kind, format_args!("{what}: {error}"))
    }

    /// What kind of failure.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind.exit_code())
    }
}

impl From<SecretError> for AppError {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Io { name, error } => Self::io(ErrorKind::Config, name, &error),
            none @ SecretError::None(_) => Self::config(none),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line() {
        let error = AppError::config("a\n\n  b\n");
        assert_eq!(error.to_string(), "a; b");
        assert_eq!(error.kind().exit_code(), 78);
    }

    #[test]
    fn a_denied_permission_is_told_apart() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = AppError::io(ErrorKind::Failure, "/x", &denied);
        assert_eq!(error.kind(), ErrorKind::Permission);
        let missing = io::Error::from(io::ErrorKind::NotFound);
        let error = AppError::io(ErrorKind::Failure, "/x", &missing);
        assert_eq!(error.kind(), ErrorKind::Failure);
    }
}
