//! `tollgate explain`

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::json;

use crate::admin::explain::Explained;
use crate::cli::args::Explain;
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::{Reply, shown, table};
use crate::cli::page;
use crate::cli::{render, secret};
use crate::clock::Clock;

/// The most bytes of a certificate that are read, with those that sign it.
const MOST_BYTES: u64 = 64 * 1_024;

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
    let certificate = explain.certificate.as_deref().map(pem).transpose()?;
    let body = json!({
        "method": explain.method,
        "url": explain.url,
        "token": id,
        "secret": secret.as_ref().map(|secret| secret.as_str()),
        "address": explain.from,
        "company": explain.company,
        "certificate": certificate,
    });
    let answer = client.post("/explain", body).await?;
    let explained: Explained = answer.read()?;
    let text = text(&explained, clock);
    Ok(Reply { text, json: answer.json(), note: None })
}

/// What stands in a file; a chain takes some thousand bytes.
fn pem(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    read.map(|_| text)
        .map_err(|error| Failure::io(format_args!("reading `{}`", path.display()), error))
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
