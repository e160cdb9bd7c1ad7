//! The servers of the recorder and of tests, unpacked below `target/tools` and never installed: an
//! installed one starts with the machine (nginx, sshd) or replaces what keeps
//! its time (chrony). Only the recorder's own namespaces and tests ever run these.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::{paths, process};

/// A Debian package and the program that is wanted of it.
const DAEMONS: [(&str, &str); 14] = [
    ("nginx", "nginx"),
    ("openssh-server", "sshd"),
    ("vsftpd", "vsftpd"),
    ("inetutils-inetd", "inetutils-inetd"),
    ("inetutils-telnetd", "telnetd"),
    ("popa3d", "popa3d"),
    ("dnsmasq-base", "dnsmasq"),
    ("chrony", "chronyd"),
    ("python3-aiosmtpd", "aiosmtpd"),
    ("rsync", "rsync"),
    ("postgresql", "postgres"),
    ("influxdb", "influxd"),
    ("victoria-metrics", "victoria-metrics"),
    ("prometheus", "promtool"),
];

/// Where their `usr` is.
pub(crate) fn folder() -> PathBuf {
    paths::tools().join("debian")
}

pub(crate) fn packages() -> impl Iterator<Item = &'static str> {
    DAEMONS.iter().map(|(package, _)| *package)
}

pub(crate) fn is_there(package: &str) -> bool {
    DAEMONS
        .iter()
        .filter(|(name, _)| *name == package)
        .any(|(_, program)| find(program).is_some())
}

/// A program of one of these packages, unpacked or installed.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    [folder().as_path(), Path::new("/")]
        .iter()
        .find_map(|root| find_in(root, program))
}

/// Where the loader finds what was unpacked with them.
pub(crate) fn libraries() -> String {
    fs::read_dir(folder().join("usr/lib"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().to_string_lossy().into_owned())
        .filter(|path| path.ends_with("-linux-gnu"))
        .collect::<Vec<_>>()
        .join(":")
}

fn find_in(root: &Path, program: &str) -> Option<PathBuf> {
    let versions = fs::read_dir(root.join("usr/lib/postgresql"));
    let of_postgresql = versions
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"));
    ["usr/sbin", "usr/bin"]
        .map(|folder| root.join(folder))
        .into_iter()
        .chain(of_postgresql)
        .map(|folder| folder.join(program))
        .find(|path| path.exists())
}

/// Fetches what is missing with all that it needs and this machine lacks.
/// The list of packages must be up to date.
pub(crate) fn unpack(packages: &[&str]) -> Result<()> {
    let simulated = process::run(
        Command::new("apt-get")
            .args(["install", "--simulate", "--no-install-recommends"])
            .args(packages),
    )?;
    let wanted = new_packages(&simulated);
    if wanted.is_empty() {
        bail!("apt-get would install nothing for {}", packages.join(" "));
    }
    let folder = folder();
    let archives = folder.join("archives");
    fs::create_dir_all(&archives)?;
    process::run(
        Command::new("apt-get")
            .arg("download")
            .args(&wanted)
            .current_dir(&archives),
    )?;
    for entry in fs::read_dir(&archives)? {
        process::run(
            Command::new("dpkg-deb")
                .arg("--extract")
                .arg(entry?.path())
                .arg(&folder),
        )?;
    }
    fs::remove_dir_all(archives)?;
    Ok(())
}

/// Of `Inst name [installed version] (new version …)` those without the
/// brackets: what is installed serves in the version it has.
fn new_packages(simulated: &str) -> Vec<&str> {
    simulated
        .lines()
        .filter_map(|line| line.strip_prefix("Inst "))
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, rest)| !rest.starts_with('['))
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_machine_lacks_is_unpacked() {
        let simulated = "Reading package lists...\nRemv timesyncd [252]\n\
            Inst openssh-client [1:9.2] (1:9.3 Debian:12 [amd64])\n\
            Inst openssh-server (1:9.3 Debian:12 [amd64])\n\
            Inst libwrap0 (7.6 Debian:12 [amd64]) []\n\
            Conf openssh-server (1:9.3 Debian:12 [amd64])\n";
        assert_eq!(new_packages(simulated), ["openssh-server", "libwrap0"]);
    }

    #[test]
    fn programs_are_found_where_debian_puts_them() {
        let root = std::env::temp_dir().join(format!("tg-daemons-{}", std::process::id()));
        let folder = root.join("usr/lib/postgresql/15/bin");
        fs::create_dir_all(&folder).expect("folder");
        fs::write(folder.join("postgres"), "").expect("file");
        assert_eq!(find_in(&root, "postgres"), Some(folder.join("postgres")));
        assert_eq!(find_in(&root, "nginx"), None);
        fs::remove_dir_all(root).expect("tidy");
    }
}
