//! Data on stdout: tables for people, JSON for programs.

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;

use crate::error::AppError;

/// How to print data.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(super) enum Format {
    /// Tables and sentences.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
}

/// Stdout and the format to use on it.
pub(super) struct Output {
    format: Format,
    closed: bool,
}

impl Output {
    pub(super) const fn new(format: Format) -> Self {
        Self {
            format,
            closed: false,
        }
    }

    /// A list; `human` is its text for people.
    pub(super) fn list<T: Serialize>(
        &mut self,
        items: &[T],
        human: impl FnOnce() -> String,
    ) -> Result<(), AppError> {
        let text = match self.format {
            Format::Human => human(),
            Format::Json => pretty(&items)?,
            Format::Jsonl => {
                let lines = items.iter().map(compact).collect::<Result<Vec<_>, _>>()?;
                lines.concat()
            }
        };
        self.write(&text)
    }

    /// One object; `human` is its text for people.
    pub(super) fn object<T: Serialize>(
        &mut self,
        item: &T,
        human: impl FnOnce() -> String,
    ) -> Result<(), AppError> {
        let text = match self.format {
            Format::Human => human(),
            Format::Json => pretty(item)?,
            Format::Jsonl => compact(item)?,
        };
        self.write(&text)
    }

    /// Whether nobody reads on.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    fn write(&mut self, text: &str) -> Result<(), AppError> {
        self.closed |= !written(text.as_bytes())?;
        Ok(())
    }
}

fn pretty(item: &impl Serialize) -> Result<String, AppError> {
    let text = serde_json::to_string_pretty(item).map_err(AppError::failure)?;
    Ok(text + "\n")
}

fn compact(item: &impl Serialize) -> Result<String, AppError> {
    let text = serde_json::to_string(item).map_err(AppError::failure)?;
    Ok(text + "\n")
}

/// Bytes as they are.
pub(super) fn write(text: &[u8]) -> Result<(), AppError> {
    written(text).map(drop)
}

/// Whether somebody reads on: `tidegate … | head` is no failure.
fn written(text: &[u8]) -> Result<bool, AppError> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(AppError::failure(format_args!(
            "cannot write to stdout: {e}"
        ))),
    }
}

/// Columns as wide as their widest cell. Control characters, which could steer the terminal, are replaced.
pub(super) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut cells = vec![head.map(ToOwned::to_owned)];
    cells.extend(
        rows.iter()
            .map(|row| row.each_ref().map(|cell| harmless(cell))),
    );
    let width = |column: usize| {
        cells
            .iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &cells {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The text without control characters.
pub(super) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned_and_harmless() {
        let rows = [
            ["1".to_owned(), "long cell".to_owned(), "x".to_owned()],
            ["22".to_owned(), "a\u{1b}[2J".to_owned(), String::new()],
        ];
        assert_eq!(
            table(["ID", "NAME", "Z"], &rows),
            "ID  NAME       Z\n1   long cell  x\n22  a\u{fffd}[2J\n"
        );
    }
}
