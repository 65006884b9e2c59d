//! The first page.

use axum::extract::State;
use axum::response::Response;

use super::fault::Fault;
use super::visit::Visit;
use super::{Handle, page};
use crate::admin::Handles;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::State as TokenState;
use crate::service::list::TokenList;
use crate::service::view::TokenView;
use crate::service::{Caller, PAGE_ENTRIES};
use crate::store::{Health, Subject};
use crate::web::pages::history::EventRow;
use crate::web::pages::overview::{Counted, Overview};
use crate::web::pages::parts::{TokenRow, soonest};

/// How many pages of tokens are counted.
const PAGES_COUNTED: usize = 2;

/// What ends sooner than this is told of.
const SOON: Span = Span::from_days(14);

/// How many tokens and events are shown.
const SHOWN: usize = 8;

pub(super) async fn show(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, owner, frame, .. } = visit;
    let service = &handles.service;
    let watches = by.watches().is_ok();
    let (counted, soon) = counted(&handles, &by, frame.now).await?;
    let subject = (!watches).then(|| Subject::Owner(owner.id.clone()));
    let events = service.events(&by, subject.as_ref(), None, SHOWN).await?;
    let store = match service.health() {
        Health::Ready => "ready",
        Health::ReadOnly(_) | Health::ReadOnlyForGood(_) => "read-only",
        Health::Broken(_) => "broken",
    };
    let started = handles.server.as_ref().map(|server| server.started_at);
    Ok(page(&Overview {
        counted,
        rows: soon.iter().map(|token| TokenRow::of(&frame, token)).collect(),
        soon_until: frame.now.plus(SOON).to_string().get(..10).unwrap_or_default().to_owned(),
        events: events.entries.iter().map(|event| EventRow::of(&frame, event)).collect(),
        store: watches.then_some(store),
        running: started.map(|at| frame.when(at)),
        version: env!("CARGO_PKG_VERSION"),
        frame,
    }))
}

/// Tokens by their state, and those that end soonest.
async fn counted(
    handles: &Handles,
    by: &Caller,
    now: Timestamp,
) -> Result<(Counted, Vec<TokenView>), Fault> {
    let service = &handles.service;
    let page = async |asked: TokenList| {
        service.tokens(by, &TokenList { limit: Some(PAGE_ENTRIES), ..asked }).await
    };
    let (mut counted, mut cursor) = (Counted::default(), None);
    for _ in 0..PAGES_COUNTED {
        let found = page(TokenList { cursor, ..TokenList::default() }).await?;
        found.entries.iter().for_each(|token| count(&mut counted, token));
        cursor = found.next;
        if cursor.is_none() {
            break;
        }
    }
    counted.more = cursor.is_some();
    let ends_before = Some(now.plus(SOON).to_string());
    let mut soon = page(TokenList { ends_before, ..TokenList::default() }).await?.entries;
    soon.sort_by_key(|token| soonest(token).map(|(at, _)| at));
    soon.truncate(SHOWN);
    Ok((counted, soon))
}

fn count(counted: &mut Counted, token: &TokenView) {
    if token.state.is_final() {
        counted.over += 1;
    } else if token.blocked || token.state == TokenState::Disabled {
        counted.paused += 1;
    } else {
        counted.active += 1;
        counted.unused += u64::from(token.last_use.is_none());
    }
}
