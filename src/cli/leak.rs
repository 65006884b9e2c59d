//! `tollgate token leak`: ends the tokens of secrets that were found in the open. They are read from a file or
//! from standard input, one on each line or in lines of a log, since everybody sees a command line.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::admin::leaks::LeakLines;
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::many::Leak;
use crate::cli::output::{self, Reply, counted};
use crate::cli::progress::Progress;
use crate::service::leaks::{self, LeakLine, LeakOutcome};

/// Secrets of one request: the longest still fit into a body.
const OF_A_REQUEST: usize = 400;

/// The most bytes that are read: more than a million secrets.
const MOST_BYTES: u64 = 64 * 1_024 * 1_024;

/// Reports all secrets, and says what became of each.
///
/// # Errors
/// A file that cannot be read, or what the server or the folder refuses; the same report can be made again.
pub async fn run(what: Leak, client: &Client, json: bool) -> Result<Reply, Failure> {
    let reader: Box<dyn Read> = match &what.file {
        Some(file) if file != Path::new("-") => {
            Box::new(std::fs::File::open(file).map_err(|error| {
                Failure::io(format_args!("reading `{}`", file.display()), error)
            })?)
        }
        _ => Box::new(std::io::stdin()),
    };
    let progress = Progress::new(None, "secrets", json);
    let (mut told, mut secrets, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    // In which line each stands that was sent.
    let mut numbers = Vec::new();
    for (number, line) in (1..).zip(BufReader::new(reader.take(MOST_BYTES)).lines()) {
        let line = line.map_err(|error| Failure::io("reading the secrets", error))?;
        for secret in leaks::new_in(&line, &mut seen) {
            secrets.push(secret.to_owned());
            numbers.push(number);
            if secrets.len() == OF_A_REQUEST {
                send(&mut secrets, &what, client, &mut told).await?;
                progress.add(OF_A_REQUEST);
            }
        }
    }
    if !secrets.is_empty() {
        send(&mut secrets, &what, client, &mut told).await?;
    }
    drop(progress);
    let (wanted, how) = match what.dry_run {
        true => (LeakOutcome::WouldEnd, "would end"),
        false => (LeakOutcome::Ended, "ended"),
    };
    let ended = told.iter().filter(|line| line.outcome == wanted).count();
    let lines = numbers.into_iter().zip(told).map(|(line, told)| Line { line, told });
    let lines: Vec<_> = lines.collect();
    let mut reply = Reply::new(table(&lines), &json!({ "secrets": lines }))?;
    reply.note = Some(format!("{} {how}", counted(ended, "token")));
    Ok(reply)
}

async fn send(
    secrets: &mut Vec<String>,
    what: &Leak,
    client: &Client,
    lines: &mut Vec<LeakLine>,
) -> Result<(), Failure> {
    let body = json!({ "secrets": std::mem::take(secrets), "reason": what.reason,
        "dry_run": what.dry_run });
    let told: LeakLines = client.post("/leaks", body).await?.read()?;
    lines.extend(told.secrets);
    Ok(())
}

/// What became of a secret, and in which line it stands first.
#[derive(Serialize)]
struct Line {
    line: usize,
    #[serde(flatten)]
    told: LeakLine,
}

fn table(lines: &[Line]) -> String {
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let row = |Line { line: number, told: line }: &Line| {
        vec![
            number.to_string(),
            line.outcome.as_str().to_owned(),
            text(line.id.map(|id| id.to_string())),
            text(line.owner.as_ref().map(ToString::to_string)),
        ]
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    output::table(&["LINE", "OUTCOME", "TOKEN", "USER"], &rows)
}
