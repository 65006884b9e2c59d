//! The first page.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::fault::Fault;
use super::visit::Visit;
use super::{Handle, page};
use crate::admin::Handles;
use crate::admin::overview::{RequestCounts, requests};
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::State as TokenState;
use crate::service::list::TokenList;
use crate::service::view::TokenView;
use crate::service::{Caller, PAGE_ENTRIES};
use crate::store::{Health, Subject};
use crate::web::frame::Frame;
use crate::web::pages::history::EventRow;
use crate::web::pages::live::{Live, LiveNow};
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
    let live = watches.then(|| live(&handles, &frame)).flatten();
    let started = handles.server.as_ref().map(|server| server.started_at);
    Ok(page(&Overview {
        counted,
        rows: soon.iter().map(|token| TokenRow::of(&frame, token)).collect(),
        soon_until: frame.now.plus(SOON).to_string().get(..10).unwrap_or_default().to_owned(),
        events: events.entries.iter().map(|event| EventRow::of(&frame, event)).collect(),
        live,
        store: watches.then_some(store),
        running: started.map(|at| frame.when(at)),
        version: env!("CARGO_PKG_VERSION"),
        frame,
    }))
}

/// The part that shows what goes on just now, for the script that fetches it anew.
pub(super) async fn now(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    visit.by.watches()?;
    let unavailable = || Fault::of(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    let live = live(&handles, &visit.frame).ok_or_else(unavailable)?;
    Ok(page(&LiveNow { frame: visit.frame, live }))
}

fn live(handles: &Handles, frame: &Frame) -> Option<Live> {
    let (shared, server) = (handles.shared.as_ref()?, handles.server.as_ref()?);
    let RequestCounts { per_second, minutes, refusals, .. } = requests(shared, server.started_at);
    let reasons = refusals.iter().map(|(reason, count)| (reason.as_str(), *count));
    Some(Live::new(frame, per_second, &minutes, reasons))
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
