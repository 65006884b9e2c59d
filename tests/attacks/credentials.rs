//! One credential, in one place, in one form (sec-A1 to sec-A5).

use super::table::{Outcome, Reaches, Refused, Stage, http2};

const PUBLIC: Outcome = Reaches("GET /public/x HTTP/1.1");
const GARBAGE: &str = "Bearer tg_0000000000000000000000000000000000zz";

/// Rows of lines in which `T` stands for the secret, with the outcome and the `error` of the challenge.
const LINES: [(&str, &str, Outcome, &str); 31] = [
    ("one good line", "Authorization: Bearer T\r\n", PUBLIC, ""),
    ("no credential", "", Refused(401), "none"),
    (
        "sec-A1",
        "Authorization: Bearer T\r\nAuthorization: Bearer wrong-wrong-wrong-wrong\r\n",
        Refused(400),
        "invalid_request",
    ),
    (
        "sec-A1",
        "Authorization: Bearer wrong-wrong-wrong-wrong\r\nAuthorization: Bearer T\r\n",
        Refused(400),
        "invalid_request",
    ),
    (
        "sec-A1: the same twice",
        "Authorization: Bearer T\r\nAuthorization: Bearer T\r\n",
        Refused(400),
        "invalid_request",
    ),
    (
        "sec-A1: in two spellings",
        "authorization: Bearer T\r\nAUTHORIZATION: Bearer x\r\n",
        Refused(400),
        "invalid_request",
    ),
    (
        "sec-A1: with another scheme",
        "Authorization: Basic eDp5\r\nAuthorization: Bearer T\r\n",
        Refused(400),
        "invalid_request",
    ),
    (
        "sec-A1: with an empty line",
        "Authorization:\r\nAuthorization: Bearer T\r\n",
        Refused(400),
        "invalid_request",
    ),
    ("sec-A1: a list", "Authorization: Bearer T, Bearer x\r\n", Refused(400), "invalid_request"),
    ("sec-A1: a list", "Authorization: Bearer x,Bearer T\r\n", Refused(400), "invalid_request"),
    ("sec-A1: a parameter", "Authorization: Bearer token=T\r\n", Refused(400), "invalid_request"),
    (
        "sec-A1: a parameter",
        "Authorization: Bearer T, realm=x\r\n",
        Refused(400),
        "invalid_request",
    ),
    ("sec-A2", "Authorization: bEARER T\r\n", PUBLIC, ""),
    ("sec-A2", "AUTHORIZATION:Bearer T  \r\n", PUBLIC, ""),
    ("sec-A2", "Authorization: Bearer  T\r\n", Refused(400), "invalid_request"),
    ("sec-A2", "Authorization: Bearer T x\r\n", Refused(400), "invalid_request"),
    ("sec-A2", "Authorization: Bearer\tT\r\n", Refused(400), "invalid_request"),
    ("sec-A2", "Authorization: Bearer \r\n", Refused(400), "invalid_request"),
    ("sec-A2", "Authorization: Bearer\r\n", Refused(400), "invalid_request"),
    ("sec-A2", "Authorization: Bearer \"T\"\r\n", Refused(400), "invalid_request"),
    ("sec-A2", "Authorization: Bearer T;\r\n", Refused(400), "invalid_request"),
    ("sec-A2: 8-bit", "Authorization: Bearer T\u{e9}\r\n", Refused(400), "invalid_request"),
    ("no scheme", "Authorization: T\r\n", Refused(401), "none"),
    ("an empty line", "Authorization:\r\n", Refused(401), "none"),
    ("another scheme", "Authorization: Basic T\r\n", Refused(401), "none"),
    ("another scheme", "Authorization: Bearers T\r\n", Refused(401), "none"),
    ("another field", "Proxy-Authorization: Bearer T\r\n", Refused(401), "none"),
    ("another field", "X-Authorization: Bearer T\r\nX-Token: T\r\n", Refused(401), "none"),
    ("an alias", "Authorization_: Bearer T\r\n", Refused(401), "none"),
    ("sec-A4", "User-Agent: kube-probe/1.27\r\n", Refused(401), "none"),
    ("sec-A4", "User-Agent: GoogleHC/1.0\r\nX-Health: 1\r\n", Refused(401), "none"),
];

#[test]
fn sec_a1_a2_and_a4_credentials() {
    let stage = Stage::twofold();
    for (row, lines, outcome, error) in LINES {
        let lines = lines.replace("Bearer T", &format!("Bearer {}", stage.secret));
        let lines = lines.replace("=T\r", &format!("={}\r", stage.secret));
        let lines = lines.replace(" T\r", &format!(" {}\r", stage.secret));
        let head = format!("GET /public/x HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n");
        let bytes: Vec<u8> = head.chars().map(|c| u8::try_from(c).unwrap()).collect();
        stage.check(row, &bytes, outcome);
        let line = "GET /public/x HTTP/1.1";
        let fields = http2(line, &format!("Host: a.example\r\n{lines}")).unwrap();
        stage.check_http2(row, &fields, outcome);
        let (answer, _) = stage.send(&bytes);
        let challenge = answer.unwrap().value("www-authenticate");
        match error {
            "" => assert_eq!(challenge, None, "{row}"),
            "none" => assert_eq!(challenge.as_deref(), Some("Bearer realm=\"a\""), "{row}"),
            error => assert!(challenge.unwrap().contains(&format!("error=\"{error}\"")), "{row}"),
        }
    }
}

