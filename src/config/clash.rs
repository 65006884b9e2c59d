//! What two APIs or two rules claim at once.
//!
//! Of two rules that match one path the more specific is asked, segment by segment from the left: text
//! before text with a parameter in it, that before a whole parameter, that before `{*rest}`. Where
//! this leaves a tie, nothing is guessed: it is a mistake.

use std::collections::BTreeMap;
use std::ops::Range;

use http::Method;

use super::mistake::Mistake;
use super::pattern::{Pattern, Segment};
use super::reading::{Placed, Reading, Reported};

/// What an API claims, as far as it could be read.
#[derive(Debug)]
pub(super) struct Place {
    /// Its name, as it stands in the file.
    pub(super) label: Placed<String>,
    /// Its host, if that is known.
    pub(super) host: Option<Option<String>>,
    /// Its path, if that is known.
    pub(super) path: Option<String>,
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
    let ties = ties(places, reading);
    names.and(spots).and(ties)
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
    let mut seen: BTreeMap<(&Option<String>, &String), &Place> = BTreeMap::new();
    let mut outcome = Ok(());
    for place in places {
        let (Some(host), Some(path)) = (&place.host, &place.path) else { continue };
        if let Some(first) = seen.insert((host, path), place) {
            let (api, first) = (place.label.value.clone(), first.label.value.clone());
            let hint = "give one of them another `host` or `path`, or put all rules into one API";
            let mistake = Mistake::SamePlace { api, first };
            outcome = Err(reading.mistake(&place.label.span, mistake, hint));
        }
    }
    outcome
}

/// A rule with the API that it belongs to.
type Claimed<'a> = (&'a Place, &'a Claim);

fn ties(places: &[&Place], reading: &Reading<'_>) -> Result<(), Reported> {
    let mut hosts: BTreeMap<&Option<String>, Node<'_>> = BTreeMap::new();
    let mut outcome = Ok(());
    for place in places {
        let Some(host) = &place.host else { continue };
        let root = hosts.entry(host).or_default();
        for claim in place.claims.iter().filter(|claim| claim.wanted.is_some()) {
            if let Some(first) = root.insert((place, claim)) {
                outcome = Err(report((place, claim), first, reading));
            }
        }
    }
    for root in hosts.values() {
        root.crossings(&mut |later, first| outcome = Err(report(later, first, reading)));
    }
    outcome
}

fn report(later: Claimed<'_>, first: Claimed<'_>, reading: &Reading<'_>) -> Reported {
    let hint = "give them different methods, make one path more specific, or join them";
    let mistake = Mistake::Tie {
        rule: later.1.name.value.clone(),
        first: first.1.name.value.clone(),
        api: first.0.label.value.clone(),
    };
    reading.mistake(&later.1.span, mistake, hint)
}

/// All rules of a host by their segments. Two parameters of different names are one key.
#[derive(Debug, Default)]
struct Node<'a> {
    next: BTreeMap<Key<'a>, Node<'a>>,
    here: Vec<Claimed<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Literal(&'a str),
    Part(&'a str, &'a str),
    Rest,
}

impl<'a> Node<'a> {
    /// Puts a rule in its place; answers the one that has the same place and a method in common.
    fn insert(&mut self, claimed: Claimed<'a>) -> Option<Claimed<'a>> {
        let mut node = self;
        let pattern = claimed.1.wanted.iter().flat_map(|(pattern, _)| &pattern.0);
        for segment in pattern {
            let key = match segment {
                Segment::Literal(text) => Key::Literal(text),
                Segment::Part { prefix, suffix, .. } => Key::Part(prefix, suffix),
                Segment::Rest => Key::Rest,
            };
            node = node.next.entry(key).or_default();
        }
        let first = node.here.iter().find(|first| share_a_method(first.1, claimed.1)).copied();
        node.here.push(claimed);
        first
    }

    /// Tells of rules whose paths first differ in two segments that can both match one text while
    /// neither is the narrower, such as `a{x}` and `{x}b`.
    fn crossings(&self, tell: &mut impl FnMut(Claimed<'a>, Claimed<'a>)) {
        for (at, (key, node)) in self.next.iter().enumerate() {
            node.crossings(tell);
            let Key::Part(prefix, suffix) = *key else { continue };
            // Keys are in the order of their prefixes, so those that begin with this one follow it.
            let longer = self.next.iter().skip(at + 1).map_while(|(key, node)| match key {
                Key::Part(long, other) if long.starts_with(prefix) => Some((*long, *other, node)),
                _ => None,
            });
            for (long, other, beside) in longer {
                if long != prefix && suffix.len() > other.len() && suffix.ends_with(other) {
                    node.meet(beside, tell);
                }
            }
        }
    }

    /// Tells of every pair of rules under two nodes that can match the same rest of a path.
    fn meet(&self, other: &Self, tell: &mut impl FnMut(Claimed<'a>, Claimed<'a>)) {
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
    fn all(&self) -> Vec<Claimed<'a>> {
        self.here.iter().copied().chain(self.next.values().flat_map(Self::all)).collect()
    }
}

fn tell_pairs<'a>(
    some: &[Claimed<'a>],
    others: &[Claimed<'a>],
    tell: &mut impl FnMut(Claimed<'a>, Claimed<'a>),
) {
    for a in some {
        for b in others.iter().filter(|b| share_a_method(a.1, b.1)) {
            let (first, later) = if a.1.span.start < b.1.span.start { (a, b) } else { (b, a) };
            tell(*later, *first);
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
                text.len() > prefix.len() + suffix.len()
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
