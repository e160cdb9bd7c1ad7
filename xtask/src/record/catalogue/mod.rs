//! The recorder's traffic as tables: name, who, seconds, command; `+` adds a
//! command to the same scenario, an empty line ends a phase. All scenarios of a
//! phase run at the same time; an attack is always alone among attacks.
//!
//! `held` before the command marks a scenario that no model may be trained with:
//! what is found of these says how much of the training carries over.

pub(super) mod attacks;
pub(super) mod benign;
pub(super) mod lookalikes;

use super::scenarios::Place;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) from: Place,
    pub(super) seconds: f64,
    /// Kept out of the training.
    pub(super) held: bool,
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
    let (seconds, rest) = rest.trim_start().split_once(' ')?;
    let rest = rest.trim();
    let unmarked = rest.strip_prefix("held ");
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
        held: unmarked.is_some(),
        commands: vec![unmarked.unwrap_or(rest).trim().to_owned()],
    })
}

#[cfg(test)]
mod tests {
    use super::attacks::GROUPS;
    use super::benign::{BACKGROUND, BENIGN};
    use super::lookalikes::LOOKALIKES;
    use super::*;

    #[test]
    fn every_line_of_every_table_is_read() {
        let attacks = GROUPS.iter().map(|group| group.table);
        for table in [BENIGN, LOOKALIKES, BACKGROUND].into_iter().chain(attacks) {
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
    fn held_is_no_part_of_the_command() {
        let phases = read("a h1 2 x held\nb h2 1.5 held  y z");
        let [a, b] = &phases[0][..] else {
            panic!("two entries expected")
        };
        assert_eq!((a.held, a.commands[0].as_str()), (false, "x held"));
        assert_eq!((b.held, b.commands[0].as_str()), (true, "y z"));
    }

    #[test]
    fn a_plus_adds_to_the_line_above() {
        let phases = read("a h1 2 x y\n         +  z\n\nb h2 1.5 w");
        assert_eq!(phases.len(), 2);
        assert_eq!(phases[0][0].commands, ["x y", "z"]);
        assert!((phases[1][0].seconds - 1.5).abs() < 1e-9);
    }
}
