//! Proxies in front of the gateway: which they are, and what is believed of what they say about the
//! requests that they pass on (sec-H4).

use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderName};
use ipnet::IpNet;

use super::is_token;

/// So many proxies of ours may stand behind one another; what is said of more is not looked at.
const HOPS_MAX: usize = 16;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The field in which trusted proxies say whence a request came. One alone: many a proxy writes one
/// of them and passes on what the client says in the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field {
    /// `X-Forwarded-For`, and beside it `X-Forwarded-Proto`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl Field {
    /// Its name as it stands in a head.
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

/// The proxies that an operator knows. Nobody by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Who is believed about requests.
    pub trusted: Vec<IpNet>,
    /// Where they say it.
    pub field: Field,
    /// Whether `X-Forwarded-Host` is believed beside `X-Forwarded-For`: many a proxy passes on what the client says there.
    pub host: bool,
    /// Whether upstreams are told in `Forwarded`, too.
    pub forwarded: bool,
    /// Who begins each connection with a header of the PROXY protocol.
    pub announced: Vec<IpNet>,
    /// Whether they do so at the administrative address, too.
    pub announced_admin: bool,
}

/// What trusted proxies say of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Said<'h> {
    /// The way that it came until the proxy that sent it to us, the client first. Empty if that proxy
    /// says nothing that can be read: then it counts as the client.
    pub hops: Vec<IpAddr>,
    /// Whether the client spoke TLS.
    pub secure: Option<bool>,
    /// The host that the client named. Nothing is known of it but that it was said.
    pub host: Option<&'h [u8]>,
}

impl Proxies {
    /// Whether this address is believed about requests. It is canonical: one of IPv4 is no one of
    /// IPv6.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// Whether this sender begins its connections with a header of the PROXY protocol.
    pub fn announces(&self, sender: IpAddr) -> bool {
        self.announced.iter().any(|network| network.contains(&sender))
    }

    /// What a proxy that is trusted says of a request. Each proxy adds the address that it got the
    /// request from at the right, so that reading begins there and ends at the first address that is
    /// not trusted: that is the client. Whatever stands left of it, or of something that cannot be
    /// read, may be anybody's invention.
    pub fn read<'h>(&self, headers: &'h HeaderMap) -> Said<'h> {
        let mut said = match self.field {
            Field::XForwardedFor => Said {
                secure: last(headers, &X_FORWARDED_PROTO).and_then(is_secure),
                host: self.host.then(|| last(headers, &X_FORWARDED_HOST)).flatten(),
                ..Said::default()
            },
            Field::Forwarded => Said::default(),
        };
        let name = match self.field {
            Field::XForwardedFor => X_FORWARDED_FOR,
            Field::Forwarded => header::FORWARDED,
        };
        let lines = headers.get_all(name).iter().rev();
        for element in lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')) {
            let Some(hop) = self.hop(element, &mut said) else { break };
            said.hops.push(hop);
            if !self.trusts(hop) || said.hops.len() == HOPS_MAX {
                break;
            }
        }
        said.hops.reverse();
        said
    }

    fn hop<'h>(&self, element: &'h [u8], said: &mut Said<'h>) -> Option<IpAddr> {
        match self.field {
            Field::XForwardedFor => address(element),
            Field::Forwarded => {
                let node = Node::read(element)?;
                (said.secure, said.host) = (node.secure, node.host);
                Some(node.address)
            }
        }
    }
}

/// What the proxy next to us says where it writes the whole field, or adds to what there was.
fn last<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let line = headers.get_all(name).iter().next_back()?;
    let element = line.as_bytes().rsplit(|byte| *byte == b',').next();
    element.map(<[u8]>::trim_ascii)
}

fn is_secure(scheme: &[u8]) -> Option<bool> {
    let is =
        |words: [&str; 2]| words.iter().any(|word| scheme.eq_ignore_ascii_case(word.as_bytes()));
    if is(["https", "wss"]) { Some(true) } else { is(["http", "ws"]).then_some(false) }
}

/// An address, also with a port; of IPv6 then in brackets.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || {
        let (_, port) = text.rsplit_once(':')?;
        let digits = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
        let parsed = text.parse::<std::net::SocketAddr>().ok().filter(|_| digits);
        parsed.map(|parsed| parsed.ip())
    };
    let parsed = text.parse().ok().or_else(bracketed).or_else(with_port)?;
    Some(parsed.to_canonical())
}

/// One element of `Forwarded` (RFC 7239 section 4). Nothing in it is guessed at: a comma within
/// quotes, at which it was cut, leaves no whole element on either side.
struct Node<'h> {
    address: IpAddr,
    secure: Option<bool>,
    host: Option<&'h [u8]>,
}

impl<'h> Node<'h> {
    fn read(element: &'h [u8]) -> Option<Self> {
        let (mut address, mut proto, mut host) = (None, None, None);
        for pair in element.split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
            if pair.is_empty() {
                continue;
            }
            let equals = pair.iter().position(|byte| *byte == b'=')?;
            let (name, value) = (pair.get(..equals)?, unquoted(pair.get(equals + 1..)?)?);
            let place = match name.to_ascii_lowercase().as_slice() {
                b"for" => &mut address,
                b"proto" => &mut proto,
                b"host" => &mut host,
                other => {
                    if other.is_empty() || !other.iter().all(|byte| is_token(*byte)) {
                        return None;
                    }
                    continue;
                }
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        let address = self::address(address?)?;
        Some(Self { address, secure: proto.and_then(is_secure), host })
    }
}

/// A token, or what stands in quotes. Many write the colon of a port without them.
fn unquoted(value: &[u8]) -> Option<&[u8]> {
    match value.strip_prefix(b"\"") {
        Some(rest) => {
            let inner = rest.strip_suffix(b"\"")?;
            (!inner.iter().any(|byte| matches!(byte, b'"' | b'\\'))).then_some(inner)
        }
        None => {
            let plain = |byte: &u8| is_token(*byte) || matches!(byte, b':' | b'[' | b']');
            (!value.is_empty() && value.iter().all(plain)).then_some(value)
        }
    }
}

#[cfg(test)]
mod tests;
