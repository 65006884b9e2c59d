//! What an event does to the index, and what it leaves to be done to the last uses. Applying one twice
//! changes nothing.

use std::sync::Arc;

use super::draft::Draft;
use super::entry::{self, Head};
use super::index::Index;
use super::keys;
use super::state::State;
use super::uses::{Entry, Uses};
use crate::domain::event::EventKind;
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::domain::token::{Revision, Token};
use crate::history::Place;
use crate::store::codec::Written;
use crate::store::{Due, Record, StoreError, Subject};

/// What there is to know of an event beside its number and place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub(super) kind: EventKind,
    pub(super) records: &'a [Written],
    pub(super) subjects: &'a [Subject],
}

impl Told<'_> {
    /// Whether it tells of first uses. There are as many of these as there are tokens, so that none gets an
    /// entry: they are found by the slots of the tokens.
    pub(super) fn is_first_use(&self) -> bool {
        self.kind == EventKind::TokenFirstUsed && self.records.is_empty()
    }
}

/// Puts the records of event `seq` into the index, with everything by which they are found. Answers with
/// what is to be written into slots, once that is in the index.
pub(super) fn event(
    draft: &mut Draft<'_>,
    seq: u64,
    place: Place,
    told: Told<'_>,
    uses: &Uses,
) -> Result<Vec<Entry>, StoreError> {
    let this = (seq, place);
    for written in told.records {
        match &written.record {
            Record::Token(new) => token(draft, new, written.json.as_bytes(), this, uses)?,
            Record::Owner(owner) => draft.put(keys::owner(&owner.id), written.json.as_bytes()),
            Record::Company(company) => {
                draft.put(keys::company(&company.id), written.json.as_bytes());
            }
        }
    }
    let mut links = Vec::new();
    for subject in told.subjects {
        match first_use(draft, told, subject, seq)? {
            Some(link) => links.push(link),
            None => about(draft, subject, this)?,
        }
    }
    Ok(links)
}

/// What to write into the slot of a token whose first use an event tells of.
pub(super) fn first_use(
    draft: &Draft<'_>,
    told: Told<'_>,
    subject: &Subject,
    seq: u64,
) -> Result<Option<Entry>, StoreError> {
    let Subject::Token(id) = subject else { return Ok(None) };
    if !told.is_first_use() {
        return Ok(None);
    }
    let known = entry::drafted_head(draft, *id)?;
    Ok(known.map(|head| Entry { slot: head.slot, token: *id, last: None, first: Some(seq) }))
}

fn token(
    draft: &mut Draft<'_>,
    new: &Arc<Token>,
    json: &[u8],
    this: (u64, Place),
    uses: &Uses,
) -> Result<(), StoreError> {
    let old = entry::drafted_token(draft, new.id)?;
    let slot = slot_of(draft, new, old.as_ref().map(|(_, head)| head.slot))?;
    let filed = deadline(new, slot, uses)?;
    draft.note(slot, new);
    let mut latest = this;
    if let Some((old, head)) = &old {
        latest = later(draft, new.id, head.latest, this)?;
        if head.filed != filed {
            unfile(draft, head.filed, new.id);
        }
        if old.digest != new.digest {
            draft.delete(keys::digest(&old.digest));
        }
        if old.owner != new.owner {
            draft.delete(keys::owned_token(&old.owner, old.id));
        }
    }
    let bond = entry::bond(new.id, slot, json);
    draft.put(keys::digest(&new.digest), &entry::digest_payload(new.id, bond));
    draft.put(keys::owned_token(&new.owner, new.id), &[]);
    if let Some(deadline) = filed {
        draft.put(keys::due(Due { deadline, token: new.id }), &[]);
    }
    draft.put(keys::token(new.id), &entry::token_payload(&Head { filed, latest, slot }, json));
    Ok(())
}

/// The slot of a token. Every creation draws one, also where a record is there already: that came with a
/// state which is gone, and if its token did not count, another one would be given its slot.
fn slot_of(draft: &mut Draft<'_>, new: &Token, old: Option<u64>) -> Result<u64, StoreError> {
    let created = new.revision == Revision::NONE.next();
    let drawn = created.then(|| draft.next_slot());
    let slot = drawn.or(old);
    slot.filter(|slot| old.is_none_or(|old| old == *slot)).ok_or_else(|| {
        let what = if created { "it has another slot" } else { "it is not there" };
        draft.index().damage(&keys::token(new.id), what)
    })
}

/// Lets an event be found by what it is about.
fn about(draft: &mut Draft<'_>, subject: &Subject, this: (u64, Place)) -> Result<(), StoreError> {
    let mut found = None;
    if let Subject::Token(id) = subject {
        let key = keys::token(*id);
        found = draft.read(&key)?.map(|payload| (*id, key, payload));
    }
    let Some((id, key, payload)) = found else {
        draft.put(keys::subject_event(subject, this.0), &entry::place_payload(this.1));
        return Ok(());
    };
    let (head, json) = entry::split_token(&payload)
        .ok_or_else(|| draft.index().damage(&key, "the record is cut short"))?;
    let latest = later(draft, id, head.latest, this)?;
    draft.put(key, &entry::token_payload(&Head { latest, ..head }, json));
    Ok(())
}

/// The later of two events about a token; the earlier one gets an entry of its own.
fn later(
    draft: &mut Draft<'_>,
    id: TokenId,
    known: (u64, Place),
    this: (u64, Place),
) -> Result<(u64, Place), StoreError> {
    let (earlier, later) = if known.0 < this.0 { (known, this) } else { (this, known) };
    if earlier.0 != later.0 {
        let key = keys::subject_event(&Subject::Token(id), earlier.0);
        draft.put(key, &entry::place_payload(earlier.1));
    }
    Ok(later)
}

fn unfile(draft: &mut Draft<'_>, filed: Option<Timestamp>, token: TokenId) {
    if let Some(deadline) = filed {
        draft.delete(keys::due(Due { deadline, token }));
    }
}

/// When the token is over by time or idleness; none when it has ended or has no such end.
fn deadline(token: &Token, slot: u64, uses: &Uses) -> Result<Option<Timestamp>, StoreError> {
    if token.ended.is_some() {
        return Ok(None);
    }
    let last = entry::counting(token, uses.read(slot, token.id)?, uses.floor());
    Ok(token.life().deadline(last.map(|last| last.at)))
}

/// Moves a token to the deadline that holds now, and answers with that.
pub(super) fn refile(
    index: &Index,
    state: &State,
    due: Due,
    uses: &Uses,
) -> Result<(Option<Timestamp>, State), StoreError> {
    let mut draft = Draft::new(index, state);
    let Some((token, head)) = entry::drafted_token(&draft, due.token)? else {
        draft.delete(keys::due(due));
        return Ok((None, draft.write(state.applied, state)?));
    };
    let filed = deadline(&token, head.slot, uses)?;
    if filed == head.filed && filed == Some(due.deadline) {
        return Ok((filed, *state));
    }
    draft.delete(keys::due(due));
    unfile(&mut draft, head.filed, token.id);
    if let Some(deadline) = filed {
        draft.put(keys::due(Due { deadline, token: token.id }), &[]);
    }
    let key = keys::token(token.id);
    let payload = draft.read(&key)?.unwrap_or_default();
    let json = entry::split_token(&payload).map_or(&[][..], |(_, json)| json);
    draft.put(key, &entry::token_payload(&Head { filed, ..head }, json));
    Ok((filed, draft.write(state.applied, state)?))
}
