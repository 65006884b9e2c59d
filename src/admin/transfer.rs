//! `/api/v1/tokens/import` and `/api/v1/tokens/export`.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::admin::Handles;
use crate::admin::extract::{Body, By, Params};
use crate::admin::limits::BODY;
use crate::admin::problem::Problem;
use crate::admin::sheet;
use crate::domain::id::Slug;
use crate::service::export::Exported;
use crate::service::import::{ImportBatch, Imported};
use crate::service::list::TokenList;
use crate::service::{Caller, PAGE_ENTRIES, Service, ServiceError};
use crate::store::Order;

/// How many pages may wait to be read.
const WAITING: usize = 2;

/// What became of each line.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportReport {
    /// In their order.
    pub lines: Vec<Imported>,
}

/// What stands beside CSV, which is the whole body.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportOptions {
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    create_owners: bool,
    #[serde(default)]
    company: Option<Slug>,
}

/// Which tokens, and as what.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Export {
    #[serde(default)]
    filter: TokenList,
    #[serde(default)]
    format: Format,
    #[serde(default)]
    digests: bool,
}

/// How tokens are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// A JSON object on each line.
    #[default]
    Jsonl,
    /// RFC 4180, with a line of names.
    Csv,
}

type Handle = State<Arc<Handles>>;

/// Makes a token of each line of JSON or of CSV.
pub(super) async fn import(
    State(handles): Handle,
    By(by): By,
    Params(options): Params<ImportOptions>,
    request: Request,
) -> Result<Json<ImportReport>, Problem> {
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_csv = media.is_some_and(|media| media.starts_with("text/csv"));
    let batch = if is_csv {
        let read = tokio::time::timeout(BODY, Bytes::from_request(request, &())).await;
        let Ok(Ok(bytes)) = read else {
            return Err(Problem::bad_request("the body is too large, or came too slowly"));
        };
        let ImportOptions { dry_run, create_owners, company } = options;
        let lines = rows(&bytes).map_err(Problem::bad_request)?;
        ImportBatch { dry_run, create_owners, company, lines }
    } else {
        Body::<ImportBatch>::from_request(request, &()).await?.0
    };
    Ok(Json(ImportReport { lines: handles.service.import(&by, &batch).await? }))
}

/// All rows of some CSV; one that cannot be read fails them all, since its answer tells of lines by their number alone.
fn rows(bytes: &[u8]) -> Result<Vec<Box<RawValue>>, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let heads = reader.headers().map_err(|error| error.to_string())?.clone();
    sheet::known(&heads)?;
    let read = |row: csv::Result<csv::StringRecord>| {
        let row = row.map_err(|error| error.to_string())?;
        let number = row.position().map_or(0, csv::Position::line);
        sheet::line(&heads, &row).map_err(|problem| format!("line {number}: {problem}"))
    };
    reader.records().map(read).collect()
}

pub(super) async fn export(
    State(handles): Handle,
    By(by): By,
    Body(asked): Body<Export>,
) -> Result<Response, Problem> {
    Ok(streamed(&handles, by, asked).await?)
}

/// Streams all tokens of a list. A failure on the way cuts the answer off.
pub(super) async fn streamed(
    handles: &Handles,
    by: Caller,
    asked: Export,
) -> Result<Response, ServiceError> {
    handles.service.may_export(&by, asked.digests)?;
    if asked.filter.cursor.is_some() || asked.filter.limit.is_some() {
        let problem = "all tokens that fit are exported: no cursor and no limit";
        return Err(ServiceError::field("filter", problem));
    }
    let media = match asked.format {
        Format::Jsonl => "application/jsonl",
        Format::Csv => "text/csv; charset=utf-8; header=present",
    };
    let (sender, pieces) = mpsc::channel(WAITING);
    let mut pages = Pages { service: Arc::clone(&handles.service), by, asked, begun: false };
    // What can be refused is refused before the answer begins.
    let first = pages.next().await?;
    if pages.asked.digests {
        handles.service.note_export(&pages.by).await?;
    }
    tokio::spawn(async move { pages.send(first, &sender).await });
    let body = axum::body::Body::new(Pieces(pieces));
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(media))], body).into_response())
}

struct Pages {
    service: Arc<Service>,
    by: Caller,
    asked: Export,
    begun: bool,
}

impl Pages {
    /// The text of a page, and whether there is another.
    async fn next(&mut self) -> Result<(Bytes, bool), ServiceError> {
        let filter = &mut self.asked.filter;
        filter.limit = Some(PAGE_ENTRIES);
        filter.order = filter.order.or(Some(Order::Oldest));
        let page = self.service.export(&self.by, filter, self.asked.digests).await?;
        filter.cursor = page.next;
        let more = filter.cursor.is_some();
        let with_heads = !std::mem::replace(&mut self.begun, true);
        let text = match self.asked.format {
            Format::Jsonl => lines(&page.entries),
            Format::Csv => table(&page.entries, with_heads),
        };
        let text = text.map_err(|error| crate::store::StoreError::Failed {
            doing: "writing tokens".to_owned(),
            cause: error.to_string(),
        })?;
        Ok((text.into(), more))
    }

    async fn send(&mut self, first: (Bytes, bool), to: &Sender<io::Result<Bytes>>) {
        let (mut text, mut more) = first;
        loop {
            // Nobody reads on: nobody has to be told.
            if to.send(Ok(text)).await.is_err() || !more {
                return;
            }
            (text, more) = match self.next().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "an export could not be gone on with");
                    let _ = to.send(Err(io::Error::other(error.to_string()))).await;
                    return;
                }
            };
        }
    }
}

fn lines(tokens: &[Exported]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for token in tokens {
        serde_json::to_writer(&mut text, token)?;
        text.push(b'\n');
    }
    Ok(text)
}

fn table(tokens: &[Exported], with_heads: bool) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if with_heads {
        writer.write_record(sheet::heads())?;
    }
    for token in tokens {
        let text = serde_json::to_string(token)?;
        let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&text)?;
        writer.write_record(sheet::row(&fields))?;
    }
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// The body of an export.
struct Pieces(Receiver<io::Result<Bytes>>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
