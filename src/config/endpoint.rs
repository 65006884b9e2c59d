//! Where an upstream is: its URL.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustls::pki_types::ServerName;

use super::reading::Reading;
use super::settings::{At, Endpoint, EndpointTls, Listen};
use crate::tls::Caller;

/// The longest host name (RFC 1035 section 2.3.4).
const MOST_HOST: usize = 253;

/// The longest path of a socket on every system that has them.
const MOST_SOCKET: usize = 103;

/// What to do about an upstream that is ourselves.
pub(super) const SELF: &str = "name the service itself, on a port of its own";

/// What to do about a URL that is no upstream.
pub(super) const URL: &str =
    "write it like `http://10.0.0.5:9000`, `https://` for TLS, or `unix:/run/app.sock`";

/// Why a URL is no upstream; with whether a password may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault(pub(super) &'static str, pub(super) bool);

/// Where an upstream is, and whether TLS is spoken there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) at: At,
    pub(super) tls: bool,
}

impl Place {
    /// With the path of a socket relative to the file.
    pub(super) fn beside(self, reading: &Reading<'_>) -> Self {
        match self.at {
            At::Socket(path) => Self { at: At::Socket(reading.beside_file(path)), ..self },
            at => Self { at, ..self },
        }
    }

    /// Who its certificate must say that it is; none where it speaks no TLS.
    ///
    /// # Errors
    /// The name cannot be that of a server.
    pub(super) fn server(&self, name: Option<&str>) -> Result<Option<ServerName<'static>>, String> {
        if !self.tls {
            return Ok(None);
        }
        let own = match &self.at {
            At::Host(host, _) => host,
            At::Socket(_) => "",
        };
        let name = name.unwrap_or(own).to_owned();
        ServerName::try_from(name.clone()).map(Some).map_err(|_| name)
    }

    /// As an endpoint that speaks HTTP/2 or does not; `caller` where TLS is spoken, to a server of this name or of the host's.
    ///
    /// # Errors
    /// The name cannot be that of a server.
    pub(super) fn endpoint(
        self,
        caller: Option<&Caller>,
        (name, http2): (Option<&str>, bool),
    ) -> Result<Endpoint, String> {
        let tls = match (caller, self.server(name)?) {
            (Some(caller), Some(name)) => {
                let caller = if http2 { caller.over_http2() } else { caller.clone() };
                Some(EndpointTls { caller, name })
            }
            _ => None,
        };
        Ok(Endpoint { at: self.at, tls, http2, health: None })
    }
}

/// Reads `http://HOST:PORT`, `https://HOST:PORT` or `unix:PATH`.
pub(super) fn place(url: &str) -> Result<Place, Fault> {
    let bad = |what| Fault(what, false);
    if let Some(path) = url.strip_prefix("unix:") {
        // Both spellings that are common.
        let path = path.strip_prefix("//").unwrap_or(path);
        let fits = !path.is_empty() && path.len() <= MOST_SOCKET && !path.contains('\0');
        let bad = bad("this has no path that a socket could have");
        return if fits { Ok(Place { at: At::Socket(path.into()), tls: false }) } else { Err(bad) };
    }
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
            let address: Ipv6Addr =
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
    let port = port.ok_or(bad("this has no port from 1 to 65535"))?;
    Ok(Place { at: At::Host(host, port), tls })
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
    let (host, port) = match &endpoint.at {
        At::Socket(path) => return (*path == listen.socket).then_some("listen.socket"),
        At::Host(host, port) => (host.as_str(), *port),
    };
    let address = match host {
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.parse::<IpAddr>().ok()?.to_canonical(),
    };
    // A call to no address in particular is one to this machine.
    let address = match address {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    let reaches = |ours: SocketAddr| {
        let everywhere = ours.ip().is_unspecified() && address.is_loopback();
        ours.port() == port && (ours.ip() == address || everywhere)
    };
    match () {
        () if reaches(listen.public) => Some("listen.public"),
        () if listen.plain.is_some_and(reaches) => Some("listen.plain"),
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
            let at = At::Host(host.to_owned(), port);
            assert_eq!(place(url), Ok(Place { at, tls }), "{url}");
        }
        for url in ["unix:/run/a.sock", "unix:///run/a.sock"] {
            let at = At::Socket("/run/a.sock".into());
            assert_eq!(place(url), Ok(Place { at, tls: false }), "{url}");
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
            "unix:",
            "unix:/a\0b",
        ];
        for url in bad {
            assert!(place(url).is_err(), "{url}");
        }
    }
}
