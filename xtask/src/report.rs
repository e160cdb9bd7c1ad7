//! Expectations, kept and counted as they are met or missed.

/// The line `cargo xtask test` reads the demo's outcome from.
const SUMMARY: &str = "expectations:";

#[derive(Default)]
pub(crate) struct Report {
    held: usize,
    failed: Vec<String>,
}

impl Report {
    /// Prints the expectation with what was measured.
    pub(crate) fn expect(&mut self, held: bool, what: &str, measured: &str) {
        let mark = if held { "ok    " } else { "FAILED" };
        println!("  {mark}  {what}: {measured}");
        if held {
            self.held += 1;
        } else {
            self.failed.push(format!("{what}: {measured}"));
        }
    }

    pub(crate) fn all_held(&self) -> bool {
        self.failed.is_empty()
    }

    /// Names each failure once more, at the end where it is read.
    pub(crate) fn finish(&self) {
        for failure in &self.failed {
            println!("expectation failed: {failure}");
        }
        println!("{SUMMARY} {} held, {} failed", self.held, self.failed.len());
    }
}

/// Held and failed out of the summary line.
pub(crate) fn summary(line: &str) -> Option<(u64, u64)> {
    let (held, failed) = line.trim().strip_prefix(SUMMARY)?.split_once(',')?;
    let held = held.trim().strip_suffix(" held")?.parse().ok()?;
    let failed = failed.trim().strip_suffix(" failed")?.parse().ok()?;
    Some((held, failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_miss_is_enough() {
        let mut report = Report::default();
        report.expect(true, "a", "1");
        assert!(report.all_held());
        report.expect(false, "b", "2");
        assert!(!report.all_held());
        assert_eq!((report.held, report.failed.len()), (1, 1));
    }

    #[test]
    fn the_summary_line_is_read_back() {
        assert_eq!(summary("expectations: 14 held, 2 failed"), Some((14, 2)));
        assert_eq!(summary("other: 14 held, 2 failed"), None);
    }
}
