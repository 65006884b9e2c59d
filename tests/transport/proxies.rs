//! Trusted proxies (sec-H4): what they say of where a request came from is believed, and nothing else is.

use serde_json::json;

use crate::stage::{FAR, Stage};
use crate::support::client::{Client, ask};
use crate::support::desk::{GOOD, people, send};
use crate::support::http2;
use crate::support::process::Nginx;
use crate::support::{PATIENCE, wait_until};

const TRUSTED: &str = "proxies.trusted = [\"127.0.0.1\", \"10.0.0.0/8\"]";

/// Whoever is not listed says what he likes: nothing of it counts, and nothing of it arrives.
#[test]
fn sec_h4_nobody_is_believed_who_is_not_listed() {
    for more in
        ["", "proxies.trusted = [\"127.0.0.2\", \"10.0.0.0/8\"]", "proxies.header = \"forwarded\""]
    {
        let stage = Stage::new(more);
        for lines in [
            "X-Forwarded-For: 203.0.113.9\r\n",
            "X-Forwarded-For: 203.0.113.9, 10.0.0.1\r\nX-Forwarded-For: 203.0.113.9\r\n",
            "Forwarded: for=203.0.113.9;proto=https;host=evil.example\r\n",
            "X_Forwarded_For: 203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n",
            "True-Client-IP: 203.0.113.9\r\nX-Forwarded-Host: evil.example\r\nClient-IP: 203.0.113.9\r\n",
        ] {
            assert_eq!(stage.ask(&stage.far, lines).0, 403, "{more}: {lines}");
            let (status, seen) = stage.ask(&stage.near, lines);
            let seen = seen.unwrap();
            assert_eq!(
                (status, seen.values("x-forwarded-for")),
                (200, vec!["127.0.0.1".to_owned()])
            );
            assert_eq!(seen.values("x-forwarded-proto"), ["http"], "{lines}");
            assert!(!seen.holds("evil") && !seen.holds("203.0.113.9"), "{lines}");
        }
        assert!(!stage.logs(FAR));
    }
}

#[test]
fn sec_h4_a_trusted_proxy_is_believed_as_far_as_can_be() {
    let stage = Stage::new(TRUSTED);
    let far = |lines: &str| stage.ask(&stage.far, lines).0;
    for (chain, told) in [
        ("203.0.113.9", "203.0.113.9, 127.0.0.1"),
        ("203.0.113.9:4711", "203.0.113.9, 127.0.0.1"),
        ("127.0.0.1, 198.51.100.1,203.0.113.9", "203.0.113.9, 127.0.0.1"),
        ("198.51.100.1\r\nX-Forwarded-For: 203.0.113.9", "203.0.113.9, 127.0.0.1"),
        (
            "198.51.100.1, 203.0.113.9, 10.0.0.7, 10.0.0.8",
            "203.0.113.9, 10.0.0.7, 10.0.0.8, 127.0.0.1",
        ),
        ("nonsense, 203.0.113.9, ::ffff:10.0.0.8", "203.0.113.9, 10.0.0.8, 127.0.0.1"),
    ] {
        let (status, seen) = stage.ask(&stage.far, &format!("X-Forwarded-For: {chain}\r\n"));
        assert_eq!(status, 200, "{chain}");
        assert_eq!(seen.unwrap().values("x-forwarded-for"), [told], "{chain}");
    }
    for chain in
        ["203.0.113.9, 198.51.100.1", "203.0.113.9, 198.51.100.1, 10.0.0.1", "198.51.100.1"]
    {
        assert_eq!(far(&format!("X-Forwarded-For: {chain}\r\n")), 403, "{chain}");
    }
    // Left of what cannot be read nothing is believed: it came from the last proxy that is known.
    for bad in ["", "unknown", "203.0.113.9.", "for=203.0.113.9", "\"203.0.113.9\"", "203.0.113.9;"]
    {
        let lines = format!("X-Forwarded-For: 203.0.113.9, {bad}, 10.0.0.8\r\n");
        assert_eq!(far(&lines), 403, "{bad}");
        let (status, seen) =
            stage.ask(&stage.near, &format!("X-Forwarded-For: 203.0.113.9, {bad}\r\n"));
        assert_eq!(status, 200, "{bad}");
        assert_eq!(seen.unwrap().values("x-forwarded-for"), ["127.0.0.1"], "{bad}");
    }
    // The one field alone.
    assert_eq!(far("Forwarded: for=203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\n"), 403);
    assert_eq!(far("X-Forwarded-For: 203.0.113.9\r\nForwarded: for=198.51.100.1\r\n"), 200);
    // sec-H1: a client has the proxy's word dropped by naming it.
    let named = "Connection: close, X-Forwarded-For\r\nX-Forwarded-For: 198.51.100.1\r\n";
    assert_eq!(stage.ask(&stage.near, named).0, 403);
    // Not from elsewhere.
    let mut other = Client::connect_from("127.0.0.2", stage.program.public());
    let head = stage.head("/x/y", &stage.far, "X-Forwarded-For: 203.0.113.9\r\n");
    assert_eq!(other.ask(head).status, 403);
}

