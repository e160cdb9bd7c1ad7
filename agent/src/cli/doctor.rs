//! `tidegate doctor`: can this machine run the agent, and what to do if not?

use std::{fs, path::Path, process::ExitCode};

use nix::{
    net::if_::if_nametoindex,
    sys::statfs::{BPF_FS_MAGIC, statfs},
};
use serde::Serialize;

use super::{
    args::ConfigArgs,
    output::{Output, table},
};
use crate::{
    api::{Models, bind},
    config::Config,
    error::AppError,
};

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warn,
    Fail,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    detail: String,
    /// What to do; empty when all is well.
    advice: String,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, detail, "")
    }

    fn new(
        name: &'static str,
        status: Status,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            name,
            status,
            detail: detail.into(),
            advice: advice.into(),
        }
    }
}

pub(super) fn doctor(args: ConfigArgs, out: &mut Output) -> Result<ExitCode, AppError> {
    let config = args.resolve()?;
    let mut checks = vec![capabilities(), kernel(), btf(), jit(), bpffs(&config)];
    checks.extend(interfaces(&config));
    checks.push(models(&config));
    checks.push(port(&config));
    let failed = checks.iter().any(|check| check.status == Status::Fail);
    out.list(&checks, || human(&checks))?;
    Ok(ExitCode::from(u8::from(failed)))
}

fn human(checks: &[Check]) -> String {
    let rows: Vec<_> = checks
        .iter()
        .map(|check| {
            let status = match check.status {
                Status::Ok => "ok",
                Status::Warn => "warn",
                Status::Fail => "FAIL",
            };
            let text = match check.advice.as_str() {
                "" => check.detail.clone(),
                advice => format!("{}: {advice}", check.detail),
            };
            [status.to_owned(), check.name.to_owned(), text]
        })
        .collect();
    table(["STATE", "CHECK", "DETAIL"], &rows)
}

/// Capabilities, by their numbers in linux/capability.h.
const CAPABILITIES: [(&str, u32); 3] =
    [("CAP_NET_ADMIN", 12), ("CAP_PERFMON", 38), ("CAP_BPF", 39)];
const CAP_SYS_ADMIN: u32 = 21;

fn effective_capabilities() -> Option<u64> {
    effective(&fs::read_to_string("/proc/self/status").ok()?)
}

/// The effective set from `/proc/self/status`.
fn effective(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn capabilities() -> Check {
    let name = "capabilities";
    let Some(effective) = effective_capabilities() else {
        return Check::new(name, Status::Warn, "cannot tell from /proc/self/status", "");
    };
    let missing: Vec<_> = CAPABILITIES
        .iter()
        .filter(|(_, bit)| effective & (1 << bit) == 0)
        .map(|(name, _)| *name)
        .collect();
    if missing.is_empty() {
        return Check::ok(name, CAPABILITIES.map(|(name, _)| name).join(", "));
    }
    let advice =
        "run as root, or give the service AmbientCapabilities=CAP_BPF CAP_NET_ADMIN CAP_PERFMON";
    Check::new(
        name,
        Status::Fail,
        format!("without {}", missing.join(", ")),
        advice,
    )
}

fn kernel() -> Check {
    let name = "kernel";
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim();
    match version(release) {
        Some(version) if version >= (5, 15) => Check::ok(name, release),
        Some(_) => Check::new(
            name,
            Status::Fail,
            release,
            "5.15 or newer is needed: the first long-term kernel with ring buffers (5.8), XDP links (5.9) and atomics that return a value (5.12)",
        ),
        None => Check::new(
            name,
            Status::Warn,
            format!("cannot read version {release:?}"),
            "",
        ),
    }
}

/// Major and minor version of a kernel release.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn btf() -> Check {
    if Path::new("/sys/kernel/btf/vmlinux").exists() {
        return Check::ok("btf", "/sys/kernel/btf/vmlinux");
    }
    let advice = "maps are shown without types; use a kernel built with CONFIG_DEBUG_INFO_BTF";
    Check::new(
        "btf",
        Status::Warn,
        "the kernel has no type information",
        advice,
    )
}

