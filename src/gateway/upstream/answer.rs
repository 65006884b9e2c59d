//! The head of an answer, as the upstream sent it (RFC 9112 section 4).

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use hyper::ext::ReasonPhrase;

use crate::wire;

use super::chunks::Chunks;
use super::error::Broken;
use super::framing::Framing;
use super::part::{FIELDS_MAX, HEAD_BYTES_MAX};

/// The head of an answer, without what belongs to the connection that it came on.
#[derive(Debug)]
pub(in crate::gateway) struct Answer {
    pub(in crate::gateway) response: Response<()>,
    /// The head as it was read.
    pub(in crate::gateway) text: Bytes,
    pub(super) framing: Framing,
    /// Whether the connection stays open behind it.
    pub(super) persists: bool,
}

/// What the fields of a head say about its connection.
#[derive(Debug, Default)]
struct Said {
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    /// What else `Connection` names.
    named: Vec<HeaderName>,
}

/// Takes a head from the beginning of what was read; none if it is not there to its end. `bodiless` says
/// that the request was one whose answer has no body.
///
/// # Errors
/// It is no head of an answer, or one whose end cannot be told for certain.
pub(super) fn read(unread: &mut Bytes, bodiless: bool) -> Result<Option<Answer>, Broken> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut head = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let length = match config.parse_response_with_uninit_headers(&mut head, unread, &mut fields) {
        Ok(httparse::Status::Complete(length)) if length <= HEAD_BYTES_MAX => length,
        Ok(httparse::Status::Partial) if unread.len() <= HEAD_BYTES_MAX => return Ok(None),
        Ok(_) => return Err(Broken::Malformed("a head of more than 64 KiB")),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Broken::Malformed("more than 500 fields in a head"));
        }
        Err(_) => return Err(Broken::Malformed("the head cannot be read")),
    };
    let mut response = Response::new(());
    let status = StatusCode::from_u16(head.code.unwrap_or_default())
        .map_err(|_| Broken::Malformed("a status that is none"))?;
    *response.status_mut() = status;
    if let Some(reason) = head.reason.filter(|reason| status.canonical_reason() != Some(reason)) {
        let reason = ReasonPhrase::try_from(reason.as_bytes())
            .map_err(|_| Broken::Malformed("a reason phrase that is none"))?;
        response.extensions_mut().insert(reason);
    }
    let said = Said::hear(head.headers)?;
    let later = head.version == Some(1);
    if said.chunked && !later {
        return Err(Broken::Malformed("a transfer coding in HTTP/1.0"));
    }
    *response.headers_mut() = said.map(head.headers, unread)?;
    let no_body = bodiless
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let framing = match said.length {
        _ if no_body => Framing::Length(0),
        _ if said.chunked => Framing::Chunked(Chunks::default()),
        Some(length) => Framing::Length(length),
        None => Framing::Close,
    };
    let persists = !said.close && (later || said.keep_alive);
    Ok(Some(Answer { response, text: unread.split_to(length), framing, persists }))
}

