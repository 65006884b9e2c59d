//! `tollgate token revoke-all`: shows what it would end, and ends that.

use std::fmt::Write as _;

use serde_json::json;

use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::many::RevokeAll;
use crate::cli::output::{Reply, counted};
use crate::cli::progress::Progress;
use crate::cli::render;
use crate::clock::Clock;
use crate::service::bulk::{BulkDone, BulkPlan};

/// Shows which tokens fit; with a word, or `--yes`, ends them.
///
/// # Errors
/// What the server or the folder refuses. What was ended until then has ended, and the same command goes on.
pub async fn revoke_all(
    what: RevokeAll,
    client: &Client,
    clock: &Clock,
    json: bool,
) -> Result<Reply, Failure> {
    let mut body = json!({ "filter": what.filters.body(), "reason": what.reason });
    let confirm = match what.confirm {
        Some(word) => word,
        None => {
            let answer = client.post("/bulk/revoke/preview", body.clone()).await?;
            let plan: BulkPlan = answer.read()?;
            if !what.yes {
                let note = (plan.tokens > 0).then(|| {
                    let word = &plan.confirm;
                    format!("nothing was done; to end them, add `--confirm {word}`")
                });
                return Ok(Reply { text: shown(&plan, clock), json: answer.json(), note });
            }
            plan.confirm
        }
    };
    if let Some(fields) = body.as_object_mut() {
        fields.insert("confirm".to_owned(), json!(confirm));
    }
    let (mut ended, mut progress) = (0, None);
    loop {
        let done: BulkDone = client.post("/bulk/revoke", body.clone()).await?.read()?;
        let all = done.revoked + done.left;
        progress.get_or_insert_with(|| Progress::new(Some(all), "tokens", json)).add(done.revoked);
        ended += done.revoked;
        // None that can be ended may be left where somebody else is at it too.
        if done.left == 0 || done.revoked == 0 {
            drop(progress);
            let whole = BulkDone { revoked: ended, ..done };
            return Reply::new(format!("{} revoked\n", counted(ended, "token")), &whole);
        }
    }
}

fn shown(plan: &BulkPlan, clock: &Clock) -> String {
    let mut text = format!("{} would end\n", counted(plan.tokens, "token"));
    for share in &plan.owners {
        let _ = writeln!(text, "  {} of {}", share.tokens, share.owner);
    }
    if plan.of_others > 0 {
        let _ = writeln!(text, "  {} of other users", plan.of_others);
    }
    if plan.not_yours > 0 {
        let _ = writeln!(text, "{} that fit are not yours to end", plan.not_yours);
    }
    if !plan.first.is_empty() {
        let _ = write!(text, "\nthe oldest:\n{}", render::tokens(&plan.first, clock.now()));
    }
    text
}