#[test]
fn sec_h4_the_client_of_a_proxy_is_the_client_everywhere() {
    let stage = Stage::new(TRUSTED);
    assert_eq!(stage.ask(&stage.far, "X-Forwarded-For: 203.0.113.77\r\n").0, 200);
    assert_eq!(stage.last_use(&stage.far_id).as_deref(), Some("203.0.113.77"));
    wait_until("no line names it", PATIENCE, || stage.logs("203.0.113.77"));
    // Whoever asks about the proxy's address is told whose counts.
    let asked = ["explain", "GET", "http://a.example/x/y", "--token", &stage.far_id, "--from"];
    for (from, words) in [
        ("10.0.0.7", "10.0.0.7 is a trusted proxy, which may name another client; allowed: ["),
        ("198.51.100.1", "from 198.51.100.1, allowed: ["),
    ] {
        let told = stage.program.run(&[&asked[..], &[from]].concat(), "").stdout;
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains(words), "{told}");
    }
    // Also where nothing but the head was read.
    let head = "GET /x/../y HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.78\r\n\r\n";
    assert_eq!(ask(stage.program.public(), head).status, 400);
    wait_until("no line names it", PATIENCE, || stage.logs("203.0.113.78"));
}

/// A proxy sends the requests of many over one connection, and each is of its own client.
#[test]
fn sec_h4_each_request_of_a_connection_has_its_own_client() {
    let stage = Stage::new(TRUSTED);
    let mut one = Client::connect(stage.program.public());
    let mut two = http2::Client::connect(stage.program.public());
    for (lines, status) in [
        ("X-Forwarded-For: 203.0.113.9\r\n", 200),
        ("X-Forwarded-For: 198.51.100.1\r\n", 403),
        ("X-Forwarded-For: 203.0.113.10\r\n", 200),
        ("", 403),
    ] {
        assert_eq!(one.ask(stage.head("/x/y", &stage.far, lines)).status, status, "{lines}");
        assert_eq!(stage.ask_http2(&mut two, &stage.far, lines), status, "HTTP/2: {lines}");
    }
    // And each by the settings that are in force when it comes.
    let claim = stage.head("/x/y", &stage.far, "X-Forwarded-For: 203.0.113.9\r\n");
    stage.reconfigure(TRUSTED, "proxies.trusted = [\"127.0.0.2\"]");
    assert_eq!(one.ask(&claim).status, 403, "on the open connection, too");
    stage.reconfigure("proxies.trusted = [\"127.0.0.2\"]", TRUSTED);
    assert_eq!(one.ask(&claim).status, 200);
}

#[test]
fn sec_h4_scheme_and_host_of_the_client_are_told() {
    let believed = format!("{TRUSTED}\nproxies.host = true");
    let stage = Stage::new(&believed);
    for (lines, proto, host) in [
        (
            "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example:8443\r\n",
            "https",
            Some("shop.example:8443"),
        ),
        (
            "X-Forwarded-Proto: http, HTTPS\r\nX-Forwarded-Host: evil.example, shop.example\r\n",
            "https",
            Some("shop.example"),
        ),
        ("X-Forwarded-Proto: gopher\r\nX-Forwarded-Host: a/b@c\r\n", "http", None),
        ("X-Forwarded-Proto:\r\nX-Forwarded-Host:\r\n", "http", None),
        ("", "http", None),
    ] {
        let lines = format!("X-Forwarded-For: 203.0.113.9\r\n{lines}");
        let (status, seen) = stage.ask(&stage.far, &lines);
        let seen = seen.unwrap();
        assert_eq!(
            (status, seen.value("x-forwarded-proto").as_deref()),
            (200, Some(proto)),
            "{lines}"
        );
        assert_eq!(seen.value("x-forwarded-host").as_deref(), host, "{lines}");
        assert_eq!(seen.values("host"), ["a.example"], "{lines}");
        assert!(seen.values("forwarded").is_empty());
    }
    // Many a proxy passes on what its client says there.
    stage.reconfigure(&believed, TRUSTED);
    let lines = "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Host: evil.example\r\n";
    let (status, seen) = stage.ask(&stage.far, lines);
    assert_eq!((status, seen.unwrap().holds("evil.example")), (200, false));
}

