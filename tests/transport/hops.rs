//! `Max-Forwards` (RFC 9110 section 7.6.2): how far a request for `OPTIONS` goes, over both versions of HTTP.

use http::Request;
use http_body_util::Full;
use serde_json::json;

use crate::support::client::{Client, ask};
use crate::support::gateway::Gateway;
use crate::support::http2;
use crate::support::upstream::{Upstream, answer};

const OWN: &str = "HTTP/1.1 200 OK\r\nAllow: GET\r\nX-Own: 1\r\nContent-Length: 2\r\n\r\nok";

fn gateway(upstream: &Upstream) -> Gateway {
    let gateway = Gateway::start_with(
        "h2c = true",
        &format!(
            "[[apis]]\nname = \"a\"\npath = \"/a\"\nupstream = \"http://{0}\"\n\
             rules = [{{ name = \"any\", path = \"/a\" }}]\n\
             [[apis]]\nname = \"b\"\npath = \"/b\"\nupstream = \"http://{0}\"\n\
             cors = {{ origins = [\"https://app.example\"] }}\nrules = [{{ path = \"/b\" }}]\n",
            upstream.address()
        ),
    );
    gateway.owner("somebody");
    gateway
}

/// The bytes of a request with this line and these fields.
fn head(line: &str, secret: &str, fields: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {secret}\r\n{fields}\r\n")
}

#[test]
fn rfc9110_7_6_2_options_go_as_far_as_their_max_forwards() {
    let upstream = Upstream::scripted(|_| answer(OWN));
    let gateway = gateway(&upstream);
    let secret = gateway.any_token();
    let mut first = Client::connect(gateway.public());
    let mut second = http2::Client::connect(gateway.public());
    for (method, said, wanted) in [
        ("OPTIONS", "0", None),
        ("OPTIONS", "1", Some("0")),
        ("OPTIONS", "10", Some("9")),
        ("OPTIONS", "soon", Some("soon")),
        ("GET", "0", Some("0")),
    ] {
        let of =
            first.ask(head(&format!("{method} /a"), &secret, &format!("MAX-forwards: {said}\r\n")));
        let over = Request::builder().method(method).uri("http://a.example/a");
        let over = over.header("max-forwards", said);
        let over = over.header("authorization", format!("Bearer {secret}"));
        let over = second.ask(over.body(Full::default()).unwrap());
        assert_eq!((of.status, over.status), (200, 200), "{method} {said}");
        let seen = upstream.take();
        if let Some(wanted) = wanted {
            let told: Vec<_> = seen.iter().filter_map(|seen| seen.value("max-forwards")).collect();
            assert_eq!(told, [wanted, wanted], "{method} {said}");
            assert!(seen[0].names().iter().any(|name| name == "MAX-forwards"));
            assert_eq!((&of.body[..], &over.body[..]), (&b"ok"[..], &b"ok"[..]));
            continue;
        }
        assert!(seen.is_empty());
        for name in ["allow", "x-own"] {
            assert_eq!((of.value(name), over.value(name)), (None, None), "{name}");
        }
        let length = Some("0".to_owned());
        assert_eq!(
            (of.value("content-length"), over.value("content-length")),
            (length.clone(), length)
        );
        assert!(of.body.is_empty() && over.body.is_empty());
    }
    let text = ask(gateway.admin(), "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").text();
    let counted = |line: &str| text.lines().any(|one| one == line);
    assert!(
        counted("tollgate_requests_total{api=\"a\",rule=\"any\",outcome=\"2xx\"} 10"),
        "{text}"
    );
    assert!(counted("tollgate_upstream_response_seconds_count{api=\"a\"} 8"), "{text}");
}

/// It is judged, counted and let go of as what goes to its upstream is.
#[test]
fn rfc9110_7_6_2_what_goes_no_further_is_a_request_as_any() {
    let upstream = Upstream::scripted(|_| answer(OWN));
    let gateway = gateway(&upstream);
    let made =
        gateway.token(json!({"owner": "somebody", "name": "one", "limits": {"concurrent": 1}}));
    let none = "Max-Forwards: 0\r\n";
    let mut client = Client::connect(gateway.public());
    for _ in 0..3 {
        assert_eq!(client.ask(head("OPTIONS /a", &made.secret, none)).status, 200);
    }
    // A body is passed over.
    let long = format!("{none}Content-Length: 5\r\n");
    assert_eq!(client.ask(head("OPTIONS /a", &made.secret, &long) + "hello").status, 200);
    assert_eq!(client.ask(head("OPTIONS /b", &made.secret, none)).status, 200);
    assert!(upstream.take().is_empty());
    // What belongs to the connection is for nobody.
    let named = format!("{none}Connection: max-forwards\r\n");
    assert_eq!(client.ask(head("OPTIONS /a", &made.secret, &named)).body, b"ok");
    assert_eq!(upstream.take_one().value("max-forwards"), None);
    gateway.revoke(made.id);
    assert_eq!(client.ask(head("OPTIONS /a", &made.secret, none)).status, 401);
    assert!(upstream.take().is_empty());
}

#[test]
fn a_page_hears_whether_it_may_read_what_goes_no_further() {
    let upstream = Upstream::scripted(|_| answer(OWN));
    let gateway = gateway(&upstream);
    let secret = gateway.any_token();
    let mut client = Client::connect(gateway.public());
    let of = "Max-Forwards: 0\r\nOrigin: https://app.example\r\n";
    for (fields, status) in
        [(of.to_owned(), 200), (format!("{of}Access-Control-Request-Method: GET\r\n"), 204)]
    {
        let answer = client.ask(head("OPTIONS /b", &secret, &fields));
        assert_eq!(answer.status, status);
        let told = answer.value("access-control-allow-origin");
        assert_eq!(told.as_deref(), Some("https://app.example"));
        assert!(upstream.take().is_empty());
    }
}
