//! The tree of a single API's paths: from a path to the most specific rule that names it.
//!
//! Segments are compared from left to right; at the first difference literal text wins over text
//! with a parameter (the longer literal first), a whole-segment `{x}` is next, and `{*rest}` is
//! last. A parameter beside literal text may also stand for nothing, so that `/:export` does not slip
//! past the rule for `/{id}:export` into a wider one. A path with and without its last slash is the same for a rule, so that `/admin/` does not
//! slip past the rule for `/admin` into a wider one.

/// How many parameters of a path are remembered.
const CAPTURES: usize = 16;

/// A tree of patterns, each of which leads to a `T`.
#[derive(Debug)]
pub struct Tree<T> {
    root: Node<T>,
}

#[derive(Debug)]
struct Node<T> {
    /// In the order of their texts.
    literals: Vec<(Box<str>, Self)>,
    mixed: Vec<(Box<str>, Box<str>, Self)>,
    whole: Option<Box<Self>>,
    here: Option<T>,
    rest: Option<T>,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { literals: Vec::new(), mixed: Vec::new(), whole: None, here: None, rest: None }
    }
}

/// Where the parameters of a matching path stand, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Captures<'p> {
    texts: [&'p str; CAPTURES],
    count: usize,
}

impl<'p> Captures<'p> {
    /// The text of the parameter at `place`.
    pub fn at(&self, place: usize) -> Option<&'p str> {
        self.texts.get(..self.count)?.get(place).copied()
    }

    fn back_to(&mut self, mark: usize) -> &mut Self {
        self.count = mark;
        self
    }

    fn push(&mut self, text: &'p str) -> &mut Self {
        if let Some(slot) = self.texts.get_mut(self.count) {
            *slot = text;
            self.count += 1;
        }
        self
    }
}

/// One segment of a pattern.
enum Piece<'s> {
    Literal(&'s str),
    Mixed(&'s str, &'s str),
    Whole,
    Rest,
}

fn piece(segment: &str) -> Piece<'_> {
    match segment.split_once('{').and_then(|(prefix, rest)| Some((prefix, rest.split_once('}')?))) {
        None => Piece::Literal(segment),
        Some(("", (name, ""))) if name.starts_with('*') => Piece::Rest,
        Some(("", (_, ""))) => Piece::Whole,
        Some((prefix, (_, suffix))) => Piece::Mixed(prefix, suffix),
    }
}

/// The names of a pattern's parameters, in their order, without the `*` of the last.
pub fn names(pattern: &str) -> impl Iterator<Item = &str> {
    let inner = pattern.split('{').skip(1).filter_map(|part| part.split('}').next());
    inner.map(|name| name.trim_start_matches('*'))
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self { root: Node::default() }
    }
}

impl<T> Tree<T> {
    /// The place of `pattern`, made by `fresh` if there is none yet.
    pub fn entry(&mut self, pattern: &str, fresh: impl FnOnce() -> T) -> &mut T {
        let mut node = &mut self.root;
        for segment in segments(pattern) {
            node = match piece(segment) {
                Piece::Literal(text) => node.literal_mut(text),
                Piece::Whole => node.whole.get_or_insert_default(),
                Piece::Rest => return node.rest.get_or_insert_with(fresh),
                Piece::Mixed(prefix, suffix) => node.mixed(prefix, suffix),
            };
        }
        node.here.get_or_insert_with(fresh)
    }

    /// The most specific entry for a path; the texts of its parameters go to `seen`.
    pub fn find<'p>(&self, path: &'p str, seen: &mut Captures<'p>) -> Option<&T> {
        let path = path.strip_prefix('/').unwrap_or(path);
        self.root.find(Some(path), seen.back_to(0))
    }
}

impl<T> Node<T> {
    fn mixed(&mut self, prefix: &str, suffix: &str) -> &mut Self {
        let known = self.mixed.iter().position(|(p, s, _)| **p == *prefix && **s == *suffix);
        let at = known.unwrap_or_else(|| {
            let literal = prefix.len() + suffix.len();
            let at = self.mixed.partition_point(|(p, s, _)| p.len() + s.len() >= literal);
            self.mixed.insert(at, (prefix.into(), suffix.into(), Self::default()));
            at
        });
        #[expect(clippy::indexing_slicing, reason = "found or inserted just above")]
        &mut self.mixed[at].2
    }

