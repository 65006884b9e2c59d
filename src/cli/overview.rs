//! `tollgate overview`

use std::fmt::Write as _;

use crate::admin::overview::{Overview, RequestCounts};
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::{self, Reply};
use crate::clock::Clock;

/// Shows how tokens, users and requests stand.
///
/// # Errors
/// What the server or the folder refuses.
pub async fn run(client: &Client, clock: &Clock) -> Result<Reply, Failure> {
    let answer = client.get("/overview").await?;
    let Overview { tokens, users, requests } = answer.read()?;
    let some = |count: usize, more: bool| {
        let more = if more { " (there are more, which were not counted)" } else { "" };
        format!("{count}{more}")
    };
    let rows = [
        ("tokens", some(tokens.all, tokens.more)),
        ("  active", tokens.active.to_string()),
        ("  pending", tokens.pending.to_string()),
        ("  disabled", tokens.disabled.to_string()),
        ("  blocked with user or company", tokens.blocked.to_string()),
        ("  expired", tokens.expired.to_string()),
        ("  ended unused", tokens.idle_expired.to_string()),
        ("  revoked", tokens.revoked.to_string()),
        ("never used", tokens.never_used.to_string()),
        ("end within 1 day", tokens.end_within_1_day.to_string()),
        ("end within 3 days", tokens.end_within_3_days.to_string()),
        ("end within 14 days", tokens.end_within_14_days.to_string()),
        ("users", some(users.all, users.more)),
        ("  blocked", users.blocked.to_string()),
    ];
    let rows = rows.map(|(name, value)| (name, Some(value)));
    let mut text = output::fields(&rows);
    match requests {
        Some(requests) => told(&requests, clock, &mut text),
        None => text.push_str("\nno server runs, so that there are no requests to tell of\n"),
    }
    Ok(Reply { text, json: answer.json(), note: None })
}

fn told(requests: &RequestCounts, clock: &Clock, text: &mut String) {
    let _ = writeln!(text, "\nrequests since {}", output::moment(requests.since, clock.now()));
    let now = requests.per_second;
    let _ = writeln!(
        text,
        "  just now  {} answered, {} refused, {} failed per second",
        now.answered, now.refused, now.failed
    );
    for (name, count) in &requests.outcomes {
        let _ = writeln!(text, "  {name}  {count}");
    }
    if !requests.refusals.is_empty() {
        let _ = writeln!(text, "refused");
    }
    for (reason, count) in &requests.refusals {
        let _ = writeln!(text, "  {reason}  {count}");
    }
}