fn jit() -> Check {
    let name = "bpf jit";
    match fs::read_to_string("/proc/sys/net/core/bpf_jit_enable")
        .as_deref()
        .map(str::trim)
    {
        Ok("0") => Check::new(
            name,
            Status::Warn,
            "off: the programs are interpreted, several times slower",
            "sysctl net.core.bpf_jit_enable=1",
        ),
        Ok(_) => Check::ok(name, "on"),
        Err(e) => Check::new(
            name,
            Status::Warn,
            format!("cannot tell ({e})"),
            "run as root to see",
        ),
    }
}

fn bpffs(config: &Config) -> Check {
    let name = "bpffs";
    let root = &config.bpf_root;
    let is_bpffs = |path: &Path| statfs(path).is_ok_and(|fs| fs.filesystem_type() == BPF_FS_MAGIC);
    // The root may be a directory yet to be made inside a bpffs.
    let existing = root.ancestors().find(|path| path.exists());
    if existing.is_some_and(is_bpffs) {
        return Check::ok(name, format!("{} is on one", root.display()));
    }
    let known = fs::read_to_string("/proc/filesystems").is_ok_and(|all| {
        all.lines()
            .any(|line| line.trim_start_matches("nodev").trim() == "bpf")
    });
    if !known {
        return Check::new(
            name,
            Status::Fail,
            "the kernel has none",
            "use a kernel built with CONFIG_BPF_SYSCALL",
        );
    }
    let mountable = effective_capabilities().is_some_and(|set| set & (1 << CAP_SYS_ADMIN) != 0);
    if mountable {
        return Check::ok(name, format!("can be mounted at {}", root.display()));
    }
    Check::new(
        name,
        Status::Fail,
        format!("none at {}, and no right to mount one", root.display()),
        format!(
            "mount -t bpf tidegate {} as root, or choose a directory on one with --bpf-root",
            root.display()
        ),
    )
}

fn interfaces(config: &Config) -> Vec<Check> {
    let name = "interface";
    if config.interfaces.is_empty() {
        let advice = "pass -i IFACE to check one";
        return vec![Check::new(name, Status::Warn, "none configured", advice)];
    }
    config
        .interfaces
        .iter()
        .map(|interface| match if_nametoindex(interface.as_str()) {
            Ok(index) => Check::ok(name, format!("{interface} (index {index})")),
            Err(e) => Check::new(
                name,
                Status::Fail,
                format!("{interface}: {e}"),
                "see ip link for those there are",
            ),
        })
        .collect()
}

fn models(config: &Config) -> Check {
    match Models::load(config.model.as_deref()) {
        Ok(models) => {
            let names: Vec<_> = models
                .iter()
                .map(tidegate_models::Classifier::name)
                .collect();
            Check::ok("model", names.join(", "))
        }
        Err(e) => Check::new(
            "model",
            Status::Fail,
            e.to_string(),
            "name another with --model",
        ),
    }
}

fn port(config: &Config) -> Check {
    let listen = config.api.listen;
    match bind(listen) {
        Ok(_) => Check::ok("api", format!("{listen} is free")),
        // An agent that runs already is no fault of the machine.
        Err(e) => Check::new("api", Status::Warn, e.to_string(), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_tells() {
        assert_eq!(
            effective("Name:\tx\nCapEff:\t000001ffffffffff\n"),
            Some(0x1ff_ffff_ffff)
        );
        assert_eq!(effective("Name:\tx\n"), None);
        assert_eq!(version("6.1.0-18-amd64"), Some((6, 1)));
        assert_eq!(version("5.15.167.4-microsoft"), Some((5, 15)));
        assert!(version("5.9.0") < Some((5, 15)));
        assert_eq!(version("unknown"), None);
    }
}
