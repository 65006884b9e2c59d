//! What the gateway knows of WebSocket (RFC 6455): who asks for it, and where a frame ends, so that a conversation whose
//! token has ended is closed between two frames, with a reason. What is said in it passes unread.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Version};
use hyper::ext::Protocol;

use super::lengths::Lengths;

/// What the protocol is called in `Upgrade`.
pub(super) const NAME: &str = "websocket";

/// Status codes of section 7.4.1.
pub(super) const GOING_AWAY: u16 = 1001;
/// The same: for whoever breaks a policy, as one does whose token has ended.
pub(super) const POLICY: u16 = 1008;

/// The most that the reason of a close frame may have (section 5.5).
const REASON_MAX: usize = 123;

/// Whether a request asks for a WebSocket in the one way that is passed on (section 4.2.1, sec-S8). Whatever else
/// asks for another protocol is answered as if it had not.
pub(super) fn is_asked(method: &Method, version: Version, headers: &HeaderMap) -> bool {
    let key = |key: &[u8]| STANDARD.decode(key).is_ok_and(|key| key.len() == 16);
    *method == Method::GET
        && version == Version::HTTP_11
        && only(headers, &header::UPGRADE).is_some_and(is_name)
        && headers.get_all(header::CONNECTION).iter().any(|line| names_upgrade(line.as_bytes()))
        && only(headers, &header::SEC_WEBSOCKET_VERSION) == Some(b"13")
        && only(headers, &header::SEC_WEBSOCKET_KEY).is_some_and(key)
        && !headers.contains_key(header::CONTENT_LENGTH)
        && !headers.contains_key(header::TRANSFER_ENCODING)
}

/// The same over HTTP/2, where it is a `CONNECT` with a protocol (RFC 8441 section 5); no key is said there.
pub(super) fn is_asked_over_http2(parts: &Parts) -> bool {
    let protocol = |protocol: &Protocol| protocol.as_str().eq_ignore_ascii_case(NAME);
    parts.method == Method::CONNECT
        && parts.version == Version::HTTP_2
        && parts.extensions.get().is_some_and(protocol)
        && only(&parts.headers, &header::SEC_WEBSOCKET_VERSION) == Some(b"13")
        && !parts.headers.contains_key(header::SEC_WEBSOCKET_KEY)
        && !parts.headers.contains_key(header::CONTENT_LENGTH)
}

/// The value of a field that stands there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut lines = headers.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none()).map(HeaderValue::as_bytes)
}

/// A key for a handshake that we begin (RFC 6455 section 4.1). Nobody need guess wrong: it shows that a server
/// speaks WebSocket, and nothing else.
pub(super) fn key() -> String {
    let mut bytes = [0; 16];
    // Without randomness it is a key all the same.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    STANDARD.encode(bytes)
}

/// As long as what a server answers to a key always is.
pub(super) type Accept = [u8; 28];

/// What a server answers to a key (RFC 6455 section 4.2.2).
pub(super) fn accept(key: &[u8]) -> String {
    const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let sum = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key, GUID].concat());
    STANDARD.encode(sum)
}

/// Whether the value of `Upgrade` is this protocol and no other.
pub(super) fn is_name(value: &[u8]) -> bool {
    value.trim_ascii().eq_ignore_ascii_case(NAME.as_bytes())
}

