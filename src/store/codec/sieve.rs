//! Lines that a search need not decode: who did what stands at the head of each, in one spelling.

use crate::store::EventFilter;

/// What stands before the two, of which the first comes first. Neither can be in what is before it, nor in a name,
/// since quotation marks within a text have a backslash before them.
const ACTOR: &[u8] = b",\"actor\":\"";
const KIND: &[u8] = b",\"kind\":\"";

/// A filter as it is held against lines.
#[derive(Debug)]
pub struct Sieve {
    actor: Option<String>,
    kinds: Option<Vec<&'static str>>,
}

impl Sieve {
    /// Of a filter.
    pub fn new(filter: &EventFilter) -> Self {
        let kinds = filter.kinds.as_ref();
        Self {
            actor: filter.actor.as_ref().map(ToString::to_string),
            kinds: kinds.map(|kinds| kinds.iter().map(|kind| kind.as_str()).collect()),
        }
    }

    /// Whether a line may be wanted: never false of one that is.
    pub fn may_pass(&self, line: &[u8]) -> bool {
        if self.actor.is_none() && self.kinds.is_none() {
            return true;
        }
        let Some((actor, rest)) = text_behind(line, ACTOR) else { return true };
        let Some((kind, _)) = text_behind(rest, KIND) else { return true };
        self.actor.as_ref().is_none_or(|wanted| wanted.as_bytes() == actor)
            && self
                .kinds
                .as_ref()
                .is_none_or(|wanted| wanted.iter().any(|it| it.as_bytes() == kind))
    }
}

/// The text behind a mark, and what follows.
fn text_behind<'a>(line: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let begin = memchr::memmem::find(line, mark)?.checked_add(mark.len())?;
    let rest = line.get(begin..)?;
    rest.split_at_checked(memchr::memchr(b'"', rest)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Actor, Event, EventKind};
    use crate::domain::time::Timestamp;
    use crate::store::codec;
    use crate::store::{Commit, Position};

    fn line(actor: &Actor, kind: EventKind, reason: &str) -> Vec<u8> {
        let at = Timestamp::from_unix(1_800_000_000);
        let event = Event {
            at,
            effective_at: at,
            actor: actor.clone(),
            kind,
            reason: reason.to_owned(),
            many: None,
        };
        let commit = Commit { event, changes: Vec::new(), subjects: Vec::new() };
        let body = codec::encode(&commit).unwrap().body;
        let line = format!("{{\"seq\":7,\"prev\":\"00\",{body},\"crc\":\"00000000\"}}");
        assert_eq!(codec::recorded(&line).unwrap().position, Position(7));
        line.into_bytes()
    }

    #[test]
    fn a_line_passes_if_its_event_matches_and_others_hardly_ever() {
        let actors = [
            Actor::System,
            Actor::Local(0),
            Actor::Owner("alice".parse().unwrap()),
            Actor::Owner("alice.b@example.com".parse().unwrap()),
        ];
        let reason = r#"","actor":"system","kind":"token.revoked"#;
        for (actor, kind) in actors.iter().flat_map(|a| EventKind::ALL.map(|kind| (a, kind))) {
            let line = line(actor, kind, reason);
            for (wanted, wanted_kind) in
                actors.iter().flat_map(|a| EventKind::ALL.map(|kind| (a, kind)))
            {
                let kinds = Some([wanted_kind].into());
                let filter = EventFilter { kinds: kinds.clone(), ..EventFilter::default() };
                assert_eq!(Sieve::new(&filter).may_pass(&line), wanted_kind == kind);
                let filter = EventFilter { kinds, actor: Some(wanted.clone()), ..filter };
                let is = wanted_kind == kind && wanted == actor;
                assert_eq!(Sieve::new(&filter).may_pass(&line), is);
            }
        }
        let filter = EventFilter { actor: Some(Actor::System), ..EventFilter::default() };
        for odd in [&b"{}"[..], b",\"actor\":\"", b",\"actor\":\"x\",\"k\":1", b""] {
            assert!(Sieve::new(&filter).may_pass(odd), "what is not understood is decoded");
        }
    }
}
