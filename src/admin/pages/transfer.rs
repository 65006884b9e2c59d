//! Bringing tokens in, after it was tried what would become of each line; and lists of tokens as files.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use serde_json::value::RawValue;

use super::fault::Fault;
use super::form::{as_body, own};
use super::tokens::ending;
use super::visit::Visit;
use super::{Handle, page, page_with};
use crate::admin::Handles;
use crate::admin::limits::BODY_BYTES;
use crate::admin::sheet;
use crate::admin::transfer::{self, Export};
use crate::service::import::{self, ImportBatch, ImportOutcome, Imported};
use crate::service::{Caller, ServiceError};
use crate::web::frame::Frame;
use crate::web::pages::filters::Filters;
use crate::web::pages::history::Names;
use crate::web::pages::parts::Ending;
use crate::web::pages::transfer::{Import, Report};
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// The most bytes that a file has in a form, which holds some more.
const FILE_BYTES: usize = BODY_BYTES - 4_096;

/// A line of a file with its number there, or why it is none.
type Numbered = (u64, Result<Box<RawValue>, String>);

pub(super) async fn form(visit: Visit) -> Result<Response, Fault> {
    visit.by.administers()?;
    Ok(page(&filled(visit.frame, visit.typed, Wrongs::default())))
}

fn filled(frame: Frame, typed: Typed, wrongs: Wrongs) -> Import {
    let lines = u64::try_from(import::LINES).unwrap_or(u64::MAX);
    Import { frame, wrongs, typed, lines, bytes: FILE_BYTES }
}

/// Says what would become of each line, and keeps the file for as long as that is read.
pub(super) async fn attempt(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, session, frame, typed, .. } = visit;
    by.administers()?;
    let (text, create_owners) = (typed.one("text"), typed.has("create_owners"));
    let lines = match lines(text) {
        Ok(lines) if lines.is_empty() => Err("wrong-text"),
        Ok(lines) if lines.len() > import::LINES => Err("wrong-lines"),
        Ok(lines) => Ok(lines),
        Err(Unreadable) => Err("wrong-columns"),
    };
    let lines = match lines {
        Ok(lines) => lines,
        Err(key) => {
            let wrongs = Wrongs::one(&frame, "text", key);
            return Ok(page_with(StatusCode::BAD_REQUEST, &filled(frame, typed, wrongs)));
        }
    };
    let told = sent(&handles, &by, lines, (true, create_owners)).await?;
    let now = handles.service.now();
    let draft =
        handles.people.drafts.keep((&session.owner, &session.csrf), text, create_owners, now);
    Ok(page(&Report::new(frame, (&Names::new(), &Ending::new()), told, Some(draft))))
}

/// Brings in what was tried.
pub(super) async fn go(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, session, frame, typed, .. } = visit;
    by.administers()?;
    let now = handles.service.now();
    let number = typed.one("draft").parse().ok();
    let draft = number.and_then(|number| handles.people.drafts.take(&session.csrf, number, now));
    let lines = draft.as_ref().and_then(|draft| Some((lines(&draft.text).ok()?, draft.ticked)));
    let Some((lines, create_owners)) = lines else {
        let wrongs = Wrongs::one(&frame, "text", "wrong-draft");
        return Ok(page_with(StatusCode::GONE, &filled(frame, typed, wrongs)));
    };
    let told = sent(&handles, &by, lines, (false, create_owners)).await?;
    let made = told.iter().filter_map(|(_, line)| line.id);
    let names = handles.service.names_of(made.clone()).await?;
    let ending = ending(&handles, (&by, &frame), made).await?;
    Ok(page(&Report::new(frame, (&names, &ending), told, None)))
}

