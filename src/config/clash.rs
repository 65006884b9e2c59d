//! What two APIs or two rules claim at once.
//!
//! A request goes to the API with the longest path above it, and to no other. Of that API's rules
//! that match its path the more specific is asked, segment by segment from the left: text before
//! text with a parameter in it, that before a whole parameter, that before `{*rest}`. Where this
//! leaves a tie nothing is guessed, and a rule that no request can reach was not meant so: both are
//! mistakes.

use std::collections::BTreeMap;
use std::ops::Range;

use http::Method;

use super::mistake::Mistake;
use super::pattern::{Pattern, Segment};
use super::reading::{Placed, Reading, Reported, Text};

/// What an API claims, as far as it could be read.
#[derive(Debug)]
pub(super) struct Place {
    /// Its name, as it stands in the file.
    pub(super) label: Placed<String>,
    /// Its host, if that is known.
    pub(super) host: Option<Option<String>>,
    /// Its path, if that is known.
    pub(super) path: Option<Text>,
    /// What its rules claim.
    pub(super) claims: Vec<Claim>,
}

/// What one rule claims.
#[derive(Debug)]
pub(super) struct Claim {
    /// Its name as it stands in the file, or its number.
    pub(super) name: Placed<String>,
    /// Where its path stands.
    pub(super) span: Range<usize>,
    /// The path and its methods, if they are known.
    pub(super) wanted: Option<(Pattern, Vec<Method>)>,
}

/// Reports every clash.
pub(super) fn find(places: &[&Place], reading: &Reading<'_>) -> Result<(), Reported> {
    let names = same_names(places, reading);
    let spots = same_spots(places, reading);
    let ties: Vec<_> = places.iter().map(|place| ties(place, reading)).collect();
    let shadows = shadows(places, reading);
    ties.into_iter().fold(names.and(spots).and(shadows), Result::and)
}

fn same_names(places: &[&Place], reading: &Reading<'_>) -> Result<(), Reported> {
    let mut seen = std::collections::BTreeSet::new();
    let mut outcome = Ok(());
    for place in places.iter().filter(|place| !place.label.key.is_empty()) {
        if !seen.insert(&place.label.value) {
            let hint = "an API's name is unique: metrics and logs tell APIs apart by it";
            let mistake = Mistake::ApiTwice(place.label.value.clone());
            outcome = Err(reading.mistake(&place.label.span, mistake, hint));
        }
    }
    outcome
}

fn same_spots(places: &[&Place], reading: &Reading<'_>) -> Result<(), Reported> {
    let mut seen: BTreeMap<(&Option<String>, &str), &Place> = BTreeMap::new();
    let mut outcome = Ok(());
    for place in places {
        let (Some(host), Some(path)) = (&place.host, &place.path) else { continue };
        if let Some(first) = seen.insert((host, &path.value), place) {
            let (api, first) = (place.label.value.clone(), first.label.value.clone());
            let hint = "give one of them another `host` or `path`, or put all rules into one API";
            let mistake = Mistake::SamePlace { api, first };
            outcome = Err(reading.mistake(&place.label.span, mistake, hint));
        }
    }
    outcome
}

fn shadows(places: &[&Place], reading: &Reading<'_>) -> Result<(), Reported> {
    let mut outcome = Ok(());
    for place in places {
        let (Some(host), Some(path)) = (&place.host, &place.path) else { continue };
        let nearer: Vec<_> = places
            .iter()
            .filter(|other| other.host.as_ref() == Some(host))
            .filter_map(|other| Some((other, other.path.as_ref()?)))
            .filter(|(_, inner)| inner.value.len() > path.value.len())
            .collect();
        for claim in &place.claims {
            let Some((pattern, _)) = &claim.wanted else { continue };
            let taker = nearer.iter().find(|(_, inner)| pattern.lies_under(&inner.value));
            if let Some((taker, inner)) = taker {
                let mistake = Mistake::Shadowed {
                    rule: claim.name.value.clone(),
                    path: inner.shown.clone(),
                    api: taker.label.value.clone(),
                };
                let hint = format!("move the rule to the API `{}`", taker.label.value);
                outcome = Err(reading.mistake(&claim.span, mistake, hint));
            }
        }
    }
    outcome
}

fn ties(place: &Place, reading: &Reading<'_>) -> Result<(), Reported> {
    let mut root = Node::default();
    let mut outcome = Ok(());
    let report = |later: &Claim, first: &Claim| {
        let hint = "give them different methods, make one path more specific, or join them";
        let (rule, first) = (later.name.value.clone(), first.name.value.clone());
        reading.mistake(&later.span, Mistake::Tie { rule, first }, hint)
    };
    for claim in place.claims.iter().filter(|claim| claim.wanted.is_some()) {
        if let Some(first) = root.insert(claim) {
            outcome = Err(report(claim, first));
        }
    }
    root.crossings(&mut |later, first| outcome = Err(report(later, first)));
    outcome
}

