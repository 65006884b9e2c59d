//! Tokens in cookies and in the query, where an API lets them stand there (sec-A3; RFC 6750 section 2.3), over both versions
//! of HTTP. What a real browser makes of it stands in `pages`.

use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use tollgate::domain::refusal::Refusal;

use crate::support::client::{Answer, Client};
use crate::support::gateway::Gateway;
use crate::support::http2;
use crate::support::program::Program;
use crate::support::upstream::{Seen, Upstream, answer};
use crate::support::{PATIENCE, wait_until};

/// A gateway whose API `a` takes tokens in other places, and whose API `b` does not.
pub(crate) fn gateway(upstream: &Upstream, cors: &str) -> Gateway {
    gateway_with("", upstream, cors)
}

fn gateway_with(more: &str, upstream: &Upstream, cors: &str) -> Gateway {
    let gateway = Gateway::start(&format!(
        "{more}\n[[apis]]\nname = \"a\"\npath = \"/a\"\nupstream = \"http://{0}\"\n\
         token_cookie = \"shop-token\"\ntoken_query = \"access_token\"\ncors = {{ {cors} }}\n\
         rules = [{{ path = \"/a/{{*rest}}\" }}, {{ path = \"/a/open\", public = true }}]\n\
         [[apis]]\nname = \"b\"\npath = \"/\"\nupstream = \"http://{0}\"\nrules = [{{ path = \"/{{*rest}}\" }}]\n",
        upstream.address()
    ));
    gateway.owner("somebody");
    gateway
}

const LISTED: &str = "origins = [\"https://app.example\"], credentials = true";

/// One that was brought from elsewhere, with what has to be escaped in a query.
const FOREIGN: &str = "0f8fad5b+d9cb/469f-a165-70867728950e==";

fn with_foreign(gateway: &Gateway) {
    gateway.token(json!({"owner": "somebody", "name": "old", "flags": -1, "secret": FOREIGN}));
}

/// What a request is answered over both versions of HTTP, and what the upstream saw of it over the first.
fn ask(
    gateway: &Gateway,
    upstream: &Upstream,
    line: &str,
    fields: &[(&str, &str)],
) -> (Answer, Option<Seen>) {
    let (method, path) = line.split_once(' ').unwrap();
    let mut head = format!("{line} HTTP/1.1\r\nHost: api.example\r\n");
    let mut request = Request::builder().method(method).uri(format!("http://api.example{path}"));
    for (name, value) in fields {
        head += &format!("{name}: {value}\r\n");
        request = request.header(*name, *value);
    }
    let mut client = Client::connect(gateway.public());
    client.send(head + "\r\n");
    let first = client.answer_to(method).unwrap();
    let seen = upstream.take().pop();
    let second =
        http2::Client::connect(gateway.public()).ask(request.body(Full::default()).unwrap());
    assert_eq!(second.status, first.status, "{line} {fields:?}");
    for name in ["cache-control", "referrer-policy", "expires"] {
        assert_eq!(second.value(name), first.value(name), "{line} {fields:?}");
    }
    let again = upstream.take().pop();
    let told = |seen: &Option<Seen>| {
        seen.as_ref().map(|seen| (seen.line(), seen.values("cookie"), seen.values("referer")))
    };
    assert_eq!(told(&again), told(&seen), "{line} {fields:?}");
    (first, seen)
}

