//! Looks for everything a build, the demo and the tests need, one line each,
//! and installs what is missing where it may.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::{daemons, hygiene, package, paths, privilege, process};

const TOOLCHAIN: &str = "1.95.0";
/// Goes with the toolchain's LLVM: change the two together.
const BPF_LINKER: &str = "0.10.3";
const CARGO_DEB: &str = "3.8.0";
const OLDEST_KERNEL: (u32, u32) = (5, 15);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Install what is missing
    #[arg(long)]
    fix: bool,
    /// Look for what only the tests and the recorder need, too
    #[arg(long)]
    tests: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Build,
    /// A static binary.
    Binary,
    /// And a Debian package around it.
    Package,
    Run,
    Compare,
    Record,
    Test,
}

/// A Debian package and a file or program that shows it is there.
struct Package {
    name: &'static str,
    shows: &'static str,
    since: Profile,
}

const fn package(name: &'static str, shows: &'static str, since: Profile) -> Package {
    Package { name, shows, since }
}

const PACKAGES: &[Package] = &[
    package("gcc", "cc", Profile::Build),
    package("musl-tools", "musl-gcc", Profile::Binary),
    package("xz-utils", "xz", Profile::Package),
    package("iproute2", "ip", Profile::Run),
    package(
        "mininet",
        "/usr/lib/python3/dist-packages/mininet/net.py",
        Profile::Run,
    ),
    package("openvswitch-switch", "ovs-vswitchd", Profile::Run),
    package("bridge-utils", "brctl", Profile::Run),
    package("net-tools", "ifconfig", Profile::Run),
    package("ethtool", "ethtool", Profile::Run),
    package("iputils-ping", "ping", Profile::Run),
    package("hping3", "hping3", Profile::Run),
    package("nmap", "nmap", Profile::Run),
    package("iperf3", "iperf3", Profile::Run),
    package("curl", "curl", Profile::Run),
    package("tcpdump", "tcpdump", Profile::Run),
    package("python3-os-ken", "osken-manager", Profile::Compare),
    package("util-linux", "setpriv", Profile::Record),
    package("python3", "/usr/bin/python3", Profile::Record),
    package("openssl", "openssl", Profile::Record),
    package("openssh-client", "ssh", Profile::Record),
    package("sshpass", "sshpass", Profile::Record),
    package("apache2-utils", "ab", Profile::Record),
    package("wrk", "wrk", Profile::Record),
    package("wget", "wget", Profile::Record),
    package("httperf", "httperf", Profile::Record),
    package("hey", "hey", Profile::Record),
    package("inetutils-telnet", "telnet", Profile::Record),
    package("lftp", "lftp", Profile::Record),
    package("bind9-dnsutils", "dig", Profile::Record),
    package("dnsperf", "dnsperf", Profile::Record),
    package("swaks", "swaks", Profile::Record),
    package("traceroute", "traceroute", Profile::Record),
    package("mtr-tiny", "mtr", Profile::Record),
    package("redis-tools", "redis-benchmark", Profile::Record),
    package("rsync", "rsync", Profile::Record),
    package("socat", "socat", Profile::Record),
    package("masscan", "masscan", Profile::Record),
    package("zmap", "zmap", Profile::Record),
    package("fping", "fping", Profile::Record),
    package("hydra", "hydra", Profile::Record),
    package("medusa", "medusa", Profile::Record),
    package("patator", "patator", Profile::Record),
    package("ncrack", "ncrack", Profile::Record),
    package("slowhttptest", "slowhttptest", Profile::Record),
    package("siege", "siege", Profile::Record),
    package("t50", "t50", Profile::Record),
    package("netsniff-ng", "mausezahn", Profile::Record),
    package("netcat-openbsd", "nc.openbsd", Profile::Record),
    package("python3-venv", "/usr/share/doc/python3-venv", Profile::Test),
    package("man-db", "man", Profile::Test),
    package("procps", "pgrep", Profile::Test),
    package("shellcheck", "shellcheck", Profile::Test),
    package("systemd", "systemd-analyze", Profile::Test),
    package("systemd-container", "systemd-nspawn", Profile::Test),
    package("buildah", "buildah", Profile::Test),
    package("podman", "podman", Profile::Test),
    package("runc", "runc", Profile::Test),
];

impl Profile {
    fn includes(self, other: Self) -> bool {
        match (self, other) {
            // Neither to run nor to record is a package needed.
            (Self::Run | Self::Compare | Self::Record, Self::Binary | Self::Package) => false,
            _ => other as u8 <= self as u8,
        }
    }
}

pub(crate) enum State {
    Ok(String),
    Fixed(String),
    Missing { what: String, by_hand: String },
}

