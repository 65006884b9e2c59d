//! What an event and a last use do to the index. Applying one twice changes nothing.

use super::entry::{self, Head};
use super::index::{Draft, Index, State};
use super::keys;
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::history::Place;
use crate::store::codec::Written;
use crate::store::{Due, LastUse, Record, StoreError, Subject};

/// Puts the records of event `seq` into the index, with everything by which they are found.
pub(super) fn event(
    draft: &mut Draft<'_>,
    seq: u64,
    place: Place,
    records: &[Written],
    subjects: &[Subject],
    floor: Timestamp,
) -> Result<(), StoreError> {
    let this = (seq, place);
    for written in records {
        match &written.record {
            Record::Token(new) => token(draft, new, written.json.as_bytes(), this, floor)?,
            Record::Owner(owner) => draft.put(keys::owner(&owner.id), written.json.as_bytes())?,
        }
    }
    for subject in subjects {
        about(draft, subject, this)?;
    }
    Ok(())
}

fn token(
    draft: &mut Draft<'_>,
    new: &Token,
    json: &[u8],
    this: (u64, Place),
    floor: Timestamp,
) -> Result<(), StoreError> {
    let old = entry::drafted_token(draft, new.id)?;
    let filed = deadline(draft, new, floor)?;
    let mut latest = this;
    if let Some((old, head)) = &old {
        latest = later(draft, new.id, head.latest, this)?;
        if head.filed != filed {
            unfile(draft, head.filed, new.id)?;
        }
        if old.digest != new.digest {
            draft.delete(keys::digest(&old.digest))?;
        }
        if old.owner != new.owner {
            draft.delete(keys::owned_token(&old.owner, old.id))?;
        }
    }
    draft.put(keys::digest(&new.digest), new.id.as_bytes())?;
    draft.put(keys::owned_token(&new.owner, new.id), &[])?;
    if let Some(deadline) = filed {
        draft.put(keys::due(Due { deadline, token: new.id }), &[])?;
    }
    draft.put(keys::token(new.id), &entry::token_payload(&Head { filed, latest }, json))
}

/// Lets an event be found by what it is about.
fn about(draft: &mut Draft<'_>, subject: &Subject, this: (u64, Place)) -> Result<(), StoreError> {
    let mut found = None;
    if let Subject::Token(id) = subject {
        let key = keys::token(*id);
        found = draft.read(&key)?.map(|payload| (*id, key, payload));
    }
    let Some((id, key, payload)) = found else {
        return draft.put(keys::subject_event(subject, this.0), &entry::place_payload(this.1));
    };
    let (head, json) = entry::split_token(&payload)
        .ok_or_else(|| draft.index().damage(&key, "the record is cut short"))?;
    let latest = later(draft, id, head.latest, this)?;
    draft.put(key, &entry::token_payload(&Head { latest, ..head }, json))
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
        draft.put(key, &entry::place_payload(earlier.1))?;
    }
    Ok(later)
}

fn unfile(
    draft: &mut Draft<'_>,
    filed: Option<Timestamp>,
    token: TokenId,
) -> Result<(), StoreError> {
    filed.map_or(Ok(()), |deadline| draft.delete(keys::due(Due { deadline, token })))
}

/// When the token is over by time or idleness; none when it has ended or has no such end.
fn deadline(
    draft: &Draft<'_>,
    token: &Token,
    floor: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    if token.ended.is_some() {
        return Ok(None);
    }
    let last = entry::counting(token, stored_use(draft, token.id)?, floor);
    Ok(token.life().deadline(last.map(|last| last.at)))
}

/// The last use as it is stored, whatever counts.
pub(super) fn stored_use(draft: &Draft<'_>, id: TokenId) -> Result<Option<LastUse>, StoreError> {
    let key = keys::last_use(id);
    let Some(payload) = draft.read(&key)? else { return Ok(None) };
    let last = entry::read_use(&payload);
    last.map(Some).ok_or_else(|| draft.index().damage(&key, "it is not a last use"))
}

/// Writes last uses down in one batch; earlier ones and those of unknown tokens are passed over.
pub(super) fn uses(
    index: &Index,
    state: &State,
    uses: &[(TokenId, LastUse)],
) -> Result<State, StoreError> {
    let mut draft = Draft::new(index, state);
    for (id, last) in uses {
        let stored = stored_use(&draft, *id)?;
        // Only a known token has a use, so that the large record need not be read for each further one.
        if stored.is_none() && draft.read(&keys::token(*id))?.is_none() {
            continue;
        }
        if stored.is_none_or(|stored| stored.at < last.at) {
            draft.put(keys::last_use(*id), &entry::use_payload(last))?;
        }
    }
    if draft.len() == 0 {
        return Ok(*state);
    }
    draft.write(state.applied, state)
}

/// Moves a token to the deadline that holds now, and answers with that.
pub(super) fn refile(
    index: &Index,
    state: &State,
    due: Due,
    floor: Timestamp,
) -> Result<(Option<Timestamp>, State), StoreError> {
    let mut draft = Draft::new(index, state);
    let Some((token, head)) = entry::drafted_token(&draft, due.token)? else {
        draft.delete(keys::due(due))?;
        return Ok((None, draft.write(state.applied, state)?));
    };
    let filed = deadline(&draft, &token, floor)?;
    if filed == head.filed && filed == Some(due.deadline) {
        return Ok((filed, *state));
    }
    draft.delete(keys::due(due))?;
    unfile(&mut draft, head.filed, token.id)?;
    if let Some(deadline) = filed {
        draft.put(keys::due(Due { deadline, token: token.id }), &[])?;
    }
    let key = keys::token(token.id);
    let payload = draft.read(&key)?.unwrap_or_default();
    let json = entry::split_token(&payload).map_or(&[][..], |(_, json)| json);
    draft.put(key, &entry::token_payload(&Head { filed, ..head }, json))?;
    Ok((filed, draft.write(state.applied, state)?))
}
