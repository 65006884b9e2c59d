//! `tollgate webhook ...`

use serde_json::json;

use crate::admin::webhooks::{DeliveryList, WebhookList};
use crate::cli::client::Client;
use crate::cli::failure::{Code, Failure};
use crate::cli::output::{Reply, relative, shown, table};
use crate::cli::page::encoded;
use crate::cli::webhook_terms::WebhookCommand;
use crate::clock::Clock;
use crate::domain::time::Timestamp;
use crate::notices::acts::WebhookView;
use crate::notices::{Attempt, Outcome};

/// Does what was asked.
///
/// # Errors
/// What the server refuses, no server, or a test that failed.
pub async fn run(
    command: WebhookCommand,
    client: &Client,
    clock: &Clock,
) -> Result<Reply, Failure> {
    let now = clock.now();
    match command {
        WebhookCommand::List => {
            let answer = client.get("/webhooks").await?;
            let list: WebhookList = answer.read()?;
            let text = webhooks(&list.webhooks, now);
            Ok(Reply { text, json: answer.json(), note: None })
        }
        WebhookCommand::Deliveries { name } => {
            let answer = client.get(&format!("/webhooks/{}/deliveries", encoded(&name))).await?;
            let list: DeliveryList = answer.read()?;
            let text = deliveries(&list.deliveries, now);
            Ok(Reply { text, json: answer.json(), note: None })
        }
        WebhookCommand::Test { name } => {
            let path = format!("/webhooks/{}/test", encoded(&name));
            let answer = client.post(&path, json!({})).await?;
            let attempt: Attempt = answer.read()?;
            let came = came_of(&attempt);
            if attempt.outcome == Outcome::Delivered {
                let text = format!("`{name}` took the test: {came} after {} ms\n", attempt.took_ms);
                return Ok(Reply { text, json: answer.json(), note: None });
            }
            let detail = format!("`{name}` did not take the test: {came}");
            Err(Failure::new(Code::Refused, "not-delivered", detail))
        }
    }
}

fn webhooks(webhooks: &[WebhookView], now: Timestamp) -> String {
    let row = |webhook: &WebhookView| {
        let last = webhook.last_attempt.as_ref();
        vec![
            webhook.name.to_string(),
            shown(&webhook.url),
            webhook.waiting.to_string(),
            last.map_or_else(|| "never".to_owned(), |last| relative(last.at, now)),
            last.map_or_else(String::new, came_of),
            webhook.failing_since.map_or_else(String::new, |since| relative(since, now)),
        ]
    };
    let rows: Vec<_> = webhooks.iter().map(row).collect();
    table(&["NAME", "URL", "WAITING", "LAST CALL", "ANSWER", "FAILING SINCE"], &rows)
}

fn deliveries(attempts: &[Attempt], now: Timestamp) -> String {
    let row = |attempt: &Attempt| {
        let outcome = match attempt.outcome {
            Outcome::Delivered => "delivered".to_owned(),
            Outcome::GivenUp => "given up".to_owned(),
            Outcome::Retry => {
                let next = attempt.next_at.map(|next| relative(next, now));
                format!("again {}", next.unwrap_or_default())
            }
        };
        vec![
            attempt.at.to_string(),
            attempt.kind.as_str().to_owned(),
            attempt.event.map_or_else(String::new, |event| event.to_string()),
            attempt.attempt.to_string(),
            outcome,
            came_of(attempt),
        ]
    };
    let rows: Vec<_> = attempts.iter().map(row).collect();
    table(&["AT", "WHAT", "EVENT", "TRY", "OUTCOME", "ANSWER"], &rows)
}

/// The status that was answered, or why there is none.
fn came_of(attempt: &Attempt) -> String {
    match (attempt.status, &attempt.error) {
        (Some(status), _) => status.to_string(),
        (None, Some(error)) => shown(error),
        (None, None) => String::new(),
    }
}
