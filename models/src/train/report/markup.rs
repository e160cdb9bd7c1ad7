//! Well-formed markup: everything that comes from a file is escaped on the way in.

use std::fmt::Write as _;

/// A text made safe for element content and for attributes in double quotes. Characters that no
/// XML may hold are replaced.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' => safe.push(c),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// A whole number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// Bytes, in the unit people would use.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.0} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// A table in a box of its own that scrolls when the table is too wide.
pub(super) struct Table {
    text: String,
}

impl Table {
    /// `heads` are texts; a head that starts with `#` is of a column of numbers.
    pub(super) fn new(caption: &str, heads: &[&str]) -> Self {
        let caption = escape(caption);
        let mut text = format!(
            "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\"><table><caption>{caption}</caption><thead><tr>"
        );
        for head in heads {
            let (class, head) = match head.strip_prefix('#') {
                Some(head) => (" class=\"n\"", head),
                None => ("", *head),
            };
            // Writing to a String can't fail, here and below.
            let _ = write!(text, "<th scope=\"col\"{class}>{}</th>", escape(head));
        }
        text.push_str("</tr></thead><tbody>\n");
        Self { text }
    }

    /// A row of cells that are markup already, after its head, a text.
    pub(super) fn row(&mut self, class: &str, head: &str, cells: &[String]) {
        let _ = write!(
            self.text,
            "<tr{}><th scope=\"row\">{}</th>",
            class_of(class),
            escape(head)
        );
        for cell in cells {
            self.text.push_str(cell);
        }
        self.text.push_str("</tr>\n");
    }

    pub(super) fn finish(self) -> String {
        format!("{}</tbody></table></div>\n", self.text)
    }
}

/// A cell with a text.
pub(super) fn text_cell(text: &str) -> String {
    format!("<td>{}</td>", escape(text))
}

/// A cell with a longer text, which may take several lines.
pub(super) fn words_cell(text: &str) -> String {
    format!("<td class=\"words\">{}</td>", escape(text))
}

/// A cell with a number.
pub(super) fn number_cell(text: &str) -> String {
    format!("<td class=\"n\">{}</td>", escape(text))
}

/// A cell with a number and a bar as long as the share.
pub(super) fn bar_cell(text: &str, share: f64) -> String {
    format!(
        "<td class=\"n bar\" style=\"--v:{:.3}\">{}</td>",
        share.clamp(0.0, 1.0),
        escape(text)
    )
}

/// ` class="…"`, or nothing.
pub(super) fn class_of(class: &str) -> String {
    if class.is_empty() {
        String::new()
    } else {
        format!(" class=\"{}\"", escape(class))
    }
}

/// A part that can be folded away, without a script.
pub(super) fn folded(open: bool, summary: &str, body: &str) -> String {
    let open = if open { " open=\"open\"" } else { "" };
    format!(
        "<details{open}><summary>{}</summary>\n{body}</details>\n",
        escape(summary)
    )
}

/// Figures side by side where there is room.
pub(super) fn side_by_side(figures: &[String]) -> String {
    format!("<div class=\"pairs\">{}</div>\n", figures.concat())
}

/// A drawing with a caption, and a legend where there is one.
pub(super) fn figure(caption: &str, svg: &str, legend: &str) -> String {
    format!(
        "<figure><figcaption>{}</figcaption><div class=\"wide\">{svg}</div>{legend}</figure>\n",
        escape(caption)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_through_unescaped() {
        assert_eq!(
            escape("<script>\"a\" & 'b'</script>\u{0}\u{1b}"),
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(percent(0.0055), "0.55 %");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(2048), "2 KiB");
        assert_eq!(bytes(3 << 20), "3.0 MiB");
    }
}
