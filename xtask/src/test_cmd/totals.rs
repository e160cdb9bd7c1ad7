//! What the steps of `cargo xtask test` came to.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::Result;

use super::{Folder, Step};
use crate::report;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    passed: u64,
    failed: u64,
    pub(super) skipped: Vec<String>,
}

impl Totals {
    /// Runs the step, passing its output on and counting on the way.
    pub(super) fn run(&mut self, step: &Step, folders: &[Folder]) -> Result<bool> {
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
    pub(super) fn conclude(mut self, in_ci: bool) -> bool {
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
    use std::path::PathBuf;
    use std::process::Command;

    use super::super::{step, with};
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
