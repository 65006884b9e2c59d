//! Pages of other origins: what browsers are told before a script's request and with its answer (Fetch standard section
//! 3.2), over both versions of HTTP. What a real browser makes of it stands in `pages`.

use std::collections::BTreeMap;

use http::{HeaderMap, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use tollgate::domain::refusal::Refusal;
use tollgate::domain::secret::Secret;

use crate::support::client::Client;
use crate::support::gateway::Gateway;
use crate::support::http2;
use crate::support::program::Program;
use crate::support::upstream::{Upstream, answer};

const APP: &str = "https://app.example";

/// What an upstream says of itself to browsers.
pub(crate) const OWN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nVary: Accept\r\nAccess-Control-Allow-Origin: *\r\n\
                   ACCESS-CONTROL-ALLOW-CREDENTIALS: true\r\nAccess-Control-Expose-Headers: X-Own\r\nX-Own: 1\r\n\r\nok";

/// A gateway whose API `a` lies under `/a`, with these lines of CORS, and whose API `b` has none.
pub(crate) fn gateway(upstream: &Upstream, cors: &str) -> (Gateway, String) {
    let gateway = Gateway::start(&format!(
        "[[apis]]\nname = \"a\"\npath = \"/a\"\nupstream = \"http://{0}\"\nbody_limit = 3\n\
         cors = {{ {cors} }}\nrules = [\n\
         {{ path = \"/a/x\", methods = [\"GET\", \"PUT\"] }}, {{ path = \"/a/x\", methods = [\"REPORT\"] }},\n\
         {{ path = \"/a/open\", methods = [\"POST\"], public = true }} ]\n\
         [[apis]]\nname = \"gone\"\npath = \"/gone\"\nupstream = \"http://127.0.0.1:1\"\n\
         cors = {{ {cors} }}\nrules = [{{ path = \"/gone/{{*rest}}\" }}]\n\
         [[apis]]\nname = \"b\"\npath = \"/\"\nupstream = \"http://{0}\"\nrules = [{{ path = \"/{{*rest}}\" }}]\n",
        upstream.address()
    ));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    (gateway, secret)
}

/// What a browser hears.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    status: u16,
    /// All that is of CORS, and `vary`.
    told: BTreeMap<String, String>,
}

impl Heard {
    fn of(status: u16, headers: &HeaderMap) -> Self {
        let mut told = BTreeMap::new();
        for name in headers.keys() {
            let values: Vec<_> =
                headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
            let name = name.as_str();
            if name == "vary" || name.starts_with("access-control-") {
                told.insert(name.to_owned(), values.join(", "));
            }
        }
        Self { status, told }
    }

    fn is(&self, status: u16, told: &[(&str, &str)]) {
        let told = told.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        assert_eq!(*self, Self { status, told: told.collect() });
    }
}

/// The answer to a request with these lines, which is the same over both versions of HTTP.
fn hear(gateway: &Gateway, line: &str, fields: &[(&str, &str)], body: &'static str) -> Heard {
    let (method, path) = line.split_once(' ').unwrap();
    let mut head =
        format!("{line} HTTP/1.1\r\nHost: api.example\r\nContent-Length: {}\r\n", body.len());
    let mut request = Request::builder().method(method).uri(format!("http://api.example{path}"));
    for (name, value) in fields {
        head += &format!("{name}: {value}\r\n");
        request = request.header(*name, *value);
    }
    let mut client = Client::connect(gateway.public());
    client.send(head + "\r\n" + body);
    let first = client.answer_to(method).unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in first.fields() {
        headers.append(
            name.parse::<http::HeaderName>().unwrap(),
            http::HeaderValue::from_bytes(&value).unwrap(),
        );
    }
    let first = Heard::of(first.status, &headers);
    let second =
        http2::Client::connect(gateway.public()).ask(request.body(Full::from(body)).unwrap());
    assert_eq!(Heard::of(second.status, &second.headers), first, "{line} {fields:?}");
    first
}

fn preflight(gateway: &Gateway, path: &str, origin: &str) -> Heard {
    let asks = [("Origin", origin), ("Access-Control-Request-Method", "PUT")];
    hear(gateway, &format!("OPTIONS {path}"), &asks, "")
}

