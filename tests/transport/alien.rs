//! Answers of upstreams over HTTP/2 that a client of HTTP/1.1 could not be told as they are.

use crate::endpoints::gateway;
use crate::support::client::Client;
use crate::support::frames::field;
use crate::support::http2;
use crate::unseen::{Act, Server};

const HTTP2: &str = "upstream_http2 = true";

/// Statuses of the table of HPACK.
const OK: u8 = 0x88;
const NO_CONTENT: u8 = 0x89;

fn said(status: u8, head: &[(&str, &str)], trailers: &[(&str, &str)]) -> Server {
    let written = |fields: &[(&str, &str)]| -> Vec<u8> {
        fields.iter().flat_map(|(name, value)| field(name, value)).collect()
    };
    let (head, trailers) = ([vec![status], written(head)].concat(), written(trailers));
    let (head, trailers) = (&*head.leak(), &*trailers.leak());
    Server::start(move |_| Act::Say(head, trailers))
}

fn head(secret: &str) -> String {
    format!(
        "GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\nTE: trailers\r\n\
         Connection: TE\r\n\r\n"
    )
}

#[test]
fn rfc9110_5_6_2_an_answer_with_a_name_that_is_none_is_no_answer() {
    let server = said(OK, &[("x-good", "1"), ("x\"odd", "SENTINEL")], &[("x-sum", "1")]);
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let answer = Client::connect(gateway.public()).ask(head(&secret));
    assert_eq!(answer.status, 502, "{answer:?}");
    let answer = http2::Client::connect(gateway.public()).get("http://a/x", Some(&secret));
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(!format!("{answer:?}").contains("SENTINEL"), "{answer:?}");
}

#[test]
fn rfc9110_6_5_1_what_is_of_the_head_does_not_stand_behind_the_body() {
    let trailers =
        [("x-sum", "1"), ("set-cookie", "a=1"), ("cache-control", "public"), ("x\"odd", "1")];
    let server = said(OK, &[("trailer", "x-sum, set-cookie, cache-control")], &trailers);
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let answer = Client::connect(gateway.public()).ask(head(&secret));
    assert_eq!((answer.status, &*answer.body), (200, &b"body"[..]), "{answer:?}");
    assert_eq!(answer.trailers, [("x-sum".to_owned(), b"1".to_vec())], "{answer:?}");
    let answer = http2::Client::connect(gateway.public()).get("http://a/x", Some(&secret));
    assert_eq!((answer.status, &*answer.text()), (200, "body"));
    assert_eq!(answer.value("trailer").as_deref(), Some("x-sum"));
    assert_eq!(answer.trailers.keys().collect::<Vec<_>>(), ["x-sum"], "{answer:?}");
}

#[test]
fn rfc9110_8_6_an_answer_that_has_no_content_has_none() {
    let server = said(NO_CONTENT, &[("content-length", "4"), ("x-good", "1")], &[("x-sum", "1")]);
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let answer = Client::connect(gateway.public()).ask(head(&secret));
    assert_eq!((answer.status, answer.value("content-length")), (204, None), "{answer:?}");
    let answer = http2::Client::connect(gateway.public()).get("http://a/x", Some(&secret));
    assert_eq!((answer.status, answer.value("content-length")), (204, None), "{answer:?}");
    assert_eq!((answer.value("x-good").as_deref(), &*answer.text()), (Some("1"), ""));
}

/// As over HTTP/1.1: more fields than that are no answer, and one length is enough.
#[test]
fn the_bounds_of_an_answer_hold_over_http2_too() {
    let names: Vec<_> = (0..501).map(|nth| format!("x-{nth}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let server = said(OK, &many, &[]);
    let (front, secret) = gateway(&server.url(), HTTP2);
    assert_eq!(Client::connect(front.public()).ask(head(&secret)).status, 502);
    let length = ("content-length", "4");
    let server = said(OK, &[length, ("x-good", "1"), length], &[]);
    let (front, secret) = gateway(&server.url(), HTTP2);
    let answer = http2::Client::connect(front.public()).get("http://a/x", Some(&secret));
    assert_eq!((answer.status, answer.value("content-length").as_deref()), (200, Some("4")));
    assert_eq!(answer.headers.get_all("content-length").iter().count(), 1);
}