pub(crate) fn command(args: &Args) -> Result<bool> {
    let profile = if args.tests {
        Profile::Test
    } else {
        Profile::Run
    };
    Ok(examine(profile, args.fix).is_empty())
}

/// `doctor --fix`, as every bigger command starts with it.
pub(crate) fn prepare(profile: Profile) -> Result<()> {
    let missing = examine(profile, true);
    if !missing.is_empty() {
        bail!("missing: {}", missing.join(", "));
    }
    Ok(())
}

/// Prints a line for each need and returns the names of what is missing.
fn examine(profile: Profile, fix: bool) -> Vec<String> {
    let mut states = vec![toolchain(fix), rust_src(fix), bpf_linker(fix)];
    if profile.includes(Profile::Binary) {
        states.push(musl(fix));
    }
    if profile.includes(Profile::Package) {
        states.push(cargo_deb(fix));
    }
    if profile.includes(Profile::Run) {
        states.extend([root(), kernel()]);
    }
    states.extend(packages(profile, fix));
    if profile.includes(Profile::Record) {
        states.extend(servers(fix));
    }
    if profile.includes(Profile::Test) {
        states.extend(hygiene::tools(fix));
    }
    let mut missing = Vec::new();
    for state in states {
        match state {
            State::Ok(what) => println!("ok       {what}"),
            State::Fixed(what) => println!("fixed    {what}"),
            State::Missing { what, by_hand } => {
                println!("missing  {what}   by hand: {by_hand}");
                missing.push(what);
            }
        }
    }
    missing
}

/// Present, or made present by `by_hand`, or missing.
pub(crate) fn ensure(what: &str, fix: bool, present: impl Fn() -> bool, by_hand: &str) -> State {
    if present() {
        return State::Ok(what.to_owned());
    }
    if fix {
        println!("         installing {what}: {by_hand}");
        let outcome = Command::new("sh")
            .args(["-c", by_hand])
            .current_dir(paths::root())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
        if outcome.is_ok_and(|status| status.success()) && present() {
            return State::Fixed(what.to_owned());
        }
    }
    State::Missing {
        what: what.to_owned(),
        by_hand: by_hand.to_owned(),
    }
}

fn toolchain(fix: bool) -> State {
    ensure(
        &format!("rust {TOOLCHAIN}"),
        fix,
        || sysroot().is_some(),
        &format!(
            "rustup toolchain install {TOOLCHAIN} --profile minimal -c rust-src,rustfmt,clippy"
        ),
    )
}

fn rust_src(fix: bool) -> State {
    // rustup fetches it by itself only together with the toolchain.
    ensure(
        &format!("rust-src {TOOLCHAIN}"),
        fix,
        || {
            sysroot().is_some_and(|root| {
                root.join("lib/rustlib/src/rust/library/core/src/lib.rs")
                    .exists()
            })
        },
        &format!("rustup component add rust-src --toolchain {TOOLCHAIN}"),
    )
}

fn sysroot() -> Option<PathBuf> {
    let text = process::run(
        Command::new("rustc")
            .env("RUSTUP_TOOLCHAIN", TOOLCHAIN)
            // Looking must not start an installation.
            .env("RUSTUP_AUTO_INSTALL", "0")
            .args(["--print", "sysroot"]),
    )
    .ok()?;
    Some(PathBuf::from(text.trim()))
}

fn bpf_linker(fix: bool) -> State {
    tool("bpf-linker", BPF_LINKER, "", fix)
}

/// A program of a crate, of that very version, below `target/tools`.
fn tool(name: &str, version: &str, options: &str, fix: bool) -> State {
    let wanted = format!("{name} {version}");
    let binary = paths::tools().join("bin").join(name);
    ensure(
        &wanted,
        fix,
        || {
            process::run(Command::new(&binary).arg("--version"))
                .is_ok_and(|text| text.trim() == wanted)
        },
        &format!("cargo install {name} --version {version} --locked {options}--root target/tools"),
    )
}

/// The target whose binaries need no library.
fn musl(fix: bool) -> State {
    let target = package::target_triple();
    let libraries = format!("lib/rustlib/{target}/lib");
    ensure(
        &format!("{target} for rust {TOOLCHAIN}"),
        fix,
        || sysroot().is_some_and(|root| root.join(&libraries).exists()),
        &format!("rustup target add {target} --toolchain {TOOLCHAIN}"),
    )
}

fn cargo_deb(fix: bool) -> State {
    // Without its own compressor, which takes longer to compile than the rest: Debian has xz.
    tool("cargo-deb", CARGO_DEB, "--no-default-features ", fix)
}

fn root() -> State {
    if privilege::is_root() {
        State::Ok("root".to_owned())
    } else if privilege::can_sudo() {
        State::Ok("root (by sudo)".to_owned())
    } else {
        State::Missing {
            what: "root or sudo without a password".to_owned(),
            by_hand: "sudo -E env PATH=\"$PATH\" cargo xtask run".to_owned(),
        }
    }
}

