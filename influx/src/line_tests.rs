#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use proptest::prelude::*;

use super::*;

/// A point, read back.
#[derive(Debug, PartialEq)]
struct Parsed {
    measurement: String,
    tags: Vec<(String, String)>,
    fields: Vec<(String, String)>,
    ns: i64,
}

/// Splits at the first unescaped one of `at`; unescapes only later.
fn split(text: &str, at: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (index, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == at {
            return Some((&text[..index], &text[index + c.len_utf8()..]));
        }
    }
    None
}

/// As every server does: a backslash goes before what it escapes, and else stays.
fn unescape(text: &str, special: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next) if c == '\\' && special.contains(*next) => {
                out.push(*next);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

fn tags(mut text: &str) -> Vec<(String, String)> {
    let mut tags = Vec::new();
    while !text.is_empty() {
        let (tag, rest) = split(text, ',').unwrap_or((text, ""));
        let (name, value) = split(tag, '=').unwrap();
        tags.push((unescape(name, ",= "), unescape(value, ",= ")));
        text = rest;
    }
    tags
}

/// The fields, and what follows them.
fn fields(mut text: &str) -> (Vec<(String, String)>, &str) {
    let mut fields = Vec::new();
    loop {
        let (name, rest) = split(text, '=').unwrap();
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (value, rest) = split(quoted, '"').unwrap();
                (unescape(value, "\"\\"), rest)
            }
            None => {
                let end = rest.find([',', ' ']).unwrap();
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        fields.push((unescape(name, ",= "), value));
        match rest.strip_prefix(',') {
            Some(more) => text = more,
            None => return (fields, rest),
        }
    }
}

fn parse(line: &str) -> Parsed {
    let (series, rest) = split(line, ' ').unwrap();
    let (fields, rest) = fields(rest);
    let ns = rest.strip_prefix(' ').unwrap().strip_suffix('\n').unwrap();
    let (measurement, rest) = split(series, ',').unwrap_or((series, ""));
    Parsed {
        measurement: unescape(measurement, ", "),
        tags: tags(rest),
        fields,
        ns: ns.parse().unwrap(),
    }
}

/// What a name or a tag can carry of a text.
fn carried(text: &str, special: &str) -> String {
    let chars: Vec<char> = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let kept = |index: usize| match (chars[index], chars.get(index + 1)) {
        ('\\', None) => '/',
        ('\\', Some(next)) if special.contains(*next) || *next == '\\' => '/',
        (c, _) => c,
    };
    (0..chars.len()).map(kept).collect()
}

/// Texts with everything that means something to somebody.
fn hostile() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            proptest::sample::select(vec![
                ',',
                '=',
                ' ',
                '"',
                '\\',
                '\n',
                '\r',
                '\t',
                '#',
                '\0',
                'ü',
                '\u{1f980}',
                'a',
                '1',
                'i',
            ]),
            any::<char>(),
        ],
        1..20,
    )
    .prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(
        tags in proptest::collection::vec((hostile(), hostile()), 0..4),
        texts in proptest::collection::vec((hostile(), hostile()), 1..4),
        integer: u64,
        float in proptest::num::f64::ANY,
        ns: i64,
    ) {
        let mut lines = Lines::default();
        let mut point = lines.point("m, x");
        for (name, value) in &tags {
            point = point.tag(name, value);
        }
        for (name, value) in &texts {
            point = point.text(name, value);
        }
        point.integer("n", integer).float("f", float).at(ns);
        let parsed = parse(lines.text(0, 1));
        prop_assert_eq!(parsed.measurement, "m, x");
        prop_assert_eq!(parsed.ns, ns);
        let tag = |text: &str| carried(text, ",= ");
        let expected: Vec<_> = tags.iter().map(|(n, v)| (tag(n), tag(v))).collect();
        prop_assert_eq!(parsed.tags, expected);
        let mut expected: Vec<_> = texts.iter().map(|(n, v)| (tag(n), v.clone())).collect();
        expected.push(("n".to_owned(), format!("{}i", integer.min(i64::MAX as u64))));
        if float.is_finite() {
            expected.push(("f".to_owned(), float.to_string()));
        }
        prop_assert_eq!(&parsed.fields, &expected);
        if let (true, Some((_, text))) = (float.is_finite(), parsed.fields.last()) {
            prop_assert_eq!(text.parse::<f64>().unwrap(), float);
        }
    }

    #[test]
    fn a_range_of_lines_is_those_lines(count in 1_usize..20, from in 0_usize..20, to in 0_usize..20) {
        let (from, to) = (from.min(count), to.min(count).max(from.min(count)));
        let mut lines = Lines::default();
        let mut expected = String::new();
        for n in 0..count {
            lines.point("m").integer("n", n as u64).at(7);
            if (from..to).contains(&n) {
                expected.push_str(&format!("m n={n}i 7\n"));
            }
        }
        prop_assert_eq!(lines.len(), count);
        prop_assert_eq!(lines.text(from, to), expected);
    }
}

#[test]
fn examples_look_as_the_reference_says() {
    let mut lines = Lines::default();
    lines
        .point("my table")
        .tag("a", "x y,z=1")
        .tag("empty", "")
        .text("t", "say \"hi\"\\\n")
        .integer("i", 7)
        .float("f", 0.5)
        .float("nan", f64::NAN)
        .float("inf", f64::INFINITY)
        .boolean("b", true)
        .text_if("none", None)
        .at(1_700_000_000_000_000_000);
    assert_eq!(
        lines.text(0, 1),
        "my\\ table,a=x\\ y\\,z\\=1 t=\"say \\\"hi\\\"\\\\\n\",i=7i,f=0.5,b=true 1700000000000000000\n"
    );
}

#[test]
fn a_point_without_fields_is_no_point() {
    let mut lines = Lines::default();
    lines.point("m").tag("a", "b").float("f", f64::NAN).at(1);
    assert!(lines.is_empty());
    assert_eq!(lines.text(0, 0), "");
    lines.point("m").integer("n", 1).at(2);
    assert_eq!((lines.len(), lines.text(0, 1)), (1, "m n=1i 2\n"));
}
