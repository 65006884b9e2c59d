//! What has to hold of a request that was permitted, and of the head that its upstream would get.

use http::header::{self, HeaderMap, HeaderName};
use http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::config::settings::Dialect;
use crate::gateway::authorize::Permit;
use crate::gateway::intake::Inbound;
use crate::gateway::places::Place;
use crate::gateway::snapshot::Snapshot;
use crate::gateway::upstream::Outgoing;
use crate::gateway::{host, path};
use crate::wire;

use super::SECRET;

/// What `Connection` may name without its going away.
const NOT_OF_CONNECTION: [HeaderName; 7] = [
    header::HOST,
    header::AUTHORIZATION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::EXPECT,
];

/// What cookie and parameter are called that may hold the token.
const TAKEN_FROM: &str = "t";

/// A request as it came, and as it was checked.
#[derive(Debug)]
pub(super) struct Asked {
    sent: Parts,
    method: String,
    path: String,
    query: Option<String>,
    host: String,
    websocket: bool,
    /// Whether the token stood in the query, in whatever escapes.
    in_query: bool,
}

/// Name and value of a field.
type Line<'a> = (&'a [u8], &'a [u8]);

/// What a head says of its body.
pub(super) struct Told {
    pub(super) length: Option<u64>,
}

impl Asked {
    pub(super) fn new(sent: Parts, inbound: &Inbound) -> Self {
        let Inbound { parts, host, notes, .. } = inbound;
        let path = inbound.path();
        let again =
            path::normalize(path).unwrap_or_else(|bad| panic!("{path} is refused: {bad:?}"));
        assert_eq!((&*again.path, again.ambiguities), (path, inbound.ambiguities), "{path}");
        assert!(parts.uri.authority().is_none() && parts.uri.scheme().is_none(), "{parts:?}");
        let hosts: Vec<_> = parts.headers.get_all(header::HOST).iter().collect();
        assert_eq!(hosts.len(), 1, "{sent:?}");
        assert_eq!(host::plain(hosts[0].as_bytes()).as_deref(), Some(&**host), "{sent:?}");
        for line in sent.headers.get_all(header::CONNECTION) {
            for name in wire::named_by_connection(line.as_bytes()) {
                let stays = NOT_OF_CONNECTION.contains(&name);
                assert!(stays || !parts.headers.contains_key(&name), "{name} of {sent:?}");
            }
        }
        let query = sent.uri.query().map(str::to_owned);
        assert_eq!(parts.uri.query(), query.as_deref(), "{sent:?}");
        let (path, host, websocket) = (path.to_owned(), host.to_string(), notes.websocket);
        let method = parts.method.to_string();
        Self { method, sent, path, query, host, websocket, in_query: false }
    }

    /// Of a query that held the token goes on what does not say so, and nothing else is another than before.
    pub(super) fn taken_from(&mut self, place: Option<Place>, inbound: &Inbound) {
        let query = inbound.parts.uri.query();
        self.in_query = place == Some(Place::Query);
        if self.in_query {
            let came = self.query.take().unwrap_or_default();
            let others = came.split('&').filter(|pair| {
                let key = pair.split('=').next().unwrap_or_default();
                !percent_decode_str(key).eq(TAKEN_FROM.bytes())
            });
            let others: Vec<_> = others.collect();
            assert_eq!(came.split('&').count(), others.len() + 1, "{came}");
            self.query = Some(others.join("&")).filter(|_| !others.is_empty());
        }
        assert_eq!(query, self.query.as_deref(), "{:?}", self.sent);
        assert_eq!(inbound.path(), self.path, "{:?}", self.sent);
    }
}

