//! `tollgate contexts`

use crate::admin::contexts::ContextList;
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::{Reply, shown, table};
use crate::service::contexts::{ContextParamView, ContextView};

/// Shows the contexts of the configuration.
///
/// # Errors
/// What the server or the folder refuses.
pub(super) async fn run(client: &Client) -> Result<Reply, Failure> {
    let answer = client.get("/contexts").await?;
    let list: ContextList = answer.read()?;
    let text = match list.contexts.is_empty() {
        true => "there are none; `[contexts.NAME]` in the configuration makes one\n".to_owned(),
        false => of_contexts(&list.contexts),
    };
    Ok(Reply { text, json: answer.json(), note: None })
}

fn of_contexts(contexts: &[ContextView]) -> String {
    let row = |context: &ContextView| {
        let params = context.params.iter().map(|(name, param)| of_param(name, param));
        let opens = context.opens.iter().map(|rule| {
            let methods = rule.methods.join("/");
            format!("{methods} {}", rule.path).trim_start().to_owned()
        });
        vec![
            context.id.to_string(),
            shown(&context.title),
            params.collect::<Vec<_>>().join(", "),
            opens.collect::<Vec<_>>().join(", "),
        ]
    };
    let rows: Vec<_> = contexts.iter().map(row).collect();
    table(&["CONTEXT", "TITLE", "PARAMETERS", "OPENS"], &rows)
}

fn of_param(name: &str, param: &ContextParamView) -> String {
    let words = [(param.secret, "secret"), (param.required, "required")];
    let words: Vec<_> = words.into_iter().filter_map(|(is, word)| is.then_some(word)).collect();
    if words.is_empty() { name.to_owned() } else { format!("{name} ({})", words.join(", ")) }
}
