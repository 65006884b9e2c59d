//! What proxies say of where a request came from.

use std::net::IpAddr;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::gateway::host;
use crate::wire::forwarded::{self, Asked};
use crate::wire::proxies::{Field, Proxies};

/// The proxy next to us.
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

/// Reads fields, one in each line, as those of a proxy that is trusted; writes what was believed as we tell it an
/// upstream, and reads that.
pub fn forwarded(bytes: &[u8]) -> bool {
    let headers = fields(bytes);
    let read = [Field::XForwardedFor, Field::Forwarded].map(|field| check(&headers, field));
    read.contains(&true)
}

fn check(headers: &HeaderMap, field: Field) -> bool {
    let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().unwrap());
    let proxies = Proxies { trusted: networks.to_vec(), field, host: true, ..Proxies::default() };
    let said = proxies.read(headers);
    assert!(said.hops.len() <= 16, "{} hops", said.hops.len());
    for hop in &said.hops {
        assert_eq!(hop.to_canonical(), *hop);
    }
    let between = said.hops.get(1..).unwrap_or_default();
    assert!(between.iter().all(|hop| proxies.trusts(*hop)), "{said:?}");
    let host = said.host.filter(|host| host::plain(host).is_some());
    let mut told = Vec::new();
    let scheme = if said.secure == Some(true) { "https" } else { "http" };
    match field {
        Field::XForwardedFor => {
            forwarded::x_forwarded(&mut told, &said.hops, PEER, scheme);
            if let Some(host) = host {
                told.extend_from_slice(&[b"x-forwarded-host: ", host, b"\r\n"].concat());
            }
        }
        Field::Forwarded => {
            let first = Asked { scheme, host: host.unwrap_or(b"a.example") };
            let last = Asked { scheme: "http", host: b"b.example" };
            forwarded::forwarded(&mut told, &said.hops, (first, PEER), last);
        }
    }
    // Whoever is next trusts us, and each that we trust.
    let told = fields(&told);
    let again = proxies.read(&told);
    let mut way = said.hops.clone();
    way.push(PEER);
    way.drain(..way.len().saturating_sub(16));
    assert_eq!(again.hops, way, "{told:?}");
    if !said.hops.is_empty() && said.hops.len() < 16 {
        assert_eq!(again.secure, Some(said.secure == Some(true)), "{told:?}");
        assert!(host.is_none() || again.host == host, "{told:?}");
    }
    !said.hops.is_empty()
}

/// The fields that stand in these lines.
fn fields(bytes: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    headers
}
