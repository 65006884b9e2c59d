//! The checked upstream of an API.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use rustls::pki_types::ServerName;

use super::file::ApiTable;
use super::mistake::Mistake;
use super::named::Named;
use super::reading::{Placed, Reading, Reported, Text};
use super::settings::{Endpoint, EndpointTls, Listen, Upstream};
use super::values::{duration, duration_or_never, list, text};
use crate::tls::{Caller, Files, Trust};

/// The longest host name (RFC 1035 section 2.3.4).
const MOST_HOST: usize = 253;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// What to do about an upstream that is ourselves.
pub(super) const SELF: &str = "name the service itself, on a port of its own";

/// What to do about a URL that is no upstream.
pub(super) const URL: &str = "write it like `http://10.0.0.5:9000`, or `https://` for TLS";

/// Why a URL is no upstream; with whether a password may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault(pub(super) &'static str, bool);

/// Where an upstream is, and whether TLS is spoken there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
}

impl Place {
    /// As an endpoint; `caller` where TLS is spoken, to a server of this name or of the host's.
    ///
    /// # Errors
    /// The name cannot be that of a server.
    pub(super) fn endpoint(
        self,
        caller: Option<&Caller>,
        name: Option<&str>,
    ) -> Result<Endpoint, String> {
        let tls = match caller.filter(|_| self.tls) {
            None => None,
            Some(caller) => {
                let name = name.unwrap_or(&self.host).to_owned();
                let server = ServerName::try_from(name.clone()).map_err(|_| name)?;
                Some(EndpointTls { caller: caller.clone(), name: server })
            }
        };
        Ok(Endpoint { host: self.host, port: self.port, tls })
    }
}

impl Upstream {
    /// Endpoints with the default timeouts. Idle connections are given up sooner than most
    /// upstreams do it, so that a request rarely meets one that is just being closed.
    pub(super) const fn with_defaults(endpoints: Vec<Endpoint>) -> Self {
        Self {
            endpoints,
            connect_timeout: Duration::from_secs(5),
            response_timeout: MINUTE,
            idle_timeout: Duration::from_secs(30),
            stall_timeout: None,
            tunnel_timeout: Duration::from_secs(3_600),
        }
    }
}

pub(super) fn upstream(
    table: &ApiTable,
    label: &str,
    listen: Option<&Listen>,
    reading: &Reading<'_>,
) -> Result<Upstream, Reported> {
    let default = Upstream::with_defaults(Vec::new());
    let hint = "say where its requests go, such as `upstream = \"http://127.0.0.1:9000\"`";
    let given = reading.required(&table.upstream, &table.span, ("this API", "upstream"), hint);
    let places = given.and_then(|_| {
        let all: Vec<_> = list(&table.upstream, reading)?
            .iter()
            .map(|text| checked(text, label, listen, reading))
            .collect();
        all.into_iter().collect::<Result<Vec<_>, _>>()
    });
    let secure = places.as_ref().is_ok_and(|places| places.iter().any(|place| place.tls));
    let caller = caller(table, secure, places.is_ok(), reading);
    let endpoints = places.and_then(|places| endpoints(places, caller?.as_ref(), table, reading));
    let endpoints = endpoints.and_then(|all| all_different(all, table, reading));
    let connect = &table.upstream_connect_timeout;
    let connect = duration(connect, MINUTE * 5, default.connect_timeout, reading);
    let response = &table.upstream_response_timeout;
    let response = duration(response, DAY, default.response_timeout, reading);
    let idle = duration(&table.upstream_idle_timeout, DAY, default.idle_timeout, reading);
    let stall = duration_or_never(&table.upstream_stall_timeout, DAY, reading);
    let tunnel = duration_or_never(&table.upstream_tunnel_timeout, DAY, reading);
    Ok(Upstream {
        endpoints: endpoints?,
        connect_timeout: connect?,
        response_timeout: response?,
        idle_timeout: idle?,
        stall_timeout: stall?,
        tunnel_timeout: tunnel?.unwrap_or(default.tunnel_timeout),
    })
}

/// Places as endpoints.
fn endpoints(
    places: Vec<Place>,
    caller: Option<&Caller>,
    table: &ApiTable,
    reading: &Reading<'_>,
) -> Result<Vec<Endpoint>, Reported> {
    let given = text(&table.upstream_name, reading)?;
    let name = given.map(|name| name.value.value.as_str());
    let all = places.into_iter().map(|place| place.endpoint(caller, name));
    all.collect::<Result<_, _>>().map_err(|name| {
        let hint = "name the server as its certificate does, in `upstream_name`";
        reading.mistake_at(given.map(|name| name.span.clone()), Mistake::BadHost(name), hint)
    })
}

/// What handshakes with the upstreams of an API are made with; none where none of them speaks TLS.
fn caller(
    table: &ApiTable,
    secure: bool,
    known: bool,
    reading: &Reading<'_>,
) -> Result<Option<Caller>, Reported> {
    let fields = [
        &table.upstream_ca,
        &table.upstream_name,
        &table.upstream_certificate,
        &table.upstream_key,
    ];
    let [ca, name, certificate, key] = fields.map(|field| text(field, reading));
    let (ca, name, certificate, key) = (ca?, name?, certificate?, key?);
    if !secure {
        let of_tls = [ca, name, certificate, key].into_iter().flatten().next();
        return match of_tls.filter(|_| known) {
            None => Ok(None),
            Some(text) => {
                let mistake = Mistake::UpstreamTls(text.key.clone());
                Err(reading.mistake(&text.span, mistake, "write `https://` before its upstream"))
            }
        };
    }
    let mut named = Named::default();
    let identity = match (certificate, key) {
        (None, None) => None,
        (Some(chain), Some(key)) => {
            Some(Files { chain: named.path(chain, reading), key: named.path(key, reading) })
        }
        (Some(alone), None) | (None, Some(alone)) => {
            let missing = if key.is_none() { "upstream_key" } else { "upstream_certificate" };
            let mistake = Mistake::Missing { what: "this API", key: missing };
            return Err(reading.mistake(&alone.span, mistake, "name both files, or none"));
        }
    };
    let trust = Trust { ca: ca.map(|ca| named.path(ca, reading)), identity };
    Caller::load(trust).map(Some).map_err(|fault| named.wrong(&fault, &table.span, reading))
}

