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

    #[test]
    fn a_long_text_is_repeated_by_its_beginning() {
        assert_eq!(shown("a\nb"), "a\\nb");
        assert_eq!(shown(&"é".repeat(64)), "é".repeat(64));
        assert_eq!(shown(&"é".repeat(65)), format!("{}…", "é".repeat(64)));
    }
}
