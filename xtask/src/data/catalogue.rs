//! The published files: where they are, and what they must be.

/// Where the UCI KDD archive publishes KDD'99
/// (<https://kdd.ics.uci.edu/databases/kddcup99/kddcup99.html>).
const UCI: &str = "https://kdd.ics.uci.edu/databases/kddcup99";

/// Where the University of New Brunswick publishes NSL-KDD
/// (linked from <https://www.unb.ca/cic/datasets/nsl.html>).
const UNB: &str = "http://205.174.165.80/CICDataset/NSL-KDD/Dataset";

/// A file by the name that `cargo xtask data` knows it by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Published {
    pub(crate) name: &'static str,
    /// Its name in the folder, without a compression's suffix.
    pub(crate) file: &'static str,
    /// The publisher's folder.
    pub(crate) base: &'static str,
    pub(crate) form: Form,
    pub(crate) check: Check,
    /// Whether it is put there unless others are named.
    pub(crate) usual: bool,
}

/// How a publisher offers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    /// As `file.gz`.
    Gzip,
    /// As a member of this archive.
    Zip(&'static str),
}

/// What is known of its bytes: a SHA-256 in hex.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Check {
    /// Of the uncompressed content: holds however it is compressed.
    Content(&'static str),
    /// Of the publisher's gzip file: no other form can be checked.
    Gzip(&'static str),
}

impl Published {
    /// The file to fetch.
    pub(crate) fn remote(&self) -> String {
        match self.form {
            Form::Plain => self.file.to_owned(),
            Form::Gzip => format!("{}.gz", self.file),
            Form::Zip(archive) => archive.to_owned(),
        }
    }

    /// The names it may have in a folder, as the readers look for them.
    pub(crate) fn forms(&self) -> Vec<String> {
        let suffixes: &[&str] = match self.check {
            Check::Content(_) => &["", ".gz", ".zst"],
            Check::Gzip(_) => &[".gz"],
        };
        suffixes
            .iter()
            .map(|suffix| format!("{}{suffix}", self.file))
            .collect()
    }
}

/// The digests of contents were taken from copies whose identity was cross-checked: the 10 % file
/// is what the publisher's gzip file of SHA-256
/// 8045aca0d84e70e622d1148d7df782496f6333bf6eb979a1b0837c42a9fd9561 holds, which scikit-learn
/// publishes (`sklearn/datasets/_kddcup99.py`, ARCHIVE_10_PERCENT); `corrected` has the published
/// counts of rows and labels; the NSL-KDD files are byte-equal in independent copies. The full
/// file's digest is scikit-learn's (ARCHIVE).
pub(crate) const CATALOGUE: &[Published] = &[
    Published {
        name: "kddcup.names",
        file: "kddcup.names",
        base: UCI,
        form: Form::Plain,
        check: Check::Content("4b903fb4d68c17d02b5c776998c21fa9d9d8b018348849bed7aadeda21893386"),
        usual: true,
    },
    Published {
        name: "kddcup.data_10_percent",
        file: "kddcup.data_10_percent",
        base: UCI,
        form: Form::Gzip,
        check: Check::Content("f8c8267ebcd9c0ed1fd7d6277fe5bfff8732e9b7db8e61b873542b2a534b6f9a"),
        usual: true,
    },
    Published {
        name: "corrected",
        file: "corrected",
        base: UCI,
        form: Form::Gzip,
        check: Check::Content("547dfb9c0f0dc1d9944219ec79e851191faebaeb8acbfa1cd171c418397052a4"),
        usual: true,
    },
    Published {
        name: "kddcup.data",
        file: "kddcup.data",
        base: UCI,
        form: Form::Gzip,
        check: Check::Gzip("3b6c942aa0356c0ca35b7b595a26c89d343652c9db428893e7494f837b274292"),
        usual: false,
    },
    Published {
        name: "KDDTrain+",
        file: "KDDTrain+.txt",
        base: UNB,
        form: Form::Zip("NSL-KDD.zip"),
        check: Check::Content("1b86d2f957b33082081bba410fe129b475efebcc13c9014c3f447c8271aadf95"),
        usual: true,
    },
    Published {
        name: "KDDTest+",
        file: "KDDTest+.txt",
        base: UNB,
        form: Form::Zip("NSL-KDD.zip"),
        check: Check::Content("fa46b0935342616aa83b7c2578db355b6a7aaabbc492248172c7a1e8b7ab8f84"),
        usual: true,
    },
    Published {
        name: "KDDTest-21",
        file: "KDDTest-21.txt",
        base: UNB,
        form: Form::Zip("NSL-KDD.zip"),
        check: Check::Content("746993ac9e25868827cacf09eab450050a2a1056e1ce48a1ad39f5dc801d531d"),
        usual: true,
    },
];
