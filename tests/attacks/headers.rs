//! Identity comes from the gateway alone (sec-H1 to sec-H6).

use serde_json::json;

use super::table::{Refused, Stage, http2};
use crate::support::frames::field;
use crate::support::upstream::Seen;

const HOST: &str = "Host: a.example\r\n";

/// The headers by which an upstream is told who is calling.
const IDENTITY: [&str; 5] = [
    "X-Tollgate-Owner",
    "X-Tollgate-Token-Id",
    "X-Tollgate-Token-Name",
    "X-Tollgate-Flags",
    "X-Tollgate-Contexts",
];

/// Names that an upstream could take for `wanted`, however it folds case and signs.
fn alike(seen: &Seen, wanted: &str) -> usize {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let fold = |name: &str| name.to_ascii_lowercase().chars().map(plain).collect::<String>();
    seen.names().iter().filter(|name| fold(name) == fold(wanted)).count()
}

fn check_identity(stage: &Stage, row: &str, lines: &str) {
    let asked = stage.request_both("GET /public/x HTTP/1.1", &format!("{HOST}{lines}"));
    for (status, seen) in asked {
        assert_eq!(status, 200, "{row}: {lines}");
        let seen = &seen[0];
        assert_eq!(seen.values("x-tollgate-owner"), ["alice"], "{row}: {lines}");
        for name in IDENTITY {
            assert_eq!(alike(seen, name), 1, "{row}: {name} after {lines}: {:?}", seen.names());
        }
        assert!(!seen.holds("root"), "{row}: {lines}: {:?}", seen.head.escape_ascii().to_string());
        assert!(seen.values("authorization").is_empty() && !seen.holds(&stage.secret), "{row}");
        assert!(seen.values("keep-alive").is_empty(), "{row}");
    }
}

#[test]
fn sec_h1_naming_a_header_in_connection_takes_no_identity_away() {
    let stage = Stage::twofold();
    check_identity(&stage, "nothing special", "");
    for names in [
        "close, X-Tollgate-Owner",
        "close, x-tollgate-owner",
        "X-TOLLGATE-OWNER",
        "keep-alive, X-Tollgate-Owner, X-Tollgate-Flags",
        "authorization",
        "Authorization, close",
        "X-Tollgate-Owner\r\nConnection: X-Tollgate-Token-Id",
        "X_Tollgate_Owner",
        ",,X-Tollgate-Owner,,",
        "X-Tollgate-Owner;q=1",
        "host",
        "content-length, transfer-encoding",
    ] {
        check_identity(&stage, "sec-H1", &format!("Connection: {names}\r\n"));
        let both = format!("Connection: {names}\r\nX-Tollgate-Owner: root\r\n");
        check_identity(&stage, "sec-H1", &both);
    }
    let (_, seen) = stage.request(
        "GET /public/x HTTP/1.1",
        &format!("{HOST}Connection: X-Mine\r\nX-Mine: 1\r\nX-Other: 2\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\n"),
    );
    assert!(seen[0].values("x-mine").is_empty() && seen[0].values("proxy-connection").is_empty());
    assert_eq!(seen[0].values("x-other"), ["2"]);
}

#[test]
fn sec_h1_a_connection_names_no_more_than_a_few() {
    let stage = Stage::twofold();
    for (count, status) in [(100, 200), (101, 400), (4_000, 400)] {
        let lines = format!("{HOST}Connection: {}close, keep-alive\r\n", "x, ".repeat(count));
        let (answer, seen) = stage.request("GET /public/x HTTP/1.1", &lines);
        let answer = answer.unwrap();
        assert_eq!((answer.status, seen.is_empty()), (status, status == 400), "{count}");
        if status == 400 {
            assert_eq!(answer.json()["detail"], "The `Connection` field names too many others");
        }
    }
    let lines = format!("{HOST}{}", "Connection: a, b, c\r\n".repeat(34));
    assert_eq!(stage.request("GET /public/x HTTP/1.1", &lines).0.unwrap().status, 400);
}

#[test]
fn sec_h1_hop_by_hop_headers_stop_here() {
    let stage = Stage::twofold();
    // HTTP/2 has two of them.
    for (name, value, versions) in [
        ("Keep-Alive", "timeout=5", 1),
        ("Proxy-Connection", "keep-alive", 1),
        ("Proxy-Authorization", "Basic eDp5", 2),
        ("HTTP2-Settings", "AAMAAABkAAQAAP__", 2),
        ("Upgrade", "h2c", 1),
        ("Upgrade", "websocket", 1),
        ("Connection", "Upgrade, HTTP2-Settings", 1),
    ] {
        let lines = format!("{HOST}{name}: {value}\r\n");
        let asked = stage.request_both("GET /public/x HTTP/1.1", &lines);
        assert_eq!(asked.len(), versions, "{name}");
        for (status, seen) in asked {
            assert_eq!(status, 200, "{name}");
            assert!(!seen[0].holds(value), "{name}: {seen:?}");
            assert!(seen[0].values(name).is_empty(), "{name}: {seen:?}");
        }
    }
}

