//! Transfer codings that are not taken (of the rows sec-S2): where the body ends is clear in spite of them, or it is not.

use tollgate::domain::refusal::{BadRequest, Refusal};

use super::framing::bytes;
use super::table::{Stage, Then};

const NEXT: &str = "GET /public/next HTTP/1.1\r\nHost: a.example\r\nAUTH\r\n";

/// With these lines, and another request behind its body.
fn request(lines: &str) -> String {
    format!("POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTH{lines}\r\n\r\n0\r\n\r\n{NEXT}")
}

/// RFC 9112 section 6.1: 501, where it is clear all the same where the body ends.
#[test]
fn sec_s2_another_coding_before_the_chunks_is_501_and_ends_its_connection() {
    let stage = Stage::twofold();
    for codings in ["gzip, chunked", "GZIP ,\tCHUNKED", "deflate, br, chunked", "identity, chunked"]
    {
        let text = request(&format!("Transfer-Encoding: {codings}"));
        let (said, seen) = stage.say(&bytes(&stage, &text), Then::Wait);
        let answer = said.answer.unwrap();
        assert_eq!(answer.status, 501, "{codings}");
        assert_eq!(answer.json()["status"], 501, "{codings}");
        assert_eq!(answer.value("content-type").as_deref(), Some("application/problem+json"));
        assert_eq!(answer.value("connection").as_deref(), Some("close"), "{codings}");
        assert!(said.rest.is_empty() && seen.is_empty(), "{codings}: {seen:?}");
    }
    let told = |refusal| stage.gateway.counted(|core| core.refusals.of(refusal));
    let counted = [Refusal::TransferCoding, Refusal::BadRequest(BadRequest::Framing)].map(told);
    assert_eq!(counted, [4, 0]);
}

/// The same codings where the end can be read in two ways; hyper takes the length away, and drops what stands behind it.
#[test]
fn sec_s2_another_coding_without_a_clear_end_is_400_and_ends_its_connection() {
    let stage = Stage::twofold();
    for lines in [
        "Transfer-Encoding: gzip, chunked\r\nContent-Length: 5",
        "content-length: 5\r\nTransfer-Encoding: gzip, chunked",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: gzip, chunked, chunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip;q=1, chunked",
        "Transfer-Encoding: gzip,, chunked",
        "Transfer-Encoding: gzip, \u{b}chunked",
    ] {
        let (said, seen) = stage.say(&bytes(&stage, &request(lines)), Then::Wait);
        assert_eq!(said.answer.map(|answer| answer.status), Some(400), "{lines}");
        assert!(said.rest.is_empty() && seen.is_empty(), "{lines}: {seen:?}");
    }
    // In HTTP/1.0 there are no codings.
    let text = request("Transfer-Encoding: gzip, chunked").replacen("HTTP/1.1", "HTTP/1.0", 1);
    let (said, seen) = stage.say(&bytes(&stage, &text), Then::Wait);
    assert_eq!((said.answer.map(|answer| answer.status), seen.len()), (Some(400), 0));
}
