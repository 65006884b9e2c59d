//! Pages of other origins in a real browser.

use serde_json::{Value, json};

use crate::cors::{OWN, gateway};
use crate::files::Files;
use crate::places;
use crate::support::browser::Browser;
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream, answer, ok};
use crate::websockets::{agrees, frame};

/// What a script of a page hears of a request: its status and a field of the answer, or why there is none.
const FETCH: &str = "(async (url, how) => { try { const got = await fetch(url, how); \
                     return [got.status, got.headers.get('www-authenticate'), await got.text()] } \
                     catch (error) { return [error.name] } })";

#[test]
fn a_browser_lets_scripts_of_allowed_pages_use_the_api_and_no_others() {
    let pages = Upstream::scripted(|_| ok("<!doctype html><title>a page</title>"));
    let upstream = Upstream::scripted(|_| answer(OWN));
    let port = pages.address().port();
    let cors = format!("origins = [\"http://127.0.0.1:{port}\"]");
    let (gateway, secret) = gateway(&upstream, &cors);
    let mut browser = Browser::start();
    let url = |path: &str| format!("http://{}{path}", gateway.public());
    let fetch = |browser: &mut Browser, path: &str, how: Value| {
        browser.value(&format!("{FETCH}({:?}, {how})", url(path)))
    };
    let with = |method: &str, secret: &str| json!({"method": method, "headers": {"Authorization": format!("Bearer {secret}")}});
    browser.open(&format!("http://127.0.0.1:{port}/"));
    assert_eq!(fetch(&mut browser, "/a/x", with("GET", &secret)), json!([200, null, "ok"]));
    assert_eq!(fetch(&mut browser, "/a/x", with("PUT", &secret))[0], 200);
    let refused = fetch(&mut browser, "/a/x", with("GET", "nobodys"));
    assert_eq!(refused[0], 401);
    assert!(refused[1].as_str().unwrap().contains("invalid_token"), "{refused}");
    assert!(refused[2].as_str().unwrap().contains("The access token is invalid"), "{refused}");
    assert_eq!(fetch(&mut browser, "/gone/x", with("GET", &secret))[0], 502);
    // A method that no rule takes is the browser's to refuse, which says so.
    assert_eq!(fetch(&mut browser, "/a/x", with("DELETE", &secret)), json!(["TypeError"]));
    let says = |complaint: &String| complaint.contains("Method DELETE is not allowed");
    assert!(browser.complaints.iter().any(says), "{:?}", browser.complaints);
    // Without CORS nothing answers a preflight without a token.
    assert_eq!(fetch(&mut browser, "/x", with("GET", &secret)), json!(["TypeError"]));
    let seen = upstream.take();
    assert!(seen.iter().all(|seen| !seen.line().starts_with("OPTIONS")), "{seen:?}");
    // The same page under another name is of another origin.
    browser.open(&format!("http://localhost:{port}/"));
    assert_eq!(fetch(&mut browser, "/a/x", with("GET", &secret)), json!(["TypeError"]));
    // What needs no preflight is sent, yet no script reads the answer.
    let simple = fetch(&mut browser, "/a/open", json!({"method": "POST", "body": "x"}));
    assert_eq!(simple, json!(["TypeError"]));
    assert_eq!(upstream.take_one().line(), "POST /a/open HTTP/1.1");
}

/// Opens a stream of events, and notes what comes of it.
const LISTEN: &str = "((url, how) => { window.said = []; window.source = new EventSource(url, how); \
                      source.onmessage = event => said.push(event.data); \
                      source.onerror = () => said.push('error ' + source.readyState) })";

/// An upstream whose streams of events go on until they are closed.
fn events() -> Upstream {
    Upstream::scripted(|_| {
        const HEAD: &str =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
        let text = format!("{HEAD}retry: 20\n\ndata: first\n\n");
        vec![Step::TakeBody, Step::Send(text.into_bytes()), Step::Stall]
    })
}

