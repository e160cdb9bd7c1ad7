//! `cargo xtask package`: one static binary for every Linux of this architecture, and a Debian package around it.
//!
//! Everything is staged below `target/package`, wherever cargo compiles: the image's Dockerfile and the agent's
//! `Cargo.toml` look for it there.

use std::env;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use flate2::{Compression, GzBuilder};

use crate::build_cmd::cargo;
use crate::doctor::{self, Profile};
use crate::{paths, process};

/// What the image may weigh; the binary is all there is in it.
const MOST_BYTES: u64 = 40_000_000;

/// The folders an image needs besides, for the token and for what outlives the agent.
const FOLDERS: [&str; 2] = ["run/tidegate", "var/lib/tidegate"];

/// Where each shell looks for completions, as `ARGUMENT`, `FILE`; the package puts them there.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "tidegate.bash"),
    ("zsh", "_tidegate"),
    ("fish", "tidegate.fish"),
];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only target/package/root/tidegate, for an image
    #[arg(long)]
    binary: bool,
    /// Everything is there: don't look
    #[arg(long, hide = true)]
    prepared: bool,
}

pub(crate) fn command(args: &Args) -> Result<bool> {
    if !args.prepared {
        let profile = if args.binary {
            Profile::Binary
        } else {
            Profile::Package
        };
        doctor::prepare(profile)?;
    }
    let binary = build()?;
    report(&binary)?;
    if !args.binary {
        documents(&binary)?;
        report(&debian()?)?;
    }
    Ok(true)
}

/// musl's libc goes into the binary, resolver included; glibc's would look for its modules at run time.
pub(crate) fn target_triple() -> String {
    format!("{}-unknown-linux-musl", env::consts::ARCH)
}

/// Where the binary is staged.
pub(crate) fn binary() -> PathBuf {
    staging().join("root/tidegate")
}

fn staging() -> PathBuf {
    paths::root().join("target/package")
}

/// Compiles, and stages what goes into an image.
fn build() -> Result<PathBuf> {
    let triple = target_triple();
    let mut command = cargo();
    command.args(["build", "--release", "-p", "tidegate", "--target", &triple]);
    run(&mut command)?;
    let root = staging().join("root");
    for name in FOLDERS {
        let folder = root.join("folders").join(name);
        fs::create_dir_all(&folder)?;
        // The image's user, and root without its capabilities, which is in the group.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o770))?;
    }
    let built = paths::target().join(&triple).join("release/tidegate");
    let staged = binary();
    // Beside it first: it may be running.
    let beside = root.join("tidegate.new");
    // Symbols are for whoever compiles it, and two thirds of it. By cargo's profile, all of it would be compiled anew.
    process::run(Command::new("strip").arg("-o").arg(&beside).arg(&built))?;
    fs::rename(&beside, &staged)?;
    let bytes = fs::metadata(&staged)?.len();
    ensure!(
        bytes < MOST_BYTES,
        "{} has {bytes} bytes; {MOST_BYTES} are the most an image may have",
        staged.display()
    );
    Ok(staged)
}

/// Manual pages and completions, out of the binary's own mouth.
fn documents(binary: &Path) -> Result<()> {
    let pages = staging().join("man");
    if pages.exists() {
        fs::remove_dir_all(&pages)?;
    }
    process::run(Command::new(binary).arg("manual").arg(&pages))?;
    for page in fs::read_dir(&pages)? {
        compress(&page?.path())?;
    }
    let scripts = staging().join("completions");
    fs::create_dir_all(&scripts)?;
    for (shell, file) in COMPLETIONS {
        let script = process::run(Command::new(binary).args(["completions", shell]))?;
        fs::write(scripts.join(file), script)?;
    }
    Ok(())
}

/// Debian's policy wants manual pages compressed; without a time, so that the same page gives the same bytes.
fn compress(page: &Path) -> Result<()> {
    let text = fs::read(page)?;
    let mut name = page.as_os_str().to_owned();
    name.push(".gz");
    let mut out = GzBuilder::new().write(File::create(name)?, Compression::best());
    out.write_all(&text)?;
    out.finish()?;
    fs::remove_file(page)?;
    Ok(())
}

/// `target/debian/tidegate_*.deb`, and none of another version beside it.
fn debian() -> Result<PathBuf> {
    let folder = paths::root().join("target/debian");
    fs::create_dir_all(&folder)?;
    for package in packages(&folder)? {
        fs::remove_file(package)?;
    }
    let mut command = cargo();
    command
        .args([
            "deb",
            "--quiet",
            "-p",
            "tidegate",
            "--no-build",
            "--no-strip",
        ])
        .args(["--target", &target_triple(), "--output"])
        .arg(&folder);
    run(&mut command)?;
    let mut made = packages(&folder)?;
    made.pop()
        .with_context(|| format!("cargo deb left nothing in {}", folder.display()))
}

fn packages(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            found.push(path);
        }
    }
    Ok(found)
}

fn run(command: &mut Command) -> Result<()> {
    if !command.status()?.success() {
        bail!("`{}` failed", process::line(command));
    }
    Ok(())
}

fn report(file: &Path) -> Result<()> {
    let megabytes = fs::metadata(file)?.len() as f64 / 1e6;
    println!("{} ({megabytes:.1} MB)", file.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cargo reads every member's manifest, whatever it builds: an image's build without one of them fails at once.
    #[test]
    fn an_images_build_gets_every_member_of_the_workspace() {
        let read = |file| fs::read_to_string(paths::root().join(file)).expect("it is there");
        let (manifest, ignored) = (read("Cargo.toml"), read(".dockerignore"));
        let members = manifest
            .lines()
            .find_map(|line| line.strip_prefix("members = "))
            .expect("members on one line");
        let members: Vec<&str> = members.split('"').skip(1).step_by(2).collect();
        assert!(members.len() > 4, "{members:?}");
        for member in members {
            let folder = member.split('/').next().expect("a folder");
            let line = format!("!{folder}");
            assert!(ignored.lines().any(|other| other == line), "{line}");
        }
    }
}