#[test]
fn what_is_no_token_is_unknown_and_never_looked_up() {
    let stage = Stage::twofold();
    for credential in [
        GARBAGE.to_owned(),
        "Bearer x".to_owned(),
        format!("Bearer {}", &stage.secret[..stage.secret.len() - 1]),
        format!("Bearer {}x", stage.secret),
        format!("Bearer {}", stage.secret.to_uppercase()),
        format!("Bearer {}", "a".repeat(6_000)),
        format!("Bearer {}=", stage.secret),
    ] {
        let head = format!(
            "GET /public/x HTTP/1.1\r\nHost: a.example\r\nAuthorization: {credential}\r\n\r\n"
        );
        stage.check("garbage", head.as_bytes(), Refused(401));
        let lines = format!("Host: a.example\r\nAuthorization: {credential}\r\n");
        let fields = http2("GET /public/x HTTP/1.1", &lines).unwrap();
        stage.check_http2("garbage", &fields, Refused(401));
    }
}

#[test]
fn sec_a3_a_token_elsewhere_is_no_token() {
    let stage = Stage::twofold();
    let secret = &stage.secret;
    let body = format!("access_token={secret}");
    let form = format!(
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
        body.len()
    );
    let query = format!("GET /public/x?access_token={secret} HTTP/1.1");
    let cookie = format!("Cookie: access_token={secret}\r\n");
    for (place, line, lines, body) in [
        ("the query", &*query, "", ""),
        ("a cookie", "GET /public/x HTTP/1.1", &*cookie, ""),
        ("the body", "POST /public/x HTTP/1.1", &*form, &*body),
    ] {
        let both = stage.ask_both(line, &format!("Host: a.example\r\n{lines}"), body);
        assert_eq!(both.len(), 2, "{place}");
        for (status, seen) in both {
            assert_eq!((status, seen.len()), (401, 0), "sec-A3: in {place}");
        }
    }
    // HTTP/2 has none there.
    let line = format!("GET http://x:{secret}@a.example/public/x HTTP/1.1");
    stage.check(
        "sec-A3: in the target",
        format!("{line}\r\nHost: a.example\r\n\r\n").as_bytes(),
        Refused(400),
    );
}

#[test]
fn sec_a3_a_token_in_two_places_is_refused() {
    let mut stage = Stage::twofold();
    let other = stage.token(&serde_json::json!({ "owner": "alice", "name": "other" })).secret;
    let secret = &stage.secret;
    for target in [
        format!("/public/x?access_token={secret}"),
        format!("/public/{secret}?a=b"),
        format!("/public/x?access_token=%74g_{}", &secret[3..]),
        format!("/public/x?access_token={other}"),
        format!("/public/x?a=%20&access_token=tg%5f{}", &other[3..]),
    ] {
        let line = format!("GET {target} HTTP/1.1");
        for (status, seen) in stage.request_both(&line, "Host: a.example\r\n") {
            assert_eq!((status, seen.len()), (400, 0), "{target}");
        }
    }
    // What is another's own is passed on.
    let line = "GET /public/x?access_token=something-of-the-upstream HTTP/1.1";
    let (answer, seen) = stage.request(line, "Host: a.example\r\n");
    assert_eq!((answer.unwrap().status, seen.len()), (200, 1));
}

/// The address of a page goes along with all that it loads; whoever it is of, a token of ours in it goes no further. No API
/// here has `token_cookie` or `token_query`.
#[test]
fn sec_a3_no_upstream_is_told_a_token_by_the_address_of_a_page() {
    let mut stage = Stage::twofold();
    let other = stage.token(&serde_json::json!({ "owner": "alice", "name": "other" })).secret;
    let secret = &stage.secret;
    for (referer, passes) in [
        (format!("http://a.example/x?t={secret}"), false),
        (format!("http://other.example/x?a=b&t={other}"), false),
        (format!("http://a.example/{secret}/x"), false),
        (format!("http://a.example/x?t=%74g%5f{}", &secret[3..]), false),
        // One byte that is no ASCII.
        (format!("http://a.example/caf\u{e9}?t={secret}"), false),
        (format!("http://a.example/\r\nReferer: http://a.example/?t={secret}"), false),
        ("http://a.example/x?t=something-of-the-upstream".to_owned(), true),
    ] {
        let lines = format!("Host: a.example\r\nReferer: {referer}\r\n");
        for path in ["/public/x", "/open/x"] {
            let both = stage.request_both(&format!("GET {path} HTTP/1.1"), &lines);
            assert_eq!(both.len(), 2);
            for (status, seen) in both {
                assert_eq!((status, seen.len()), (200, 1), "{path}: {referer}");
                let told = seen[0].values("referer");
                assert_eq!(told.len(), usize::from(passes), "{path}: {referer}: {told:?}");
            }
        }
    }
}

#[test]
fn sec_a5_an_owner_has_one_spelling() {
    let stage = Stage::new();
    for id in ["a@evil@good", "Alice", "ALICE", "alice ", "al\u{131}ce", "alice\u{0}", ""] {
        assert!(stage.gateway.try_owner(serde_json::json!({ "id": id })).is_err(), "{id:?}");
    }
    for owner in ["Alice", "alice@", "nobody"] {
        let token = serde_json::json!({ "owner": owner, "name": "x" });
        assert!(stage.gateway.try_token(token).is_err(), "{owner}");
    }
}
