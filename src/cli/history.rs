//! `tollgate history ...`

use crate::admin::history::EventPage;
use crate::cli::args::HistoryList;
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::Reply;
use crate::cli::page::{self, Pages, text_of};
use crate::cli::{render, token};

/// What happened, newest first.
///
/// # Errors
/// What the server or the folder refuses.
pub async fn list(list: HistoryList, client: &Client) -> Result<Reply, Failure> {
    let token = list.token.as_deref().map(token::token_id).transpose()?;
    let mut whole = EventPage { events: Vec::new(), next: list.before };
    let mut pages = Pages::limited(list.limit);
    while let Some(limit) = pages.next_limit(whole.events.len(), whole.next.is_some()) {
        let query = [
            ("limit", limit),
            ("token", text_of(token)),
            ("user", list.user.clone()),
            ("before", text_of(whole.next)),
        ];
        let page: EventPage = client.get(&page::path("/history", &query)).await?.read()?;
        whole.events.extend(page.events);
        whole.next = page.next;
    }
    let mut reply = Reply::new(render::events(&whole.events), &whole)?;
    reply.note = whole.next.map(|next| format!("there are more: add `--before {next}`"));
    Ok(reply)
}