#[test]
fn sec_h2_aliases_of_identity_are_removed() {
    let stage = Stage::twofold();
    for name in [
        "X-Tollgate-Owner",
        "x-tollgate-owner",
        "X_Tollgate_Owner",
        "x-TOLLGATE_owner",
        "X.Tollgate.Owner",
        "X_Tollgate-Token_Id",
        "X-Tollgate-Token.Name",
        "x_tollgate_flags",
        "X-Tollgate-Contexts",
        "X-TOLLGATE-ITEMS",
        "X-Tollgate-Params",
        "X_Tollgate_Company",
        "X-Tollgate-Request-Id",
        "X-Tollgate-Anything",
        "X~Tollgate~Owner",
        "x!tollgate+flags",
        "X|Tollgate^Company",
        "X-Tollgate'Token`Name",
    ] {
        check_identity(&stage, "sec-H2", &format!("{name}: root\r\n"));
        check_identity(&stage, "sec-H2", &format!("{name}: root\r\n{name}: root\r\n"));
        check_identity(&stage, "sec-H2", &format!("{name}:\r\n"));
    }
}

/// Servers that read `_` as `-` would see another end of the message than the one that was checked.
#[test]
fn sec_h2_aliases_of_framing_are_removed() {
    let stage = Stage::twofold();
    for (name, value) in [
        ("Transfer_Encoding", "chunked"),
        ("Transfer.Encoding", "chunked"),
        ("Content_Length", "5"),
        ("Content~Length", "5"),
        ("Keep_Alive", "5"),
        ("Proxy_Authorization", "Basic eDp5"),
        ("Proxy_Connection", "x"),
        ("HTTP2_Settings", "AAMAAABkAAQAAP__"),
        ("Sec_WebSocket_Key", "x"),
        ("Sec-WebSocket_Protocol", "x"),
    ] {
        let asked =
            stage.request_both("GET /public/x HTTP/1.1", &format!("{HOST}{name}: {value}\r\n"));
        for (status, seen) in asked {
            assert_eq!(status, 200, "{name}");
            assert_eq!(alike(&seen[0], name), 0, "{name}: {seen:?}");
        }
    }
}

#[test]
fn sec_h3_an_anonymous_request_claims_nobody() {
    let stage = Stage::twofold();
    let lines: String = IDENTITY.iter().map(|name| format!("{name}: root\r\n")).collect();
    let head = format!("GET /open/x HTTP/1.1\r\n{HOST}{lines}X_Tollgate_Owner: root\r\n\r\n");
    let (answer, seen) = stage.send(head.as_bytes());
    let fields = http2("GET /open/x HTTP/1.1", &format!("{HOST}{lines}")).unwrap();
    let (reply, seen_http2) = stage.ask_http2(&fields, None, &[]);
    assert_eq!((answer.unwrap().status, reply.status), (200, Some(200)));
    for seen in [seen, seen_http2] {
        assert!(!seen[0].holds("root"), "{seen:?}");
        for name in IDENTITY {
            assert_eq!(alike(&seen[0], name), 0, "{name}");
        }
    }
}

#[test]
fn sec_h4_forwarded_headers_have_no_effect_and_do_not_pass() {
    let stage = Stage::twofold();
    for name in [
        "X-Forwarded-Uri",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Forwarded-Prefix",
        "X-Forwarded-For",
        "X-Forwarded-Port",
        "X-Forwarded-Method",
        "X-Forwarded-User",
        "X-Real-IP",
        "Forwarded",
        "X-Original-URL",
        "X-Original-URI",
        "X-Rewrite-URL",
        "X_Forwarded_For",
        "x_real_ip",
        "X-Original-Host",
        "X-Original-Method",
        "X-Original-For",
        "X-Client-IP",
        "Client-IP",
        "Proxy-Client-IP",
        "WL-Proxy-Client-IP",
        "HTTP_CLIENT_IP",
        "HTTP_X_FORWARDED_FOR",
        "HTTP-X-Forwarded",
        "HTTP_FORWARDED_FOR",
        "X-ProxyUser-Ip",
        "X-Host",
        "X-ARR-ClientCert",
        "X-Azure-ClientIP",
        "X-Azure-SocketIP",
        "X-HTTP-DestinationURL",
        "CF-Connecting-IP",
        "X-Cluster-Client-IP",
        "X-Envoy-Original-Path",
        "Remote_User",
        "Remote-Groups",
        "SCRIPT_NAME",
        "Script-Name",
        "PATH_INFO",
        "Daphne-Root-Path",
        "X-Script-Name",
        "X-Middleware-Subrequest",
        "X-Matched-Path",
        "X-Invoke-Path",
        "X-HTTP-Method~Override",
        "X-Rewrite~URL",
        "Client-Cert",
        "Client-Cert-Chain",
        "SSL_CLIENT_S_DN",
        "X-SSL-Client-Verify",
        "X-Auth-Request-User",
        "X-Consumer-Username",
        "WL-Proxy-SSL",
        "Front-End-Https",
        "HTTPS",
    ] {
        let lines = format!("{HOST}{name}: /public/from-the-client\r\n");
        for (status, seen) in stage.request_both("GET /admin/x HTTP/1.1", &lines) {
            assert_eq!((status, seen.len()), (403, 0), "{name}");
        }
        let both = stage.request_both("GET /public/x HTTP/1.1", &lines);
        assert_eq!(both.len(), 2);
        for (status, seen) in both {
            assert_eq!(status, 200, "{name}");
            assert!(!seen[0].holds("from-the-client"), "{name}: {:?}", seen[0].names());
        }
    }
}

