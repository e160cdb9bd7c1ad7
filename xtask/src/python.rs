//! Python with pinned packages, in an environment of its own below `target`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{paths, process};

/// Names an interpreter that has all packages already.
const OVERRIDE: &str = "TIDEGATE_PYTHON";

/// Not the first in the search path: doctor looks after this one.
const SYSTEM: &str = "/usr/bin/python3";

/// The interpreter of an environment with the packages of a requirements file (a path from the
/// workspace's root), made or renewed where necessary.
pub(crate) fn with_packages(name: &str, requirements: &str) -> Result<PathBuf> {
    if let Some(python) = env::var_os(OVERRIDE) {
        return Ok(python.into());
    }
    let folder = paths::target().join("python").join(name);
    with_packages_in(&folder, &paths::root().join(requirements))
}

fn with_packages_in(folder: &Path, requirements: &Path) -> Result<PathBuf> {
    let wanted = fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let python = folder.join("bin/python");
    // Written last: an environment that was left half-made has none.
    let made_of = folder.join("requirements.txt");
    if python.exists() && fs::read_to_string(&made_of).is_ok_and(|made| made == wanted) {
        return Ok(python);
    }
    eprintln!("making {}", folder.display());
    process::run(
        Command::new(SYSTEM)
            .args(["-m", "venv", "--clear"])
            .arg(folder),
    )
    .context("Debian keeps this in the package python3-venv")?;
    process::run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(requirements),
    )?;
    fs::write(&made_of, wanted)?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_made_anew_when_its_packages_change() {
        let folder = env::temp_dir().join(format!("tidegate-python-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("folder");
        let requirements = folder.join("wanted.txt");
        let environment = folder.join("environment");
        fs::write(&requirements, "# nothing\n").expect("written");
        let python = with_packages_in(&environment, &requirements).expect("made");
        assert!(python.exists());
        let mark = environment.join("mark");
        fs::write(&mark, "").expect("written");
        with_packages_in(&environment, &requirements).expect("kept");
        assert!(mark.exists());
        fs::write(&requirements, "# nothing else\n").expect("written");
        with_packages_in(&environment, &requirements).expect("made anew");
        assert!(!mark.exists());
        fs::remove_dir_all(&folder).expect("removed");
    }
}
