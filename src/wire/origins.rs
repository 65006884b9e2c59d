//! Origins of web pages, as browsers name them in `Origin` (RFC 6454 section 7, Fetch standard section 3.2.1), and which
//! of them somebody listed.

use std::fmt;

/// Origins that somebody listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Every one.
    All,
    /// These.
    Listed(Vec<Origin>),
}

/// An origin, or those of all hosts below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// With its `://`.
    scheme: String,
    /// Whether hosts below this one are meant, and not the host itself.
    below: bool,
    /// With its port, if it has one.
    host: String,
}

/// Why a text is no origin, and what to do about it.
pub type Fault = &'static str;

impl Origins {
    /// Whether a request with this `Origin` comes from one of them. What is opaque to the browser, as of a sandbox or
    /// a file, calls itself `null`, which anybody can bring about: it is nobody's, also where all are listed.
    pub fn takes(&self, origin: &[u8]) -> bool {
        match self {
            Self::All => origin != b"null",
            Self::Listed(all) => all.iter().any(|one| one.takes(origin)),
        }
    }
}

impl Origin {
    /// Reads `https://app.example.com`, with a port where it is not the scheme's own, or
    /// `https://*.example.com`.
    ///
    /// # Errors
    /// No browser would name an origin so.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text == "null" {
            return Err("`null` is what everybody can be: give the page an address of its own");
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err("write it with its scheme, such as `https://app.example.com`");
        };
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err("browsers write it in small letters");
        }
        if rest.contains(['/', '?', '#']) {
            return Err("leave out the path: an origin is a scheme, a host, and perhaps a port");
        }
        if !rest.is_ascii() {
            return Err("write the host in its ASCII form, `xn--...`");
        }
        let (below, whole) = match rest.strip_prefix("*.") {
            Some(above) => (true, above),
            None => (false, rest),
        };
        let (host, port) = match whole.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (whole, None),
        };
        if matches!((scheme, port), ("http", Some("80")) | ("https", Some("443"))) {
            return Err("leave out the port: browsers do where it is the scheme's own");
        }
        let is_port = |port: &str| {
            port.bytes().all(|byte| byte.is_ascii_digit())
                && !port.starts_with('0')
                && port.parse::<u16>().is_ok()
        };
        let is_known = is_scheme(scheme) && is_host(host, below) && port.is_none_or(is_port);
        if !is_known {
            return Err("it looks like `https://app.example.com` or `https://*.example.com`");
        }
        Ok(Self { scheme: format!("{scheme}://"), below, host: whole.to_owned() })
    }

    fn takes(&self, origin: &[u8]) -> bool {
        let rest = origin.strip_prefix(self.scheme.as_bytes());
        let before = rest.and_then(|rest| rest.strip_suffix(self.host.as_bytes()));
        match (before, self.below) {
            (Some(before), false) => before.is_empty(),
            // Names alone: nothing before the host may end it, or begin another part.
            (Some([labels @ .., b'.']), true) => {
                let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
                !labels.is_empty() && labels.iter().all(part)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below = if self.below { "*." } else { "" };
        write!(f, "{}{below}{}", self.scheme, self.host)
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// A name, or an address; below an address there is nothing.
fn is_host(text: &str, below: bool) -> bool {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return !below && inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    text.split('.').all(label) && !(below && text.parse::<std::net::Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_taken_as_browsers_write_it_and_in_no_other_way() {
        for (listed, taken, refused) in [
            (
                "https://app.example.com",
                &["https://app.example.com"][..],
                &[
                    "http://app.example.com",
                    "https://app.example.com:8443",
                    "https://app.example.com.evil.example",
                    "https://app.example.com/",
                    "https://App.example.com",
                    "https://example.com",
                    "null",
                    "",
                ][..],
            ),
            (
                "https://*.example.com",
                &["https://a.example.com", "https://b.a.example.com", "https://a-_1.example.com"],
                &[
                    "https://example.com",
                    "https://.example.com",
                    "https://evilexample.com",
                    "https://a.example.com:8443",
                    "https://a.example.com.evil.example",
                    "https://evil.example/.example.com",
                    "https://evil.example:1.example.com",
                    "https://evil@a.example.com",
                    "http://a.example.com",
                    "null",
                ],
            ),
            (
                "http://*.localhost:3000",
                &["http://a.localhost:3000"],
                &["http://a.localhost", "http://localhost:3000", "http://a.localhost:30000"],
            ),
            ("http://[::1]:3000", &["http://[::1]:3000"], &["http://[::1]"]),
            ("capacitor://localhost", &["capacitor://localhost"], &["http://localhost"]),
        ] {
            let one = Origin::parse(listed).unwrap();
            assert_eq!(one.to_string(), listed);
            let all = Origins::Listed(vec![one]);
            taken.iter().for_each(|origin| assert!(all.takes(origin.as_bytes()), "{origin}"));
            refused.iter().for_each(|origin| assert!(!all.takes(origin.as_bytes()), "{origin}"));
        }
        assert!(Origins::All.takes(b"https://a.example") && !Origins::All.takes(b"null"));
    }

    #[test]
    fn what_no_browser_sends_is_no_origin() {
        for text in [
            "*",
            "null",
            "",
            "app.example.com",
            "https://",
            "https://app.example.com/",
            "https://app.example.com/x",
            "https://App.example.com",
            "https://app.example.com:443",
            "http://app.example.com:80",
            "https://app.example.com:",
            "https://app.example.com:0",
            "https://app.example.com:08443",
            "https://app.example.com:65536",
            "https://*",
            "https://*.",
            "https://*.*.example.com",
            "https://a*.example.com",
            "https://*.10.0.0.5",
            "https://*.[::1]",
            "https://u@app.example.com",
            "https://caf\u{e9}.example",
            "https://a..example",
            "1https://a.example",
            "https://[::1",
        ] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }
}
