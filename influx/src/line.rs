//! Line protocol: one point a line, everything escaped.
//!
//! `measurement,tag=value field=1i,other="text" 1700000000000000000`; see InfluxDB's "Line protocol" reference. What
//! the protocol can't carry is left out rather than sent wrong: empty tags, numbers that are none. Text fields are
//! quoted and carry everything. Names and tags are not: control characters in them become spaces, since 1.x can't read
//! line ends there, and a backslash that servers read in different ways becomes a slash.

use std::fmt::Write as _;

/// Points as text, ready to be sent.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    text: String,
    /// End of each line in the text, its line end included.
    ends: Vec<usize>,
}

/// One point that is being written; its parts come in the order of the protocol.
#[derive(Debug)]
pub struct Point<'a> {
    lines: &'a mut Lines,
    start: usize,
    fields: usize,
}

impl Lines {
    /// Begins a point.
    pub fn point(&mut self, measurement: &str) -> Point<'_> {
        let start = self.text.len();
        escape(&mut self.text, measurement, &[',', ' ']);
        Point {
            lines: self,
            start,
            fields: 0,
        }
    }

    /// How many points there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Points from one on, up to another, as the body of a request.
    #[must_use]
    pub fn text(&self, from: usize, to: usize) -> &str {
        let end = |lines: usize| match lines.checked_sub(1) {
            Some(last) => self.ends.get(last).copied().unwrap_or(self.text.len()),
            None => 0,
        };
        self.text.get(end(from)..end(to)).unwrap_or_default()
    }
}

impl Point<'_> {
    /// A tag; an empty one is left out. Tags come before fields, in alphabetical order for the server's sake.
    #[must_use]
    pub fn tag(self, name: &str, value: &str) -> Self {
        debug_assert_eq!(self.fields, 0, "tags come before fields");
        if !value.is_empty() {
            let text = &mut self.lines.text;
            text.push(',');
            escape(text, name, &[',', '=', ' ']);
            text.push('=');
            escape(text, value, &[',', '=', ' ']);
        }
        self
    }

    /// A text.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        let text = &mut self.lines.text;
        text.push('"');
        for c in value.chars() {
            if matches!(c, '"' | '\\') {
                text.push('\\');
            }
            text.push(c);
        }
        text.push('"');
        self
    }

    /// A text, if there is one.
    #[must_use]
    pub fn text_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// A whole number; beyond what 64 bits with a sign hold it is the largest that fits.
    #[must_use]
    pub fn integer(mut self, name: &str, value: u64) -> Self {
        self.name(name);
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        // Writing to a String can't fail.
        let _ = write!(self.lines.text, "{value}i");
        self
    }

    /// A number; left out if it is none or infinite.
    #[must_use]
    pub fn float(mut self, name: &str, value: f64) -> Self {
        if value.is_finite() {
            self.name(name);
            let _ = write!(self.lines.text, "{value}");
        }
        self
    }

    /// Yes or no.
    #[must_use]
    pub fn boolean(mut self, name: &str, value: bool) -> Self {
        self.name(name);
        let _ = write!(self.lines.text, "{value}");
        self
    }

    /// Ends the point with its time (ns since 1970). A point without fields is no point, and is taken back.
    pub fn at(self, ns: i64) {
        let Lines { text, ends } = self.lines;
        if self.fields == 0 {
            text.truncate(self.start);
            return;
        }
        let _ = writeln!(text, " {ns}");
        ends.push(text.len());
    }

    fn name(&mut self, name: &str) {
        let text = &mut self.lines.text;
        text.push(if self.fields == 0 { ' ' } else { ',' });
        escape(text, name, &[',', '=', ' ']);
        text.push('=');
        self.fields += 1;
    }
}

/// Writes a name or the value of a tag, with a backslash before each of `special`. A backslash of its own stands for
/// itself where an ordinary character follows. Before a special one, another one or the end, it would be an escape, or
/// half of one, to 1.x or to 3.x: a slash is nearest.
fn escape(out: &mut String, text: &str, special: &[char]) {
    let mut chars = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .peekable();
    while let Some(c) = chars.next() {
        let is_escape = |next: &char| special.contains(next) || *next == '\\';
        if special.contains(&c) {
            out.push('\\');
            out.push(c);
        } else if c == '\\' && chars.peek().is_none_or(is_escape) {
            out.push('/');
        } else {
            out.push(c);
        }
    }
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
