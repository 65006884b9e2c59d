//! What somebody sent, as a message about it repeats it.

/// The most characters of it: enough to know it again. Messages are logged, searched and shown.
const CHARS: usize = 64;

/// The beginning of a text, without characters that could change a line or a terminal.
pub fn shown(text: &str) -> String {
    let end = text.char_indices().nth(CHARS).map(|(at, _)| at);
    match end.and_then(|end| text.get(..end)) {
        Some(beginning) => format!("{}…", beginning.escape_debug()),
        None => text.escape_debug().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Actor;
    use crate::domain::grant::Items;
    use crate::domain::time::{Span, Timestamp};

    #[test]
    fn a_long_text_is_repeated_by_its_beginning() {
        assert_eq!(shown("a\nb"), "a\\nb");
        assert_eq!(shown(&"é".repeat(64)), "é".repeat(64));
        assert_eq!(shown(&"é".repeat(65)), format!("{}…", "é".repeat(64)));
    }

    #[test]
    fn no_error_of_a_value_is_as_long_as_the_value() {
        let long = "x".repeat(100_000);
        let day = format!("{}-01-01", "9".repeat(100_000));
        for error in [
            long.parse::<Timestamp>().unwrap_err().to_string(),
            day.parse::<crate::domain::day::Day>().unwrap_err().to_string(),
            long.parse::<Span>().unwrap_err().to_string(),
            "9".repeat(100_000).parse::<Span>().unwrap_err().to_string(),
            Actor::try_from(long.clone()).unwrap_err().to_string(),
            Items::set([&long]).unwrap_err().to_string(),
        ] {
            assert!(error.len() < 500, "{} bytes", error.len());
        }
    }
}
