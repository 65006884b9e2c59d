//! Claims: what upstreams are told of a caller and nothing else reads.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::id::{MAX_NAME, Slug};
use crate::domain::token::{ParamValue, Token};

/// What stays readable in a text: letters, digits and what RFC 3986 leaves unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How many bytes of text stand in the record itself; with that many it fills its block of memory.
const TEXT_MAX: usize = 45;

const _: () = assert!(MAX_NAME <= u8::MAX as usize);

/// The owner's id, and behind it the token's name; what the token carries for its upstreams.
#[derive(Debug)]
pub struct Claims(Kept);

#[derive(Debug)]
enum Kept {
    Here {
        owner_bytes: u8,
        bytes: u8,
        text: [u8; TEXT_MAX],
    },
    /// Of a token that has long texts or parameters.
    Apart(Box<Apart>),
}

#[derive(Debug)]
struct Apart {
    owner_bytes: u8,
    text: Box<[u8]>,
    params: Option<Params>,
}

/// What a token carries for its upstreams.
#[derive(Debug)]
pub struct Params {
    /// Its free parameters, as they were given.
    pub free: Option<Box<str>>,
    /// Its context parameters; secret ones still sealed.
    pub by_context: Box<[ContextParam]>,
}

/// The value of a parameter that a context defines.
#[derive(Debug)]
pub struct ContextParam {
    /// The context.
    pub context: Slug,
    /// The parameter's name.
    pub name: Box<str>,
    /// Its value.
    pub value: ParamValue,
}

impl Claims {
    /// What a token carries.
    pub fn new(token: &Token) -> Self {
        let name = utf8_percent_encode(&token.name, ENCODED);
        let whole = format!("{}{name}", token.owner).into_bytes();
        let owner_bytes = u8::try_from(token.owner.as_str().len()).unwrap_or(u8::MAX);
        let params = Params::new(token);
        let mut text = [0; TEXT_MAX];
        match (text.get_mut(..whole.len()), u8::try_from(whole.len())) {
            (Some(place), Ok(bytes)) if params.is_none() => {
                place.copy_from_slice(&whole);
                Self(Kept::Here { owner_bytes, bytes, text })
            }
            _ => Self(Kept::Apart(Box::new(Apart { owner_bytes, text: whole.into(), params }))),
        }
    }

    /// The owner's id.
    pub fn owner(&self) -> &[u8] {
        let (owner_bytes, text) = self.text();
        text.get(..owner_bytes).unwrap_or_default()
    }

    /// The token's name, percent-encoded.
    pub fn name(&self) -> &[u8] {
        let (owner_bytes, text) = self.text();
        text.get(owner_bytes..).unwrap_or_default()
    }

    /// Bytes of its first and its last cache line.
    pub(super) const fn ends(&self) -> (u8, u8) {
        match &self.0 {
            Kept::Here { owner_bytes, text, .. } => (*owner_bytes, text[TEXT_MAX - 1]),
            Kept::Apart(_) => (0, 0),
        }
    }

    fn text(&self) -> (usize, &[u8]) {
        match &self.0 {
            Kept::Here { owner_bytes, bytes, text } => {
                let text = text.get(..usize::from(*bytes)).unwrap_or_default();
                (usize::from(*owner_bytes), text)
            }
            Kept::Apart(apart) => (usize::from(apart.owner_bytes), &apart.text),
        }
    }

    /// What the token carries for its upstreams; none for most tokens.
    pub fn params(&self) -> Option<&Params> {
        match &self.0 {
            Kept::Here { .. } => None,
            Kept::Apart(apart) => apart.params.as_ref(),
        }
    }
}

impl Params {
    fn new(token: &Token) -> Option<Self> {
        let mut by_context = Vec::new();
        for (context, params) in &token.context_params {
            for (name, value) in params {
                let (context, name) = (context.clone(), name.as_str().into());
                by_context.push(ContextParam { context, name, value: value.clone() });
            }
        }
        let some = token.params.is_some() || !by_context.is_empty();
        let free = token.params.as_deref().map(Into::into);
        some.then(|| Self { free, by_context: by_context.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;

    fn claims(name: &str, params: Option<&str>) -> Claims {
        let (name, params) = (name.to_owned(), params.map(str::to_owned));
        Claims::new(&Token { name, params, ..sample::token(1, "alice") })
    }

    #[test]
    fn texts_are_told_whole_wherever_they_stand() {
        let longest_here = "n".repeat(TEXT_MAX - "alice".len());
        let longer = format!("{longest_here}n");
        for (name, apart) in [("n", false), (&longest_here, false), (&longer, true)] {
            let claims = claims(name, None);
            assert_eq!((claims.owner(), claims.name()), (&b"alice"[..], name.as_bytes()));
            assert_eq!(matches!(claims.0, Kept::Apart(_)), apart, "{name}");
            assert!(claims.params().is_none());
        }
        assert_eq!(claims("a b", None).name(), b"a%20b");
    }

    #[test]
    fn parameters_are_told_beside_the_texts() {
        let claims = claims("n", Some("{}"));
        assert_eq!(claims.params().unwrap().free.as_deref(), Some("{}"));
        assert_eq!((claims.owner(), claims.name()), (&b"alice"[..], &b"n"[..]));
    }
}