/// Whether a line of `Connection` says that `Upgrade` is meant.
pub(super) fn names_upgrade(line: &[u8]) -> bool {
    line.split(|byte| *byte == b',').any(|word| word.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

/// A close frame of a server (section 5.5.1); what is too long of its reason is left out.
pub(super) fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    let reason = reason.as_bytes().get(..reason.len().min(REASON_MAX)).unwrap_or_default();
    let length = u8::try_from(reason.len().saturating_add(2)).unwrap_or(2);
    [&[0x88, length], &code.to_be_bytes()[..], reason].concat()
}

/// The same of a client, whose frames are masked (section 5.3).
pub(super) fn masked_close_frame(code: u16, reason: &str) -> Vec<u8> {
    let mut frame = close_frame(code, reason);
    let mut mask = [0; 4];
    // Without randomness it is a mask all the same: nothing of a client is hidden by it.
    let _ = aws_lc_rs::rand::fill(&mut mask);
    if let Some(length) = frame.get_mut(1) {
        *length |= 0x80;
    }
    for (byte, mask) in frame.iter_mut().skip(2).zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
    frame.splice(2..2, mask);
    frame
}

/// The frames that one side sends.
pub(super) const fn frames() -> Lengths {
    Lengths::new(payload)
}

/// How much follows the head of a frame (section 5.2), of which a mask is part.
fn payload(head: &[u8]) -> Option<u64> {
    let told = *head.get(1)?;
    let extended = match told & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mask = if told & 0x80 == 0 { 0 } else { 4 };
    let long = head.get(2..)?;
    if long.len() < extended + mask {
        return None;
    }
    let long = long.get(..extended)?;
    Some(match extended {
        0 => u64::from(told & 0x7f),
        _ => long.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6455_section_1_3_the_answer_to_a_key() {
        assert_eq!(accept(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    fn frame(length: usize, masked: bool) -> Vec<u8> {
        let mask = if masked { 0x80 } else { 0 };
        let mut frame = vec![0x82];
        match length {
            0..126 => frame.push(mask | length as u8),
            126..0x1_0000 => {
                frame.push(mask | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            _ => {
                frame.push(mask | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(std::iter::repeat_n(0x88, length + if masked { 4 } else { 0 }));
        frame
    }

    #[test]
    fn rfc_6455_section_5_2_frames_end_where_their_length_says() {
        for masked in [false, true] {
            for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
                // The key of a mask is part of the head.
                let one = frame(length, masked);
                let two = [&one[..], &one[..]].concat();
                for size in [1, 2, 3, 7, 100, one.len(), two.len()] {
                    let mut frames = frames();
                    let mut between = 0;
                    for piece in two.chunks(size) {
                        frames.pass(piece);
                        between += usize::from(frames.is_between());
                    }
                    assert!(frames.is_between(), "{length} {masked} {size}");
                    assert!(between >= 1);
                }
                let mut frames = frames();
                assert_eq!(frames.end_in(&one[..1]), None);
                assert!(!frames.is_between());
                assert_eq!(frames.end_in(&two[1..]), Some(one.len() - 1), "{length} {masked}");
            }
        }
    }

    #[test]
    fn rfc_6455_section_5_5_1_a_close_frame_has_a_code_and_a_short_reason() {
        assert_eq!(close_frame(1008, "over"), [b"\x88\x06\x03\xf0" as &[u8], b"over"].concat());
        let long = close_frame(1001, &"x".repeat(200));
        assert_eq!((long.len(), long[1]), (127, 125));
        let mut frames = frames();
        assert_eq!(frames.end_in(&long), Some(127));
    }

    #[test]
    fn rfc_6455_section_5_3_a_close_frame_of_a_client_is_masked() {
        let frame = masked_close_frame(1001, "over");
        let (head, masked) = frame.split_at(6);
        assert_eq!(head[..2], [0x88, 0x86]);
        let plain: Vec<u8> =
            masked.iter().enumerate().map(|(at, b)| b ^ head[2 + at % 4]).collect();
        assert_eq!(plain, [b"\x03\xe9" as &[u8], b"over"].concat());
        assert_ne!(head[2..], masked_close_frame(1001, "over")[2..6], "each has a mask of its own");
        assert_eq!(frames().end_in(&frame), Some(frame.len()));
    }

    #[test]
    fn sec_s8_only_a_plain_handshake_asks() {
        let asks = |changes: &[(&str, &str)]| {
            let mut fields = vec![
                ("upgrade", "WebSocket"),
                ("connection", "keep-alive, Upgrade"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ];
            for (name, value) in changes {
                fields.retain(|(known, _)| known != name);
                fields.extend(
                    value.split('|').filter(|value| !value.is_empty()).map(|value| (*name, value)),
                );
            }
            let fields = fields.into_iter().map(|(name, value)| {
                (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
            });
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(name, value);
            }
            is_asked(&Method::GET, Version::HTTP_11, &headers)
        };
        assert!(asks(&[]));
        for change in [
            ("upgrade", ""),
            ("upgrade", "h2c"),
            ("upgrade", "websocket, h2c"),
            ("upgrade", "websocket|h2c"),
            ("connection", "keep-alive"),
            ("connection", ""),
            ("sec-websocket-version", "1337"),
            ("sec-websocket-version", "13|13"),
            ("sec-websocket-key", ""),
            ("sec-websocket-key", "short"),
            ("content-length", "5"),
            ("transfer-encoding", "chunked"),
        ] {
            assert!(!asks(&[change]), "{change:?}");
        }
        assert!(!is_asked(&Method::POST, Version::HTTP_11, &HeaderMap::new()));
    }
}
