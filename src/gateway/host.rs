//! The host that a request names, and the one that was named last: it hardly ever changes.

use std::rc::Rc;

use http::HeaderValue;
use http::uri::Authority;

/// A host as it was sent, and as it is read.
#[derive(Clone, Debug)]
pub(super) struct Host {
    sent: Rc<[u8]>,
    /// Its name alone, as [`plain`] gives it.
    pub(super) name: Rc<str>,
    /// What the upstream is to hear, where that is not what was sent: the name that was checked, with the port.
    pub(super) told: Option<HeaderValue>,
}

impl Default for Host {
    fn default() -> Self {
        Self { sent: Rc::default(), name: Rc::from(""), told: None }
    }
}

impl Host {
    /// What is `sent`, if it is one host.
    pub(super) fn read(sent: &[u8]) -> Option<Self> {
        let (name, port) = parts(sent)?;
        let told = port.map_or_else(|| name.to_string(), |port| format!("{name}:{port}"));
        let told = (told.as_bytes() != sent).then(|| HeaderValue::from_str(&told));
        Some(Self { name, sent: sent.into(), told: told.transpose().ok()? })
    }

    /// Whether this is what was `sent`.
    pub(super) fn is(&self, sent: &[u8]) -> bool {
        *self.sent == *sent && !sent.is_empty()
    }
}

/// The name alone, in lower case and without the dot of a full domain name (sec-P7, sec-P12); none
/// for what is not one host with at most a port.
pub(crate) fn plain(text: &[u8]) -> Option<Rc<str>> {
    parts(text).map(|(name, _)| name)
}

/// The same, and the port, in one spelling.
fn parts(text: &[u8]) -> Option<(Rc<str>, Option<u16>)> {
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"-._~[]:".contains(b);
    if text.is_empty() || text.len() > 300 || !text.iter().all(allowed) {
        return None;
    }
    let authority = Authority::try_from(text).ok()?;
    let (name, port) = (authority.host(), authority.port());
    let declared = text.len() > name.len();
    if name.is_empty() || (declared && port.is_none()) {
        return None;
    }
    let port = match port {
        // Not 0, which nobody listens at, nor zeros in front.
        Some(port) if !port.as_str().starts_with('0') => Some(port.as_str().parse().ok()?),
        Some(_) => return None,
        None => None,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    // No part is empty: another dot at the end would be taken off by whoever reads it next.
    let is_one = !name.split('.').any(str::is_empty);
    is_one.then(|| (name.to_ascii_lowercase().into(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_by_what_was_sent_alone() {
        let host = Host::read(b"A.example:80").unwrap();
        assert!(host.is(b"A.example:80") && !host.is(b"a.example:80"));
        assert!(!Host::default().is(b""), "nothing was sent");
        assert!(Host::read(b"").is_none() && Host::read(b"a b").is_none());
    }

    #[test]
    fn sec_p11_an_upstream_is_told_one_spelling() {
        for (sent, told) in [
            ("a.example", None),
            ("a.example:8080", None),
            ("[::1]:80", None),
            ("A.example", Some("a.example")),
            ("a.example.:81", Some("a.example:81")),
        ] {
            let host = Host::read(sent.as_bytes()).unwrap();
            assert_eq!(host.told, told.map(HeaderValue::from_static), "{sent}");
        }
    }

    #[test]
    fn sec_p7_and_p12_hosts_have_one_spelling() {
        for (text, host) in [
            ("a.example", "a.example"),
            ("A.Example:8080", "a.example"),
            ("a.example.", "a.example"),
            ("[::1]:80", "[::1]"),
            ("127.0.0.1", "127.0.0.1"),
        ] {
            assert_eq!(plain(text.as_bytes()).as_deref(), Some(host), "{text}");
        }
    }

    #[test]
    fn sec_p13_what_is_not_one_host_is_refused() {
        for text in [
            "", ".", "a..", "a..:80", ".a", "a..b", "a, b", "a/b@c", "u@h", "a:", "a:b", "a:1:2",
            "a b", "a:99999", "é", "a:0", "a:080",
        ] {
            assert_eq!(plain(text.as_bytes()), None, "{text}");
        }
    }
}