#[test]
fn a_preflight_is_answered_without_a_token_and_never_reaches_the_upstream() {
    let upstream = Upstream::start();
    let cors = "origins = [\"https://app.example\", \"https://*.dev.example:8443\"]";
    let (gateway, _) = gateway(&upstream, cors);
    // The same for every path of the API: nobody learns which there are.
    for path in ["/a/x", "/a/x/", "/a", "/a/nothing?q", "/a/open"] {
        preflight(&gateway, path, APP).is(
            204,
            &[
                ("access-control-allow-origin", APP),
                ("access-control-allow-methods", "GET, HEAD, POST, PUT, REPORT"),
                (
                    "access-control-allow-headers",
                    "authorization, content-type, idempotency-key, if-match, if-none-match, \
                 last-event-id, range, x-requested-with",
                ),
                ("access-control-max-age", "600"),
                ("vary", "origin"),
            ],
        );
    }
    let below = preflight(&gateway, "/a/x", "https://one.dev.example:8443");
    assert_eq!(below.told["access-control-allow-origin"], "https://one.dev.example:8443");
    // A token does not make it another request.
    let asks = [
        ("Origin", APP),
        ("Access-Control-Request-Method", "PUT"),
        ("Authorization", "Bearer nobodys"),
    ];
    assert_eq!(hear(&gateway, "OPTIONS /a/x", &asks, "").status, 204);
    assert!(upstream.seen().is_empty());
}

#[test]
fn a_preflight_of_another_page_is_refused_and_told_nothing() {
    let upstream = Upstream::start();
    let (gateway, _) = gateway(&upstream, "origins = [\"https://*.app.example\"]");
    for origin in [
        "https://app.example",
        "http://a.app.example",
        "https://a.app.example:8443",
        "https://a.app.example.evil.example",
        "https://evil.example/.app.example",
        "https://A.APP.EXAMPLE",
        "null",
        "",
    ] {
        preflight(&gateway, "/a/x", origin).is(403, &[("vary", "origin")]);
    }
    // Two origins are none.
    let two = [
        ("Origin", "https://a.app.example"),
        ("Origin", "https://b.app.example"),
        ("Access-Control-Request-Method", "PUT"),
    ];
    hear(&gateway, "OPTIONS /a/x", &two, "").is(403, &[("vary", "origin")]);
    let refused = gateway.counted(|core| core.refusals.of(Refusal::OriginNotAllowed));
    assert_eq!(refused, 18);
    assert!(upstream.seen().is_empty());
    let problem = gateway.ask(
        "OPTIONS /a/x HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\n\
         Access-Control-Request-Method: GET\r\n\r\n",
    );
    assert_eq!(problem.json()["detail"], "Scripts of this origin may not use this API");
    assert_eq!(problem.value("www-authenticate"), None, "no token would help");
}

/// What is no preflight, or of an API that says nothing of pages, needs a token as any request.
#[test]
fn other_requests_with_options_go_their_way() {
    let upstream = Upstream::scripted(|_| answer(OWN));
    let (gateway, secret) = gateway(&upstream, "origins = [\"https://app.example\"]");
    let bearer = format!("Bearer {secret}");
    let asks = [("Origin", APP), ("Access-Control-Request-Method", "PUT")];
    hear(&gateway, "OPTIONS /x", &asks, "").is(401, &[]);
    assert!(upstream.seen().is_empty());
    let with = [asks[0], asks[1], ("Authorization", &*bearer)];
    let own = [
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "X-Own"),
        ("vary", "Accept"),
    ];
    hear(&gateway, "OPTIONS /x", &with, "").is(200, &own);
    hear(&gateway, "GET /x", &[asks[0], with[2]], "").is(200, &own);
    for one in [&asks[..1], &asks[1..], &[("Access-Control-Request-Headers", "x")]] {
        assert_eq!(hear(&gateway, "OPTIONS /a/x", one, "").status, 401, "{one:?}");
    }
    assert_eq!(hear(&gateway, "GET /a/x", &asks, "").status, 401);
    // What is meant for this hop alone was not said.
    let hop = gateway.ask(
        "OPTIONS /a/x HTTP/1.1\r\nHost: a\r\nOrigin: https://app.example\r\nConnection: origin\r\n\
         Access-Control-Request-Method: GET\r\n\r\n",
    );
    assert_eq!(hop.status, 401);
}

