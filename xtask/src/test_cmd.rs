//! `cargo xtask test`: every check there is, in order, and one line of totals.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Result;

use crate::build_cmd::cargo;
use crate::doctor::{self, Profile};
use crate::{data, package, paths, privilege, process, python, report};

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

/// What the steps came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    passed: u64,
    failed: u64,
    skipped: Vec<String>,
}

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

impl Totals {
    /// Runs the step, passing its output on and counting on the way.
    fn run(&mut self, step: &Step, folders: &[Folder]) -> Result<bool> {
        let mut command = (step.make)();
        // Tests run in their package's folder: a relative path would lead elsewhere.
        command.envs(folders.iter().map(|(variable, folder)| (variable, folder)));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let failed_before = self.failed;
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines() {
                let line = line?;
                println!("{line}");
                self.count(step.name, &line);
            }
        }
        let ok = child.wait()?.success();
        if !ok && self.failed == failed_before {
            // It failed without a test to blame: a lint, a compiler error, a crash.
            self.failed += 1;
        }
        Ok(ok)
    }

    fn count(&mut self, step: &str, line: &str) {
        if let Some((passed, failed, ignored)) = test_result(line) {
            self.passed += passed;
            self.failed += failed;
            if ignored > 0 {
                self.skipped.push(format!("{step}: {ignored} ignored"));
            }
        } else if let Some((held, failed)) = report::summary(line) {
            self.passed += held;
            self.failed += failed;
        } else if let Some(reason) = line.trim().strip_prefix("skipped: ") {
            self.skipped.push(format!("{step}: {reason}"));
        }
    }

    /// Prints the skips and, alone on the last line, the totals.
    fn conclude(mut self, in_ci: bool) -> bool {
        println!();
        for skip in &self.skipped {
            println!("skipped: {skip}");
        }
        if in_ci && !self.skipped.is_empty() {
            println!("a skip is a failure where CI is set");
            self.failed += u64::try_from(self.skipped.len()).unwrap_or(1);
        }
        println!("{} passed, {} failed", self.passed, self.failed);
        self.failed == 0
    }
}

/// Passed, failed and ignored of a line of libtest's.
fn test_result(line: &str) -> Option<(u64, u64, u64)> {
    let rest = line.trim().strip_prefix("test result: ")?;
    let (_, counts) = rest.split_once(". ")?;
    let number = |word: &str| -> Option<u64> {
        let part = counts.split(';').find(|part| part.trim().ends_with(word))?;
        part.split_whitespace().next()?.parse().ok()
    };
    Some((number("passed")?, number("failed")?, number("ignored")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &str = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s";
    const BAD: &str = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s";

    #[test]
    fn libtests_line_is_read() {
        assert_eq!(test_result(OK), Some((12, 0, 1)));
        assert_eq!(test_result(BAD), Some((3, 2, 0)));
        assert_eq!(test_result("test counters::tests::x ... ok"), None);
    }

    #[test]
    fn tests_and_expectations_add_up() {
        let mut totals = Totals::default();
        for line in [
            OK,
            BAD,
            "expectations: 14 held, 1 failed",
            "skipped: no influxd",
        ] {
            totals.count("step", line);
        }
        assert_eq!((totals.passed, totals.failed), (29, 3));
        assert_eq!(totals.skipped, ["step: 1 ignored", "step: no influxd"]);
    }

    #[test]
    fn a_skip_fails_in_ci_only() {
        let skipping = || Totals {
            passed: 1,
            failed: 0,
            skipped: vec!["x".to_owned()],
        };
        assert!(skipping().conclude(false));
        assert!(!skipping().conclude(true));
    }

    #[test]
    fn a_step_that_fails_without_tests_counts_once() {
        let mut totals = Totals::default();
        let ok = totals
            .run(&step("false", || Command::new("false")), &[])
            .expect("ran");
        assert!(!ok && totals.failed == 1);
    }

    #[test]
    fn a_step_gets_its_folders() {
        let words = || {
            with(
                Command::new("sh"),
                &["-c", "test \"$TIDEGATE_DATA\" = /kdd"],
            )
        };
        let step = step("environment", words);
        let mut totals = Totals::default();
        let folder = |path: &str| [("TIDEGATE_DATA", PathBuf::from(path))];
        assert!(totals.run(&step, &folder("/kdd")).expect("ran"));
        assert!(!totals.run(&step, &folder("/other")).expect("ran"));
    }
}
