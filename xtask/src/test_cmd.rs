//! `cargo xtask test`: every check there is, in order, and one line of totals.

mod totals;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::build_cmd::cargo;
use crate::doctor::{self, Profile};
use crate::{data, package, paths, privilege, process, python};
use totals::Totals;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print the steps and end
    #[arg(long)]
    list: bool,
}

struct Step {
    name: &'static str,
    make: fn() -> Command,
    needs: Option<Need>,
}

/// What a step can't do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Root,
    Data,
}

/// A variable and the folder or file it names, as an absolute path.
type Folder = (&'static str, PathBuf);

/// Captures of others, which tests read if they are there.
const CAPTURES: [(&str, &str); 2] = [
    (
        "TIDEGATE_ORACLE",
        "tests with captures and Zeek's connections",
    ),
    ("TIDEGATE_PCAPS", "tests with captures of attacks"),
];

const fn step(name: &'static str, make: fn() -> Command) -> Step {
    Step {
        name,
        make,
        needs: None,
    }
}

const fn root_step(name: &'static str, make: fn() -> Command) -> Step {
    Step {
        name,
        make,
        needs: Some(Need::Root),
    }
}

const fn data_step(name: &'static str, make: fn() -> Command) -> Step {
    Step {
        name,
        make,
        needs: Some(Need::Data),
    }
}

const STEPS: &[Step] = &[
    step("format", || with(cargo(), &["fmt", "--all", "--check"])),
    step("lints", || {
        let words = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            TLS,
            "--",
            "-D",
            "warnings",
        ];
        with(cargo(), &words)
    }),
    step("lints of the workbench", || {
        let words = [
            "clippy",
            "-p",
            "tidegate-models",
            "--all-features",
            "--all-targets",
        ];
        with(with(cargo(), &words), &["--", "-D", "warnings"])
    }),
    step("dependencies, spelling, scripts", || own(&["hygiene"])),
    step("Python compiles", compile_python),
    step("tests of the controller baseline", || {
        let mut command = Command::new(PYTHON);
        command
            .args(["-m", "unittest"])
            .env("PYTHONPYCACHEPREFIX", paths::target().join("xtask/python"))
            .current_dir(paths::root().join("mininet/baseline"));
        command
    }),
    root_step("tests, rings 1 to 3", || {
        let words = ["test", "--workspace", "--features", TLS, "--no-fail-fast"];
        with(testing(), &words)
    }),
    root_step("tests of the workbench", || {
        let words = [
            "test",
            "-p",
            "tidegate-models",
            "--all-features",
            "--no-fail-fast",
        ];
        with(testing(), &words)
    }),
    step("tests of the workbench as shipped", || {
        let words = ["test", "-p", "tidegate-models", "--features", "train"];
        with(with(cargo(), &words), &["--test", "train_fit"])
    }),
    step("ONNX exports in ONNX Runtime", || own(&["onnx"])),
    // The binary that is shipped; what follows runs it.
    step("release build of the agent, and its package", || {
        own(&["package", "--prepared"])
    }),
    step("release build of the workbench", || {
        let words = [
            "build",
            "--release",
            "-p",
            "tidegate-models",
            "--features",
            "train",
        ];
        with(cargo(), &words)
    }),
    data_step("shipped models are reproduced", reproduce),
    step("documentation", || {
        let mut command = with(cargo(), &["doc", "--workspace", "--no-deps"]);
        command.env("RUSTDOCFLAGS", "-Dwarnings");
        command
    }),
    root_step("demo in Mininet", || as_root(&["run", "--once"])),
    root_step("demo in plain namespaces", || {
        as_root(&["run", "--once", "--plain"])
    }),
    root_step("comparison with a controller", || {
        as_root(&["compare", "--quick"])
    }),
    root_step("attacks and benign traffic, shortened", || {
        as_root(&["bench", "live", "--short"])
    }),
    root_step("package: installed, started, removed", || {
        script("deploy/test_package.sh")
    }),
    root_step("image: built, asked, run", || {
        script("deploy/test_image.sh")
    }),
    root_step("services: brought up together", || {
        let mut command = script("deploy/test_compose.sh");
        // Debian's is too old; without this, the script says so.
        if let Ok(python) = python::with_packages("compose", "xtask/python/compose.txt") {
            command.env("COMPOSE", python.with_file_name("podman-compose"));
        }
        command
    }),
];

