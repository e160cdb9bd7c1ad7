//! `tidegate run`.

use crate::{config::Config, error::AppError};

/// Watches the configured interfaces until a signal ends it.
///
/// # Errors
///
/// Always, until the dataplane is wired.
pub fn run(config: Config) -> Result<(), AppError> {
    Err(AppError::unavailable(format_args!(
        "this build has no dataplane to attach to {}",
        config.interfaces.join(", ")
    )))
}