/// What a client announces, of which the last alone goes on.
const ANNOUNCED: &str = "Authorization, X-Tollgate-Owner,x_tollgate_owner, X-Forwarded-For, SCRIPT_NAME, Cookie, \
                         Content-Length, transfer_encoding, TE, Connection, Content-Type, X-Sum";

#[test]
fn sec_h5_trailers_are_no_headers() {
    let stage = Stage::twofold();
    let chunks = |trailers: &str| {
        format!("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n{trailers}\r\n")
    };
    let evil = format!(
        "{}X-Tollgate-Owner: root\r\nX-Forwarded-For: 127.0.0.1\r\nSCRIPT_NAME: /public\r\ntransfer_encoding: chunked\r\n",
        stage.auth()
    );
    let head = format!("POST /public/x HTTP/1.1\r\n{HOST}");
    stage.check("sec-H5", format!("{head}{}", chunks(&evil)).as_bytes(), Refused(401));

    let allowed = format!(
        "{head}{}Trailer: {ANNOUNCED}\r\nTrailer: Host\r\n{}",
        stage.auth(),
        chunks(&format!("{evil}X-Sum: 1\r\n"))
    );
    let (answer, seen) = stage.send(allowed.as_bytes());
    assert_eq!(answer.unwrap().status, 200);
    check_trailers(&seen[0]);
    let nothing = format!("{head}{}trailer: authorization\r\n{}", stage.auth(), chunks(&evil));
    let (answer, seen) = stage.send(nothing.as_bytes());
    assert_eq!(answer.unwrap().status, 200);
    assert!(seen[0].values("trailer").is_empty() && seen[0].body.ends_with(b"\r\n0\r\n\r\n"));
}

fn check_trailers(seen: &Seen) {
    assert_eq!(seen.values("x-tollgate-owner"), ["alice"]);
    assert!(seen.values("x-sum").is_empty(), "a trailer was merged into the headers");
    assert_eq!(seen.values("trailer"), ["X-Sum"], "what does not go on is not announced");
    let body = String::from_utf8_lossy(&seen.body).to_lowercase();
    assert!(body.contains("x-sum: 1"), "{body}");
    for gone in ["x-tollgate", "authorization", "x-forwarded", "script", "transfer"] {
        assert!(!body.contains(gone), "{body}");
    }
}

#[test]
fn sec_h5_trailers_over_http2_are_no_headers_either() {
    let stage = Stage::twofold();
    let bearer = format!("Bearer {}", stage.secret);
    let trailers: Vec<u8> = [
        ("authorization", bearer.as_str()),
        ("x-tollgate-owner", "root"),
        ("x-forwarded-for", "127.0.0.1"),
        ("script_name", "/public"),
        ("transfer_encoding", "chunked"),
        ("x-sum", "1"),
    ]
    .into_iter()
    .flat_map(|(name, value)| field(name, value))
    .collect();
    let head = |more: &str| {
        http2(
            "POST /public/x HTTP/1.1",
            &format!("{HOST}{more}Trailer: {ANNOUNCED}\r\nTrailer: Host\r\n"),
        )
        .unwrap()
    };
    let (reply, seen) = stage.ask_http2(&head(""), Some(b"abc"), &trailers);
    assert_eq!((reply.status, seen.len()), (Some(401), 0), "sec-H5");
    let (reply, seen) = stage.ask_http2(&head(&stage.auth()), Some(b"abc"), &trailers);
    assert_eq!(reply.status, Some(200));
    check_trailers(&seen[0]);
}

#[test]
fn sec_h6_our_own_values_cannot_break_a_header() {
    let mut stage = Stage::twofold();
    for name in ["a\r\nX-Admin: 1", "a\nb", "a\u{0}b", "a\u{7f}", "a\u{85}b", "\u{1b}[2J"] {
        let token = json!({ "owner": "alice", "name": name });
        assert!(stage.gateway.try_token(token).is_err(), "{name:?}");
    }
    let name = "caf\u{e9} 100% \"\u{20ac}\", x";
    let token = json!({ "owner": "alice", "name": name, "params": { "k": "\r\n\u{e9}" } });
    let secret = stage.token(&token).secret;
    let lines = format!("{HOST}Authorization: Bearer {secret}\r\n");
    let both = stage.ask_both("GET /public/x HTTP/1.1", &lines, "");
    assert_eq!(both.len(), 2);
    for (status, seen) in both {
        assert_eq!(status, 200);
        let told = seen[0].value("x-tollgate-token-name").unwrap();
        let decoded = percent_encoding::percent_decode_str(&told).decode_utf8().unwrap();
        assert_eq!(decoded, name);
        assert!(seen[0].head.is_ascii());
    }
}