/// The system's: the one Debian's packages are made for.
const PYTHON: &str = "/usr/bin/python3";

/// Of what is checked, as little as possible is left out; without it, the agent is built for its package.
const TLS: &str = "tidegate/tls";

pub(crate) fn command(args: &Args) -> Result<bool> {
    if args.list {
        for step in STEPS {
            println!("{:<32}  {}", step.name, process::line(&(step.make)()));
        }
        return Ok(true);
    }
    let mut totals = Totals::default();
    if let Err(error) = doctor::prepare(Profile::Test) {
        // What is missing may only be missed by some tests: these will say so.
        totals.skipped.push(format!("{error:#}"));
    }
    let root = privilege::is_root() || privilege::can_sudo();
    let data = data::folder();
    if let Err(error) = &data {
        // Tests without the data say so to libtest alone, which keeps it to itself.
        let what = format!("tests with the KDD files: {error:#}");
        println!("skipped: {what}");
        totals.skipped.push(what);
    }
    let mut folders: Vec<Folder> = vec![("TG_AGENT", package::binary())];
    folders.extend(
        data.as_ref()
            .ok()
            .map(|data| ("TIDEGATE_DATA", data.clone())),
    );
    for (variable, what) in CAPTURES {
        match env::var_os(variable).map(fs::canonicalize) {
            Some(Ok(folder)) => folders.push((variable, folder)),
            found => {
                let why = match found {
                    Some(Err(error)) => format!("the folder it names: {error}"),
                    _ => "it is not set".to_owned(),
                };
                println!("skipped: {what}: {variable}: {why}");
                totals.skipped.push(format!("{what}: {variable}: {why}"));
            }
        }
    }
    for step in STEPS {
        let lacks = match step.needs {
            Some(Need::Root) if !root => Some("root"),
            Some(Need::Data) if data.is_err() => Some("the KDD files"),
            _ => None,
        };
        if let Some(lacks) = lacks {
            totals.skipped.push(format!("{}: needs {lacks}", step.name));
            continue;
        }
        println!("\n── {}", step.name);
        let began = Instant::now();
        let ok = totals.run(step, &folders)?;
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "── {}: {} in {seconds:.1} s",
            step.name,
            if ok { "ok" } else { "FAILED" }
        );
    }
    Ok(totals.conclude(env::var_os("CI").is_some()))
}

fn with(mut command: Command, words: &[&str]) -> Command {
    command.args(words);
    command
}

/// Tests make namespaces and load programs: as root, where cargo itself is not.
fn testing() -> Command {
    let mut command = cargo();
    if !privilege::is_root() {
        let variable = format!(
            "CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_RUNNER",
            env::consts::ARCH.to_uppercase()
        );
        command.env(variable, "sudo -n -E");
    }
    command
}

/// Fits all shipped models anew and compares, byte for byte.
fn reproduce() -> Command {
    let words = ["run", "--release", "-p", "tidegate-models"];
    let mut command = with(cargo(), &words);
    command.args(["--features", "train", "--bin", "tidegate-train", "--"]);
    command.args(["fit", "--all", "--check", "--data"]);
    command.arg(data::folder().unwrap_or_else(|_| "DIR".into()));
    command
}

fn own(words: &[&str]) -> Command {
    let own = env::current_exe().unwrap_or_else(|_| "xtask".into());
    with(Command::new(own), words)
}

/// A command of our own, as root; everything it needs is built by then.
fn as_root(words: &[&str]) -> Command {
    let own = env::current_exe().unwrap_or_else(|_| "xtask".into());
    let mut command = privilege::as_root(&own.to_string_lossy());
    command.args(words).arg("--prepared");
    command
}

/// One of the project's scripts, as root.
fn script(path: &str) -> Command {
    privilege::as_root(&paths::root().join(path).to_string_lossy())
}

fn compile_python() -> Command {
    let mut command = Command::new(PYTHON);
    command
        .args(["-m", "py_compile"])
        // Not beside the sources.
        .env("PYTHONPYCACHEPREFIX", paths::target().join("xtask/python"))
        .current_dir(paths::root());
    let folders = [
        "mininet",
        "mininet/baseline",
        "deploy",
        "models/python",
        "xtask/python",
    ];
    for folder in folders {
        let entries = fs::read_dir(paths::root().join(folder));
        for entry in entries.into_iter().flatten().flatten() {
            if entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "py")
            {
                command.arg(entry.path());
            }
        }
    }
    command
}
