//! InfluxQL: names and texts quoted, and what is in an answer.

use serde_json::Value;

/// A name, such as of a measurement or a column.
pub(super) fn name(text: &str) -> String {
    quoted(text, '"')
}

/// A text, such as the value of a tag.
pub(super) fn text(text: &str) -> String {
    quoted(text, '\'')
}

fn quoted(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            c if c == quote || c == '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// One series of an answer: a table, or the part of it with these tags.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series<'a>(&'a Value);

/// The series of an answer's only statement; none where there is nothing, an error's text where it failed.
pub(super) fn series(answer: &Value) -> Result<Vec<Series<'_>>, String> {
    let result = &answer["results"][0];
    let error = answer.get("error").or_else(|| result.get("error"));
    if let Some(error) = error {
        return Err(error
            .as_str()
            .map_or_else(|| error.to_string(), str::to_owned));
    }
    if !result.is_object() {
        return Err("an answer without results".to_owned());
    }
    let series = result["series"].as_array();
    Ok(series.into_iter().flatten().map(Series).collect())
}

impl<'a> Series<'a> {
    pub(super) fn tag(self, name: &str) -> &'a str {
        self.0["tags"][name].as_str().unwrap_or_default()
    }

    pub(super) fn rows(self) -> &'a [Value] {
        self.0["values"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The value of a row in the column of that name.
    pub(super) fn value(self, row: &'a Value, column: &str) -> Option<&'a Value> {
        let columns = self.0["columns"].as_array()?;
        row.get(columns.iter().position(|name| name == column)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        assert_eq!(name("count"), "\"count\"");
        assert_eq!(name("a\"b\\"), "\"a\\\"b\\\\\"");
        assert_eq!(text("it's \"x\"\n"), "'it\\'s \"x\"\\n'");
    }

    #[test]
    fn answers_have_series_or_an_error() {
        let answer = json!({"results": [{"series": [
            {"tags": {"label": "smurf"}, "columns": ["time", "count"], "values": [[0, 7]]}]}]});
        let found = series(&answer).expect("series");
        let row = &found[0].rows()[0];
        assert_eq!(found[0].tag("label"), "smurf");
        assert_eq!(found[0].value(row, "count"), Some(&json!(7)));
        assert_eq!(found[0].value(row, "sum"), None);
        let nothing = json!({"results": [{"statement_id": 0}]});
        assert!(series(&nothing).expect("none").is_empty());
        for (answer, words) in [
            (json!({"error": "no"}), "no"),
            (
                json!({"results": [{"error": "database not found: x"}]}),
                "database not found: x",
            ),
            (json!([]), "an answer without results"),
        ] {
            assert_eq!(series(&answer).expect_err("an error"), words);
        }
    }
}