/// Checks the head that would go to the upstream against what came in.
pub(super) fn check(
    asked: &Asked,
    permit: &Permit<'_>,
    request: &Outgoing,
    snapshot: &Snapshot,
    came: &[u8],
) -> Told {
    let head = request.head();
    let shown = head.escape_ascii().to_string();
    let (first, fields) = lines(head);
    check_first(asked, permit, &first, &shown);
    check_admin(asked);
    check_ours(permit, &fields, snapshot, &shown);
    check_connection(asked, &fields, &shown);
    let api = permit.api();
    let all = |wanted: &'static str| fields.iter().filter(move |(name, _)| is(name, wanted));
    let hosts: Vec<_> = all("host").map(|(_, value)| value).collect();
    assert_eq!(hosts.len(), 1, "{shown}");
    match &api.host {
        Some(host) => assert_eq!(*hosts[0], host.as_bytes(), "{shown}"),
        None => assert_eq!(host::plain(hosts[0]).as_deref(), Some(&*asked.host), "{shown}"),
    }
    // sec-A1: one credential, and not the upstream's unless it is to have it.
    let credentials = all("authorization").count();
    assert!(credentials <= usize::from(api.keep_credential), "{shown}");
    if permit.entry().is_some() {
        let times = |text: &[u8]| memchr::memmem::find_iter(text, SECRET).count();
        let found = times(came) > 0 || asked.in_query;
        assert!(found, "a token was found in {}", came.escape_ascii());
        let gone = usize::from(!api.keep_credential && !asked.in_query);
        assert!(times(head) + gone <= times(came), "{shown}");
    }
    for (name, value) in &fields {
        let own = wire::is_claim(&lower(name)) || snapshot.identity.is_identity(&lower(name));
        let http2 = asked.sent.version == http::Version::HTTP_2;
        let joined = is(name, "cookie") && (http2 || api.places.is_some());
        // Over HTTP/2 the end of the stream says that there is no body.
        let none = http2 && is(name, "content-length") && *value == b"0";
        let ours = own || joined || none || is(name, "host") || is(name, "x-empr-id");
        let ours = ours || is(name, "connection") || is(name, "te") || is(name, "upgrade");
        let ours = ours || is(name, "transfer-encoding") || is(name, "sec-websocket-key");
        // Of what is announced some may be left out.
        let parts =
            value.split(|byte| is(name, "trailer") && *byte == b',').map(<[u8]>::trim_ascii);
        let found = || parts.clone().all(|part| memchr::memmem::find(came, part).is_some());
        assert!(ours || found(), "{} of {shown} did not come", lower(name));
    }
    framing(&fields, &shown)
}

/// A line each, strictly: what an upstream reads in another way is not there.
fn lines(head: &[u8]) -> (String, Vec<Line<'_>>) {
    let text = head.strip_suffix(b"\r\n\r\n").unwrap_or_else(|| panic!("no end"));
    let mut lines =
        text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    assert_eq!(memchr::memchr_iter(b'\r', text).count(), memchr::memchr_iter(b'\n', text).count());
    let first = String::from_utf8(lines.next().unwrap_or_default().to_vec()).unwrap();
    let fields = lines.map(|line| {
        let colon = memchr::memchr(b':', line).unwrap_or_else(|| panic!("{}", line.escape_ascii()));
        let value = line[colon + 1..].strip_prefix(b" ").unwrap_or_else(|| panic!("no blank"));
        let name = &line[..colon];
        assert!(HeaderName::from_bytes(name).is_ok(), "{}", line.escape_ascii());
        let printed = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
        assert!(value.iter().all(printed), "{}", line.escape_ascii());
        (name, value)
    });
    (first, fields.collect())
}

/// What is checked is byte for byte what goes on.
fn check_first(asked: &Asked, permit: &Permit<'_>, first: &str, shown: &str) {
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    assert_eq!((words.next(), words.next()), (Some("HTTP/1.1"), None), "{shown}");
    assert_eq!(method, asked.method, "{shown}");
    assert!(!matches!(method, "CONNECT" | "TRACE"), "{shown}");
    let (path, query) =
        target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    assert_eq!(query, asked.query.as_deref(), "{shown}");
    match &permit.api().base {
        None => assert_eq!(path, asked.path, "{shown}"),
        Some((own, base)) => {
            let rest = &asked.path[*own..];
            let root = if rest.is_empty() && base.is_empty() { "/" } else { rest };
            assert_eq!(path, format!("{base}{root}"), "{shown}");
        }
    }
    let normal = path::normalize(path);
    assert!(normal.as_ref().is_ok_and(|normal| normal.path == path), "{shown}: {normal:?}");
    let keep = permit.api().keep;
    let odd = normal.unwrap().ambiguities;
    assert!(keep.encoded_slash || !odd.encoded_slash, "{shown}");
    assert!(keep.empty_segment || !odd.empty_segment, "{shown}");
    assert!(keep.path_parameter || !odd.path_parameter, "{shown}");
}

/// The token does not reach `/admin`, by whatever reading of a path.
fn check_admin(asked: &Asked) {
    let meant = percent_decode_str(&asked.path).decode_utf8().unwrap();
    let names = meant.split(['/', '\\']).map(|name| name.split(';').next().unwrap_or(""));
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    let own = usize::from(names.first() == Some(&"erp") && asked.host == "erp.example");
    assert!(names.get(own) != Some(&"admin"), "{asked:?}");
}

