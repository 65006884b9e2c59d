//! Path patterns, read only as far as it takes to find their faults. The gateway's router reads
//! them for itself.
//!
//! `{x}` is one segment or a part of one and never spans `/`; only as a part it may be empty.
//! `{*rest}` is the last segment and stands for anything, also nothing.

/// How many parameters the gateway remembers of a path.
const MOST_PARAMETERS: usize = 16;

/// A pattern without faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(pub(super) Vec<Segment>);

/// What stands between two slashes. Names of parameters play no part in what a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Segment {
    /// Exactly this text.
    Literal(String),
    /// Any text between these two.
    Part { prefix: String, suffix: String, name: String },
    /// All that is left.
    Rest,
}

impl Pattern {
    /// Reads a whole path.
    pub(super) fn parse(path: &str) -> Result<Self, &'static str> {
        let inner = path.strip_prefix('/').ok_or("does not begin with `/`")?;
        check_characters(path)?;
        if path.contains("//") {
            return Err("has an empty segment");
        }
        let mut segments = Vec::new();
        let mut parts = inner.split('/').peekable();
        while let Some(part) = parts.next() {
            let segment = Segment::parse(part)?;
            if segment == Segment::Rest && parts.peek().is_some() {
                return Err("has `{*...}` before its end");
            }
            segments.push(segment);
        }
        let mut names: Vec<_> = segments.iter().filter_map(Segment::name).collect();
        if names.len() > MOST_PARAMETERS {
            return Err("has more than 16 parameters");
        }
        names.sort_unstable();
        match names.windows(2).any(|pair| pair.first() == pair.last()) {
            true => Err("has two parameters of one name"),
            false => Ok(Self(segments)),
        }
    }

    /// The names of its parameters; that of `{*rest}` is not among them.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(Segment::name)
    }

    /// Whether every path that this can match lies under `api`, on a segment boundary.
    pub(super) fn lies_under(&self, api: &str) -> bool {
        let mut mine = self.0.iter();
        api.split('/')
            .filter(|part| !part.is_empty())
            .all(|part| matches!(mine.next(), Some(Segment::Literal(text)) if text == part))
    }
}

impl Segment {
    fn parse(part: &str) -> Result<Self, &'static str> {
        let Some((prefix, after)) = part.split_once('{') else {
            return match part {
                _ if part.contains('}') => Err("has a `}` without a `{`"),
                "." | ".." => Err("has a segment `.` or `..`"),
                _ => Ok(Self::Literal(part.to_owned())),
            };
        };
        let (name, suffix) = after.split_once('}').ok_or("has a `{` without a `}`")?;
        if prefix.contains('}') {
            return Err("has a `}` without a `{`");
        }
        if name.contains('{') {
            return Err("has a `{` without a `}`");
        }
        if suffix.contains('{') {
            return Err("has two parameters in one segment");
        }
        if suffix.contains('}') {
            return Err("has a `}` without a `{`");
        }
        if let Some(rest) = name.strip_prefix('*') {
            return match (prefix, suffix, is_name(rest)) {
                ("", "", true) => Ok(Self::Rest),
                (_, _, true) => Err("has `{*...}` beside other text"),
                _ => Err("has a parameter without a name of letters, digits and `_`"),
            };
        }
        if !is_name(name) {
            return Err("has a parameter without a name of letters, digits and `_`");
        }
        let owned = str::to_owned;
        Ok(Self::Part { prefix: owned(prefix), suffix: owned(suffix), name: owned(name) })
    }

    fn name(&self) -> Option<&str> {
        if let Self::Part { name, .. } = self { Some(name) } else { None }
    }
}

/// The path under which an API lies: no parameters, and no slash at its end.
pub(super) fn api_path(path: &str) -> Result<String, &'static str> {
    let pattern = Pattern::parse(path)?;
    if pattern.0.iter().any(|segment| !matches!(segment, Segment::Literal(_))) {
        return Err("has a parameter, which only a rule's path may have");
    }
    let trimmed = path.trim_end_matches('/');
    Ok(if trimmed.is_empty() { "/" } else { trimmed }.to_owned())
}

/// What the gateway's one reading of a request target never yields cannot be matched.
fn check_characters(path: &str) -> Result<(), &'static str> {
    for byte in path.bytes() {
        match byte {
            b'%' => return Err("is percent-encoded"),
            b';' => return Err("has a path parameter after `;`"),
            b'?' => return Err("has a query, which never chooses a rule"),
            b'#' => return Err("has a fragment"),
            b'\\' => return Err("has a backslash"),
            b'{' | b'}' | b'/' => {}
            b if b.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&b) => {}
            _ => return Err("has a character that no path may have"),
        }
    }
    Ok(())
}

fn is_name(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !text.is_empty() && text.len() <= 64 && text.bytes().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_patterns() {
        let good =
            ["/", "/a", "/a/", "/a/{x}", "/{x}/b/{y}", "/{*rest}", "/a/v{x}.json", "/a/.{x}"];
        for path in good.into_iter().chain(["/api/Entities/Manufatura.Estoque.{rest}"]) {
            assert!(Pattern::parse(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn each_fault_is_named() {
        let bad = [
            ("", "begin"),
            ("a", "begin"),
            ("{x}", "begin"),
            ("/a//b", "empty"),
            ("//", "empty"),
            ("/a/../b", "`..`"),
            ("/.", "`..`"),
            ("/a%2fb", "percent"),
            ("/a;b", "`;`"),
            ("/a?b", "query"),
            ("/a#b", "fragment"),
            ("/a\\b", "backslash"),
            ("/a b", "character"),
            ("/é", "character"),
            ("/{x", "without a `}`"),
            ("/x}", "without a `{`"),
            ("/a}{x}", "without a `{`"),
            ("/{x}{y}", "two parameters in"),
            ("/{{x}}", "without a `}`"),
            ("/{x}}", "without a `{`"),
            ("/{x}/{x}", "two parameters of"),
            ("/{}", "name"),
            ("/{*}", "name"),
            ("/{a-b}", "name"),
            ("/{*r}/x", "before its end"),
            ("/{*r}/", "before its end"),
            ("/a{*r}", "beside"),
            ("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}/{q}", "16"),
        ];
        for (path, word) in bad {
            let fault = Pattern::parse(path).unwrap_err();
            assert!(fault.contains(word), "{path}: {fault}");
        }
    }

    #[test]
    fn sec_p14_under_an_api_means_on_a_segment_boundary() {
        let under = |path: &str, api: &str| Pattern::parse(path).unwrap().lies_under(api);
        assert!(under("/api", "/api") && under("/api/{*rest}", "/api") && under("/x", "/"));
        assert!(under("/{*rest}", "/") && under("/a/b/c", "/a/b"));
        assert!(!under("/apix", "/api") && !under("/{*rest}", "/api") && !under("/a{x}", "/a"));
        assert!(!under("/a", "/a/b"));
    }

    #[test]
    fn the_path_of_an_api_has_one_spelling() {
        assert_eq!(api_path("/"), Ok("/".to_owned()));
        assert_eq!(api_path("/api/"), Ok("/api".to_owned()));
        assert!(api_path("/{x}").is_err() && api_path("api").is_err());
    }
}
