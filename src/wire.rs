//! Names that the wire gives to things, which header fields never travel from one connection to
//! the next, and who is believed of where something came from. Used by every room that speaks HTTP.

use http::{HeaderMap, HeaderName, HeaderValue, Version, header};

pub mod announced;
pub mod forwarded;
pub mod origins;
pub mod proxies;
pub mod trailers;

/// Whether a request says in one way alone where it ends: the one transfer coding that is taken is a plain `chunked`,
/// in HTTP/1.1 (RFC 9112 section 6.1); a length is one number (section 6.3).
pub fn is_plainly_framed(version: Version, headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let plain = |length: &HeaderValue| {
        let digits = !length.is_empty() && length.as_bytes().iter().all(u8::is_ascii_digit);
        digits && !is_endless(length.as_bytes())
    };
    if !lengths.next().is_none_or(plain) || lengths.next().is_some() {
        return false;
    }
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else { return true };
    coding.as_bytes().eq_ignore_ascii_case(b"chunked")
        && codings.next().is_none()
        && version == Version::HTTP_11
}

/// Whether a body of HTTP/1.1 comes in codings that are not taken, and says plainly all the same where it ends: in one list of
/// plain names, of which the last and no other is `chunked` (RFC 9112 section 6.1). Whether there was a length too has to be
/// told by the head as it was sent.
pub fn is_coded_before_chunks(version: Version, headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::TRANSFER_ENCODING).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let mut codings = line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let is_name = |coding: &[u8]| !coding.is_empty() && coding.iter().all(|byte| is_token(*byte));
    version == Version::HTTP_11
        && codings.next_back().is_some_and(is_chunked)
        && codings.clone().next().is_some()
        && codings.all(|coding| is_name(coding) && !is_chunked(coding))
}

/// What names are made of (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a length is one of the two that hyper keeps for bodies without any, and calls a head that is too large.
pub fn is_endless(length: &[u8]) -> bool {
    let digits = std::str::from_utf8(length).ok();
    digits.and_then(|digits| digits.parse::<u64>().ok()).is_some_and(|length| length > u64::MAX - 2)
}

/// The media type of problem documents (RFC 9457 section 3).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Whether there is a quote in the name of a field: `http` takes it, and so does h2, but HTTP/1.1 has none such (RFC 9110
/// section 5.6.2).
pub fn is_quoted(name: &str) -> bool {
    name.contains('"')
}

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

