//! `tollgate company ...`

use serde_json::json;

use crate::admin::companies::CompanyPage;
use crate::cli::args::{Act, CompanyCommand, PageArguments};
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::Reply;
use crate::cli::page::{self, Pages, encoded, text_of};
use crate::cli::render;
use crate::cli::user::stopped;
use crate::clock::Clock;
use crate::domain::id::Slug;
use crate::service::view::{CompanyChanged, CompanyView};

/// Does what was asked.
///
/// # Errors
/// What the server or the folder refuses.
pub async fn run(
    command: CompanyCommand,
    client: &Client,
    clock: &Clock,
) -> Result<Reply, Failure> {
    let act = async |Act { id, reason }: Act, act: &str, done: &str, already: &str| {
        let path = format!("/companies/{}/{act}", encoded(&id));
        let answer = client.post(&path, json!({ "reason": reason })).await?;
        let changed: CompanyChanged = answer.read()?;
        let how = if changed.changed { done } else { already };
        let stopped = stopped(changed.stopped);
        let text = format!("company {} {how}{stopped}\n", changed.company.id);
        Ok(Reply { text, json: answer.json(), note: None })
    };
    match command {
        CompanyCommand::Add(company) => {
            let answer = client.post("/companies", company.body()?).await?;
            let company: CompanyView = answer.read()?;
            let text = format!("company {} added\n", company.id);
            Ok(Reply { text, json: answer.json(), note: None })
        }
        CompanyCommand::List(page) => list(page, client).await,
        CompanyCommand::Show { id } => {
            let answer = client.get(&format!("/companies/{}", encoded(&id))).await?;
            let text = render::company(&answer.read()?, clock.now());
            Ok(Reply { text, json: answer.json(), note: None })
        }
        CompanyCommand::Update(change) => {
            let path = format!("/companies/{}", encoded(&change.id));
            let answer = client.patch(&path, change.body()?).await?;
            let changed: CompanyChanged = answer.read()?;
            let how = if changed.changed { "updated" } else { "was so already" };
            let text = format!("company {} {how}\n", changed.company.id);
            Ok(Reply { text, json: answer.json(), note: None })
        }
        CompanyCommand::Block(what) => act(what, "block", "blocked", "was blocked already").await,
        CompanyCommand::Unblock(what) => act(what, "unblock", "unblocked", "was not blocked").await,
    }
}

async fn list(arguments: PageArguments, client: &Client) -> Result<Reply, Failure> {
    let after = arguments.after.as_deref().map(str::parse::<Slug>).transpose();
    let mut whole = CompanyPage { companies: Vec::new(), next: after.map_err(Failure::usage)? };
    let mut pages = Pages::new(&arguments);
    while let Some(limit) = pages.next_limit(whole.companies.len(), whole.next.is_some()) {
        let query = [("limit", limit), ("after", text_of(whole.next.as_ref()))];
        let page: CompanyPage = client.get(&page::path("/companies", &query)).await?.read()?;
        whole.companies.extend(page.companies);
        whole.next = page.next;
    }
    let mut reply = Reply::new(render::companies(&whole.companies), &whole)?;
    reply.note = whole.next.map(|next| format!("there are more: add `--after {next}`"));
    Ok(reply)
}