#[test]
fn a_cookie_or_a_parameter_carries_the_token_and_goes_no_further() {
    let upstream = Upstream::scripted(|_| {
        answer(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: public, max-age=60\r\nExpires: 0\r\n\
                CDN-Cache-Control: max-age=60\r\n\r\nok",
        )
    });
    let gateway = gateway(&upstream, LISTED);
    with_foreign(&gateway);
    let secret = gateway.any_token();
    let escaped = FOREIGN.replace('+', "%2b").replace('/', "%2F").replace('=', "%3D");
    for (target, cookie, line, cookies) in [
        ("/a/x".to_owned(), Some(format!("shop-token={secret}")), "GET /a/x", &[][..]),
        (
            "/a/x?p=1".to_owned(),
            Some(format!("x=1; shop-token={FOREIGN}; y=2")),
            "GET /a/x?p=1",
            &["x=1; y=2"],
        ),
        (
            "/a/x".to_owned(),
            Some(format!("x=shop-token=1;shop-token={secret};shop-token={secret}; shop-token2=1")),
            "GET /a/x",
            &["x=shop-token=1; shop-token2=1"],
        ),
        ("/a/x".to_owned(), Some(format!("shop-token=; shop-token = {secret}")), "GET /a/x", &[]),
        (format!("/a/x?access_token={secret}"), None, "GET /a/x", &[]),
        (
            format!("/a/x?p=%31&access_token={escaped}&q"),
            Some("x=1".to_owned()),
            "GET /a/x?p=%31&q",
            &["x=1"],
        ),
        (format!("/a/x?access%5Ftoken={secret}&p"), None, "GET /a/x?p", &[]),
        (format!("/a/open?access_token={secret}"), None, "GET /a/open", &[]),
    ] {
        let field = cookie.as_deref().map(|cookie| ("Cookie", cookie));
        let fields: Vec<_> = field.into_iter().collect();
        let (got, seen) = ask(&gateway, &upstream, &format!("GET {target}"), &fields);
        assert_eq!(got.status, 200, "{target} {cookie:?}");
        let seen = seen.unwrap();
        assert_eq!(seen.line(), format!("{line} HTTP/1.1"), "{target}");
        assert_eq!(seen.values("cookie"), cookies, "{cookie:?}");
        for held in [&*secret, FOREIGN, &escaped] {
            assert!(!seen.holds(held), "{target} {cookie:?}");
        }
        // No cache keeps what came by a token that it does not know as one.
        assert_eq!(got.values("cache-control"), ["no-store"], "{target}");
        assert!(got.value("expires").is_none() && got.value("cdn-cache-control").is_none());
        let policy = target.contains('=').then(|| "no-referrer".to_owned());
        assert_eq!(
            got.value("referrer-policy"),
            policy.filter(|_| !target.ends_with("p=1")),
            "{target}"
        );
    }
    // With a field of its own it is as with any API.
    let (got, seen) = ask(
        &gateway,
        &upstream,
        "GET /a/x",
        &[("Authorization", &format!("Bearer {secret}")), ("Cookie", "x=1")],
    );
    assert_eq!(got.value("cache-control").unwrap(), "public, max-age=60");
    assert_eq!(seen.unwrap().values("cookie"), ["x=1"]);
}

#[test]
fn sec_a3_elsewhere_and_in_two_places_it_is_refused() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream, LISTED);
    with_foreign(&gateway);
    let (secret, other) = (gateway.any_token(), gateway.any_token());
    let (bearer, cookie) = (format!("Bearer {secret}"), format!("shop-token={secret}"));
    let query = format!("/a/x?access_token={secret}");
    let (header, cookie) = (("Authorization", &*bearer), ("Cookie", &*cookie));
    let (another, unclean) =
        (format!("shop-token={other}"), format!("{}; shop-token={other}", cookie.1));
    for (line, fields, status) in [
        // An API that says nothing of other places.
        ("GET /x".to_owned(), &[cookie][..], 401),
        (format!("GET /x?access_token={secret}"), &[], 401),
        // Two places, also if they say the same; a cookie comes with all that a page asks for.
        (format!("GET {query}"), &[header], 400),
        (format!("GET {query}"), &[cookie], 400),
        (format!("GET {query}"), &[header, cookie], 400),
        (format!("GET {query}&access_token={secret}"), &[], 400),
        ("GET /a/x".to_owned(), &[header, ("Cookie", &another)], 400),
        ("GET /a/x".to_owned(), &[("Cookie", &unclean)], 400),
        ("GET /a/x".to_owned(), &[header, cookie], 200),
        // In none that can be read.
        ("GET /a/x?access_token=".to_owned(), &[], 400),
        ("GET /a/x?access_token=two%20words".to_owned(), &[], 400),
        ("GET /a/x".to_owned(), &[("Cookie", "shop-token=a,b")], 400),
        ("GET /a/x".to_owned(), &[("Cookie", "shop-token=")], 401),
        ("GET /a/x".to_owned(), &[("Cookie", "SHOP-TOKEN=x")], 401),
        // The rest of the target holds it, too.
        (format!("GET /a/{secret}?access_token={secret}"), &[], 400),
        (format!("GET {query}&x={other}"), &[], 400),
        // What changes something asks for a field of its own.
        ("POST /a/x".to_owned(), &[cookie], 401),
        (format!("POST {query}"), &[], 400),
        (format!("DELETE {query}"), &[header], 400),
        ("POST /a/x".to_owned(), &[header, ("Cookie", &another)], 200),
    ] {
        let (got, seen) = ask(&gateway, &upstream, &line, fields);
        assert_eq!(got.status, status, "{line} {fields:?}: {}", got.text());
        assert_eq!(seen.is_some(), status == 200, "{line} {fields:?}");
        assert!(seen.is_none_or(|seen| seen.values("cookie").is_empty()), "{line} {fields:?}");
    }
}

