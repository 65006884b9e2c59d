//! Paths of questions, and lists that are longer than one page.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cli::args::PageArguments;
use crate::cli::failure::Failure;
use crate::domain::id::TokenId;
use crate::service::PAGE_ENTRIES;

const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as it may stand in a path or a query.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// A path with those parameters that have a value.
pub fn path(path: &str, query: &[(&str, Option<String>)]) -> String {
    let given = query.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let pairs: Vec<_> = given.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    format!("{path}?{}", pairs.join("&"))
}

/// A value as text, if there is one.
pub fn text_of(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// How far to read on.
#[derive(Debug)]
pub struct Pages {
    wanted: usize,
    begun: bool,
}

impl Pages {
    /// As the arguments say.
    pub const fn new(arguments: &PageArguments) -> Self {
        Self::limited(if arguments.all { usize::MAX } else { arguments.limit })
    }

    /// So many entries.
    pub const fn limited(wanted: usize) -> Self {
        Self { wanted, begun: false }
    }

    /// How many entries to ask for next, if any.
    pub fn next_limit(&mut self, read: usize, more: bool) -> Option<Option<String>> {
        let wanted = self.wanted.saturating_sub(read).min(PAGE_ENTRIES);
        let go_on = wanted > 0 && (more || !self.begun);
        self.begun = true;
        go_on.then(|| Some(wanted.to_string()))
    }
}

/// An id as typed. The text is not repeated in the error, for it may be a secret.
pub(super) fn token_id(text: &str) -> Result<TokenId, Failure> {
    text.parse().map_err(|error| {
        Failure::usage(error).hint("`tollgate token list` shows the ids; a secret is not one")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_end_with_the_list_or_the_limit() {
        let mut pages = Pages::limited(1_500);
        assert_eq!(pages.next_limit(0, false), Some(Some("1000".to_owned())));
        assert_eq!(pages.next_limit(1_000, true), Some(Some("500".to_owned())));
        assert_eq!(pages.next_limit(1_500, true), None);
        let mut pages = Pages::limited(usize::MAX);
        assert!(pages.next_limit(0, true).is_some());
        assert_eq!(pages.next_limit(7, false), None);
    }

    #[test]
    fn a_query_is_encoded() {
        let query = [("owner", Some("a+b@c".to_owned())), ("after", None)];
        assert_eq!(path("/tokens", &query), "/tokens?owner=a%2Bb%40c");
    }
}
