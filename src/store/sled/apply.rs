//! What an event and a last use do to the index. Applying one twice changes nothing.

use super::entry;
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
    for written in records {
        match &written.record {
            Record::Token(new) => token(draft, new, written.json.as_bytes(), floor)?,
            Record::Owner(owner) => draft.put(keys::owner(&owner.id), written.json.as_bytes())?,
        }
    }
    let place = [place.segment.to_be_bytes(), place.offset.to_be_bytes()];
    for subject in subjects {
        draft.put(keys::subject_event(subject, seq), place.as_flattened())?;
    }
    Ok(())
}

fn token(
    draft: &mut Draft<'_>,
    new: &Token,
    json: &[u8],
    floor: Timestamp,
) -> Result<(), StoreError> {
    let old = entry::drafted_token(draft, new.id)?;
    let filed = deadline(draft, new, floor)?;
    if let Some((old, was_filed)) = &old {
        if *was_filed != filed {
            unfile(draft, *was_filed, new.id)?;
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
    draft.put(keys::token(new.id), &entry::token_payload(filed, json))
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
    let Some((token, was_filed)) = entry::drafted_token(&draft, due.token)? else {
        draft.delete(keys::due(due))?;
        return Ok((None, draft.write(state.applied, state)?));
    };
    let filed = deadline(&draft, &token, floor)?;
    if filed == was_filed && filed == Some(due.deadline) {
        return Ok((filed, *state));
    }
    draft.delete(keys::due(due))?;
    unfile(&mut draft, was_filed, token.id)?;
    if let Some(deadline) = filed {
        draft.put(keys::due(Due { deadline, token: token.id }), &[])?;
    }
    let key = keys::token(token.id);
    let payload = draft.read(&key)?.unwrap_or_default();
    let (_, json) = entry::split_token(&payload).unwrap_or_default();
    draft.put(key, &entry::token_payload(filed, json))?;
    Ok((filed, draft.write(state.applied, state)?))
}
