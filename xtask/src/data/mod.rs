//! `cargo xtask data`: puts the published data files into a folder, each checked by its SHA-256.

mod catalogue;
mod content;
mod fetch;
#[cfg(test)]
mod tests;

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::builder::PossibleValuesParser;
use zip::ZipArchive;

use crate::paths;
use catalogue::{CATALOGUE, Form, Published};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Copy the files from this folder (plain, .gz or .zst) instead of fetching them
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Fetch from this folder of a mirror instead of the publishers
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    from: Option<String>,
    /// Where to put them [default: models/data]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Which files; all but the full kddcup.data unless named
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(CATALOGUE.iter().map(|file| file.name)))]
    names: Vec<String>,
}

pub(crate) fn command(args: &Args) -> Result<bool> {
    let folder = Folder {
        path: args.output.clone().unwrap_or_else(usual_folder),
        source: match (&args.data, &args.from) {
            (Some(data), _) => Source::Folder(data.clone()),
            (None, Some(mirror)) => Source::Mirror(mirror.clone()),
            (None, None) => Source::Publishers,
        },
    };
    for file in chosen(&args.names) {
        let done = folder.provide(file)?;
        println!("{:<8} {}", done.word(), done.path().display());
    }
    Ok(true)
}

/// Where the files are put unless told otherwise.
fn usual_folder() -> PathBuf {
    paths::root().join("models/data")
}

/// The folder that holds all the usual files, as an absolute path: that of `TIDEGATE_DATA`, or
/// if it is not set, where this command puts them.
pub(crate) fn folder() -> Result<PathBuf> {
    let (folder, advice) = match env::var_os("TIDEGATE_DATA") {
        Some(named) => (PathBuf::from(named), "TIDEGATE_DATA names it"),
        None => (
            usual_folder(),
            "set TIDEGATE_DATA or run `cargo xtask data`",
        ),
    };
    whole(&folder).with_context(|| format!("no KDD files in {} ({advice})", folder.display()))
}

fn whole(folder: &Path) -> Result<PathBuf> {
    for file in chosen(&[]) {
        find(folder, file).with_context(|| format!("none of {}", file.forms().join(", ")))?;
    }
    Ok(fs::canonicalize(folder)?)
}

fn chosen(names: &[String]) -> impl Iterator<Item = &'static Published> {
    CATALOGUE.iter().filter(move |file| {
        if names.is_empty() {
            file.usual
        } else {
            names.iter().any(|name| name == file.name)
        }
    })
}

/// Where files come from.
enum Source {
    Folder(PathBuf),
    Mirror(String),
    Publishers,
}

/// Where files are put.
struct Folder {
    path: PathBuf,
    source: Source,
}

/// How a file came to be there.
#[derive(Debug, PartialEq, Eq)]
enum Done {
    Present(PathBuf),
    Copied(PathBuf),
    Fetched(PathBuf),
    Unpacked(PathBuf),
}

impl Done {
    fn word(&self) -> &'static str {
        match self {
            Self::Present(_) => "present",
            Self::Copied(_) => "copied",
            Self::Fetched(_) => "fetched",
            Self::Unpacked(_) => "unpacked",
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Present(path)
            | Self::Copied(path)
            | Self::Fetched(path)
            | Self::Unpacked(path) => path,
        }
    }
}

impl Folder {
    /// Makes sure the file is there, and is the published one.
    fn provide(&self, file: &Published) -> Result<Done> {
        fs::create_dir_all(&self.path)
            .with_context(|| format!("cannot make {}", self.path.display()))?;
        if let Some(path) = find(&self.path, file) {
            content::verify(&path, file.check)
                .context("what is there already is not the published file: move it away")?;
            return Ok(Done::Present(path));
        }
        match (&self.source, file.form) {
            (Source::Folder(from), _) => self.copy(from, file),
            (_, Form::Zip(_)) => {
                let archive = self.path.join(file.remote());
                if archive.is_file() {
                    return self.unpack(&archive, file);
                }
                // The archive's digest is not published: it is as good as what is in it.
                let part = part_of(&archive);
                self.fetch(file, &part, |part| self.unpack(part, file).map(drop))?;
                rename(&part, &archive)?;
                Ok(Done::Unpacked(self.path.join(file.file)))
            }
            (_, Form::Plain | Form::Gzip) => {
                let path = self.path.join(file.remote());
                let part = part_of(&path);
                self.fetch(file, &part, |part| content::verify(part, file.check))?;
                rename(&part, &path)?;
                Ok(Done::Fetched(path))
            }
        }
    }

