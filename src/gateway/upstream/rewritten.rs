//! Requests that were written for HTTP/1.1, as HTTP/2 has them, and fields of its answers.

use std::io;
use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri, Version};
use http_body_util::Empty;
use hyper::client::conn::http2::Builder;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::wire::{self, trailers};

use super::error::Broken;
use super::halves::Fresh;
use super::lines::MARK;

/// As many as `limits.headers` lets come at the most, and what we add.
const REQUEST_FIELDS_MAX: usize = 1_000 + 64;

pub(super) const UNREADABLE: Broken = Broken::Malformed("the request cannot be written for HTTP/2");

/// A request as HTTP/2 has it, from its head as it was written (RFC 9113 section 8.3.1).
pub(super) fn read(head: &[u8], tls: bool) -> Option<Request<()>> {
    let mut fields = [const { MaybeUninit::uninit() }; REQUEST_FIELDS_MAX];
    let mut parsed = httparse::Request::new(&mut []);
    let status = parsed.parse_with_uninit_headers(head, &mut fields).ok()?;
    let (mut headers, mut authority) = (HeaderMap::with_capacity(parsed.headers.len()), None);
    for field in parsed.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        if name == header::HOST {
            authority = Some(field.value);
        } else if passes(&name) {
            headers.append(name, HeaderValue::from_bytes(field.value).ok()?);
        }
    }
    let target = Uri::builder()
        .scheme(if tls { "https" } else { "http" })
        .authority(authority.filter(|_| status.is_complete())?)
        .path_and_query(parsed.path?)
        .build();
    let mut request = Request::new(());
    *request.method_mut() = parsed.method?.parse::<Method>().ok()?;
    (*request.uri_mut(), *request.headers_mut()) = (target.ok()?, headers);
    *request.version_mut() = Version::HTTP_2;
    Some(request)
}

/// The status of the answer to a request of the gateway's own, on a session of its own.
pub(super) async fn status(stream: Fresh, request: &[u8]) -> io::Result<u16> {
    let tls = matches!(stream, Fresh::Tls(_));
    let request = read(request, tls).ok_or_else(|| io::Error::other(UNREADABLE))?;
    match stream {
        Fresh::Plain(stream) => ask(stream, request).await,
        Fresh::Unix(stream) => ask(stream, request).await,
        Fresh::Tls(stream) => ask(stream, request).await,
    }
}

async fn ask<S>(stream: S, request: Request<()>) -> io::Result<u16>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let builder = Builder::new(TokioExecutor::new());
    let begun = builder.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let (mut sender, session) = begun;
    let task = tokio::spawn(session);
    let answered = sender.send_request(request.map(|()| Empty::<Bytes>::new())).await;
    task.abort();
    answered.map(|answer| answer.status().as_u16()).map_err(io::Error::other)
}

/// Whether a field is one of the message, and not of a connection (RFC 9113 section 8.2.2).
pub(super) fn passes(name: &HeaderName) -> bool {
    let of_connection = wire::is_hop_by_hop(name.as_str())
        || matches!(*name, header::TRANSFER_ENCODING | header::EXPECT | header::SEC_WEBSOCKET_KEY);
    !of_connection
}

/// The same of an answer, in which the mark is ours alone: hyper would write another for the fields of another head.
pub(super) fn comes_back(name: &HeaderName) -> bool {
    passes(name) && *name != MARK.0
}

/// Announces of the fields behind an answer those that may follow it, and nothing where none does.
pub(super) fn announce(headers: &mut HeaderMap) {
    let lines: Vec<_> = headers.get_all(header::TRAILER).iter().cloned().collect();
    if !lines.is_empty() {
        headers.remove(header::TRAILER);
    }
    for line in lines {
        let left = trailers::left(line.as_bytes(), trailers::may_trail);
        if let Some(left) = left.and_then(|left| HeaderValue::from_bytes(&left).ok()) {
            headers.append(header::TRAILER, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_s13_no_answer_has_the_mark_and_a_request_may() {
        assert!(passes(&MARK.0) && !comes_back(&MARK.0));
        let head = b"GET / HTTP/1.1\r\nhost: a\r\ntollgate-fields: \r\n\r\n";
        assert!(read(head, false).unwrap().headers().contains_key(MARK.0));
        assert!(comes_back(&HeaderName::from_static("x-a")) && !comes_back(&header::CONNECTION));
    }

    #[test]
    fn what_does_not_follow_an_answer_is_not_announced() {
        let mut headers = HeaderMap::new();
        for line in ["x-sum, te", "connection", "x-b"] {
            headers.append(header::TRAILER, HeaderValue::from_static(line));
        }
        announce(&mut headers);
        let left: Vec<_> = headers.get_all(header::TRAILER).iter().collect();
        assert_eq!(left, ["x-sum", "x-b"]);
        headers.insert(header::TRAILER, HeaderValue::from_static("Content-Length"));
        announce(&mut headers);
        assert!(headers.is_empty());
    }
}
