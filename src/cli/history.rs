//! `tollgate history ...`

use crate::admin::history::EventPage;
use crate::cli::args::HistoryList;
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::{Reply, counted};
use crate::cli::page::{self, Pages, text_of};
use crate::cli::progress::Progress;
use crate::cli::render;
use crate::domain::secret::Digest;
use crate::service::history::{HeadView, VerifiedView};

/// The newest event, as `verify` takes it back.
///
/// # Errors
/// What the server or the folder refuses.
pub async fn head(client: &Client) -> Result<Reply, Failure> {
    let answer = client.get("/history/head").await?;
    let head: HeadView = answer.read()?;
    let text = format!("{}:{}", head.position, head.hash.to_hex());
    Ok(Reply { text, json: answer.json(), note: None })
}

/// Checks every line.
///
/// # Errors
/// A line that does not verify, or a history that was cut.
pub async fn verify(against: Option<&str>, client: &Client, json: bool) -> Result<Reply, Failure> {
    let (position, hash) = match against {
        None => (None, None),
        Some(text) => {
            let parts = text.trim().split_once(':');
            let kept = parts.and_then(|(position, hash)| {
                Some((position.parse::<u64>().ok()?, Digest::from_hex(hash)?))
            });
            let (position, hash) = kept.ok_or_else(|| {
                let shown: String = text.escape_debug().collect();
                let problem = format_args!("`--against`: `{shown}` is not `POSITION:HASH`");
                Failure::usage(problem).hint("give it what `tollgate history head` printed")
            })?;
            (Some(position.to_string()), Some(hash.to_hex()))
        }
    };
    let query = [("position", position), ("hash", hash)];
    let progress = Progress::waiting("checking the history", json);
    let answer = client.get(&page::path("/history/verify", &query)).await?;
    drop(progress);
    let found: VerifiedView = answer.read()?;
    let text = format!(
        "the history is whole: {} in {}, the newest has the hash {}",
        counted(found.head.position, "event"),
        counted(found.segments, "file"),
        found.head.hash.to_hex()
    );
    Ok(Reply { text, json: answer.json(), note: None })
}

/// What happened, newest first.
///
/// # Errors
/// What the server or the folder refuses.
pub async fn list(list: HistoryList, client: &Client) -> Result<Reply, Failure> {
    let token = list.token.as_deref().map(page::token_id).transpose()?;
    let mut whole = EventPage { events: Vec::new(), next: list.before };
    let mut pages = Pages::limited(list.limit);
    while let Some(limit) = pages.next_limit(whole.events.len(), whole.next.is_some()) {
        let query = [
            ("limit", limit),
            ("token", text_of(token)),
            ("user", list.user.clone()),
            ("company", list.company.clone()),
            ("kind", (!list.kind.is_empty()).then(|| list.kind.join(","))),
            ("by", list.by.clone()),
            ("since", list.since.clone()),
            ("until", list.until.clone()),
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