fn kernel() -> State {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim();
    let what = format!("kernel {release} with BTF");
    let new_enough = version(release).is_some_and(|version| version >= OLDEST_KERNEL);
    if new_enough && Path::new("/sys/kernel/btf/vmlinux").exists() {
        return State::Ok(what);
    }
    State::Missing {
        what: format!("kernel ≥ 5.15 with /sys/kernel/btf/vmlinux (this is {release})"),
        by_hand: "apt-get install linux-image-amd64 && reboot".to_owned(),
    }
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn packages(profile: Profile, fix: bool) -> Vec<State> {
    let wanted = || {
        PACKAGES
            .iter()
            .filter(|package| profile.includes(package.since))
    };
    let absent: Vec<&Package> = wanted().filter(|package| !package.is_there()).collect();
    let mut tried = false;
    if fix && !absent.is_empty() && (privilege::is_root() || privilege::can_sudo()) {
        let names: Vec<&str> = absent.iter().map(|package| package.name).collect();
        println!("         installing {}", names.join(" "));
        tried = install(&names).is_ok();
    }
    wanted()
        .map(|package| {
            let was_absent = absent.iter().any(|other| other.name == package.name);
            if !was_absent {
                State::Ok(package.name.to_owned())
            } else if tried && package.is_there() {
                State::Fixed(package.name.to_owned())
            } else {
                State::Missing {
                    what: package.name.to_owned(),
                    by_hand: format!(
                        "apt-get update && apt-get install -y --no-install-recommends {}",
                        package.name
                    ),
                }
            }
        })
        .collect()
}

/// What the recorder serves with: unpacked, not installed.
fn servers(fix: bool) -> Vec<State> {
    let absent: Vec<&str> = daemons::packages()
        .filter(|package| !daemons::is_there(package))
        .collect();
    let mut tried = false;
    if fix && !absent.is_empty() && (privilege::is_root() || privilege::can_sudo()) {
        println!("         unpacking {}", absent.join(" "));
        let unpacked = process::run(privilege::as_root("apt-get").arg("update"))
            .and_then(|_| daemons::unpack(&absent));
        if let Err(error) = &unpacked {
            println!("         {error:#}");
        }
        tried = unpacked.is_ok();
    }
    daemons::packages()
        .map(|package| {
            let what = format!("{package} (to serve)");
            if !absent.contains(&package) {
                State::Ok(what)
            } else if tried && daemons::is_there(package) {
                State::Fixed(what)
            } else {
                State::Missing {
                    by_hand: format!("cd {} && apt-get download {package} && dpkg-deb --extract {package}_*.deb .", daemons::folder().display()),
                    what,
                }
            }
        })
        .collect()
}

fn install(names: &[&str]) -> Result<()> {
    process::run(privilege::as_root("apt-get").arg("update"))?;
    let words = ["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y"];
    process::run(
        privilege::as_root("env")
            .args(words)
            .arg("--no-install-recommends")
            .args(names),
    )?;
    Ok(())
}

impl Package {
    fn is_there(&self) -> bool {
        if self.shows.starts_with('/') {
            return Path::new(self.shows).exists();
        }
        // Debian keeps some of these out of an ordinary user's search path.
        let mut path = std::env::var_os("PATH").unwrap_or_default();
        path.push(":/usr/sbin:/sbin");
        which::which_in(self.shows, Some(path), "/").is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_releases_are_compared_as_numbers() {
        assert_eq!(version("6.18.44-fc-v657"), Some((6, 18)));
        assert!(version("5.4.0-1-amd64").expect("parsed") < OLDEST_KERNEL);
        assert!(version("5.15.0+").expect("parsed") >= OLDEST_KERNEL);
        assert!(version("10.0").expect("parsed") >= OLDEST_KERNEL);
        assert_eq!(version("weird"), None);
    }

    #[test]
    fn what_is_there_is_not_installed_again() {
        let state = ensure("thing", true, || true, "false");
        assert!(matches!(state, State::Ok(_)));
    }

    #[test]
    fn an_installation_that_did_not_help_is_missing() {
        let state = ensure("thing", true, || false, "true");
        assert!(matches!(state, State::Missing { .. }));
    }

    #[test]
    fn the_tests_need_all_that_a_run_needs() {
        assert!(Profile::Test.includes(Profile::Run));
        assert!(Profile::Test.includes(Profile::Record));
        assert!(!Profile::Run.includes(Profile::Record));
        assert!(Profile::Test.includes(Profile::Package));
        assert!(!Profile::Record.includes(Profile::Binary));
        assert!(!Profile::Binary.includes(Profile::Package));
    }
}
