//! Whence a request came: from whoever opened its connection, or from whom a trusted proxy names
//! (sec-H4). It is asked for each request, for a proxy sends those of many clients over one
//! connection.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, header};

use crate::wire::forwarded::{self, Asked};

use super::client::Client;
use super::host;
use super::snapshot::Snapshot;

/// Whence a request came.
#[derive(Debug)]
pub(super) struct Origin {
    address: IpAddr,
    /// What a proxy has told; none of anybody else.
    told: Option<Box<Told>>,
}

/// What a trusted proxy has told.
#[derive(Debug)]
struct Told {
    /// The way to that proxy, the client first.
    hops: Vec<IpAddr>,
    scheme: &'static str,
    host: Option<Box<[u8]>>,
}

impl Origin {
    /// Of a request with these fields, as they came: what `Connection` names in them takes nothing
    /// away from what the proxy says (sec-H1).
    pub(super) fn of(client: &Client, headers: &HeaderMap, snapshot: &Snapshot) -> Self {
        if !client.is_trusted(snapshot) {
            return Self { address: client.peer(), told: None };
        }
        let said = snapshot.proxies.read(headers);
        let scheme = match said.secure {
            Some(true) => "https",
            Some(false) => "http",
            None => client.scheme(),
        };
        let host = said.host.filter(|host| host::plain(host).is_some()).map(Into::into);
        let address = said.hops.first().copied().unwrap_or(client.peer());
        Self { address, told: Some(Box::new(Told { hops: said.hops, scheme, host })) }
    }

    /// Of the client, which everything about a client goes by.
    pub(super) const fn address(&self) -> IpAddr {
        self.address
    }

    /// What the client spoke, as far as is known.
    pub(super) fn scheme(&self, client: &Client) -> &'static str {
        self.told.as_ref().map_or(client.scheme(), |told| told.scheme)
    }

    /// The host that a proxy has told the request was for.
    pub(super) fn host(&self) -> Option<&[u8]> {
        self.told.as_ref()?.host.as_deref()
    }

    /// Tells an upstream. A `host` is told where a proxy names it: else it stands in `Host`.
    pub(super) fn tell(
        &self,
        lines: &mut Vec<u8>,
        headers: &HeaderMap,
        client: &Client,
        snapshot: &Snapshot,
    ) {
        match self.told.as_deref() {
            None => lines.extend_from_slice(client.forwarded()),
            Some(told) => {
                forwarded::x_forwarded(lines, &told.hops, client.peer(), told.scheme);
                if let Some(host) = &told.host {
                    for part in [&b"x-forwarded-host: "[..], host, b"\r\n"] {
                        lines.extend_from_slice(part);
                    }
                }
            }
        }
        if snapshot.proxies.forwarded {
            self.tell_as_rfc_7239(lines, headers, client);
        }
    }

    fn tell_as_rfc_7239(&self, lines: &mut Vec<u8>, headers: &HeaderMap, client: &Client) {
        let host = headers.get(header::HOST).map_or(&b""[..], HeaderValue::as_bytes);
        let last = Asked { scheme: client.scheme(), host };
        let (hops, first) = match self.told.as_deref() {
            None => (&[][..], last),
            Some(Told { hops, scheme, host: told }) => {
                (&hops[..], Asked { scheme, host: told.as_deref().unwrap_or(host) })
            }
        };
        forwarded::forwarded(lines, hops, (first, client.peer()), last);
    }
}
