//! The host that a request names, and the one that was named last: it hardly ever changes.

use std::rc::Rc;

use http::uri::Authority;

/// A host as it was sent, and as it is read.
#[derive(Clone, Debug)]
pub(super) struct Host {
    sent: Rc<[u8]>,
    name: Rc<str>,
}

impl Default for Host {
    fn default() -> Self {
        Self { sent: Rc::default(), name: Rc::from("") }
    }
}

impl Host {
    /// What is `sent`, if it is one host.
    pub(super) fn read(sent: &[u8]) -> Option<Self> {
        Some(Self { name: plain(sent)?, sent: sent.into() })
    }

    /// Its name, if this is what was `sent`.
    pub(super) fn name_of(&self, sent: &[u8]) -> Option<Rc<str>> {
        (*self.sent == *sent && !sent.is_empty()).then(|| Rc::clone(&self.name))
    }
}

/// The name alone, in lower case and without the dot of a full domain name (sec-P7, sec-P12); none
/// for what is not one host with at most a port.
pub(crate) fn plain(text: &[u8]) -> Option<Rc<str>> {
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
    if port.is_some_and(|port| port.as_str().parse::<u16>().is_err()) {
        return None;
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    (!name.is_empty()).then(|| name.to_ascii_lowercase().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_by_what_was_sent_alone() {
        let host = Host::read(b"A.example:80").unwrap();
        assert_eq!(host.name_of(b"A.example:80").as_deref(), Some("a.example"));
        assert_eq!(host.name_of(b"a.example:80"), None);
        assert_eq!(Host::default().name_of(b""), None, "nothing was sent");
        assert!(Host::read(b"").is_none() && Host::read(b"a b").is_none());
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
        for text in ["", ".", "a, b", "a/b@c", "u@h", "a:", "a:b", "a:1:2", "a b", "a:99999", "é"]
        {
            assert_eq!(plain(text.as_bytes()), None, "{text}");
        }
    }
}
