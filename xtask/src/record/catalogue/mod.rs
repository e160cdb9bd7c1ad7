//! The recorder's traffic as tables: name, who, seconds, command; `+` adds a
//! command to the same scenario, an empty line ends a phase. All scenarios of a
//! phase run at the same time; an attack is always alone among attacks.

pub(super) mod attacks;
pub(super) mod benign;

use super::scenarios::Place;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) from: Place,
    pub(super) seconds: f64,
    pub(super) commands: Vec<String>,
}

/// The table's phases. The tables are ours: a line that can't be read is a bug,
/// and a test finds it.
pub(super) fn read(table: &str) -> Vec<Vec<Entry>> {
    table
        .trim()
        .split("\n\n")
        .map(|phase| {
            let mut entries: Vec<Entry> = Vec::new();
            for line in phase.lines() {
                if let (Some(command), Some(last)) =
                    (line.trim_start().strip_prefix("+ "), entries.last_mut())
                {
                    last.commands.push(command.trim().to_owned());
                } else if let Some(entry) = entry(line) {
                    entries.push(entry);
                }
            }
            entries
        })
        .collect()
}

fn entry(line: &str) -> Option<Entry> {
    let (name, rest) = line.split_once(' ')?;
    let (who, rest) = rest.trim_start().split_once(' ')?;
    let (seconds, command) = rest.trim_start().split_once(' ')?;
    Some(Entry {
        name: name.to_owned(),
        from: match who {
            "h1" => Place::H1,
            "h2" => Place::H2,
            "attacker" => Place::Attacker,
            _ => return None,
        },
        seconds: match seconds {
            // As long as there are attacks.
            "all" => 0.0,
            number => number.parse().ok()?,
        },
        commands: vec![command.trim().to_owned()],
    })
}

#[cfg(test)]
mod tests {
    use super::attacks::{FLOODS, PROBES};
    use super::benign::{BACKGROUND, BENIGN};
    use super::*;

    #[test]
    fn every_line_of_every_table_is_read() {
        for table in [BENIGN, BACKGROUND, FLOODS, PROBES] {
            let lines = table.lines().filter(|line| !line.trim().is_empty()).count();
            let read: usize = read(table)
                .iter()
                .flatten()
                .map(|entry| entry.commands.len())
                .sum();
            assert_eq!(lines, read);
        }
    }

    #[test]
    fn a_plus_adds_to_the_line_above() {
        let phases = read("a h1 2 x y\n         +  z\n\nb h2 1.5 w");
        assert_eq!(phases.len(), 2);
        assert_eq!(phases[0][0].commands, ["x y", "z"]);
        assert!((phases[1][0].seconds - 1.5).abs() < 1e-9);
    }
}
