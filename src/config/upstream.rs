//! The checked upstream of an API.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::file::ApiTable;
use super::mistake::Mistake;
use super::reading::{Placed, Reading, Reported, Text};
use super::settings::{Endpoint, Listen, Upstream};
use super::values::{duration, duration_or_never, list};

/// The longest host name (RFC 1035 section 2.3.4).
const MOST_HOST: usize = 253;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// What to do about an upstream that is ourselves.
pub(super) const SELF: &str = "name the service itself, on a port of its own";

/// Why a URL is no upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// `https`.
    Tls,
    /// Anything else; true if a password may stand in it.
    Url(&'static str, bool),
}

impl From<Fault> for Mistake {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Tls => Self::UpstreamTls,
            Fault::Url(what, _) => Self::BadUpstream(what),
        }
    }
}

impl Fault {
    pub(super) const fn hint(self) -> &'static str {
        match self {
            Self::Tls => "put the gateway beside the upstream and speak `http://` to it",
            Self::Url(..) => "write it like `http://10.0.0.5:9000`",
        }
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
    let endpoints = given.and_then(|_| {
        let all: Vec<_> = list(&table.upstream, reading)?
            .iter()
            .map(|text| checked(text, label, listen, reading))
            .collect();
        all.into_iter().collect::<Result<Vec<_>, _>>()
    });
    let endpoints = endpoints.and_then(|all| all_different(all, table, reading));
    let connect = &table.upstream_connect_timeout;
    let connect = duration(connect, MINUTE * 5, default.connect_timeout, reading);
    let response = &table.upstream_response_timeout;
    let response = duration(response, DAY, default.response_timeout, reading);
    let idle = duration(&table.upstream_idle_timeout, DAY, default.idle_timeout, reading);
    let stall = duration_or_never(&table.upstream_stall_timeout, DAY, reading);
    Ok(Upstream {
        endpoints: endpoints?,
        connect_timeout: connect?,
        response_timeout: response?,
        idle_timeout: idle?,
        stall_timeout: stall?,
    })
}

/// The same upstream in two spellings: `list` has found those of one spelling.
fn all_different(
    endpoints: Vec<Endpoint>,
    table: &ApiTable,
    reading: &Reading<'_>,
) -> Result<Vec<Endpoint>, Reported> {
    let mut seen = std::collections::HashSet::new();
    for (endpoint, text) in endpoints.iter().zip(list(&table.upstream, reading)?) {
        if !seen.insert(endpoint) {
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
) -> Result<Endpoint, Reported> {
    let endpoint = endpoint(&text.value.value).map_err(|fault| {
        if matches!(fault, Fault::Url(_, true)) {
            reading.conceal(text.span.clone());
        }
        reading.mistake(&text.span, fault.into(), fault.hint())
    })?;
    let own = listen.and_then(|listen| own_listener(&endpoint, listen));
    if let Some(key) = own {
        let mistake = Mistake::UpstreamIsSelf { api: label.to_owned(), key };
        return Err(reading.mistake(&text.span, mistake, SELF));
    }
    Ok(endpoint)
}

/// Reads `http://HOST:PORT`.
pub(super) fn endpoint(url: &str) -> Result<Endpoint, Fault> {
    let bad = |what| Fault::Url(what, false);
    let (scheme, rest) =
        url.split_once("://").ok_or_else(|| Fault::Url("this is not a URL", url.contains('@')))?;
    if rest.contains('@') {
        return Err(Fault::Url("this has a user name", true));
    }
    match scheme {
        "http" => {}
        "https" => return Err(Fault::Tls),
        _ => return Err(bad("this has another scheme")),
    }
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
                port.strip_prefix(':').or_else(|| port.is_empty().then_some("80")),
            )
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host.to_ascii_lowercase(), Some(port)),
            None => (authority.to_ascii_lowercase(), Some("80")),
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
    Ok(Endpoint { host, port: port.ok_or(bad("this has no port from 1 to 65535"))? })
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
pub(super) fn own_listener(endpoint: &Endpoint, listen: &Listen) -> Option<&'static str> {
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
        ];
        for (url, host, port) in cases {
            assert_eq!(endpoint(url), Ok(Endpoint { host: host.to_owned(), port }), "{url}");
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
            assert!(matches!(endpoint(url), Err(Fault::Url(..))), "{url}");
        }
        assert_eq!(endpoint("https://a:443"), Err(Fault::Tls));
    }
}
