//! The first page.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::fault::Fault;
use super::visit::Visit;
use super::{Handle, history, page};
use crate::admin::Handles;
use crate::admin::overview::{RequestCounts, requests};
use crate::admin::system::{UpstreamStatus, upstreams};
use crate::domain::event::EventKind;
use crate::domain::id::OwnerId;
use crate::domain::time::{Span, Timestamp};
use crate::service::Caller;
use crate::service::events::EventList;
use crate::service::overview::SOON;
use crate::store::{Health, Subject};
use crate::web::frame::Frame;
use crate::web::pages::history::EventRow;
use crate::web::pages::live::{Live, LiveNow, UpstreamRow};
use crate::web::pages::overview::{Counted, Overview};
use crate::web::pages::parts::TokenRow;

/// How many events are shown.
const SHOWN: usize = 8;

/// For how long the first page tells of a leak.
const LATELY: Span = Span::from_days(14);

pub(super) async fn show(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, owner, frame, .. } = visit;
    let service = &handles.service;
    let watches = by.watches().is_ok();
    let tally = service.tally(&by).await?;
    let soon = service.soonest(&by, &tally).await?;
    let events = service.acts(&by, None, (&EventList::default(), None), SHOWN).await?;
    let leaked = leaked(&handles, &by, &owner.id, &frame).await?;
    let store = match service.health() {
        Health::Ready => "ready",
        Health::ReadOnly(_) | Health::ReadOnlyForGood(_) => "read-only",
        Health::Broken(_) => "broken",
    };
    let live = watches.then(|| live(&handles, &frame)).flatten();
    let started = handles.server.as_ref().map(|server| server.started_at);
    Ok(page(&Overview {
        counted: Counted::of(&tally),
        rows: soon.iter().map(|token| TokenRow::of(&frame, token)).collect(),
        soon_until: day_after(frame.now.plus(SOON)),
        events: history::rows(&handles, &frame, &events.entries).await?,
        leaked,
        live,
        store: watches.then_some(store),
        running: started.map(|at| frame.when(at)),
        version: env!("CARGO_PKG_VERSION"),
        frame,
    }))
}

/// The day behind that of a moment: before it ends all that ends by that moment, and some that end later that day.
fn day_after(moment: Timestamp) -> String {
    moment.plus(Span::from_days(1)).to_string().get(..10).unwrap_or_default().to_owned()
}

/// The part that shows what goes on just now, for the script that fetches it anew.
pub(super) async fn now(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    visit.by.watches()?;
    let unavailable = || Fault::of(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    let live = live(&handles, &visit.frame).ok_or_else(unavailable)?;
    Ok(page(&LiveNow { frame: visit.frame, live }))
}

/// What of the reader's own tokens ended as leaked of late, whoever found their secrets.
async fn leaked(
    handles: &Handles,
    by: &Caller,
    owner: &OwnerId,
    frame: &Frame,
) -> Result<Vec<EventRow>, Fault> {
    let asked = EventList {
        kind: Some(EventKind::TokenLeaked.as_str().to_owned()),
        since: Some(frame.now.minus(LATELY).to_string()),
        ..EventList::default()
    };
    let own = Subject::Owner(owner.clone());
    let events = handles.service.acts(by, Some(&own), (&asked, None), SHOWN).await?;
    history::rows(handles, frame, &events.entries).await
}

fn live(handles: &Handles, frame: &Frame) -> Option<Live> {
    let (shared, server) = (handles.shared.as_ref()?, handles.server.as_ref()?);
    let RequestCounts { per_second, minutes, refusals, .. } = requests(shared, server.started_at);
    let reasons = refusals.iter().map(|(reason, count)| (reason.as_str(), *count));
    let row = |one: UpstreamStatus| UpstreamRow {
        under_way: one.under_way.map(|count| frame.number(count)),
        ejections: (one.ejections > 0).then(|| frame.number(one.ejections)),
        api: one.api,
        upstream: one.upstream,
        state: one.state,
    };
    let upstreams = upstreams(shared).into_iter().map(row).collect();
    Some(Live { upstreams, ..Live::new(frame, per_second, &minutes, reasons) })
}