/// A cookie comes with whatever any page asks for: what that page is counts then.
#[test]
fn a_cookie_that_a_page_of_another_site_sent_is_refused() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream, LISTED);
    let secret = gateway.any_token();
    let cookie = format!("shop-token={secret}");
    let cookie = ("Cookie", &*cookie);
    for (more, status) in [
        (&[("Origin", "http://api.example")][..], 200),
        (&[("Origin", "https://app.example")], 200),
        (&[("Sec-Fetch-Site", "same-origin")], 200),
        (&[("Sec-Fetch-Site", "none")], 200),
        (&[("Origin", "https://evil.example")], 403),
        (&[("Origin", "https://api.example")], 403),
        (&[("Origin", "http://api.example:8080")], 403),
        (&[("Origin", "http://api.example.evil.example")], 403),
        (&[("Origin", "null")], 403),
        (&[("Origin", "")], 403),
        (&[("Origin", "http://api.example"), ("Origin", "https://evil.example")], 403),
        (&[("Sec-Fetch-Site", "cross-site")], 403),
    ] {
        let fields = [&[cookie], more].concat();
        let (got, seen) = ask(&gateway, &upstream, "GET /a/x", &fields);
        assert_eq!((got.status, seen.is_some()), (status, status == 200), "{more:?}");
    }
    assert_eq!(gateway.counted(|core| core.refusals.of(Refusal::OriginNotAllowed)), 16);
    // Where nobody asks whose it is, any page may show it; the cookie goes no further.
    for more in [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")] {
        let (got, seen) = ask(&gateway, &upstream, "GET /a/open", &[cookie, more]);
        assert_eq!(got.status, 200, "{more:?}");
        assert!(!seen.unwrap().holds(&secret), "{more:?}");
    }
    // A token in the address is there because the page knows it.
    let evil = [("Origin", "https://evil.example")];
    let (got, _) = ask(&gateway, &upstream, &format!("GET /a/x?access_token={secret}"), &evil);
    assert_eq!(got.status, 200);
    // Browsers ask nobody before they open a WebSocket.
    let mut client = Client::connect(gateway.public());
    client.send(format!(
        "GET /a/x HTTP/1.1\r\nHost: api.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Origin: https://evil.example\r\nCookie: {}\r\n\r\n",
        cookie.1
    ));
    assert_eq!(client.answer().status, 403);
    assert_eq!(upstream.take().len(), 0);
}

/// Every origin may use the API, and none its visitors' cookies.
#[test]
fn an_api_for_every_origin_takes_cookies_of_its_own_pages_alone() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream, "origins = [\"*\"]");
    let cookie = format!("shop-token={}", gateway.any_token());
    for (origin, status) in [("https://app.example", 403), ("http://api.example", 200)] {
        let fields = [("Cookie", &*cookie), ("Origin", origin)];
        assert_eq!(ask(&gateway, &upstream, "GET /a/x", &fields).0.status, status, "{origin}");
    }
}

