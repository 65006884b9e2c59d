//! What comes from outside the file: environment variables, to which it refers as `${NAME}`, and
//! what the command line says instead of it.
//!
//! Values of variables are never put into a message: messages quote what stands in the file.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;

/// The environment's variables, taken once, so that a load is a function of its arguments.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// What the command line says instead of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Where clients come in.
    pub public: Option<SocketAddr>,
    /// Where pages, the REST API, metrics and health are answered.
    pub admin: Option<SocketAddr>,
    /// The data folder, and with it what lies in it or beside it by default.
    pub data: Option<PathBuf>,
}

/// Why a reference cannot be replaced, with its place in the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadReference {
    /// No variable of this name.
    NoVariable(String, Range<usize>),
    /// `${` without `}`, or with something that is no name between them.
    Malformed(Range<usize>),
}

impl Environment {
    /// That of this process. What is not UTF-8 cannot be referred to and is left out.
    pub fn process() -> Self {
        let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(utf8).collect())
    }

    /// The value of one variable.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Replaces each `${NAME}`; `$${` stands for `${` itself. What was put in is not looked at
    /// again.
    pub(super) fn expand(&self, text: &str) -> Result<String, BadReference> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, reference) = rest.split_at(at);
            let start = text.len() - reference.len();
            let body = reference.strip_prefix("${").unwrap_or_default();
            if let Some(plain) = before.strip_suffix('$') {
                expanded.push_str(plain);
                expanded.push_str("${");
                rest = body;
                continue;
            }
            expanded.push_str(before);
            let malformed = || BadReference::Malformed(start..text.len());
            let (name, after) = body.split_once('}').ok_or_else(malformed)?;
            let place = start..start + name.len() + 3;
            if !is_name(name) {
                return Err(BadReference::Malformed(place));
            }
            let missing = || BadReference::NoVariable(name.to_owned(), place.clone());
            expanded.push_str(self.value(name).ok_or_else(missing)?);
            rest = after;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    /// The names of all variables.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl fmt::Debug for Environment {
    /// Names alone: values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// The name in a text that is one reference and nothing else.
pub(super) fn sole_reference(text: &str) -> Option<&str> {
    text.strip_prefix("${")?.strip_suffix('}').filter(|name| is_name(name))
}

fn is_name(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !text.starts_with(|c: char| c.is_ascii_digit()) && !text.is_empty() && text.bytes().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Environment {
        let pairs = [("HOST", "10.0.0.5"), ("NESTED", "${HOST}"), ("EMPTY", "")];
        pairs.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
    }

    #[test]
    fn references_are_replaced_once() {
        let cases = [
            ("plain", "plain"),
            ("http://${HOST}:80", "http://10.0.0.5:80"),
            ("${NESTED}", "${HOST}"),
            ("a${EMPTY}b", "ab"),
            ("/price/$${amount}/${HOST}", "/price/${amount}/10.0.0.5"),
            ("5$ and $", "5$ and $"),
        ];
        for (text, wanted) in cases {
            assert_eq!(sample().expand(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn a_bad_reference_is_placed() {
        let missing = BadReference::NoVariable("PORT".to_owned(), 8..15);
        assert_eq!(sample().expand("${HOST}:${PORT}"), Err(missing));
        assert_eq!(sample().expand("ab${HOST"), Err(BadReference::Malformed(2..8)));
        assert_eq!(sample().expand("${1A}"), Err(BadReference::Malformed(0..5)));
        assert_eq!(sample().expand("${}"), Err(BadReference::Malformed(0..3)));
    }

    #[test]
    fn debug_output_has_no_value() {
        assert_eq!(format!("{:?}", sample()), r#"["EMPTY", "HOST", "NESTED"]"#);
    }
}