impl Said {
    fn hear(fields: &[httparse::Header<'_>]) -> Result<Self, Broken> {
        let mut said = Self::default();
        for field in fields {
            match field.name.len() {
                10 if field.name.eq_ignore_ascii_case("connection") => {
                    said.persistence(field.value)
                }
                14 if field.name.eq_ignore_ascii_case("content-length") => {
                    said.length(field.value)?;
                }
                17 if field.name.eq_ignore_ascii_case("transfer-encoding") => {
                    if said.chunked || !field.value.eq_ignore_ascii_case(b"chunked") {
                        const OTHER: &str = "a transfer coding other than a plain chunked";
                        return Err(Broken::Malformed(OTHER));
                    }
                    said.chunked = true;
                }
                _ => {}
            }
        }
        Ok(said)
    }

    /// RFC 9112 section 9.3.
    fn persistence(&mut self, value: &[u8]) {
        for word in value.split(|b| *b == b',').map(<[u8]>::trim_ascii) {
            self.close |= word.eq_ignore_ascii_case(b"close");
            self.keep_alive |= word.eq_ignore_ascii_case(b"keep-alive");
        }
        // How long the body is stays true whatever a connection says.
        let named = wire::named_by_connection(value);
        self.named.extend(named.filter(|name| *name != header::CONTENT_LENGTH));
    }

    /// RFC 9110 section 8.6: digits alone, or the same ones several times.
    fn length(&mut self, value: &[u8]) -> Result<(), Broken> {
        for digits in value.split(|b| *b == b',').map(<[u8]>::trim_ascii) {
            let digits = Some(digits).filter(|digits| digits.iter().all(u8::is_ascii_digit));
            let length = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
            let length = length.ok_or(Broken::Malformed("a length that is no number"))?;
            if self.length.replace(length).is_some_and(|before| before != length) {
                return Err(Broken::Malformed("two lengths"));
            }
        }
        Ok(())
    }

    /// The fields of a head, without those of its connection (RFC 9110 section 7.6.1).
    fn map(&self, fields: &[httparse::Header<'_>], read: &Bytes) -> Result<HeaderMap, Broken> {
        let mut headers = HeaderMap::with_capacity(fields.len());
        for field in fields {
            let name = HeaderName::from_bytes(field.name.as_bytes())
                .map_err(|_| Broken::Malformed("a field's name that is none"))?;
            let stays = name == header::TRANSFER_ENCODING
                || wire::is_hop_by_hop(name.as_str())
                || self.named.contains(&name);
            if stays {
                continue;
            }
            if name == header::CONTENT_LENGTH {
                // With both, the length is not to be believed (RFC 9112 section 6.3).
                if let Some(length) = self.length.filter(|_| !self.chunked) {
                    headers.insert(name, HeaderValue::from(length));
                }
                continue;
            }
            let value = HeaderValue::from_maybe_shared(read.slice_ref(field.value))
                .map_err(|_| Broken::Malformed("a field's value that is none"))?;
            headers.append(name, value);
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Option<Answer>, Broken> {
        read(&mut Bytes::copy_from_slice(text.as_bytes()), false)
    }

    fn good(text: &str) -> Answer {
        head(text).unwrap().unwrap()
    }

    #[test]
    fn rfc9112_6_3_the_end_of_a_body_is_told_in_one_way() {
        for (fields, length) in [
            ("Content-Length: 5\r\n", Some(5)),
            ("Content-Length: 5, 5\r\n", Some(5)),
            ("Content-Length: 5\r\nContent-Length: 5\r\n", Some(5)),
            ("Transfer-Encoding: Chunked\r\nContent-Length: 5\r\n", None),
            ("", None),
        ] {
            let answer = good(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n"));
            assert_eq!(answer.framing.left(), length, "{fields}");
            let told: Vec<_> =
                answer.response.headers().get_all(header::CONTENT_LENGTH).iter().collect();
            assert_eq!(told, length.map(HeaderValue::from).iter().collect::<Vec<_>>(), "{fields}");
            let chunked = matches!(answer.framing, Framing::Chunked(_));
            assert_eq!(chunked, fields.starts_with('T'), "{fields}");
        }
    }

    #[test]
    fn sec_s_a_head_with_two_readings_is_no_answer() {
        for fields in [
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5, 6\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length: \r\n",
            "Content-Length: 5,\r\n",
            "Content-Length: 18446744073709551616\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: identity\r\n",
            "Content-Length : 5\r\n",
            " Content-Length: 5\r\n",
            "X: a\r\n b\r\n",
            "X: a\rb\r\n",
            "X: a\0b\r\n",
            "X y: a\r\n",
            ": a\r\n",
        ] {
            let found = head(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n"));
            assert!(matches!(found, Err(Broken::Malformed(_))), "{fields:?}: {found:?}");
        }
        for start in
            ["HTTP/2 200 OK", "HTTP/1.2 200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 099 OK", "200"]
        {
            let found = head(&format!("{start}\r\n\r\n"));
            assert!(matches!(found, Err(Broken::Malformed(_))), "{start:?}: {found:?}");
        }
        let old = head("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert!(matches!(old, Err(Broken::Malformed(_))));
    }

    #[test]
    fn rfc9112_9_3_whether_a_connection_persists() {
        for (head, persists) in [
            ("HTTP/1.1 200 OK\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nConnection: Close\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\nConnection: x, close\r\nConnection: keep-alive\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", true),
        ] {
            assert_eq!(good(head).persists, persists, "{head}");
        }
    }

    #[test]
    fn rfc9110_7_6_1_what_belongs_to_the_connection_stays_there() {
        let answer = good(
            "HTTP/1.1 200 OK\r\nConnection: X-A, content-length\r\nKeep-Alive: 5\r\nX-A: 1\r\n\
             Upgrade: h2c\r\nx-b: 2\r\nContent-Length: 0\r\n\r\n",
        );
        let names: Vec<_> = answer.response.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-b", "content-length"]);
    }

    #[test]
    fn answers_without_a_body_have_none_whatever_they_say() {
        for status in ["204 No Content", "304 Not Modified", "103 Early Hints"] {
            let answer = good(&format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n"));
            assert_eq!(answer.framing.left(), Some(0), "{status}");
        }
        let mut unread = Bytes::from("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        let answer = read(&mut unread, true).unwrap().unwrap();
        assert_eq!((answer.framing.left(), unread.len()), (Some(0), 0));
    }

    #[test]
    fn a_reason_of_its_own_is_passed_on() {
        let answer = good("HTTP/1.1 200 Fine\r\n\r\nrest");
        let reason = answer.response.extensions().get::<ReasonPhrase>();
        assert_eq!(reason.map(ReasonPhrase::as_bytes), Some(&b"Fine"[..]));
        assert_eq!(answer.text, b"HTTP/1.1 200 Fine\r\n\r\n"[..]);
        assert!(good("HTTP/1.1 200 OK\r\n\r\n").response.extensions().is_empty());
    }

    #[test]
    fn a_head_has_an_end_and_not_too_much_before_it() {
        let whole = "HTTP/1.1 200 OK\r\nX: y\r\n\r\n";
        for end in 0..whole.len() {
            assert!(head(&whole[..end]).unwrap().is_none(), "{end}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(FIELDS_MAX + 1));
        assert!(matches!(head(&many), Err(Broken::Malformed(_))));
        let long = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(HEAD_BYTES_MAX));
        assert!(matches!(head(&long), Err(Broken::Malformed(_))));
        assert!(matches!(head(&format!("{long}\r\n\r\n")), Err(Broken::Malformed(_))));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = read(&mut Bytes::from(bytes), false);
        }
    }
}