/// sec-H1 to sec-H4: what we say is said once, and nobody else says it.
fn check_ours(permit: &Permit<'_>, fields: &[Line<'_>], snapshot: &Snapshot, shown: &str) {
    let mut said = Vec::new();
    for (name, value) in fields {
        let text = lower(name);
        if wire::is_claim(&text) || snapshot.identity.is_identity(&text) {
            assert!(!said.contains(&text), "{text} twice in {shown}");
            let ours = match text.as_str() {
                "x-forwarded-for" => *value == b"127.0.0.1",
                "x-forwarded-proto" => *value == b"http",
                "x-forwarded-host" => permit.api().host.is_some(),
                "x-tollgate-request-id" => true,
                _ => text.starts_with("x-tollgate-") && permit.entry().is_some(),
            };
            assert!(ours, "{text} in {shown}");
            said.push(text);
        }
    }
    let has = |name: &str| said.iter().any(|said| said == name);
    assert!(has("x-forwarded-for") && has("x-forwarded-proto"), "{shown}");
    assert_eq!(has("x-tollgate-owner"), permit.entry().is_some(), "{shown}");
    let alias = |wanted: &str| {
        fields.iter().filter(|(name, _)| wire::is_alias(&lower(name), wanted)).count()
    };
    match permit.api().dialect {
        Dialect::Bearer => {}
        Dialect::Elma365 => assert_eq!(alias("x-token"), 0, "{shown}"),
        Dialect::Focco => assert_eq!(alias("x-empr-id"), 1, "{shown}"),
    }
    for (_, line) in fields.iter().filter(|(name, _)| is(name, "trailer")) {
        wire::trailers::announced(line).for_each(|name| check_trailer(&name, snapshot));
    }
}

/// What belongs to the client's connection stays there.
fn check_connection(asked: &Asked, fields: &[Line<'_>], shown: &str) {
    for (name, value) in fields {
        match lower(name).as_str() {
            "connection" => assert!(matches!(*value, b"te" | b"upgrade"), "{shown}"),
            "upgrade" => assert!(asked.websocket && *value == b"websocket", "{shown}"),
            "te" => assert_eq!(*value, b"trailers", "{shown}"),
            name => {
                let travels = wire::is_hop_by_hop(name) || wire::is_framing_alias(name);
                assert!(!travels, "{name} in {shown}");
            }
        }
    }
}

/// sec-S1 to sec-S3: the end of a body is told in one way.
fn framing(fields: &[Line<'_>], shown: &str) -> Told {
    let all = |wanted: &str| {
        fields
            .iter()
            .filter(|(name, _)| is(name, wanted))
            .map(|(_, value)| *value)
            .collect::<Vec<_>>()
    };
    let (lengths, codings) = (all("content-length"), all("transfer-encoding"));
    assert!(lengths.len() + codings.len() <= 1, "{shown}");
    assert!(codings.iter().all(|coding| *coding == b"chunked"), "{shown}");
    let number = |digits: &&[u8]| digits.iter().all(u8::is_ascii_digit) && !digits.is_empty();
    assert!(lengths.iter().all(number), "{shown}");
    let length =
        lengths.first().map(|digits| std::str::from_utf8(digits).unwrap().parse().unwrap());
    Told { length }
}

/// sec-H5: trailers never add to who is calling, or where from.
pub(super) fn check_trailers(trailers: &HeaderMap, snapshot: &Snapshot) {
    trailers.keys().for_each(|name| check_trailer(name, snapshot));
}

/// One that goes on, or is announced.
fn check_trailer(name: &HeaderName, snapshot: &Snapshot) {
    let text = name.as_str();
    let ours = wire::is_claim(text) || snapshot.identity.is_identity(text);
    let travels = wire::is_hop_by_hop(text) || wire::is_framing_alias(text);
    assert!(!ours && !travels, "{text} trails");
    assert!(
        !matches!(*name, header::AUTHORIZATION | header::HOST | header::COOKIE),
        "{text} trails"
    );
    assert!(
        !matches!(*name, header::CONTENT_LENGTH | header::TRANSFER_ENCODING | header::TE),
        "{text} trails"
    );
}

fn is(name: &[u8], wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted.as_bytes())
}

fn lower(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase()
}
