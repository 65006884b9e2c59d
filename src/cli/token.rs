//! `tollgate token ...`

use serde_json::json;

use crate::admin::tokens::{TokenCreated, TokenPage, TokenRotated};
use crate::cli::args::{Act, Rotate, TokenCommand};
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::list::TokenList;
use crate::cli::output::Reply;
use crate::cli::page::{self, Pages, token_id};
use crate::cli::render;
use crate::cli::{bulk, leak, transfer, usage};
use crate::clock::Clock;
use crate::service::view::TokenChanged;

/// Does what was asked.
///
/// # Errors
/// What the server or the folder refuses.
pub async fn run(
    command: TokenCommand,
    client: &Client,
    clock: &Clock,
    json: bool,
) -> Result<Reply, Failure> {
    let act = async |Act { id, reason }: Act, act: &str, done: &str, already: &str| {
        let path = format!("/tokens/{}/{act}", token_id(&id)?);
        let answer = client.post(&path, json!({ "reason": reason })).await?;
        let changed: TokenChanged = answer.read()?;
        let how = if changed.changed { done } else { already };
        let text = format!("token {} {how}\n", changed.token.id);
        Ok(Reply { text, json: answer.json(), note: None })
    };
    match command {
        TokenCommand::Create(create) => {
            let answer = client.post("/tokens", create.body()?).await?;
            let created: TokenCreated = answer.read()?;
            let text = match (&created.secret, create.secret_only) {
                (Some(secret), true) => format!("{secret}\n"),
                _ => render::created(&created, clock.now()),
            };
            Ok(Reply { text, json: answer.json(), note: None })
        }
        TokenCommand::List(list) => self::list(*list, client, clock).await,
        TokenCommand::Show { id } => {
            let answer = client.get(&format!("/tokens/{}", token_id(&id)?)).await?;
            let text = render::token(&answer.read()?, clock.now());
            Ok(Reply { text, json: answer.json(), note: None })
        }
        TokenCommand::Usage { id, days } => usage::run(&id, days, client).await,
        TokenCommand::Update(update) => {
            let path = format!("/tokens/{}", token_id(&update.id)?);
            let answer = client.patch(&path, update.body()?).await?;
            let changed: TokenChanged = answer.read()?;
            let how = if changed.changed { "changed" } else { "was so already" };
            let token = render::token(&changed.token, clock.now());
            let text = format!("token {} {how}\n\n{token}", changed.token.id);
            Ok(Reply { text, json: answer.json(), note: None })
        }
        TokenCommand::Rotate(what) => rotate(what, client, clock).await,
        TokenCommand::Revoke(what) => act(what, "revoke", "revoked", "had ended already").await,
        TokenCommand::RevokeAll(what) => bulk::revoke_all(*what, client, clock, json).await,
        TokenCommand::Leak(what) => leak::run(what, client, json).await,
        TokenCommand::Import(what) => transfer::import(what, client, json).await,
        TokenCommand::Export(what) => transfer::export(*what, client, json).await,
        TokenCommand::Disable(what) => {
            act(what, "disable", "disabled", "was disabled already").await
        }
        TokenCommand::Enable(what) => act(what, "enable", "enabled", "was not disabled").await,
    }
}

async fn rotate(what: Rotate, client: &Client, clock: &Clock) -> Result<Reply, Failure> {
    let path = format!("/tokens/{}/rotate", token_id(&what.id)?);
    let mut body = json!({ "reason": what.reason });
    for (name, value) in [("grace", what.grace), ("after_use", what.after_use)] {
        if let (Some(value), Some(fields)) = (value, body.as_object_mut()) {
            // A number alone is seconds where it stands in JSON; here it has a unit, or is 0.
            fields.insert(name.to_owned(), json!(value));
        }
    }
    let answer = client.post(&path, body).await?;
    let rotated: TokenRotated = answer.read()?;
    let end = rotated.old.expires_at.map_or_else(|| "never".to_owned(), |end| end.to_string());
    let text = match (&rotated.secret, what.secret_only) {
        (Some(secret), true) => format!("{secret}\n"),
        (secret, _) => {
            let created = TokenCreated { token: rotated.token.clone(), secret: secret.clone() };
            let created = render::created(&created, clock.now());
            let after_use = render::after_use(&rotated.old);
            format!("{created}\ntoken {} ends at {end}{after_use}\n", rotated.old.id)
        }
    };
    Ok(Reply { text, json: answer.json(), note: None })
}

async fn list(list: TokenList, client: &Client, clock: &Clock) -> Result<Reply, Failure> {
    let mut query = list.query();
    let fixed = query.len();
    let mut whole = TokenPage { tokens: Vec::new(), next: list.cursor };
    let mut pages = Pages::limited(if list.all { usize::MAX } else { list.limit });
    while let Some(limit) = pages.next_limit(whole.tokens.len(), whole.next.is_some()) {
        query.truncate(fixed);
        query.extend([("limit", limit), ("cursor", whole.next)]);
        let page: TokenPage = client.get(&page::path("/tokens", &query)).await?.read()?;
        whole.tokens.extend(page.tokens);
        whole.next = page.next;
    }
    let mut reply = Reply::new(render::tokens(&whole.tokens, clock.now()), &whole)?;
    let which = if list.oldest { "oldest" } else { "newest" };
    reply.note = whole.next.map(|next| {
        format!("these are the {which}; there are more: add `--cursor {next}`, or `--all`")
    });
    Ok(reply)
}
