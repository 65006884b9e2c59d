//! Heads that hyper could not read, and answered itself before there was a request: with the bare
//! status, no problem document and no `Cache-Control`, since it lets nobody else write that answer.

use crate::domain::refusal::{BadRequest, Refusal};
use crate::telemetry::access::{Line, RequestId};

use super::client::Client;

/// How hyper begins the answer to a head that it calls too large, and to one that is malformed.
const TOO_LARGE: &[u8] = b"HTTP/1.1 431 Request Header Fields Too Large\r\n";
const MALFORMED: &[u8] = b"HTTP/1.1 400 Bad Request\r\n";

/// What is to be said instead of an `answer` of hyper that blames the head for a length in it which nobody can meet.
pub(super) fn instead(answer: &[u8], client: &Client) -> Option<Vec<u8>> {
    let fields = answer.strip_prefix(TOO_LARGE).filter(|_| client.sends_endless())?;
    Some([MALFORMED, fields].concat())
}

/// Counts one, and writes its line. Nothing is known of it but whence it came.
pub(super) fn note(client: &Client, too_large: bool) {
    let core = client.core();
    let refusal = if too_large && !client.sends_endless() {
        core.counters.too_large.add(1);
        Refusal::HeadTooLarge
    } else {
        core.counters.malformed.add(1);
        Refusal::BadRequest(BadRequest::Head)
    };
    core.counters.refused(refusal);
    if !core.snapshot().access_log {
        return;
    }
    core.access_log.borrow_mut().write(&Line {
        request: RequestId(core.request_number()),
        peer: client.peer(),
        method: "-",
        host: None,
        path: "-",
        http: if client.is_http2() { "2" } else { "1.1" },
        status: Some(refusal.status()),
        bytes: 0,
        api: None,
        dialect: None,
        rule: None,
        outcome: "refused",
        reason: Some(refusal.reason()),
        cut: None,
        token: None,
        owner: None,
        duration_us: 0,
        upstream_us: None,
    });
}