/// Whether a careless reader (see [`is_alias`]) would take a field for one that says where its message ends, or for another that
/// belongs to one connection or one conversation. Under its own name each of them is looked at or written anew.
pub fn is_framing_alias(name: &str) -> bool {
    const CONVERSATION: &str = "sec-websocket-";
    // By the first letter: this is asked of every field of every message.
    let known: &[&str] = match name.as_bytes().first() {
        Some(b'c') => &["content-length"],
        Some(b'h') => &["http2-settings"],
        Some(b'k') => &["keep-alive"],
        Some(b'p') => &["proxy-authenticate", "proxy-authorization", "proxy-connection"],
        Some(b's') => {
            let start = name.get(..CONVERSATION.len());
            return start
                .is_some_and(|start| start != CONVERSATION && is_alias(start, CONVERSATION));
        }
        Some(b't') => &["transfer-encoding"],
        _ => return false,
    };
    known.iter().any(|known| name != *known && is_alias(name, known))
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

/// Whether a value begins or ends with a space or a tab (RFC 9110 section 5.5).
pub fn is_spaced(value: &[u8]) -> bool {
    let space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    space(value.first()) || space(value.last())
}

/// Whether a field says where or from whom a request came, or where it was going, which only a
/// trusted proxy may say (sec-H4; RFC 9440 section 3 for certificates), or asks the upstream to read another
/// method or path than the one that was checked (sec-P15): `SCRIPT_NAME` and its like move the path that
/// frameworks read.
pub fn is_claim(name: &str) -> bool {
    // By the first letter: this is asked of every field of every message.
    let (claims, beginnings): (&[&str], &[&str]) = match name.as_bytes().first() {
        Some(b'c') => (&["cf-connecting-ip", "cf-connecting-ipv6", "client-ip"], &["client-cert"]),
        Some(b'd') => (&["daphne-root-path"], &[]),
        Some(b'f') => (&["fastly-client-ip", "forwarded", "front-end-https"], &[]),
        // As CGI names the others, for what does not take a prefix for one.
        Some(b'h') => (&["http-client-ip", "https"], &["http-forwarded", "http-x-forwarded"]),
        Some(b'p') => (&["path-info", "proxy", "proxy-client-ip"], &[]),
        Some(b'r') => (&["request-uri"], &["remote-"]),
        Some(b's') => (&["script-filename", "script-name"], &["ssl-client-"]),
        Some(b't') => (&["true-client-ip"], &[]),
        Some(b'w') => (&[], &["wl-proxy-"]),
        Some(b'x') => (&CLAIMS_X, &BEGINNINGS_X),
        _ => return false,
    };
    let begins =
        |wanted: &&str| name.get(..wanted.len()).is_some_and(|start| is_alias(start, wanted));
    claims.iter().any(|claim| is_alias(name, claim)) || beginnings.iter().any(begins)
}

/// Claims by frameworks and by proxies of clouds, and by those in front of which nobody stands.
const CLAIMS_X: [&str; 23] = [
    "x-arr-clientcert",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-host",
    "x-http-destinationurl",
    "x-http-method",
    "x-http-method-override",
    "x-matched-path",
    "x-method",
    "x-method-override",
    "x-originating-ip",
    "x-path-info",
    "x-proxyuser-ip",
    "x-real-ip",
    "x-rewrite-url",
    "x-scheme",
    "x-script-name",
    "x-url-scheme",
    "x-webauth-user",
    "x-real-port",
];

const BEGINNINGS_X: [&str; 17] = [
    "x-amzn-mtls-",
    "x-amzn-oidc-",
    "x-auth-request-",
    "x-authenticated-",
    "x-client-cert",
    "x-consumer-",
    "x-credential-",
    "x-envoy-original-",
    "x-forwarded",
    "x-goog-authenticated-user-",
    "x-goog-iap-",
    "x-invoke-",
    "x-middleware-",
    "x-ms-client-principal",
    "x-original-",
    "x-remote-",
    "x-ssl-client-",
];

/// Whether a field of an answer tells a browser whose scripts may read it (Fetch standard section 3.2.3), in whatever case
/// its name is spelled.
pub fn is_of_cors(name: &str) -> bool {
    const BEGINNING: &str = "access-control-";
    name.get(..BEGINNING.len()).is_some_and(|start| start.eq_ignore_ascii_case(BEGINNING))
}

/// Whether a field of an answer says who may keep it and for how long (RFC 9111 section 5, RFC 9213), in whatever case its
/// name is spelled.
pub fn is_of_caching(name: &str) -> bool {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    const END: &str = "cache-control";
    let start = name.len().checked_sub(END.len()).and_then(|at| name.get(at..));
    is("expires")
        || is("pragma")
        || is("surrogate-control")
        || start.is_some_and(|end| end.eq_ignore_ascii_case(END))
}

/// Whether `name` is `wanted` to the most careless reader. CGI and what follows it read every byte that is
/// no letter or digit as one and the same, so that a field under another spelling would be taken for
/// the real one (sec-H2). Both are in lower case already.
pub fn is_alias(name: &str, wanted: &str) -> bool {
    name.len() == wanted.len() && name.bytes().map(fold).eq(wanted.bytes().map(fold))
}

/// A byte of a field's name as the most careless reader has it.
pub const fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte } else { b'-' }
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
    fn sec_s2_codings_before_chunks_are_told_from_what_has_two_readings() {
        for (coded, lines) in [
            (true, &["gzip, chunked"][..]),
            (true, &["gzip , \t deflate,Chunked"]),
            (false, &["chunked"]),
            (false, &["chunked, gzip"]),
            (false, &["chunked, chunked"]),
            (false, &["gzip, chunked, chunked"]),
            (false, &["gzip"]),
            (false, &[",chunked"]),
            (false, &["gzip,,chunked"]),
            (false, &["gzip, chunked,"]),
            (false, &["gzip;q=1, chunked"]),
            (false, &["gzip zip, chunked"]),
            (false, &["\"gzip\", chunked"]),
            (false, &["gzip", "chunked"]),
            (false, &["gzip, chunked", "chunked"]),
            (false, &[]),
        ] {
            let line =
                |line: &&'static str| (header::TRANSFER_ENCODING, HeaderValue::from_static(line));
            let headers: HeaderMap = lines.iter().map(line).collect();
            assert_eq!(is_coded_before_chunks(Version::HTTP_11, &headers), coded, "{lines:?}");
            assert!(!is_coded_before_chunks(Version::HTTP_10, &headers), "{lines:?}");
            assert!(!coded || !is_plainly_framed(Version::HTTP_11, &headers), "{lines:?}");
        }
    }

    #[test]
    fn sec_h2_aliases_are_one_name() {
        for alias in ["x-auth-user", "x_auth_user", "x.auth.user", "x-auth_user", "x~auth!user"] {
            assert!(is_alias(alias, "x-auth-user"), "{alias}");
        }
        assert!(!is_alias("x-auth-use", "x-auth-user") && !is_alias("xxauth-user", "x-auth-user"));
    }

    #[test]
    fn sec_h2_aliases_of_framing_are_known() {
        for alias in ["transfer_encoding", "content.length", "keep_alive", "sec_websocket-key"] {
            assert!(is_framing_alias(alias), "{alias}");
        }
        for own in [
            "transfer-encoding",
            "content-length",
            "x_id",
            "content_lengths",
            "_",
            "sec-websocket-key",
        ] {
            assert!(!is_framing_alias(own), "{own}");
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
            "remote-groups",
            "script_name",
            "path-info",
            "daphne-root-path",
            "client-cert",
            "client-cert-chain",
            "ssl-client-verify",
            "x-ssl-client-dn",
            "x-middleware-subrequest",
            "x-matched-path",
            "x-http-method~override",
            "x+forwarded+for",
        ] {
            assert!(is_claim(claim), "{claim}");
        }
        for other in [
            "x-request-id",
            "accept",
            "x-",
            "x-original",
            "cookie",
            "range",
            "referer",
            "content-type",
            "host",
            "dnt",
            "x-remote",
            "x-client-id",
            "x-methods",
            "x-ssl",
            "sec-ch-ua",
            "client-id",
        ] {
            assert!(!is_claim(other), "{other}");
        }
    }
}
