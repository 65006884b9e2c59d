//! What may differ, and the comparison.

use std::net::SocketAddr;

use super::second;
use crate::support::client::{Answer, Client};
use crate::support::{Framing, gateway::Gateway};

/// What an answer may have otherwise when it came through the gateway, and why.
pub(crate) const DIFFERENCES: [(&str, &str); 12] = [
    (
        "`Connection`, `Keep-Alive`",
        "belong to one connection (RFC 9110 section 7.6.1): the gateway keeps its own",
    ),
    (
        "`Proxy-Authenticate`, `Upgrade`, and the fields that an upstream's `Connection` names",
        "belong to the connection between the two",
    ),
    (
        "`Content-Length` of a 204, and the second of two equal ones",
        "have no meaning (RFC 9110 section 8.6)",
    ),
    (
        "a reason phrase that is not ASCII",
        "is left out: it says nothing that the status does not (RFC 9112 section 4)",
    ),
    ("over HTTP/2: the reason phrase", "does not exist there (RFC 9113 section 8.3.2)"),
    (
        "the version in the first line",
        "is that of the connection, not of the upstream's (RFC 9110 section 2.5)",
    ),
    (
        "chunks instead of the end of the connection",
        "where the upstream ends a body by closing, the client's connection stays open",
    ),
    (
        "the sizes of chunks and their extensions",
        "are not part of the content (RFC 9112 section 7.1)",
    ),
    (
        "the order of header fields of different names",
        "says nothing (RFC 9110 section 5.3), and is kept in answers over HTTP/1.1 alone; that of fields of one name is kept",
    ),
    (
        "trailers",
        "pass if `Trailer` announces them, and to the client if it said `TE: trailers` (RFC 9110 section 6.5.1); fields that belong in a head, such as `Set-Cookie`, do not",
    ),
    ("answers 102 and 103", "end at the gateway; 100 passes"),
    ("`Date`", "is added where the upstream sends none (RFC 9110 section 6.6.1)"),
];

/// Targets that are refused though an upstream may take them, and why.
pub(crate) const REFUSED: [(&str, &str); 7] = [
    ("/a/../b", "a dot segment: two servers could read it in two ways"),
    ("/a//b", "an empty segment, unless the API keeps it (`keep`)"),
    ("/a;b", "a path parameter, unless the API keeps it"),
    ("/a%2Fb", "an encoded slash, unless the API keeps it"),
    ("/a%5Cb", "an encoded backslash"),
    ("/%FF", "what is not UTF-8"),
    ("/a?b=\"<>", "quotation marks and angle brackets in a query that are not escaped (RFC 3986)"),
];

/// Paths that reach the upstream in another spelling of the same (RFC 3986 sections 3.3 and 6.2.2).
pub(crate) const NORMALISED: [(&str, &str); 3] =
    [("/%61%7e", "/a~"), ("/5%3Aexport", "/5:export"), ("/caf%c3%a9", "/caf%C3%A9")];

/// `Date` is compared by itself.
pub(super) const NOT_COMPARED: [&str; 4] =
    ["connection", "keep-alive", "transfer-encoding", "date"];

/// A request, by its bytes; `{auth}` stands for the line with the credential.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) bytes: Vec<u8>,
}

impl Ask {
    /// A request without a body.
    pub(crate) fn plain(method: &str, target: &str, more: &str) -> Self {
        Self::with_body(method, target, more, b"")
    }

    /// A request with these header lines and this body, framed as the lines say.
    pub(crate) fn with_body(method: &str, target: &str, more: &str, body: &[u8]) -> Self {
        let head = format!("{method} {target} HTTP/1.1\r\nHost: api.example\r\n{more}\r\n");
        Self { method: method.to_owned(), bytes: [head.as_bytes(), body].concat() }
    }

    /// A request with a body of known length.
    pub(crate) fn length(method: &str, target: &str, more: &str, body: &[u8]) -> Self {
        let more = format!("{more}Content-Length: {}\r\n", body.len());
        Self::with_body(method, target, &more, body)
    }

    /// A request with a body in chunks of `size`.
    pub(crate) fn chunked(
        method: &str,
        target: &str,
        more: &str,
        body: &[u8],
        size: usize,
    ) -> Self {
        let mut framed = Vec::new();
        for chunk in body.chunks(size) {
            framed.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            framed.extend(chunk);
            framed.extend(b"\r\n");
        }
        framed.extend(b"0\r\n\r\n");
        let more = format!("{more}Transfer-Encoding: chunked\r\n");
        Self::with_body(method, target, &more, &framed)
    }

    /// The same with a line more at the end of the head.
    fn with_line(&self, line: &str) -> Vec<u8> {
        let end = crate::support::position(&self.bytes, b"\r\n\r\n").unwrap() + 2;
        [&self.bytes[..end], line.as_bytes(), &self.bytes[end..]].concat()
    }
}

/// An answer with everything taken out that may differ. Both ways are HTTP/1.1, so that the order of its
/// fields may not.
#[derive(Debug, PartialEq, Eq)]
struct Essence {
    interim: Vec<String>,
    status_line: String,
    fields: Vec<(String, String)>,
    framing: Framing,
    body: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
    whole: bool,
}

