//! `tollgate user ...`

use serde_json::json;
use zeroize::Zeroizing;

use crate::admin::users::UserPage;
use crate::cli::args::{Act, UserAdd, UserCommand, UserList, UserPassword};
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::{Reply, counted};
use crate::cli::page::{self, Pages, encoded, text_of};
use crate::cli::{render, secret};
use crate::clock::Clock;
use crate::domain::id::OwnerId;
use crate::domain::role::Role;
use crate::service::view::{LeftBehind, OwnerChanged, OwnerMade, OwnerView};

/// Does what was asked.
///
/// # Errors
/// What the server or the folder refuses.
pub async fn run(command: UserCommand, client: &Client, clock: &Clock) -> Result<Reply, Failure> {
    let act = async |Act { id, reason }: Act, act: &str, done: &str, already: &str| {
        let path = format!("/users/{}/{act}", encoded(&id));
        let answer = client.post(&path, json!({ "reason": reason })).await?;
        let changed: OwnerChanged = answer.read()?;
        let how = if changed.changed { done } else { already };
        let text = format!("user {} {how}{}\n", changed.user.id, stopped(changed.stopped));
        Ok(Reply { text, json: answer.json(), note: None })
    };
    match command {
        UserCommand::Add(user) => add(user, client).await,
        UserCommand::List(which) => list(which, client).await,
        UserCommand::Show { id } => {
            let answer = client.get(&format!("/users/{}", encoded(&id))).await?;
            let text = render::user(&answer.read()?, clock.now());
            Ok(Reply { text, json: answer.json(), note: None })
        }
        UserCommand::Update(change) => {
            let path = format!("/users/{}", encoded(&change.id));
            let answer = client.patch(&path, change.body()?).await?;
            let changed: OwnerChanged = answer.read()?;
            let how = if changed.changed { "updated" } else { "was so already" };
            let text = format!("user {} {how}\n", changed.user.id);
            let left = changed.left_behind.map(|left| left_behind(&changed.user, left));
            let note = notes(changed.warnings.into_iter().chain(left));
            Ok(Reply { text, json: answer.json(), note })
        }
        UserCommand::Block(what) => act(what, "block", "blocked", "was blocked already").await,
        UserCommand::Unblock(what) => act(what, "unblock", "unblocked", "was not blocked").await,
        UserCommand::Password(what) => password(what, client).await,
    }
}

async fn add(user: UserAdd, client: &Client) -> Result<Reply, Failure> {
    // Before anything is made: it may fail.
    let password = if user.generate { Some(secret::generated()?) } else { None };
    let answer = client.post("/users", body(user)).await?;
    let OwnerMade { user, warnings } = answer.read()?;
    let text = format!("user {} added\n", user.id);
    let Some(password) = password else {
        return Ok(Reply { text, json: answer.json(), note: notes(warnings.into_iter()) });
    };
    let path = format!("/users/{}/password", encoded(user.id.as_str()));
    let body = json!({ "password": *password });
    let changed: OwnerChanged = client.post(&path, body).await?.read()?;
    let json = json!({ "user": changed.user, "password": *password }).to_string();
    let note = notes([text.trim_end().to_owned()].into_iter().chain(warnings));
    Ok(Reply { text: format!("{}\n", *password), json, note })
}

/// Lines for people beside an answer.
fn notes(lines: impl Iterator<Item = String>) -> Option<String> {
    let lines: Vec<_> = lines.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// How many tokens a block stops.
pub(super) fn stopped(tokens: Option<u64>) -> String {
    tokens.map_or_else(String::new, |tokens| format!(": {} stopped", counted(tokens, "token")))
}

async fn password(what: UserPassword, client: &Client) -> Result<Reply, Failure> {
    let wanted = match (&what.from, what.generate, what.remove) {
        (_, _, true) => None,
        (_, true, _) => Some(secret::generated()?),
        (Some(file), ..) => Some(secret::from_file(file)?),
        (None, ..) => Some(secret::from_stdin()?),
    };
    let path = format!("/users/{}/password", encoded(&what.id));
    let body = json!({ "password": wanted.as_deref() });
    let changed: OwnerChanged = client.post(&path, body).await?.read()?;
    let shown = wanted.filter(|_| what.generate);
    let text = match (&shown, what.remove) {
        (Some(password), _) => format!("{}\n", **password),
        (None, true) => format!("user {} has no password any more\n", changed.user.id),
        (None, false) => format!("user {} has a new password\n", changed.user.id),
    };
    let answer = json!({ "user": changed.user, "password": shown.as_deref() });
    Ok(Reply { text, json: answer.to_string(), note: None })
}

/// Makes an administrator with a password of ours, which is answered.
///
/// # Errors
/// A name that cannot be, or what the folder refuses.
pub async fn first_administrator(id: &str, client: &Client) -> Result<Zeroizing<String>, Failure> {
    let password = secret::generated()?;
    client.post("/users", json!({ "id": id, "roles": [Role::Administrator.as_str()] })).await?;
    let path = format!("/users/{}/password", encoded(id));
    client.post(&path, json!({ "password": *password })).await?;
    Ok(password)
}

/// What somebody who moves a user should know of its tokens.
fn left_behind(user: &OwnerView, left: LeftBehind) -> String {
    let LeftBehind { tokens } = left;
    let company = user.company.as_ref().map_or("no company".to_owned(), |id| format!("`{id}`"));
    let id = &user.id;
    format!(
        "{tokens} of its tokens are not of {company}, and keep the company that they were \
         made for: see `tollgate token list --owner {id}`, and revoke those that should end"
    )
}

fn body(user: UserAdd) -> serde_json::Value {
    let mut body = json!({
        "id": user.id,
        "kind": if user.service { "service" } else { "user" },
        "name": user.name,
        "email": user.email,
        "company": user.company,
        "parent": user.parent,
        "roles": user.roles,
    });
    if let (false, Some(fields)) = (user.ceiling.is_empty(), body.as_object_mut()) {
        fields.insert("ceiling".to_owned(), json!(user.ceiling));
    }
    body
}

async fn list(which: UserList, client: &Client) -> Result<Reply, Failure> {
    let after = which.page.after.as_deref().map(str::parse::<OwnerId>).transpose();
    let mut whole = UserPage { users: Vec::new(), next: after.map_err(Failure::usage)? };
    let mut pages = Pages::new(&which.page);
    while let Some(limit) = pages.next_limit(whole.users.len(), whole.next.is_some()) {
        let mut query = which.query();
        query.extend([("limit", limit), ("after", text_of(whole.next.as_ref()))]);
        let page: UserPage = client.get(&page::path("/users", &query)).await?.read()?;
        whole.users.extend(page.users);
        whole.next = page.next;
    }
    let mut reply = Reply::new(render::users(&whole.users), &whole)?;
    reply.note = whole.next.map(|next| format!("there are more: add `--after {next}`"));
    Ok(reply)
}
