//! From the agent's rows to labelled ones: few, and each saying whose it is.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::owners::Owners;
use super::scenarios::Label;

/// The columns that say when and who, or what the agent itself thought: two rows
/// that differ in these only are the same to a trainer.
const NOT_FEATURES: [&str; 8] = [
    "time_s",
    "iface",
    "src",
    "src_port",
    "dst",
    "dst_port",
    "class",
    "confidence",
];

/// A source that was silent for so many seconds begins its attack anew.
const PAUSE: f64 = 2.0;

/// What is added behind the agent's columns.
const OURS: [&str; 3] = ["label", "scenario", "tool"];

/// Labelled rows by scenario.
pub(super) struct Labelled {
    header: csv::StringRecord,
    rows: BTreeMap<String, Vec<csv::StringRecord>>,
    pub(super) read: usize,
}

impl Labelled {
    pub(super) fn read(input: impl Read, owners: &Owners) -> Result<Self> {
        let mut reader = csv::Reader::from_reader(input);
        let mut header = reader.headers()?.clone();
        let column = |name: &str| {
            header
                .iter()
                .position(|column| column == name)
                .with_context(|| format!("the agent's rows have no column {name}"))
        };
        let (src, dst) = (column("src")?, column("dst")?);
        let features = features(&header);
        if features.is_empty() {
            bail!("the agent's rows have no features");
        }
        let mut rows: BTreeMap<String, Vec<csv::StringRecord>> = BTreeMap::new();
        let time = column("time_s")?;
        let mut seen: HashSet<(String, Vec<String>)> = HashSet::new();
        let mut begun: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        let mut early: BTreeMap<String, usize> = BTreeMap::new();
        let mut read = 0;
        for row in reader.records() {
            let mut row = row?;
            read += 1;
            let (label, name) = match (row[src].parse(), row[dst].parse()) {
                (Ok(src), Ok(dst)) => owners.of(src, dst),
                _ => bail!("row {read} of the agent's has no addresses"),
            };
            let Ok(at) = row[time].parse::<f64>() else {
                bail!("row {read} of the agent's has no time");
            };
            if owners.provoked_by_starts(&name) {
                continue;
            }
            let anew = owners.starts(&name);
            let whose = if anew {
                row[src].to_owned()
            } else {
                name.clone()
            };
            let (start, latest) = begun.entry(whose).or_insert((at, at));
            // The same attacks come alone and amid others: from the same addresses, some time later.
            if anew && at - *latest > PAUSE {
                *start = at;
            }
            *latest = at;
            let since = at - *start;
            if !seen.insert((name.clone(), chosen(&row, &features))) {
                continue;
            }
            if label != Label::Normal && since < owners.onset(&name) {
                if anew {
                    continue;
                }
                *early.entry(name.clone()).or_default() += 1;
            }
            row.push_field(label.name());
            row.push_field(&name);
            row.push_field(owners.tool(&name));
            rows.entry(name).or_default().push(row);
        }
        for (name, rows) in &mut rows {
            let early = early.get(name).copied().unwrap_or(0);
            rows.drain(..early.min(rows.len() / 10));
        }
        OURS.iter().for_each(|name| header.push_field(name));
        Ok(Self { header, rows, read })
    }

    /// Rows that were labelled and written before, compressed where the name ends in .zst.
    pub(super) fn open(file: &Path) -> Result<Self> {
        let input = File::open(file).with_context(|| file.display().to_string())?;
        if file.extension().is_some_and(|extension| extension == "zst") {
            Self::written(zstd::Decoder::new(input)?)
        } else {
            Self::written(input)
        }
        .with_context(|| file.display().to_string())
    }

    fn written(input: impl Read) -> Result<Self> {
        let mut reader = csv::Reader::from_reader(input);
        let header = reader.headers()?.clone();
        let scenario = header.iter().position(|column| column == "scenario");
        let scenario = scenario.context("its rows have no column scenario")?;
        let mut rows: BTreeMap<String, Vec<csv::StringRecord>> = BTreeMap::new();
        let mut read = 0;
        for row in reader.records() {
            let row = row?;
            read += 1;
            rows.entry(row[scenario].to_owned()).or_default().push(row);
        }
        Ok(Self { header, rows, read })
    }

    /// With the rows of another playing behind its own, but for those that are the same to a
    /// trainer.
    ///
    /// Columns are appended as time goes by: a recording that was made before one has it as 0, as a trainer would
    /// read it.
    pub(super) fn with(self, other: Self) -> Result<Self> {
        let header = if self.header.len() < other.header.len() {
            other.header.clone()
        } else {
            self.header.clone()
        };
        let (mut all, other) = (self.under(&header)?, other.under(&header)?);
        all.append(other);
        Ok(all)
    }

