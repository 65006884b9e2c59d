//! `tollgate explain`

use serde_json::json;

use crate::admin::explain::Explained;
use crate::cli::args::Explain;
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::{Reply, shown, table};
use crate::cli::page;
use crate::cli::{render, secret};
use crate::clock::Clock;

/// Walks a request through all checks.
///
/// # Errors
/// What the server or the folder refuses; a request that would be refused is no error.
pub async fn run(explain: Explain, client: &Client, clock: &Clock) -> Result<Reply, Failure> {
    let id = explain.token.as_deref().map(page::token_id).transpose()?;
    let secret = match (&explain.secret_file, explain.secret_stdin) {
        (Some(file), _) => Some(secret::from_file(file)?),
        (None, true) => Some(secret::from_stdin()?),
        (None, false) => None,
    };
    let body = json!({
        "method": explain.method,
        "url": explain.url,
        "token": id,
        "secret": secret.as_ref().map(|secret| secret.as_str()),
        "address": explain.from,
        "company": explain.company,
    });
    let answer = client.post("/explain", body).await?;
    let explained: Explained = answer.read()?;
    let text = text(&explained, clock);
    Ok(Reply { text, json: answer.json(), note: None })
}

fn text(explained: &Explained, clock: &Clock) -> String {
    let found = &explained.explanation;
    let rows: Vec<_> = found
        .steps
        .iter()
        .map(|step| vec![step.check.clone(), step.outcome.clone(), shown(&step.compared)])
        .collect();
    let steps = table(&["CHECK", "OUTCOME", "COMPARED"], &rows);
    let verdict = match (found.status, &found.reason) {
        (Some(status), Some(reason)) => format!("refused: {status} ({reason})"),
        _ => format!(
            "permitted by rule `{}` of API `{}`",
            found.rule.as_deref().unwrap_or_default(),
            found.api.as_deref().unwrap_or_default()
        ),
    };
    let token = explained.token.as_ref().map(|token| {
        let ended = render::ending(token, clock.now()).map(|ended| format!(", {ended}"));
        format!("token {} ({}){}\n", token.id, shown(&token.name), ended.unwrap_or_default())
    });
    format!("{}{verdict}\n\n{steps}", token.unwrap_or_default())
}
