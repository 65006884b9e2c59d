//! An upstream of HTTP/2 alone that records what it is asked, in words that both versions have.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::upstream::Seen;
use super::{Framing, fields, framing, position};

/// Fields with their names in lower case, sorted by them; those of one name in their order.
pub type Fields = Vec<(String, String)>;

/// A request as both versions can say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub target: String,
    /// Its host, with the port if there is one.
    pub authority: String,
    /// Its fields but the host and what frames a body of unknown length over HTTP/1.1.
    pub fields: Fields,
    /// Its content, without framing.
    pub body: Vec<u8>,
    /// What stood behind that.
    pub trailers: Fields,
    /// Whether it came to its end.
    pub complete: bool,
}

impl Told {
    /// What a head of HTTP/2 says.
    fn of(parts: &Parts) -> Self {
        let target = parts.uri.path_and_query().map(ToString::to_string);
        let authority = parts.uri.authority().map(ToString::to_string);
        Self {
            method: parts.method.to_string(),
            target: target.unwrap_or_default(),
            authority: authority.unwrap_or_default(),
            fields: of_map(&parts.headers),
            ..Self::default()
        }
    }

    /// The value of a field; none if it is missing or repeated.
    pub fn value(&self, wanted: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(name, _)| name == wanted);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }
}

impl From<&Seen> for Told {
    fn from(seen: &Seen) -> Self {
        let line = seen.line();
        let (method, target) = line.strip_suffix(" HTTP/1.1").unwrap().split_once(' ').unwrap();
        let said = fields(&seen.head);
        let framing = framing(&said);
        let (hosts, said): (Vec<_>, Vec<_>) =
            said.into_iter().partition(|(name, _)| name.eq_ignore_ascii_case("host"));
        let hosts: Vec<_> = hosts.iter().map(|(_, host)| String::from_utf8_lossy(host)).collect();
        let mut said = sorted(said);
        let (mut body, mut trailers) = (seen.body.clone(), Fields::new());
        if framing == Framing::Chunked {
            said.retain(|field| *field != ("transfer-encoding".to_owned(), "chunked".to_owned()));
            (body, trailers) = unchunked(&seen.body);
        }
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            authority: hosts.join(", "),
            fields: said,
            body,
            trailers,
            complete: seen.complete,
        }
    }
}

fn sorted(given: impl IntoIterator<Item = (String, Vec<u8>)>) -> Fields {
    let shown = |(name, value): (String, Vec<u8>)| {
        (name.to_ascii_lowercase(), value.escape_ascii().to_string())
    };
    let mut fields: Fields = given.into_iter().map(shown).collect();
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    fields
}

fn of_map(map: &HeaderMap) -> Fields {
    sorted(map.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())))
}

/// The content of chunks, as far as they came, and the fields behind them.
fn unchunked(mut chunks: &[u8]) -> (Vec<u8>, Fields) {
    let mut content = Vec::new();
    while let Some(end) = position(chunks, b"\r\n") {
        let line = std::str::from_utf8(&chunks[..end]).unwrap();
        let size = usize::from_str_radix(line.split(';').next().unwrap().trim(), 16).unwrap();
        if size == 0 {
            return (content, sorted(fields(&chunks[end..])));
        }
        let rest = &chunks[end + 2..];
        content.extend_from_slice(&rest[..size.min(rest.len())]);
        chunks = rest.get(size + 2..).unwrap_or_default();
    }
    (content, Fields::new())
}

type Script = dyn Fn(&Told) -> u16 + Send + Sync;

/// What all connections share.
struct Shared {
    script: Box<Script>,
    told: Mutex<Vec<Arc<Mutex<Told>>>>,
}

/// A running upstream.
pub struct Recorder {
    address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

impl Recorder {
    /// Answers every request with `200` and the body `ok`, once that is there to its end.
    pub fn start() -> Self {
        Self::scripted(|_| 200)
    }

    /// Answers with the status that `script` says.
    pub fn scripted(script: impl Fn(&Told) -> u16 + Send + Sync + 'static) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { script: Box::new(script), told: Mutex::default() });
        let for_task = Arc::clone(&shared);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&for_task);
                let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
                let builder = Builder::new(TokioExecutor::new());
                tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, shared, _runtime: runtime }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that came since it was asked last.
    pub fn take(&self) -> Vec<Told> {
        let told = std::mem::take(&mut *self.shared.told.lock().unwrap());
        told.iter().map(|told| told.lock().unwrap().clone()).collect()
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    // It may be taken while the rest of it comes.
    let told = Arc::new(Mutex::new(Told::of(&parts)));
    shared.told.lock().unwrap().push(Arc::clone(&told));
    if let Ok(body) = body.collect().await {
        let mut told = told.lock().unwrap();
        told.trailers = body.trailers().map(of_map).unwrap_or_default();
        (told.body, told.complete) = (body.to_bytes().to_vec(), true);
    }
    let status = (shared.script)(&told.lock().unwrap());
    // hyper leaves it to us that there is none to `HEAD`.
    let body = if parts.method == Method::HEAD { "" } else { "ok" };
    let answer = Response::builder().status(status).header("content-length", 2);
    Ok(answer.body(Full::from(body)).unwrap())
}
