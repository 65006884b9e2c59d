//! Names that the wire gives to things, and which header fields never travel from one connection to
//! the next. Used by every room that speaks HTTP.

use std::net::IpAddr;

use http::HeaderName;

/// The lines of a request's head that say whence it came; written by us alone.
pub fn forwarded(peer: IpAddr, scheme: &str) -> Vec<u8> {
    // Made for every connection: digit by digit it takes a fifth of the time of `format!`.
    let mut lines = Vec::with_capacity(96);
    lines.extend_from_slice(b"x-forwarded-for: ");
    match peer {
        IpAddr::V4(peer) => push_octets(&mut lines, peer.octets()),
        IpAddr::V6(peer) => lines.extend_from_slice(peer.to_string().as_bytes()),
    }
    lines.extend_from_slice(b"\r\nx-forwarded-proto: ");
    lines.extend_from_slice(scheme.as_bytes());
    lines.extend_from_slice(b"\r\n");
    lines
}

fn push_octets(lines: &mut Vec<u8>, octets: [u8; 4]) {
    for (nth, octet) in octets.into_iter().enumerate() {
        if nth > 0 {
            lines.push(b'.');
        }
        let digits = [octet / 100, octet / 10 % 10, octet % 10];
        let zeros = usize::from(octet < 100) + usize::from(octet < 10);
        lines.extend(digits.iter().skip(zeros).map(|digit| b'0' + digit));
    }
}

/// The media type of problem documents (RFC 9457 section 3).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Whether a field belongs to one connection and is never passed on (RFC 9110 section 7.6.1),
/// whatever `Connection` says, and in whatever case its name is spelled. `Transfer-Encoding` and
/// `TE` are not among them: whoever forwards a message writes both anew.
pub fn is_hop_by_hop(name: &str) -> bool {
    // By length first: this is asked of every field of every message.
    let hop_by_hop: &[&str] = match name.len() {
        7 => &["upgrade"],
        10 => &["connection", "keep-alive"],
        14 => &["http2-settings"],
        16 => &["proxy-connection"],
        18 => &["proxy-authenticate"],
        19 => &["proxy-authorization"],
        _ => return false,
    };
    hop_by_hop.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Fields that `Connection` may name in one message. Each is looked for among all of the others.
pub const NAMED_MAX: usize = 100;

/// The fields that one line of `Connection` names (RFC 9110 section 7.6.1); not the words that most
/// of these lines hold, which name no field of a message.
pub fn named_by_connection(line: &[u8]) -> impl Iterator<Item = HeaderName> {
    let words = line.split(|b| *b == b',').map(<[u8]>::trim_ascii);
    let names = words.filter(|word| {
        !word.eq_ignore_ascii_case(b"keep-alive") && !word.eq_ignore_ascii_case(b"close")
    });
    names.filter_map(|word| HeaderName::from_bytes(word).ok())
}

/// Whether a field says where or from whom a request came, or where it was going, which only a
/// trusted proxy may say (sec-H4), or asks the upstream to read another method than the one that was checked
/// (sec-P15).
pub fn is_claim(name: &str) -> bool {
    // By the first letter: this is asked of every field of every message.
    let claims: &[&str] = match name.as_bytes().first() {
        Some(b'c') => &["client-ip", "cf-connecting-ip", "cf-connecting-ipv6"],
        Some(b'f') => &["forwarded", "fastly-client-ip"],
        Some(b'p') => &["proxy"],
        Some(b'r') => &["remote-addr", "remote-user"],
        Some(b't') => &["true-client-ip"],
        Some(b'x') => &[
            "x-client-ip",
            "x-cluster-client-ip",
            "x-envoy-external-address",
            "x-envoy-original-path",
            "x-http-method",
            "x-http-method-override",
            "x-method-override",
            "x-real-ip",
            "x-remote-addr",
            "x-remote-ip",
            "x-remote-user",
            "x-rewrite-url",
        ],
        _ => return false,
    };
    let begins =
        |wanted: &str| name.get(..wanted.len()).is_some_and(|start| is_alias(start, wanted));
    claims.iter().any(|claim| is_alias(name, claim))
        || begins("x-forwarded")
        || begins("x-original-")
}

/// Whether `name`, with `_` and `.` read as `-`, is `wanted`. Many servers fold these characters
/// into one, so that a field under another spelling would be taken for the real one (sec-H2). Both
/// are in lower case already, and `wanted` is in its folded form.
pub fn is_alias(name: &str, wanted: &str) -> bool {
    let fold = |b: u8| if matches!(b, b'_' | b'.') { b'-' } else { b };
    name.len() == wanted.len() && name.bytes().map(fold).eq(wanted.bytes().map(fold))
}

/// Whether a text reaches the other end of a header exactly as it is: visible ASCII and spaces
/// between. A reader takes spaces off both ends (RFC 9110 section 5.5), and other bytes as he
/// likes.
pub fn is_header_text(text: &str) -> bool {
    let visible = text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    visible && !text.starts_with(' ') && !text.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_h2_aliases_are_one_name() {
        for alias in ["x-auth-user", "x_auth_user", "x.auth.user", "x-auth_user"] {
            assert!(is_alias(alias, "x-auth-user"), "{alias}");
        }
        assert!(!is_alias("x-auth-use", "x-auth-user") && !is_alias("x-auth+user", "x-auth-user"));
    }

    #[test]
    fn sec_h4_peers_are_told_as_the_library_writes_them() {
        for peer in ["127.0.0.1", "0.0.0.0", "255.10.99.100", "1.20.255.9", "::1", "2001:db8::a:b"]
        {
            let lines = forwarded(peer.parse().unwrap(), "http");
            let expected = format!("x-forwarded-for: {peer}\r\nx-forwarded-proto: http\r\n");
            assert_eq!(lines, expected.as_bytes());
        }
    }

    #[test]
    fn sec_h1_what_a_connection_names_is_known() {
        let line = b"close, X-Auth-User ,keep-alive,b@d,authorization";
        let named: Vec<_> = named_by_connection(line).collect();
        assert_eq!(named, ["x-auth-user", "authorization"]);
    }

    #[test]
    fn sec_h1_what_belongs_to_a_connection_is_known_in_any_case() {
        for name in ["connection", "Keep-Alive", "UPGRADE", "Proxy-Authorization", "HTTP2-Settings"]
        {
            assert!(is_hop_by_hop(name), "{name}");
        }
        for name in ["te", "transfer-encoding", "x-connection", "upgrades", "content-type"] {
            assert!(!is_hop_by_hop(name), "{name}");
        }
    }

    #[test]
    fn sec_h6_header_text_has_one_reading() {
        assert!(is_header_text("a b~!\"") && is_header_text(""));
        for bad in ["a\r\nb", "a\tb", "a\0", "a\u{7f}", "caf\u{e9}", " a", "a "] {
            assert!(!is_header_text(bad), "{bad:?}");
        }
    }

    #[test]
    fn sec_h4_claims_are_known_by_name() {
        for claim in [
            "forwarded",
            "x-forwarded-uri",
            "x_forwarded_for",
            "x-real-ip",
            "x_real.ip",
            "x-original-for",
            "x_original_method",
            "client-ip",
            "cf_connecting_ip",
            "x-client-ip",
            "x-cluster-client-ip",
            "x-envoy-original-path",
            "remote-user",
            "remote_addr",
        ] {
            assert!(is_claim(claim), "{claim}");
        }
        for other in ["x-request-id", "accept", "x-", "x-original", "cookie", "range", "referer"] {
            assert!(!is_claim(other), "{other}");
        }
    }
}
