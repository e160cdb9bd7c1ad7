//! What a server's answer means for the points that were sent.

use std::{io, time::Duration};

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

/// The longest a server may make us wait.
const LONGEST: Duration = Duration::from_secs(3_600);
/// A request no larger than this is not too large for anybody.
const SMALL: usize = 256 << 10;
/// So much of a server's words is kept.
const WORDS: usize = 500;

/// What became of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// The points are stored.
    Stored,
    /// Not now: no connection, no answer in time, 408, 429, 5xx. With how long the server asks to wait.
    Later(String, Option<Duration>),
    /// 401, 403 or 404: the server does not take our word, or knows no such database. That is about us and not about
    /// the points, so they wait until somebody has set it right.
    NotUs(String),
    /// 413: too much at once.
    TooLarge(String),
    /// The connection broke in the middle of a large request. That may be a 413: some servers say so, read no further
    /// and hang up, and nobody hears them.
    Cut(String),
    /// Any other 4xx: these points will never be taken.
    Refused(String),
}

impl Answer {
    /// By the status, the server's words and its `Retry-After`.
    #[must_use]
    pub fn new(status: u16, body: &str, retry_after: Option<&str>) -> Self {
        let words = format!("{status} {}", one_line(body));
        match status {
            200..=299 => Self::Stored,
            401 | 403 | 404 => Self::NotUs(words),
            413 => Self::TooLarge(words),
            // 408 is a timeout on the other side.
            408 | 429 => Self::Later(words, retry_after.and_then(wait)),
            400..=499 => Self::Refused(words),
            // Redirects too: whoever answers is not the server meant.
            _ => Self::Later(words, retry_after.and_then(wait)),
        }
    }
}

/// Whether a request of so many bytes broke off because it was too large; see [`Answer::Cut`].
pub(crate) fn may_be_too_large(error: &io::Error, bytes: usize) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    bytes > SMALL
        && matches!(
            error.kind(),
            BrokenPipe | ConnectionAborted | ConnectionReset
        )
}

/// `Retry-After`: seconds, or a date.
fn wait(text: &str) -> Option<Duration> {
    static DATES: DateTimeParser = DateTimeParser::new();
    let text = text.trim();
    let wait = match text.parse().map(Duration::from_secs) {
        Ok(wait) => wait,
        Err(_) => {
            let until = DATES.parse_timestamp(text).ok()?;
            Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST))
}

/// Shown on terminals and written in comments: one line, no control characters, not too long.
#[must_use]
pub fn one_line(text: &str) -> String {
    let words = text.trim().chars().take(WORDS);
    words
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_mean_what_they_say() {
        assert_eq!(Answer::new(204, "", None), Answer::Stored);
        for status in [401, 403, 404] {
            assert!(matches!(Answer::new(status, "", None), Answer::NotUs(_)));
        }
        for status in [400, 405, 422] {
            assert!(matches!(Answer::new(status, "", None), Answer::Refused(_)));
        }
        for status in [301, 408, 429, 500, 502, 503, 504] {
            assert!(matches!(Answer::new(status, "", None), Answer::Later(..)));
        }
        assert!(matches!(Answer::new(413, "", None), Answer::TooLarge(_)));
    }

    #[test]
    fn servers_say_how_long_to_wait() {
        let later = |text| match Answer::new(503, "", Some(text)) {
            Answer::Later(_, wait) => wait,
            _ => None,
        };
        assert_eq!(later("7"), Some(Duration::from_secs(7)));
        assert_eq!(later("999999"), Some(LONGEST));
        assert_eq!(later("soon"), None);
        assert_eq!(later("-1"), None);
        assert_eq!(later("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        let ahead = Timestamp::now() + Duration::from_secs(100);
        let date = ahead.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let wait = later(&date);
        assert!(wait.is_some_and(|wait| wait.as_secs() > 90 && wait.as_secs() <= 100));
    }

    #[test]
    fn words_are_one_short_line() {
        let answer = Answer::new(400, &format!("a\nb\u{1b}[2J{}", "x".repeat(9_999)), None);
        let Answer::Refused(words) = answer else {
            panic!("{answer:?}");
        };
        assert!(words.starts_with("400 a b [2J") && words.len() < 600);
    }
}