/// The browser knows the proxy's name, which the proxy takes out of `Host`.
#[test]
fn the_page_of_a_host_that_a_proxy_tells_is_its_own() {
    let upstream = Upstream::start();
    for (more, own, proxys) in [("", 403, 200), ("proxies.host = true", 200, 403)] {
        let more = format!("proxies.trusted = [\"127.0.0.1\"]\n{more}");
        let gateway = gateway_with(&more, &upstream, "origins = [\"*\"]");
        let cookie = format!("shop-token={}", gateway.any_token());
        for (origin, status) in [
            ("https://shop.example", own),
            ("https://api.example", proxys),
            ("http://shop.example", 403),
            ("https://evil.example", 403),
        ] {
            let fields = [
                ("Cookie", &*cookie),
                ("Origin", origin),
                ("X-Forwarded-For", "203.0.113.9"),
                ("X-Forwarded-Proto", "https"),
                ("X-Forwarded-Host", "evil.example, shop.example"),
            ];
            let (got, _) = ask(&gateway, &upstream, "GET /a/x", &fields);
            assert_eq!(got.status, status, "{more}: {origin}");
        }
    }
}

/// A page that was loaded by its token tells it with what it loads.
#[test]
fn sec_a3_an_address_with_a_token_is_not_told_to_the_upstream() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream, LISTED);
    with_foreign(&gateway);
    let (own, bearer) = (gateway.any_token(), format!("shop-token={FOREIGN}"));
    for (referer, passes) in [
        (format!("https://api.example/a/x?access_token={own}"), false),
        (format!("https://api.example/a/x?access_token={FOREIGN}"), false),
        ("https://api.example/a/x?p=1".to_owned(), true),
    ] {
        let fields = [("Cookie", &*bearer), ("Referer", &*referer)];
        let (got, seen) = ask(&gateway, &upstream, "GET /a/x", &fields);
        let wanted: Vec<_> = Some(referer).filter(|_| passes).into_iter().collect();
        assert_eq!((got.status, seen.unwrap().values("referer")), (200, wanted));
    }
}

/// sec-L1: whatever becomes of a request, no log has the token of its cookie or its address.
#[test]
fn sec_l1_no_log_holds_a_token_of_a_cookie_or_an_address() {
    let upstream = Upstream::start();
    let program = Program::start(&format!(
        "telemetry = {{ format = \"json\", filter = \"debug\" }}\n[[apis]]\nname = \"a\"\n\
         upstream = \"http://{}\"\ntoken_cookie = \"t\"\ntoken_query = \"access_token\"\n\
         rules = [{{ path = \"/x\" }}]\n",
        upstream.address()
    ));
    program.succeed(&["user", "add", "alice"], "");
    let made = program.succeed(
        &["token", "create", "--owner", "alice", "--name", "x", "--flags=-1", "--json"],
        "",
    );
    let made: Value = serde_json::from_str(&made).unwrap();
    let secret = made["secret"].as_str().unwrap();
    let unknown = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let mut asked = 0;
    for token in [secret, unknown] {
        for target in ["/x", "/nowhere", "//x", "/x?a=b"] {
            let sign = if target.contains('?') { '&' } else { '?' };
            for (target, cookie) in [
                (format!("{target}{sign}access_token={token}"), String::new()),
                (target.to_owned(), format!("Cookie: t={token}\r\n")),
                (format!("{target}{sign}access_token={token}"), format!("Cookie: t={token}\r\n")),
            ] {
                let mut client = Client::connect(program.public());
                client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n{cookie}\r\n"));
                client.answer();
                asked += 1;
            }
        }
    }
    let logged = || String::from_utf8(program.logged()).unwrap();
    let lines = || logged().matches("\"target\":\"access\"").count();
    wait_until("lines are missing", PATIENCE, || lines() == asked);
    assert!(!logged().contains(secret) && !logged().contains(unknown));
    assert!(upstream.seen().iter().all(|seen| !seen.holds(secret) && !seen.holds(unknown)));
}