#[test]
fn who_may_read_an_answer_is_told_by_the_gateway_in_place_of_the_upstream() {
    let upstream = Upstream::scripted(|_| answer(OWN));
    let cors =
        "origins = [\"https://app.example\"], expose = [\"X-Own\", \"ETag\"], credentials = true";
    let (gateway, secret) = gateway(&upstream, cors);
    let bearer = format!("Bearer {secret}");
    let ask = |origin: &[(&str, &str)]| {
        let fields = [origin, &[("Authorization", &*bearer)]].concat();
        hear(&gateway, "GET /a/x", &fields, "")
    };
    ask(&[("Origin", APP)]).is(
        200,
        &[
            ("access-control-allow-origin", APP),
            ("access-control-allow-credentials", "true"),
            ("access-control-expose-headers", "x-own, etag"),
            ("vary", "Accept, origin"),
        ],
    );
    // A shared cache keeps apart what is told to whom.
    for other in [&[("Origin", "https://evil.example")][..], &[("Origin", "null")], &[]] {
        ask(other).is(200, &[("vary", "Accept, origin")]);
    }
    // The rest of an answer stays as it is, and the page's origin goes on.
    assert_eq!(gateway.ask(gateway.get("/a/x", &secret)).value("X-Own").unwrap(), "1");
    assert_eq!(upstream.seen()[0].value("origin").unwrap(), APP);
}

/// The same where the upstream speaks HTTP/2: here another gateway, which lets all pass.
#[test]
fn what_an_upstream_of_http2_says_to_browsers_is_replaced_as_well() {
    let upstream = Upstream::scripted(|_| answer(OWN));
    let behind = Gateway::start(&format!(
        "[[apis]]\nname = \"all\"\nupstream = \"http://{}\"\n\
         rules = [{{ path = \"/{{*rest}}\", public = true }}]\n",
        upstream.address()
    ));
    let gateway = Gateway::start(&format!(
        "[[apis]]\nname = \"a\"\npath = \"/a\"\nupstream = \"http://{0}\"\nupstream_http2 = true\n\
         cors = {{ origins = [\"*\"] }}\nrules = [{{ path = \"/a/{{*rest}}\" }}]\n\
         [[apis]]\nname = \"b\"\nupstream = \"http://{0}\"\nupstream_http2 = true\n\
         rules = [{{ path = \"/{{*rest}}\" }}]\n",
        behind.public()
    ));
    gateway.owner("somebody");
    let bearer = format!("Bearer {}", gateway.any_token());
    let fields = [("Origin", APP), ("Authorization", &*bearer)];
    let heard = hear(&gateway, "GET /a/x", &fields, "");
    assert_eq!(heard.told["access-control-allow-origin"], "*");
    assert_eq!(heard.told["vary"], "Accept", "it does not depend on who asks");
    assert!(!heard.told.contains_key("access-control-allow-credentials"));
    assert!(heard.told["access-control-expose-headers"].contains("retry-after"));
    // A browser may have it from somebody who asked without, and not ask again.
    let unasked = hear(&gateway, "GET /a/x", &fields[1..], "");
    assert_eq!(unasked.told, heard.told);
    let untouched = hear(&gateway, "GET /x", &fields, "");
    assert_eq!(untouched.told["access-control-expose-headers"], "X-Own");
}

#[test]
fn refusals_can_be_read_by_the_scripts_that_may() {
    let upstream = Upstream::start();
    let (gateway, secret) = gateway(&upstream, "origins = [\"https://app.example\"]");
    let rated = gateway.token(json!({
        "owner": "somebody", "name": "rated", "flags": -1,
        "limits": {"rate": {"requests": 1, "per": "hour"}},
    }));
    assert_eq!(gateway.ask(gateway.get("/a/x", &rated.secret)).status, 200);
    let (good, rated) = (format!("Bearer {secret}"), format!("Bearer {}", rated.secret));
    for (line, bearer, body, status) in [
        ("GET /a/x", None, "", 401),
        ("GET /a/x", Some("Bearer nobodys"), "", 401),
        ("GET /a/x", Some("Bearer two words"), "", 400),
        ("GET /a/nothing", Some(&*good), "", 403),
        ("DELETE /a/x", Some(&*good), "", 403),
        ("GET /a/x", Some(&*rated), "", 429),
        ("PUT /a/x", Some(&*good), "four", 413),
        ("GET /gone/x", Some(&*good), "", 502),
        // These have met no API, and are meant for this one.
        ("GET /a/../a/x", Some(&*good), "", 400),
        ("GET /a//x", Some(&*good), "", 400),
    ] {
        for (origin, may) in [(APP, true), ("https://evil.example", false)] {
            let bearer = bearer.map(|bearer| ("Authorization", bearer));
            let fields: Vec<_> = [("Origin", origin)].into_iter().chain(bearer).collect();
            let heard = hear(&gateway, line, &fields, body);
            assert_eq!(heard.status, status, "{line}");
            let read = heard.told.get("access-control-allow-origin").map(String::as_str);
            assert_eq!(read, may.then_some(APP), "{line}: {heard:?}");
            assert_eq!(heard.told["vary"], "origin", "{line}");
        }
    }
}