    /// The same rows with the columns of `header`.
    fn under(mut self, header: &csv::StringRecord) -> Result<Self> {
        if self.header == *header {
            return Ok(self);
        }
        let has =
            |header: &csv::StringRecord, name: &str| header.iter().any(|column| column == name);
        let feature = |name: &str| !NOT_FEATURES.contains(&name) && !OURS.contains(&name);
        let unknown = self.header.iter().find(|name| !has(header, name));
        let missing = header
            .iter()
            .find(|name| !feature(name) && !has(&self.header, name));
        if let Some(name) = unknown.or(missing) {
            bail!("the rows to add to and the new ones have other columns: one lacks {name}");
        }
        let place = |name| self.header.iter().position(|column| column == name);
        let places: Vec<Option<usize>> = header.iter().map(place).collect();
        for row in self.rows.values_mut().flatten() {
            *row = places
                .iter()
                .map(|place| place.map_or("0", |at| &row[at]))
                .collect();
        }
        self.header = header.clone();
        Ok(self)
    }

    fn append(&mut self, other: Self) {
        let features = features(&self.header);
        self.read += other.read;
        for (name, rows) in other.rows {
            let all = self.rows.entry(name).or_default();
            let mut seen: HashSet<Vec<String>> =
                all.iter().map(|row| chosen(row, &features)).collect();
            all.extend(
                rows.into_iter()
                    .filter(|row| seen.insert(chosen(row, &features))),
            );
        }
    }

    /// Keeps at most `most` rows a scenario, evenly over its course.
    pub(super) fn cap(&mut self, most: usize) {
        for rows in self.rows.values_mut() {
            *rows = evenly(rows.len(), most)
                .map(|index| rows[index].clone())
                .collect();
        }
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, usize)> {
        self.rows
            .iter()
            .map(|(name, rows)| (name.as_str(), rows.len()))
    }

    pub(super) fn write(&self, output: impl Write) -> Result<()> {
        let mut writer = csv::Writer::from_writer(output);
        writer.write_record(&self.header)?;
        for row in self.rows.values().flatten() {
            writer.write_record(row)?;
        }
        writer.flush()?;
        Ok(())
    }
}

/// The columns by which a trainer tells rows apart.
fn features(header: &csv::StringRecord) -> Vec<usize> {
    (0..header.len())
        .filter(|index| !NOT_FEATURES.contains(&&header[*index]))
        .collect()
}

fn chosen(row: &csv::StringRecord, columns: &[usize]) -> Vec<String> {
    columns.iter().map(|index| row[*index].to_owned()).collect()
}

/// `most` indices out of `length`, the first one included, evenly spaced.
fn evenly(length: usize, most: usize) -> impl Iterator<Item = usize> {
    let kept = length.min(most);
    (0..kept).map(move |index| index * length / kept)
}

#[cfg(test)]
mod tests {
    use super::super::plan::plan;
    use super::*;

    const ROWS: &str = "\
time_s,iface,src,src_port,dst,dst_port,duration,count,class,confidence
0.1,p1,10.83.5.1,0,10.83.0.2,0,0,1,normal,0.9
0.2,p1,10.83.5.1,0,10.83.0.2,0,0,1,normal,0.8
0.3,p1,10.83.5.1,0,10.83.0.2,0,0,2,normal,0.9
0.4,p1,ATTACK,0,10.83.0.1,0,0,2,normal,0.9
0.5,p1,10.83.0.1,0,ATTACK,0,0,3,normal,0.9
0.6,p1,fe80::1,0,ff02::2,0,0,4,normal,0.9
";

    fn labelled() -> Labelled {
        let plan = plan(false);
        let mut owners = Owners::default();
        owners.add(&plan.benign[0][0]);
        owners.add(&plan.attacks[0]);
        let text = ROWS.replace("ATTACK", &plan.attacks[0].source().to_string());
        Labelled::read(text.as_bytes(), &owners).expect("labelled")
    }

    #[test]
    fn the_label_follows_the_originator() {
        let labelled = labelled();
        let counts: Vec<_> = labelled.counts().collect();
        assert_eq!(
            counts,
            [
                ("backscatter-icmp-1000", 1),
                ("icmp-1000", 1),
                ("other", 1),
                ("ping-1", 2)
            ],
            "the second row repeats the first one's features"
        );
        assert_eq!(labelled.read, 6);
    }

