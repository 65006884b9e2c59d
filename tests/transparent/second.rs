//! The same request over HTTP/2 to the gateway: what differs then is what differs between the two
//! versions (RFC 9113 sections 8.2 and 8.3), and what the list says.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;

use super::compare::{Ask, NOT_COMPARED, unbounded};
use crate::support::client::Answer;
use crate::support::{http2, position};

/// Fields of a request that HTTP/2 does not have, or that this client says otherwise.
const OTHERWISE: [&str; 6] =
    ["connection", "keep-alive", "te", "trailer", "expect", "transfer-encoding"];

/// Asks again over HTTP/2, and compares with what the upstream answered directly. Whether it could
/// be asked.
pub(super) fn same(ask: &Ask, secret: &str, gateway: SocketAddr, direct: &Answer) -> bool {
    let Some(request) = request(ask, secret) else { return false };
    let shown = format!("HTTP/2: {} {}", request.method(), request.uri());
    let answer = http2::Client::connect(gateway).ask(request);
    assert_eq!(answer.status, direct.status, "{shown}");
    let (fields, found) = (fields(direct.fields(), direct), of_second(&answer));
    assert_eq!(found, fields, "{shown}");
    let (body, boundary) = (answer.body.to_vec(), answer.value("content-type"));
    let direct_type = direct.value("content-type");
    // httpbin writes down there in which order it got the fields, of which `Host` is one.
    let in_order = ask_target(ask).starts_with("/stream/");
    let same = in_order
        || unbounded(body, boundary.as_deref())
            == unbounded(direct.body.clone(), direct_type.as_deref());
    assert!(same, "{shown}: {} bytes, and {} directly", answer.body.len(), direct.body.len());
    true
}

/// The request, if HTTP/2 can say it and hyper's client lets it out.
fn request(ask: &Ask, secret: &str) -> Option<Request<Full<Bytes>>> {
    let end = position(&ask.bytes, b"\r\n\r\n").unwrap();
    let lines = ask.bytes[..end].split(|byte| *byte == b'\n').skip(1);
    let (mut length, mut cookies) = (false, 0);
    let mut request = Request::builder()
        .method(Method::from_bytes(ask.method.as_bytes()).ok()?)
        .uri(format!("http://api.example{}", ask_target(ask)))
        .header("authorization", format!("Bearer {secret}"));
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        match name.as_str() {
            "host" => continue,
            "cookie" => cookies += 1,
            "content-length" => length = true,
            name if OTHERWISE.contains(&name) => return None,
            _ => {}
        }
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        request = request.header(name, value);
    }
    let body = ask.bytes[end + 4..].to_vec();
    // Several lines of `Cookie` are one in HTTP/2 (RFC 9113 section 8.2.3), and hyper's client adds
    // `Content-Length: 0` to methods that usually have a body.
    let adds = body.is_empty() && !length && ["POST", "PUT", "PATCH"].contains(&&*ask.method);
    if cookies > 1 || adds {
        return None;
    }
    request.body(Full::new(body.into())).ok()
}

fn ask_target(ask: &Ask) -> String {
    let line = ask.bytes.split(|byte| *byte == b'\r').next().unwrap();
    String::from_utf8_lossy(line).split(' ').nth(1).unwrap().to_owned()
}

type Fields = Vec<(String, String)>;

/// Fields with their names in lower case, sorted by them; those of one name in their order.
fn fields(given: impl IntoIterator<Item = (String, Vec<u8>)>, answer: &Answer) -> Fields {
    let kind = answer.value("content-type");
    sorted(given, kind.as_deref())
}

fn of_second(answer: &http2::Answer) -> Fields {
    let kind = answer.value("content-type");
    let given = answer.headers.iter();
    let given = given.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    sorted(given, kind.as_deref())
}

fn sorted(given: impl IntoIterator<Item = (String, Vec<u8>)>, kind: Option<&str>) -> Fields {
    let mut fields: Fields = given
        .into_iter()
        .map(|(name, value)| {
            let value = unbounded(value, kind);
            (name.to_ascii_lowercase(), value.escape_ascii().to_string())
        })
        .filter(|(name, _)| !NOT_COMPARED.contains(&name.as_str()))
        .collect();
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    fields
}