/// RFC 7239, in both directions.
#[test]
fn sec_h4_forwarded_is_believed_and_told_where_it_is_asked_for() {
    let stage =
        Stage::new(&format!("{TRUSTED}\nproxies.header = \"forwarded\"\nproxies.forwarded = true"));
    for (lines, chain, told) in [
        (
            "Forwarded: for=10.0.0.9, for=\"203.0.113.9:80\";proto=https;host=\"shop.example\", for=10.0.0.8;proto=http\r\n\
             X-Forwarded-For: 198.51.100.1\r\n",
            "203.0.113.9, 10.0.0.8, 127.0.0.1",
            "for=203.0.113.9;proto=https;host=\"shop.example\", for=10.0.0.8, for=127.0.0.1;proto=http;host=\"a.example\"",
        ),
        (
            "Forwarded: for=203.0.113.9;proto=https;host=\"shop.example\"\r\n",
            "203.0.113.9, 127.0.0.1",
            "for=203.0.113.9;proto=https;host=\"shop.example\", for=127.0.0.1;proto=http;host=\"a.example\"",
        ),
    ] {
        let (status, seen) = stage.ask(&stage.far, lines);
        assert_eq!(status, 200, "{lines}");
        let seen = seen.unwrap();
        assert_eq!(seen.values("x-forwarded-for"), [chain]);
        assert_eq!(seen.values("forwarded"), [told]);
    }
    for lines in [
        "X-Forwarded-For: 203.0.113.9\r\n",
        "Forwarded: for=203.0.113.9, for=198.51.100.1\r\n",
        "Forwarded: for=203.0.113.9, for=_hidden\r\n",
        "Forwarded: for=203.0.113.9;for=203.0.113.9\r\n",
        "Forwarded: for=\"203.0.113.9, for=198.51.100.1\r\n",
        "Forwarded: for=198.51.100.1;host=\"x, for=203.0.113.9;by=\"\r\n",
    ] {
        assert_eq!(stage.ask(&stage.far, lines).0, 403, "{lines}");
    }
    let (_, seen) =
        stage.ask(&stage.near, "Forwarded: for=203.0.113.9;proto=https, for=unknown\r\n");
    let told = "for=127.0.0.1;proto=http;host=\"a.example\"";
    assert_eq!(seen.unwrap().values("forwarded"), [told], "it is the proxy's own");
}

/// One that we did not write, as `docs/operating.md` has it.
#[test]
fn sec_h4_nginx_before_the_gateway_names_its_clients() {
    let stage = Stage::new("proxies.trusted = [\"127.0.0.1\"]");
    let nginx = Nginx::start(
        &format!(
            "location / {{ proxy_pass http://{}; proxy_http_version 1.1; proxy_set_header Host $host;\n\
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
             proxy_set_header X-Forwarded-Proto $scheme; }}",
            stage.program.public()
        ),
        |_| (),
    );
    let claims = "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n";
    for (secret, status) in [(&stage.far, 403), (&stage.near, 200)] {
        let mut client = Client::connect_from("127.0.0.2", nginx.address());
        assert_eq!(client.ask(stage.head("/x/y", secret, claims)).status, status);
    }
    let seen = stage.upstream.take_one();
    assert_eq!(seen.values("x-forwarded-for"), ["127.0.0.2, 127.0.0.1"]);
    assert_eq!(seen.values("x-forwarded-proto"), ["http"]);
}

/// The desk behind a proxy: whoever guesses waits, and others at the same proxy do not.
#[test]
fn sec_h4_the_desk_knows_clients_behind_a_trusted_proxy() {
    let stage = Stage::new(TRUSTED);
    people(&stage.program, &[("root", &["--role", "administrator"])]);
    let admin = stage.program.admin();
    let sign_in = |of: &str, password: &str| {
        let fields = format!("X-Forwarded-For: 127.0.0.1, {of}\r\n");
        send(admin, "POST /session", &fields, &json!({"user": "root", "password": password})).status
    };
    let wrong: Vec<_> = (0..20).map(|_| sign_in("198.51.100.1", "not this one")).collect();
    assert!(wrong.contains(&429), "{wrong:?}");
    assert_eq!(sign_in("198.51.100.1", GOOD), 429);
    // A program's token, by the address of the program.
    let list = |of: &str| {
        let fields = format!("X-Forwarded-For: {of}\r\nAuthorization: Bearer {}\r\n", stage.far);
        send(admin, "GET /tokens", &fields, &json!({})).status
    };
    assert_eq!((list(FAR), list("198.51.100.1"), list("203.0.113.9, unknown")), (200, 403, 403));
    assert_eq!(stage.last_use(&stage.far_id).as_deref(), Some(FAR));
    stage.reconfigure(TRUSTED, "");
    assert_eq!(list(FAR), 403, "nobody is believed any more");
}