    /// Fetches into `part`, unless an earlier run left it there whole; checks it.
    fn fetch(
        &self,
        file: &Published,
        part: &Path,
        check: impl Fn(&Path) -> Result<()>,
    ) -> Result<()> {
        if part.is_file() && check(part).is_ok() {
            return Ok(());
        }
        let base = match &self.source {
            Source::Mirror(mirror) => mirror.trim_end_matches('/'),
            _ => file.base,
        };
        let url = format!("{base}/{}", file.remote());
        eprintln!("fetching {url}");
        fetch::fetch(&url, part)?;
        check(part)
            .with_context(|| format!("fetched {url}"))
            .map_err(|error| put_aside(part, error))
    }

    fn copy(&self, from: &Path, file: &Published) -> Result<Done> {
        if let Some(original) = find(from, file) {
            let path = self.path.join(original.file_name().unwrap_or_default());
            let part = part_of(&path);
            fs::copy(&original, &part)
                .with_context(|| format!("cannot copy {}", original.display()))?;
            content::verify(&part, file.check)
                .with_context(|| format!("copied {}", original.display()))
                .map_err(|error| put_aside(&part, error))?;
            rename(&part, &path)?;
            return Ok(Done::Copied(path));
        }
        if let Form::Zip(archive) = file.form
            && from.join(archive).is_file()
        {
            return self.unpack(&from.join(archive), file);
        }
        bail!("{}: none of {}", from.display(), file.forms().join(", "))
    }

    fn unpack(&self, archive: &Path, file: &Published) -> Result<Done> {
        let path = self.path.join(file.file);
        let part = part_of(&path);
        let mut zip = open_archive(archive)?;
        // In whatever folder of the archive it is.
        let member = zip
            .file_names()
            .filter_map(|name| Some(name.ok()?.into_owned()))
            .find(|name| name.rsplit('/').next() == Some(file.file))
            .with_context(|| format!("{} has no {}", archive.display(), file.file))?;
        let mut written = File::create(&part)?;
        zip.by_name(&member)
            .map_err(io::Error::other)
            .and_then(|mut member| io::copy(&mut member, &mut written))
            .with_context(|| format!("cannot unpack {member} of {}", archive.display()))?;
        if let Err(error) = content::verify(&part, file.check) {
            fs::remove_file(&part)?;
            return Err(error.context(format!("unpacked {}", archive.display())));
        }
        rename(&part, &path)?;
        Ok(Done::Unpacked(path))
    }
}

/// The file in one of its forms.
fn find(folder: &Path, file: &Published) -> Option<PathBuf> {
    let forms = file.forms().into_iter();
    forms
        .map(|form| folder.join(form))
        .find(|path| path.is_file())
}

fn open_archive(path: &Path) -> Result<ZipArchive<File>> {
    let file = File::open(path)?;
    ZipArchive::new(file).with_context(|| format!("{} is no zip archive", path.display()))
}

fn part_of(path: &Path) -> PathBuf {
    with_suffix(path, ".part")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("cannot rename {}", from.display()))
}

/// Keeps a wrong file for a look, where the next run does not go on from it.
fn put_aside(path: &Path, error: anyhow::Error) -> anyhow::Error {
    let aside = with_suffix(path, ".wrong");
    match fs::rename(path, &aside) {
        Ok(()) => error.context(format!(
            "wrong, left as {} (run this again to start afresh)",
            aside.display()
        )),
        Err(failed) => error.context(anyhow!("{}: {failed}", aside.display())),
    }
}