fn essence(answer: &Answer) -> Essence {
    let line = String::from_utf8_lossy(&answer.head);
    let line = line.lines().next().unwrap_or_default();
    let kind = answer.value("content-type").unwrap_or_default();
    let body = unbounded(answer.body.clone(), Some(&kind));
    let kept = |(name, value): (String, Vec<u8>)| {
        let lower = name.to_ascii_lowercase();
        let value = unbounded(value, Some(&kind)).escape_ascii().to_string();
        (!NOT_COMPARED.contains(&lower.as_str())).then_some((name, value))
    };
    let framing = match answer.framing {
        Framing::Close => Framing::Chunked,
        framing => framing,
    };
    let version = |line: &str| line.split_once(' ').map(|(_, rest)| rest.to_owned());
    let fields = answer.fields().into_iter().filter_map(kept).collect();
    Essence {
        interim: answer.interim.iter().filter_map(|line| version(line)).collect(),
        status_line: version(line).unwrap_or_default(),
        fields,
        framing,
        body,
        trailers: answer.trailers.clone(),
        whole: answer.whole,
    }
}

/// The text without the boundary that the `Content-Type` names: nginx counts its boundaries up with
/// each request. And without the second in which it was packed, which httpbin's gzip has at its
/// beginning (RFC 1952 section 2.3.1).
pub(super) fn unbounded(mut text: Vec<u8>, kind: Option<&str>) -> Vec<u8> {
    if let [0x1f, 0x8b, _, _, packed_at @ ..] = &mut text[..]
        && let Some(packed_at) = packed_at.first_chunk_mut::<4>()
    {
        *packed_at = [0; 4];
    }
    match kind.and_then(|kind| kind.strip_prefix("multipart/byteranges; boundary=")) {
        Some(random) => String::from_utf8_lossy(&text).replace(random, "boundary").into_bytes(),
        None => text,
    }
}

#[test]
fn the_order_of_fields_is_compared() {
    let answer = |head: &str| Answer {
        interim: Vec::new(),
        head: head.as_bytes().to_vec(),
        status: 200,
        body: Vec::new(),
        framing: Framing::None,
        trailers: Vec::new(),
        whole: true,
    };
    let one = essence(&answer("HTTP/1.1 200 OK\r\nB: 1\r\nA: 2\r\n\r\n"));
    assert_ne!(one, essence(&answer("HTTP/1.1 200 OK\r\nA: 2\r\nB: 1\r\n\r\n")));
    assert_eq!(one, essence(&answer("HTTP/1.1 200 OK\r\nB: 1\r\nDate: x\r\nA: 2\r\n\r\n")));
}

/// Two ways to one upstream.
pub(crate) struct Comparison<'a> {
    upstream: SocketAddr,
    gateway: &'a Gateway,
    secret: String,
    credential: String,
    asked: usize,
    second: usize,
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(upstream: SocketAddr, gateway: &'a Gateway, secret: &str) -> Self {
        let credential = format!("Authorization: Bearer {secret}\r\n");
        Self { upstream, gateway, secret: secret.to_owned(), credential, asked: 0, second: 0 }
    }

    /// How many requests were compared.
    pub(crate) fn asked(&self) -> usize {
        self.asked
    }

    /// How many of them were also asked over HTTP/2.
    pub(crate) fn asked_over_http2(&self) -> usize {
        self.second
    }

    /// Asks both ways, each on a connection of its own, and compares.
    pub(crate) fn same(&mut self, ask: &Ask) -> Answer {
        let mut direct = Client::connect(self.upstream);
        let mut through = Client::connect(self.gateway.public());
        self.on(&mut direct, &mut through, ask)
    }

    /// Asks a row of requests both ways, each way on one connection.
    pub(crate) fn same_in_a_row(&mut self, asks: &[Ask]) {
        let mut direct = Client::connect(self.upstream);
        let mut through = Client::connect(self.gateway.public());
        for ask in asks {
            self.on(&mut direct, &mut through, ask);
        }
    }

    fn on(&mut self, direct: &mut Client, through: &mut Client, ask: &Ask) -> Answer {
        let bytes = ask.with_line(&self.credential);
        let shown = String::from_utf8_lossy(&ask.bytes[..ask.bytes.len().min(200)]).into_owned();
        direct.send(&bytes);
        let expected = direct.answer_to(&ask.method);
        through.send(&bytes);
        let found = through.answer_to(&ask.method);
        let (Some(expected), Some(found)) = (expected, found) else {
            panic!("no answer to {shown}");
        };
        if let [date] = expected.values("date").as_slice() {
            // A second may have passed between the two, or what was sent is no date.
            let kept = found.value("date").is_some_and(|other| other.len() == date.len());
            assert!(kept, "{shown}: the date was {date:?} and is {:?}", found.values("date"));
        }
        // What no more than a connection tells apart is not asked again.
        if ask.bytes.len() < 5_000_000
            && second::same(ask, &self.secret, self.gateway.public(), &expected)
        {
            self.second += 1;
        }
        let (expected, shown_found) = (essence(&expected), essence(&found));
        if expected != shown_found {
            panic!("{shown}\n{}\n(may differ: {DIFFERENCES:?})", explain(&expected, &shown_found));
        }
        self.asked += 1;
        found
    }
}

/// The difference without the megabytes.
fn explain(direct: &Essence, through: &Essence) -> String {
    let shown = |essence: &Essence| {
        let start = &essence.body[..essence.body.len().min(600)];
        format!(
            "{} {:?} {:?} whole: {}\n  {:?}\n  {} bytes: {}",
            essence.status_line,
            essence.interim,
            essence.framing,
            essence.whole,
            essence.fields,
            essence.body.len(),
            start.escape_ascii()
        )
    };
    let bodies = if direct.body == through.body { "the same" } else { "not the same" };
    format!(
        "directly: {}\nthrough the gateway: {}\nbodies: {bodies}; trailers: {:?} and {:?}",
        shown(direct),
        shown(through),
        direct.trailers,
        through.trailers
    )
}