    #[test]
    fn the_first_moments_of_an_attack_are_no_examples() {
        let plan = plan(false);
        let attack = &plan.attacks[0];
        assert_eq!(attack.promise.map(|promise| promise.as_millis()), Some(250));
        let mut owners = Owners::default();
        owners.add(attack);
        // A row every millisecond or so, of which those before 42 ms are early.
        let first = |rows: u32, every: u32| {
            let mut text = ROWS.lines().next().expect("header").to_owned();
            for row in 0..rows {
                let at = f64::from(row * every) / 1000.0;
                let source = attack.source();
                text += &format!("\n{at},p1,{source},0,10.83.0.1,0,0,{row},normal,0.9");
            }
            let labelled = Labelled::read(text.as_bytes(), &owners).expect("labelled");
            labelled.rows[&attack.name][0][7].to_owned()
        };
        assert_eq!(first(1000, 1), "42");
        assert_eq!(first(100, 1), "10", "at most a tenth");
        assert_eq!(first(100, 10), "5");
    }

    #[test]
    fn where_every_source_begins_anew_each_ones_first_moments_are_no_examples() {
        let plan = plan(false);
        let starts = plan.attacks.iter().find(|attack| attack.starts());
        let starts = starts.expect("there");
        let mut owners = Owners::default();
        owners.add(starts);
        let network = starts.forged_network().replace(".0/24", "");
        let mut text = ROWS.lines().next().expect("header").to_owned();
        for (row, (source, at)) in [
            (1, 0.0),
            (1, 0.03),
            (1, 0.05),
            (2, 3.0),
            (2, 3.05),
            (1, 60.0),
            (1, 60.03),
            (1, 60.05),
        ]
        .into_iter()
        .enumerate()
        {
            text += &format!("\n{at},p1,{network}.{source},0,10.83.0.1,0,0,{row},normal,0.9");
        }
        let labelled = Labelled::read(text.as_bytes(), &owners).expect("labelled");
        let kept: Vec<&str> = labelled.rows[&starts.name]
            .iter()
            .map(|row| &row[7])
            .collect();
        assert_eq!(kept, ["2", "4", "7"]);
    }

    #[test]
    fn label_scenario_and_tool_are_the_last_columns() {
        let mut text = Vec::new();
        labelled().write(&mut text).expect("written");
        let text = String::from_utf8(text).expect("text");
        let mut lines = text.lines();
        assert!(
            lines
                .next()
                .expect("header")
                .ends_with("confidence,label,scenario,tool")
        );
        assert!(
            lines
                .next()
                .expect("row")
                .ends_with("normal,backscatter-icmp-1000,hping3")
        );
        assert!(lines.next().expect("row").ends_with("dos,icmp-1000,hping3"));
    }

    #[test]
    fn another_playing_adds_what_is_new() {
        let mut text = Vec::new();
        labelled().write(&mut text).expect("written");
        let again = || Labelled::written(text.as_slice()).expect("read");
        let same = again().with(again()).expect("one");
        assert!(same.counts().eq(labelled().counts()));
        let mut other = again();
        let row = other.rows.get_mut("other").expect("there");
        row[0] = row[0]
            .iter()
            .map(|field| if field == "4" { "5" } else { field })
            .collect();
        let both = again().with(other).expect("one");
        assert_eq!(both.rows["other"].len(), 2);
        let mut strange = again();
        strange.header = csv::StringRecord::from(vec!["time_s"]);
        assert!(again().with(strange).is_err());
    }

    #[test]
    fn a_column_that_an_earlier_playing_lacks_is_0_there() {
        let mut text = Vec::new();
        labelled().write(&mut text).expect("written");
        let text = String::from_utf8(text).expect("text");
        let longer: String = text
            .lines()
            .map(|line| {
                let value = if line.starts_with("time_s") {
                    "new"
                } else {
                    "7"
                };
                line.replacen(',', &format!(",{value},"), 1) + "\n"
            })
            .collect();
        let read = |text: &str| Labelled::written(text.as_bytes()).expect("read");
        for [first, second] in [[text.as_str(), &longer], [&longer, &text]] {
            let both = read(first).with(read(second)).expect("one");
            let at = both.header.iter().position(|name| name == "new");
            assert_eq!(at, Some(1));
            let mut values: Vec<&str> = both.rows["other"].iter().map(|row| &row[1]).collect();
            values.sort_unstable();
            assert_eq!(values, ["0", "7"]);
        }
        let relabelled = text.replacen("label", "new", 1);
        assert!(read(&text).with(read(&relabelled)).is_err());
    }

    #[test]
    fn sampling_spans_the_whole_course() {
        assert_eq!(evenly(10, 5).collect::<Vec<_>>(), [0, 2, 4, 6, 8]);
        assert_eq!(evenly(3, 5).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(evenly(0, 5).count(), 0);
    }

    #[test]
    fn rows_without_a_source_are_refused() {
        let read = Labelled::read("a,b\n1,2\n".as_bytes(), &Owners::default());
        assert!(read.is_err());
    }
}