/// What the file says goes before what is usual, and a reload changes it.
#[test]
fn what_is_told_is_what_the_file_says() {
    let upstream = Upstream::start();
    let cors = "origins = [\"https://app.example\"], methods = [\"PATCH\"], headers = [\"X-One\", \"x-two\"], \
                max_age = \"24h\"";
    let (gateway, _) = gateway(&upstream, cors);
    let told = preflight(&gateway, "/a/x", APP).told;
    assert_eq!(told["access-control-allow-methods"], "PATCH");
    assert_eq!(told["access-control-allow-headers"], "x-one, x-two");
    assert_eq!(told["access-control-max-age"], "86400");
    let text = std::fs::read_to_string(gateway.source()).unwrap();
    let text = text.replace("app.example", "new.example").replace("\"bearer\"", "\"elma365\"");
    std::fs::write(gateway.source(), text).unwrap();
    gateway.app().reloader().reload().unwrap();
    assert_eq!(preflight(&gateway, "/a/x", APP).status, 403);
    assert_eq!(preflight(&gateway, "/a/x", "https://new.example").status, 204);
}

/// sec-A3: a secret in the address of a preflight is refused, and told nowhere.
#[test]
fn preflights_are_counted_and_logged_and_hide_no_secret() {
    let upstream = Upstream::start();
    let program = Program::start(&format!(
        "telemetry.format = \"json\"\n[[apis]]\nname = \"a\"\ndialect = \"elma365\"\n\
         upstream = \"http://{}\"\ncors = {{ origins = [\"https://app.example\"] }}\n\
         rules = [{{ path = \"/{{*rest}}\" }}]\n",
        upstream.address()
    ));
    let ask = |path: &str, origin: &str| {
        let mut client = Client::connect(program.public());
        client.send(format!(
            "OPTIONS {path} HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\n\
             Access-Control-Request-Method: PUT\r\n\r\n"
        ));
        client.answer()
    };
    let granted = ask("/x", APP);
    assert_eq!(granted.status, 204);
    // The field of its dialect is among those that scripts may send.
    assert!(granted.value("access-control-allow-headers").unwrap().ends_with(", x-token"));
    assert_eq!(ask("/x", "https://evil.example").status, 403);
    let secret = Secret::issue(|bytes| {
        bytes.fill(b'7');
        Ok::<_, ()>(())
    });
    let secret = secret.unwrap().expose().to_owned();
    let spoilt = ask(&format!("/x?t={secret}"), APP);
    assert_eq!(spoilt.status, 400);
    assert_eq!(spoilt.value("access-control-allow-origin").unwrap(), APP);
    let admin = program.admin();
    let mut client = Client::connect(admin);
    let metrics = client.ask(format!("GET /metrics HTTP/1.1\r\nHost: {admin}\r\n\r\n")).text();
    for (outcome, count) in [("2xx", 1), ("refused", 2)] {
        let line = format!(
            "tollgate_requests_total{{api=\"a\",rule=\"preflight\",outcome=\"{outcome}\"}} {count}"
        );
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    let told = || {
        let logged = String::from_utf8(program.logged()).unwrap();
        assert!(!logged.contains(&secret));
        let lines = logged.lines().map(|line| serde_json::from_str(line).unwrap_or_default());
        let lines = lines.filter(|line: &Value| line["target"] == "access");
        lines.map(|line| (line["outcome"].clone(), line["reason"].clone())).collect::<Vec<_>>()
    };
    crate::support::wait_until("no lines", crate::support::PATIENCE, || told().len() == 3);
    let wanted = [
        (json!("preflight"), Value::Null),
        (json!("refused"), json!("origin_not_allowed")),
        (json!("refused"), json!("credential_in_target")),
    ];
    assert_eq!(told(), wanted);
}