/// All rules of an API by their segments. Two parameters of different names are one key.
#[derive(Debug, Default)]
struct Node<'a> {
    next: BTreeMap<Key<'a>, Node<'a>>,
    here: Vec<&'a Claim>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Literal(&'a str),
    Part(&'a str, &'a str),
    Rest,
}

impl<'a> Node<'a> {
    /// Puts a rule in its place; answers the one that has the same place and a method in common.
    fn insert(&mut self, claim: &'a Claim) -> Option<&'a Claim> {
        let mut node = self;
        let pattern = claim.wanted.iter().flat_map(|(pattern, _)| &pattern.0);
        for segment in pattern {
            let key = match segment {
                Segment::Literal(text) => Key::Literal(text),
                Segment::Part { prefix, suffix, .. } => Key::Part(prefix, suffix),
                Segment::Rest => Key::Rest,
            };
            node = node.next.entry(key).or_default();
        }
        let first = node.here.iter().find(|first| share_a_method(first, claim)).copied();
        node.here.push(claim);
        first
    }

    /// Tells of rules whose paths first differ in two segments that can both match one text while
    /// neither is the narrower, such as `a{x}` and `{x}b`.
    fn crossings(&self, tell: &mut impl FnMut(&'a Claim, &'a Claim)) {
        self.next.values().for_each(|node| node.crossings(tell));
        let parts: Vec<_> = self
            .next
            .iter()
            .filter_map(|(key, node)| match key {
                Key::Part(prefix, suffix) => Some((*prefix, *suffix, node)),
                Key::Literal(_) | Key::Rest => None,
            })
            .collect();
        // They are in the order of their prefixes, so those that begin with this one follow it.
        let mut rest = parts.as_slice();
        while let Some(((prefix, suffix, node), after)) = rest.split_first() {
            rest = after;
            for (long, other, beside) in after {
                if !long.starts_with(prefix) {
                    break;
                }
                if long != prefix && suffix.len() > other.len() && suffix.ends_with(other) {
                    node.meet(beside, tell);
                }
            }
        }
    }

    /// Tells of every pair of rules under two nodes that can match the same rest of a path.
    fn meet(&self, other: &Self, tell: &mut impl FnMut(&'a Claim, &'a Claim)) {
        tell_pairs(&self.here, &other.here, tell);
        for (mine, below) in &self.next {
            // `{*rest}` also matches nothing.
            if *mine == Key::Rest {
                tell_pairs(&below.here, &other.all(), tell);
            }
            for (theirs, beside) in &other.next {
                if mine.meets(*theirs) {
                    below.meet(beside, tell);
                }
            }
        }
        if let Some(rest) = other.next.get(&Key::Rest) {
            tell_pairs(&self.all(), &rest.here, tell);
        }
    }

    /// Every rule at or under this node.
    fn all(&self) -> Vec<&'a Claim> {
        self.here.iter().copied().chain(self.next.values().flat_map(Self::all)).collect()
    }
}

fn tell_pairs<'a>(
    some: &[&'a Claim],
    others: &[&'a Claim],
    tell: &mut impl FnMut(&'a Claim, &'a Claim),
) {
    for a in some {
        for b in others.iter().filter(|b| share_a_method(a, b)) {
            let (first, later) = if a.span.start < b.span.start { (a, b) } else { (b, a) };
            tell(later, first);
        }
    }
}

impl Key<'_> {
    /// Whether some one segment matches both; `{*rest}` is more than a segment.
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Key::Rest, _) | (_, Key::Rest) => false,
            (Key::Literal(a), Key::Literal(b)) => a == b,
            (Key::Literal(text), Key::Part(prefix, suffix))
            | (Key::Part(prefix, suffix), Key::Literal(text)) => {
                // A parameter that is a whole segment is never empty.
                text.len() >= (prefix.len() + suffix.len()).max(1)
                    && text.starts_with(prefix)
                    && text.ends_with(suffix)
            }
            (Key::Part(a, y), Key::Part(b, z)) => {
                (a.starts_with(b) || b.starts_with(a)) && (y.ends_with(z) || z.ends_with(y))
            }
        }
    }
}

/// Whether one request could be meant by both. No methods are all methods.
fn share_a_method(a: &Claim, b: &Claim) -> bool {
    match (&a.wanted, &b.wanted) {
        (Some((_, a)), Some((_, b))) => {
            a.is_empty() || b.is_empty() || a.iter().any(|method| b.contains(method))
        }
        _ => false,
    }
}