/// What became of each line, or would.
async fn sent(
    handles: &Handles,
    by: &Caller,
    lines: Vec<Numbered>,
    (dry_run, create_owners): (bool, bool),
) -> Result<Vec<(u64, Imported)>, ServiceError> {
    let (mut told, mut good) =
        (Vec::new(), ImportBatch { dry_run, create_owners, ..ImportBatch::default() });
    let mut numbers = Vec::new();
    for (number, line) in lines {
        match line {
            Ok(line) => {
                numbers.push(number);
                good.lines.push(line);
            }
            Err(problem) => {
                let outcome = ImportOutcome::Refused;
                told.push((number, Imported { outcome, id: None, problem: Some(problem) }));
            }
        }
    }
    told.extend(numbers.into_iter().zip(handles.service.import(by, &good).await?));
    told.sort_by_key(|(number, _)| *number);
    Ok(told)
}

/// The first line names no columns that there are. Not which: it may be a line with a secret.
struct Unreadable;

/// The lines of a file: of CSV, of a JSON array, or with a JSON object on each.
fn lines(text: &str) -> Result<Vec<Numbered>, Unreadable> {
    let text = text.trim_start_matches('\u{feff}');
    match text.trim_start().chars().next() {
        Some('[') => {
            let all: Vec<Box<RawValue>> = serde_json::from_str(text).map_err(|_| Unreadable)?;
            Ok((1..).zip(all.into_iter().map(Ok)).collect())
        }
        Some('{') => {
            let json = |line: &str| {
                RawValue::from_string(line.to_owned()).map_err(|_| "this is not JSON".to_owned())
            };
            let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
            Ok(lines.map(|(number, line)| (number, json(line.trim()))).collect())
        }
        _ => {
            let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
            let heads = reader.headers().map_err(|_| Unreadable)?.clone();
            sheet::known(&heads).map_err(|_| Unreadable)?;
            let mut lines = Vec::new();
            for row in reader.records() {
                let row = row.map_err(|_| Unreadable)?;
                let number = row.position().map_or(0, csv::Position::line);
                lines.push((number, sheet::line(&heads, &row)));
            }
            Ok(lines)
        }
    }
}

/// The list that a filter shows, as a file.
pub(super) async fn export(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    let csv = typed.one("format") != "jsonl";
    let (format, name) = if csv { ("csv", "tokens.csv") } else { ("jsonl", "tokens.jsonl") };
    let filters = Filters::new(typed, &handles.service.settings());
    let mut filter = filters.filter();
    filter.insert("order".to_owned(), json!(filters.order()));
    let asked = as_body::<Export>(&frame, json!({"filter": filter, "format": format}), own)
        .map_err(|_| Fault::of(StatusCode::BAD_REQUEST, "bad-field"))?;
    let mut response = transfer::streamed(&handles, by, asked).await?;
    let disposition = format!("attachment; filename=\"{name}\"");
    if let Ok(value) = HeaderValue::try_from(disposition) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<Vec<(u64, Option<String>)>> {
        let lines = lines(text).ok()?;
        Some(
            lines
                .into_iter()
                .map(|(at, line)| (at, line.ok().map(|it| it.get().to_owned())))
                .collect(),
        )
    }

    #[test]
    fn files_of_each_kind_are_read_line_by_line() {
        let line = |text: &str| Some(text.to_owned());
        let csv = "owner,secret\nalice,abc\nbob\n\"carol\",\"x\"\n";
        let wanted = vec![
            (2, line(r#"{"owner":"alice","secret":"abc"}"#)),
            (3, None),
            (4, line(r#"{"owner":"carol","secret":"x"}"#)),
        ];
        assert_eq!(told(csv), Some(wanted));
        assert_eq!(told("\u{feff}owner\nalice").unwrap().len(), 1, "as spreadsheets write it");
        let jsonl = "{\"a\":1}\n\nnothing\n {\"b\":2} \n";
        let wanted = vec![(1, line("{\"a\":1}")), (3, None), (4, line("{\"b\":2}"))];
        assert_eq!(told(jsonl), Some(wanted));
        assert_eq!(told("[{\"a\":1},\n{\"b\":2}]").unwrap().len(), 2);
        for bad in ["[{\"a\":1}", "alice,tg_secret\nbob,other\n"] {
            assert!(told(bad).is_none(), "{bad}");
        }
        assert_eq!(told(""), Some(Vec::new()));
    }
}
