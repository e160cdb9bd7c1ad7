//! The agent's rows, counted as they come: through a named pipe, because at
//! thousands of connections a second they would fill a disk.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::record::{Label, Owners};

/// What was predicted of one scenario's traffic.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) attack: bool,
    /// Of the first packet the agent reported since it began, by the kernel's monotonic clock.
    pub(super) first: Option<Duration>,
    pub(super) predictions: u64,
    /// Those that say attack, of whatever confidence, by class.
    pub(super) accused: BTreeMap<String, u64>,
}

impl Seen {
    pub(super) fn accusations(&self) -> u64 {
        self.accused.values().sum()
    }
}

pub(super) type Scenarios = BTreeMap<String, Seen>;

pub(super) struct Tally {
    pipe: PathBuf,
    scenarios: Arc<Mutex<Scenarios>>,
    reader: JoinHandle<Result<()>>,
}

impl Tally {
    /// Makes the pipe. Opening it waits for the agent to do so too.
    /// Rows that accuse who is benign, or nobody of an attack, go to `misjudged` too.
    pub(super) fn start(
        pipe: PathBuf,
        owners: Arc<Owners>,
        misjudged: Option<&Path>,
    ) -> Result<Self> {
        let mode = nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR;
        nix::unistd::mkfifo(&pipe, mode)?;
        let scenarios: Arc<Mutex<Scenarios>> = Arc::default();
        let (sums, path) = (Arc::clone(&scenarios), pipe.clone());
        let misjudged = misjudged.map(appended).transpose()?;
        let reader = thread::spawn(move || {
            count(BufReader::new(File::open(path)?), &owners, &sums, misjudged)
        });
        Ok(Self {
            pipe,
            scenarios,
            reader,
        })
    }

    pub(super) fn pipe(&self) -> &Path {
        &self.pipe
    }

    /// A scenario begins now: addresses drawn at random for another may have been its own.
    pub(super) fn begins(&self, name: &str) {
        let mut scenarios = self
            .scenarios
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = scenarios.get_mut(name) {
            seen.first = None;
        }
    }

    /// After the agent ended: all there was.
    pub(super) fn finish(self) -> Result<Scenarios> {
        self.reader
            .join()
            .ok()
            .context("the reader of the agent's rows panicked")??;
        Ok(std::mem::take(
            &mut *self
                .scenarios
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

fn appended(path: &Path) -> Result<BufWriter<File>> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file = file.with_context(|| format!("opening {}", path.display()))?;
    Ok(BufWriter::new(file))
}

fn count(
    rows: impl BufRead,
    owners: &Owners,
    sums: &Mutex<Scenarios>,
    mut misjudged: Option<impl Write>,
) -> Result<()> {
    let mut lines = rows.lines();
    let header = lines.next().context("the agent sent no rows")??;
    let names: Vec<&str> = header.split(',').collect();
    let column = |name: &str| {
        let found = names.iter().position(|column| *column == name);
        found.with_context(|| format!("the agent's rows have no column {name}"))
    };
    let (time, src, dst) = (column("time_s")?, column("src")?, column("dst")?);
    let class = names.len() - 1 - column("class")?;
    if let Some(file) = &mut misjudged {
        writeln!(file, "scenario,{header}")?;
    }
    for line in lines {
        let line = line?;
        let mut early = line.split(',').take(dst + 1);
        let mut at = 0;
        let mut next = |index: usize| {
            let found = early.nth(index - at);
            at = index + 1;
            found
        };
        let (Some(time), Some(src), Some(dst), Some(class)) = (
            next(time),
            next(src),
            next(dst),
            line.rsplit(',').nth(class),
        ) else {
            bail!("a row of the agent's is cut short: {line:?}");
        };
        let (src, dst): (IpAddr, IpAddr) = (src.parse()?, dst.parse()?);
        let (label, name) = owners.of(src, dst);
        let accuses = class != "normal" && class != "unknown";
        if let Some(file) = &mut misjudged
            && accuses == (label == Label::Normal)
        {
            writeln!(file, "{name},{line}")?;
        }
        let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = sums.entry(name).or_default();
        seen.attack = label != Label::Normal;
        seen.predictions += 1;
        if seen.first.is_none() {
            seen.first = Some(Duration::from_secs_f64(time.parse()?));
        }
        if accuses {
            *seen.accused.entry(class.to_owned()).or_default() += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record;

    #[test]
    fn rows_are_counted_by_who_sent_them() {
        let plan = record::plan(false);
        let mut owners = Owners::default();
        owners.add(&plan.attacks[0]);
        owners.add(&plan.benign[0][0]);
        let rows = format!(
            "time_s,iface,src,src_port,dst,dst_port,x,class,confidence\n\
             5.25,p,{attack},0,10.83.0.1,0,1,normal,0.5\n\
             5.50,p,{attack},0,10.83.0.1,0,1,dos,0.9\n\
             6.00,p,{benign},0,10.83.0.2,0,1,unknown,0.4\n\
             6.00,p,{benign},0,10.83.0.2,0,1,probe,0.4\n",
            attack = plan.attacks[0].source(),
            benign = plan.benign[0][0].source(),
        );
        let sums = Mutex::default();
        let mut misjudged = Vec::new();
        count(rows.as_bytes(), &owners, &sums, Some(&mut misjudged)).expect("counted");
        let misjudged = String::from_utf8(misjudged).expect("text");
        let of = |name: &str| {
            misjudged
                .lines()
                .filter(|row| row.starts_with(name))
                .count()
        };
        assert_eq!(misjudged.lines().count(), 3, "header and two rows");
        assert_eq!(of(&plan.attacks[0].name), 1, "of the attack: called normal");
        assert_eq!(of(&plan.benign[0][0].name), 1, "not the unknown one");
        let sums = sums.into_inner().expect("whole");
        let attack = &sums[&plan.attacks[0].name];
        assert!(attack.attack && attack.predictions == 2 && attack.accusations() == 1);
        assert_eq!(attack.first, Some(Duration::from_millis(5250)));
        let benign = &sums[&plan.benign[0][0].name];
        assert!(!benign.attack);
        assert_eq!(benign.accused["probe"], 1, "unknown accuses nobody");
        assert!(count(&b"a,b\n"[..], &owners, &Mutex::default(), None::<Vec<u8>>).is_err());
    }
}