    /// `rest` is what follows the slash after this node; none at the end of the path. What was
    /// captured on a way that leads nowhere is dropped again.
    fn find<'p>(&self, rest: Option<&'p str>, seen: &mut Captures<'p>) -> Option<&T> {
        let Some(rest) = rest else { return self.end() };
        let (segment, after) = match rest.split_once('/') {
            Some((segment, after)) => (segment, Some(after)),
            None => (rest, None),
        };
        let mark = seen.count;
        self.literal(segment)
            .and_then(|node| node.find(after, seen))
            .or_else(|| if rest.is_empty() { self.end() } else { None })
            .or_else(|| self.find_mixed(segment, after, seen.back_to(mark)))
            .or_else(|| {
                let node = self.whole.as_ref().filter(|_| !segment.is_empty())?;
                node.find(after, seen.back_to(mark).push(segment))
            })
            .or_else(|| {
                let entry = self.rest.as_ref()?;
                seen.back_to(mark).push(rest);
                Some(entry)
            })
    }

    fn find_mixed<'p>(
        &self,
        segment: &'p str,
        after: Option<&'p str>,
        seen: &mut Captures<'p>,
    ) -> Option<&T> {
        let mark = seen.count;
        self.mixed.iter().find_map(|(prefix, suffix, node)| {
            let text = segment.strip_prefix(&**prefix)?.strip_suffix(&**suffix)?;
            node.find(after, seen.back_to(mark).push(text))
        })
    }

    fn literal(&self, segment: &str) -> Option<&Self> {
        let at = self.literals.binary_search_by(|(text, _)| (**text).cmp(segment)).ok()?;
        self.literals.get(at).map(|(_, node)| node)
    }

    fn literal_mut(&mut self, segment: &str) -> &mut Self {
        let found = self.literals.binary_search_by(|(text, _)| (**text).cmp(segment));
        let at = found.unwrap_or_else(|at| {
            self.literals.insert(at, (segment.into(), Self::default()));
            at
        });
        #[expect(clippy::indexing_slicing, reason = "found or inserted just above")]
        &mut self.literals[at].1
    }

    /// The entry of a path that ends here, with or without a last slash.
    fn end(&self) -> Option<&T> {
        let slash = || self.literal("").and_then(|node| node.here.as_ref());
        self.here.as_ref().or_else(slash).or(self.rest.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(patterns: &[&'static str]) -> Tree<&'static str> {
        let mut tree = Tree::default();
        for &pattern in patterns {
            tree.entry(pattern, || pattern);
        }
        tree
    }

    fn found<'t>(tree: &'t Tree<&'static str>, path: &str) -> Option<&'t str> {
        tree.find(path, &mut Captures::default()).copied()
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let tree =
            tree(&["/{*rest}", "/a/{x}", "/a/b", "/a/b{x}", "/a/{x}b", "/a/{x}/c", "/a/b/{*rest}"]);
        for (path, pattern) in [
            ("/", "/{*rest}"),
            ("/z/y", "/{*rest}"),
            ("/a/b", "/a/b"),
            ("/a/bc", "/a/b{x}"),
            ("/a/cb", "/a/{x}b"),
            ("/a/q", "/a/{x}"),
            ("/a/q/c", "/a/{x}/c"),
            ("/a/b/c", "/a/b/{*rest}"),
            ("/a/q/d", "/{*rest}"),
        ] {
            assert_eq!(found(&tree, path), Some(pattern), "{path}");
        }
    }

    #[test]
    fn sec_p14_no_match_inside_a_segment() {
        let tree = tree(&["/public", "/config/1", "/api/{*rest}"]);
        for path in ["/publicx", "/config/01", "/config/1/x", "/apix", "/", "/Public"] {
            assert_eq!(found(&tree, path), None, "{path}");
        }
    }

    #[test]
    fn a_last_slash_does_not_slip_past_a_rule() {
        let tree = tree(&["/{*rest}", "/admin", "/shop/", "/api/{*rest}", "/u/{id}"]);
        for (path, pattern) in [
            ("/admin/", "/admin"),
            ("/shop", "/shop/"),
            ("/api", "/api/{*rest}"),
            ("/api/", "/api/{*rest}"),
            ("/u/1/", "/u/{id}"),
            ("/admin/x", "/{*rest}"),
        ] {
            assert_eq!(found(&tree, path), Some(pattern), "{path}");
        }
    }

    #[test]
    fn a_parameter_beside_text_may_be_empty() {
        let tree = tree(&["/v/{id}", "/v/{id}:export", "/w{x}"]);
        for (path, pattern) in
            [("/v/:export", "/v/{id}:export"), ("/v/:expor", "/v/{id}"), ("/w", "/w{x}")]
        {
            assert_eq!(found(&tree, path), Some(pattern), "{path}");
        }
        assert_eq!(found(&tree, "/v/"), None);
    }

    #[test]
    fn a_way_that_leads_nowhere_leaves_no_parameters() {
        let mut captures = Captures::default();
        let tree = tree(&["/{a}/{b}/c", "/{x}/{*rest}"]);
        assert_eq!(tree.find("/1/2/d", &mut captures), Some(&"/{x}/{*rest}"));
        assert_eq!((captures.at(0), captures.at(1)), (Some("1"), Some("2/d")));
        assert_eq!(captures.at(2), None);
    }

    #[test]
    fn parameters_are_captured_in_order() {
        let tree = tree(&["/a/{x}/m-{y}.json/{*rest}"]);
        let mut captures = Captures::default();
        assert!(tree.find("/a/1/m-2.json/p/q", &mut captures).is_some());
        assert_eq!(
            (captures.at(0), captures.at(1), captures.at(2)),
            (Some("1"), Some("2"), Some("p/q"))
        );
        assert_eq!(captures.at(3), None);
        assert_eq!(tree.find("/a//m-2.json/", &mut captures), None);
        assert_eq!(names("/a/{x}/m-{y}.json/{*rest}").collect::<Vec<_>>(), ["x", "y", "rest"]);
    }
}
