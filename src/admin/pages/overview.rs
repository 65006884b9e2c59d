//! The first page.

use axum::extract::State;
use axum::response::Response;

use super::fault::Fault;
use super::visit::Visit;
use super::{Handle, page};
use crate::admin::Handles;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::State as TokenState;
use crate::service::view::TokenView;
use crate::service::{Caller, PAGE_ENTRIES};
use crate::store::{Health, Subject};
use crate::web::pages::history::EventRow;
use crate::web::pages::overview::{Counted, Overview};
use crate::web::pages::parts::{TokenRow, soonest};

/// How many pages of tokens are counted: a list of those that end soon would tell of all.
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
    let (mut counted, mut soon, mut after) = (Counted::default(), Vec::new(), None);
    for _ in 0..PAGES_COUNTED {
        let page = handles.service.tokens(by, None, after, PAGE_ENTRIES).await?;
        for token in page.entries {
            count(&mut counted, &token);
            let ends = soonest(&token).filter(|(at, _)| *at < now.plus(SOON));
            if !token.state.is_final()
                && let Some((at, _)) = ends
            {
                soon.push((at, token));
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    counted.more = after.is_some();
    soon.sort_by_key(|(at, _)| *at);
    Ok((counted, soon.into_iter().take(SHOWN).map(|(_, token)| token).collect()))
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
