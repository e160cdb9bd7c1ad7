//! Where things are.

use std::env;
use std::path::PathBuf;

/// The workspace's root: cargo tells where xtask's manifest is.
pub(crate) fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .parent()
        .map_or_else(|| manifest.clone(), PathBuf::from)
}

/// Cargo's target folder for everything that is compiled here.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where doctor installs build tools: never globally.
pub(crate) fn tools() -> PathBuf {
    root().join("target/tools")
}

/// The agent's binary; `TG_AGENT` points tests of xtask itself at another.
pub(crate) fn agent() -> PathBuf {
    env::var_os("TG_AGENT").map_or_else(|| target().join("release/tidegate"), PathBuf::from)
}