/// `EventSource` sets no header: its token comes in the query or in a cookie, and the stream ends with it.
#[test]
fn a_browsers_event_source_is_let_in_refused_and_ended_with_its_token() {
    let pages = Upstream::scripted(|_| ok("<!doctype html><title>a page</title>"));
    let upstream = events();
    let page = format!("http://127.0.0.1:{}", pages.address().port());
    let gateway =
        places::gateway(&upstream, &format!("origins = [\"{page}\"], credentials = true"));
    let mut browser = Browser::start();
    browser.open(&page);
    let url = format!("http://{}/a/events", gateway.public());
    let listen = |browser: &mut Browser, url: &str, how: &str| {
        browser.value(&format!("{LISTEN}({url:?}, {how})"));
    };
    for in_cookie in [false, true] {
        let made = gateway.token(json!({"owner": "somebody", "name": "events", "flags": -1}));
        let (url, how) = match in_cookie {
            false => (format!("{url}?access_token={}", made.secret), "{}"),
            true => (url.clone(), "{withCredentials: true}"),
        };
        if in_cookie {
            // Cookies know no ports.
            browser
                .value(&format!("document.cookie = 'shop-token={}; SameSite=Strict'", made.secret));
        }
        listen(&mut browser, &url, how);
        browser.until("said.includes('first') && source.readyState === EventSource.OPEN");
        gateway.revoke(made.id);
        // It is told that the stream is over, comes again, and is refused for good.
        browser.until("said.at(-1) === 'error 2' && source.readyState === EventSource.CLOSED");
        assert_eq!(browser.value("said.filter(one => one === 'first').length"), 1, "{in_cookie}");
        assert_eq!(upstream.take().len(), 1, "nobody else was asked");
        // So is one that never was good.
        listen(&mut browser, &url, how);
        browser.until("source.readyState === EventSource.CLOSED");
        assert_eq!(browser.value("said"), json!(["error 2"]));
    }
    // A page of another origin is refused, though the browser sends the cookie along.
    let made = gateway.token(json!({"owner": "somebody", "name": "events", "flags": -1}));
    browser.value(&format!("document.cookie = 'shop-token={}; SameSite=Strict'", made.secret));
    let other = Upstream::scripted(|_| ok("<!doctype html><title>another page</title>"));
    browser.open(&format!("http://127.0.0.1:{}", other.address().port()));
    assert!(browser.value("document.cookie").as_str().unwrap().contains(&made.secret));
    listen(&mut browser, &url, "{withCredentials: true}");
    browser.until("source.readyState === EventSource.CLOSED");
    assert!(upstream.take().is_empty());
}

/// Opens a WebSocket, and notes what comes of it.
const TALK: &str = "(url => { window.said = []; window.socket = new WebSocket(url); \
                    socket.onopen = () => said.push('open'); socket.onmessage = event => said.push(event.data); \
                    socket.onclose = event => said.push(`closed ${event.code} ${event.reason}`) })";

/// `WebSocket` sets no header either. On a connection that is there it goes over HTTP/2 (RFC 8441), as browsers do within TLS.
#[test]
fn a_browsers_websocket_is_let_in_refused_and_ended_with_its_token() {
    let files = Files::new();
    files.make("server", &["127.0.0.1"]);
    let upstream = Upstream::scripted(|seen| match seen.value("upgrade") {
        None => ok("<!doctype html><title>a page</title>"),
        Some(_) => {
            let head = String::from_utf8(seen.head.clone()).unwrap();
            let agreed = [agrees(&head).as_bytes(), &frame("first")].concat();
            vec![Step::TakeBody, Step::Send(agreed), Step::Stall]
        }
    });
    let gateway = Gateway::start(&format!(
        "tls.certificates = [{{ chain = {:?}, key = {:?} }}]\n[[apis]]\nname = \"a\"\nupstream = \"http://{}\"\n\
         token_cookie = \"shop-token\"\ntoken_query = \"access_token\"\n\
         rules = [{{ path = \"/talk\" }}, {{ path = \"/page\", public = true }}]\n",
        files.path("server.pem"),
        files.path("server.key"),
        upstream.address()
    ));
    gateway.owner("somebody");
    let mut browser = Browser::start();
    // Nobody but this test knows who signed it.
    browser.tell("Security.setIgnoreCertificateErrors", json!({"ignore": true}));
    browser.open(&format!("https://{}/page", gateway.public()));
    let url = format!("wss://{}/talk", gateway.public());
    let accepted = || gateway.counted(|core| core.accepted.value());
    let before = accepted();
    for in_cookie in [false, true] {
        let made = gateway.token(json!({"owner": "somebody", "name": "talk", "flags": -1}));
        let own = match in_cookie {
            false => format!("{url}?access_token={}", made.secret),
            true => url.clone(),
        };
        if in_cookie {
            let cookie = format!("document.cookie = 'shop-token={}; SameSite=Strict'", made.secret);
            browser.value(&cookie);
        }
        upstream.take();
        browser.value(&format!("{TALK}({own:?})"));
        browser.until("said.includes('first') && socket.readyState === WebSocket.OPEN");
        let seen = upstream.take_one();
        assert!(!seen.holds(&made.secret), "{:?}", seen.head.escape_ascii().to_string());
        gateway.revoke(made.id);
        browser.until("socket.readyState === WebSocket.CLOSED");
        let told = json!(["open", "first", "closed 1008 The access token is invalid"]);
        assert_eq!(browser.value("said"), told, "in a cookie: {in_cookie}");
        // So is one that is not good any more, or never was: a page is not told why.
        for wrong in [own, format!("{url}?access_token=nobodys")] {
            browser.value(&format!("{TALK}({wrong:?})"));
            browser.until("socket.readyState === WebSocket.CLOSED");
            assert_eq!(browser.value("said"), json!(["closed 1006 "]), "{wrong}");
        }
        assert!(upstream.take().is_empty(), "nobody else was asked");
    }
    assert_eq!(accepted(), before, "all went over the connection of the page");
}