/// The same upstream in two spellings: `list` has found those of one spelling.
fn all_different(
    endpoints: Vec<Endpoint>,
    table: &ApiTable,
    reading: &Reading<'_>,
) -> Result<Vec<Endpoint>, Reported> {
    // TLS is the same for all of them, as far as it is spoken.
    let mut seen = std::collections::HashSet::new();
    for (endpoint, text) in endpoints.iter().zip(list(&table.upstream, reading)?) {
        if !seen.insert((&endpoint.host, endpoint.port, endpoint.tls.is_some())) {
            let (key, value) = (text.key.clone(), text.value.shown.clone());
            let hint = "take out one of the two";
            return Err(reading.mistake(&text.span, Mistake::Repeated { key, value }, hint));
        }
    }
    Ok(endpoints)
}

fn checked(
    text: &Placed<Text>,
    label: &str,
    listen: Option<&Listen>,
    reading: &Reading<'_>,
) -> Result<Place, Reported> {
    let place = place(&text.value.value).map_err(|fault| {
        if fault.1 {
            reading.conceal(text.span.clone());
        }
        reading.mistake(&text.span, Mistake::BadUpstream(fault.0), URL)
    })?;
    let own = listen.and_then(|listen| own_listener(&place, listen));
    if let Some(key) = own {
        let mistake = Mistake::UpstreamIsSelf { api: label.to_owned(), key };
        return Err(reading.mistake(&text.span, mistake, SELF));
    }
    Ok(place)
}

/// Reads `http://HOST:PORT` or `https://HOST:PORT`.
pub(super) fn place(url: &str) -> Result<Place, Fault> {
    let bad = |what| Fault(what, false);
    let (scheme, rest) =
        url.split_once("://").ok_or_else(|| Fault("this is not a URL", url.contains('@')))?;
    if rest.contains('@') {
        return Err(Fault("this has a user name", true));
    }
    let (tls, usual) = match scheme {
        "http" => (false, "80"),
        "https" => (true, "443"),
        _ => return Err(bad("this has another scheme")),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains('?') {
        return Err(bad("this has a query"));
    }
    if authority.contains(['/', '#']) {
        return Err(bad("this has a path"));
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (address, port) =
                inner.split_once(']').ok_or(bad("this has a `[` without a `]`"))?;
            let address: std::net::Ipv6Addr =
                address.parse().map_err(|_| bad("this has no IPv6 address between `[` and `]`"))?;
            (
                address.to_string(),
                port.strip_prefix(':').or_else(|| port.is_empty().then_some(usual)),
            )
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host.to_ascii_lowercase(), Some(port)),
            None => (authority.to_ascii_lowercase(), Some(usual)),
        },
    };
    if host.is_empty() {
        return Err(bad("this has no host"));
    }
    if !is_host(&host) && host.parse::<IpAddr>().is_err() {
        return Err(bad("this has no host that could be looked up"));
    }
    let digits = port.filter(|port| port.bytes().all(|b| b.is_ascii_digit()));
    let port: Option<u16> = digits.and_then(|port| port.parse().ok()).filter(|port| *port != 0);
    Ok(Place { host, port: port.ok_or(bad("this has no port from 1 to 65535"))?, tls })
}

/// Letters, digits, `-` and `_` between dots.
pub(super) fn is_host(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= MOST_HOST && text.split('.').all(label)
}

/// Which of our own listeners an endpoint is: requests would go round in circles, or reach what
/// only administrators may see.
pub(super) fn own_listener(endpoint: &Place, listen: &Listen) -> Option<&'static str> {
    let address: IpAddr = match endpoint.host.as_str() {
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.parse().ok()?,
    };
    let reaches = |ours: SocketAddr| {
        let everywhere = ours.ip().is_unspecified() && address.is_loopback();
        ours.port() == endpoint.port && (ours.ip() == address || everywhere)
    };
    match () {
        () if reaches(listen.public) => Some("listen.public"),
        () if reaches(listen.admin) => Some("listen.admin"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_host_and_a_port() {
        let cases = [
            ("http://10.0.0.5:9000", "10.0.0.5", 9000),
            ("http://ERP.example.com", "erp.example.com", 80),
            ("http://[::1]:81/", "::1", 81),
            ("http://[::1]", "::1", 80),
            ("http://back_end:1", "back_end", 1),
            ("https://a", "a", 443),
            ("https://[::1]", "::1", 443),
            ("https://a:8443/", "a", 8443),
        ];
        for (url, host, port) in cases {
            let tls = url.starts_with("https");
            assert_eq!(place(url), Ok(Place { host: host.to_owned(), port, tls }), "{url}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let bad = [
            "",
            "http://",
            "http://:80",
            "http://a:0",
            "http://a:65536",
            "http://a:+8",
            "http://a:",
            "http://a/b",
            "http://a?b",
            "http://a#b",
            "http://u:p@a",
            "ftp://a",
            "a:80",
            "http://a b",
            "http://[::1",
            "http://[x]:1",
            "http://[::1]x",
            "http://a:1:2",
            "http://-a",
            "//a:80",
        ];
        for url in bad {
            assert!(place(url).is_err(), "{url}");
        }
    }
}
