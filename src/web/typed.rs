//! What somebody typed into a form (`application/x-www-form-urlencoded`, WHATWG URL section 5.1).

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use zeroize::{Zeroize as _, Zeroizing};

/// The most fields of a form.
const FIELDS: usize = 1_000;

/// Names and values, in their order. A name may come more than once. Values are wiped when it is
/// dropped, for some are passwords.
#[derive(Clone, Default)]
pub struct Typed(Vec<(String, String)>);

impl Typed {
    /// Reads a body or a query. None if it is not text of this form.
    pub fn parse(text: &str) -> Option<Self> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let mut fields = Vec::new();
        for pair in pairs {
            if fields.len() == FIELDS {
                return None;
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            fields.push((decoded(name)?, decoded(value)?));
        }
        Some(Self(fields))
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// With another value of a name, in the place of all that it had.
    #[must_use]
    pub fn instead(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.retain_mut(|(known, text)| {
            let other = known != name;
            if !other {
                text.zeroize();
            }
            other
        });
        self.with(name, value)
    }

    /// Those fields that `keep` wants of their names.
    #[must_use]
    pub fn only(mut self, keep: impl Fn(&str) -> bool) -> Self {
        self.0.retain_mut(|(name, text)| {
            let kept = keep(name);
            if !kept {
                text.zeroize();
            }
            kept
        });
        self
    }

    /// As a browser writes it.
    pub fn written(&self) -> Zeroizing<String> {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs =
            self.0.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        Zeroizing::new(pairs.collect::<Vec<_>>().join("&"))
    }

    /// The first value of a name; empty if there is none.
    pub fn one(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// The first value of a name without the spaces around it, if it says anything.
    pub fn said(&self, name: &str) -> Option<&str> {
        Some(self.one(name).trim()).filter(|text| !text.is_empty())
    }

    /// All values of a name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a name was sent, as of a box that is ticked.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The words of a field for many: separated by commas, spaces or lines.
    pub fn words(&self, name: &str) -> Vec<&str> {
        let apart = |c: char| c == ',' || c == ';' || c.is_whitespace();
        self.one(name).split(apart).filter(|word| !word.is_empty()).collect()
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|(_, value)| value.zeroize());
    }
}

/// Lines end as they do here: browsers send them with CR LF.
fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let text = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(text.replace("\r\n", "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let typed = Typed::parse("name=a+b%26c&context=x&context=y&note=1%0D%0A2&empty=").unwrap();
        assert_eq!(typed.one("name"), "a b&c");
        assert_eq!(typed.all("context").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(typed.one("note"), "1\n2");
        assert!(typed.has("empty") && typed.said("empty").is_none() && !typed.has("nothing"));
        assert!(Typed::parse("a=%FF").is_none(), "not UTF-8");
        assert!(Typed::parse(&"a=1&".repeat(FIELDS + 1)).is_none());
        let again = Typed::parse(&typed.written()).unwrap();
        assert_eq!(again.one("name"), "a b&c");
        assert_eq!((again.one("note"), again.all("context").count()), ("1\n2", 2));
        let one = again.instead("context", "z").only(|name| name != "note");
        assert_eq!(one.all("context").collect::<Vec<_>>(), ["z"]);
        assert!(!one.has("note") && one.has("empty"));
        let typed = Typed::parse("items=a,+b%0D%0Ac;;d").unwrap();
        assert_eq!(typed.words("items"), ["a", "b", "c", "d"]);
        let typed = Typed::parse("a=1&b=2&a=3").unwrap().instead("a", "4");
        assert_eq!((typed.all("a").collect::<Vec<_>>(), typed.one("b")), (vec!["4"], "2"));
    }
}
