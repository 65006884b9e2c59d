//! The head of an answer, as the upstream sent it (RFC 9112 section 4).

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes};
use http::header::HeaderMap;
use http::{Response, StatusCode};
use hyper::ext::ReasonPhrase;

use crate::gateway::websocket::Accept;

use super::chunks::Chunks;
use super::error::Broken;
use super::fields::{HeadFields, Without};
use super::framing::Framing;
use super::kind::Kind;
use super::lines::Lines;
use super::part::{FIELDS_MAX, HEAD_BYTES_MAX};

/// What an answer is to be like.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::gateway) struct Wanted {
    /// Whether the request was one whose answer has no body (RFC 9110 section 9.3.2).
    pub(in crate::gateway) bodiless: bool,
    /// Whether it may change the protocol to WebSocket.
    pub(in crate::gateway) websocket: bool,
    /// What its `Sec-WebSocket-Accept` must be where the key is ours (RFC 6455 section 4.1); a client that made its own
    /// looks for itself.
    pub(in crate::gateway) accept: Option<Accept>,
    /// Whether its fields are wanted as lines, for HTTP/1.
    pub(in crate::gateway) lines: bool,
    /// Which fields are left out, since the gateway writes them.
    pub(in crate::gateway) without: Without,
}

/// The head of an answer, without what belongs to the connection that it came on.
#[derive(Debug)]
pub(in crate::gateway) struct Answer {
    /// With all of its fields, or with those alone that tell how its body ends.
    pub(in crate::gateway) response: Response<()>,
    /// All of its fields, if they are wanted as lines.
    pub(in crate::gateway) lines: Option<Lines>,
    /// Whether it changes the protocol to WebSocket (RFC 6455 section 4.1).
    pub(in crate::gateway) switches: bool,
    /// What its body is.
    pub(in crate::gateway) kind: Kind,
    pub(super) framing: Framing,
    /// Whether the connection stays open behind it.
    pub(super) persists: bool,
}

/// Whether a head may be there to its end, where `looked` bytes of it were read in vain before. So
/// a head that comes in many pieces is not read anew with each of them.
pub(super) fn may_be_whole(unread: &[u8], looked: usize) -> bool {
    // The empty line may have begun in what was there.
    let new = unread.get(looked.saturating_sub(2)..).unwrap_or_default();
    let begins_line = |end: usize| new.get(end.saturating_add(1)..).unwrap_or_default();
    !unread.is_empty()
        && (looked == 0
            || unread.len() > HEAD_BYTES_MAX
            || memchr::memchr_iter(b'\n', new)
                .any(|end| matches!(begins_line(end), [b'\n', ..] | [b'\r', b'\n', ..])))
}

/// Takes a head from the beginning of what was read; none if it is not there to its end. Its fields
/// are written into `spare`.
///
/// # Errors
/// It is no head of an answer, or one whose end cannot be told for certain.
pub(super) fn read(
    unread: &mut Bytes,
    wanted: Wanted,
    spare: &mut HeaderMap,
) -> Result<Option<Answer>, Broken> {
    // Empty lines in front of it, which some would pass over, could go on for ever.
    if unread.first().is_some_and(|first| *first != b'H') {
        return Err(Broken::Malformed("it begins with no version of HTTP"));
    }
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut head = httparse::Response::new(&mut []);
    let mut config = httparse::ParserConfig::default();
    // A proxy takes a blank before the colon out (RFC 9112 section 5.1).
    config.allow_spaces_after_header_name_in_responses(true);
    let length = match config.parse_response_with_uninit_headers(&mut head, unread, &mut fields) {
        Ok(httparse::Status::Complete(length)) if length <= HEAD_BYTES_MAX => length,
        Ok(httparse::Status::Partial) if unread.len() <= HEAD_BYTES_MAX => return Ok(None),
        Ok(_) => return Err(Broken::Malformed("a head of more than 64 KiB")),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Broken::Malformed("more than 500 fields in a head"));
        }
        Err(_) => return Err(Broken::Malformed("the head cannot be read")),
    };
    let mut response = Response::new(());
    let status = StatusCode::from_u16(head.code.unwrap_or_default())
        .map_err(|_| Broken::Malformed("a status that is none"))?;
    *response.status_mut() = status;
    if let Some(reason) = head.reason.filter(|reason| status.canonical_reason() != Some(reason)) {
        let reason = ReasonPhrase::try_from(reason.as_bytes())
            .map_err(|_| Broken::Malformed("a reason phrase that is none"))?;
        response.extensions_mut().insert(reason);
    }
    let mut fields = HeadFields::read(head.headers)?;
    fields.lengthless = status == StatusCode::NO_CONTENT;
    fields.without = wanted.without;
    let later = head.version == Some(1);
    if fields.chunked && !later {
        return Err(Broken::Malformed("a transfer coding in HTTP/1.0"));
    }
    spare.clear();
    let mut headers = std::mem::take(spare);
    let lines = if wanted.lines {
        let read = unread.get(..length).unwrap_or_default();
        Some(fields.lines(head.headers, read, &mut headers)?)
    } else {
        fields.map(head.headers, unread, &mut headers)?;
        None
    };
    *response.headers_mut() = headers;
    let no_body = wanted.bodiless
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let framing = match fields.length {
        _ if no_body => Framing::Length(0),
        _ if fields.chunked => Framing::Chunked(Chunks::default()),
        Some(length) => Framing::Length(length),
        None => Framing::Close,
    };
    // With both of them it may have been meant to be read in another way (RFC 9112 section 6.3).
    let twice = fields.chunked && fields.length.is_some();
    let persists = fields.persists(later) && !twice;
    unread.advance(length);
    let (kind, switches) = (fields.kind, fields.switches(wanted.accept.as_ref()));
    Ok(Some(Answer { response, lines, switches, kind, framing, persists }))
}

#[cfg(test)]
mod tests;
