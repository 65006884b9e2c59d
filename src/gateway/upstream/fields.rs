//! What the fields of an answer's head say about its end and its connection, and which are passed
//! on.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::gateway::websocket::{self, Accept};
use crate::wire::{self, trailers};

use super::error::Broken;
use super::kind::Kind;
use super::lines::{Gathering, Lines, MARK};

/// Fields of answers that the gateway writes in place of the upstream.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::gateway) struct Without {
    /// Those of CORS.
    pub(in crate::gateway) cors: bool,
    /// Those that say who may keep it.
    pub(in crate::gateway) caching: bool,
}

impl Without {
    /// Whether a field is one of them.
    pub(super) fn takes(self, name: &str) -> bool {
        (self.cors && wire::is_of_cors(name)) || (self.caching && wire::is_of_caching(name))
    }
}

/// What the fields of a head say about its connection.
#[derive(Debug, Default)]
pub(super) struct HeadFields {
    pub(super) length: Option<u64>,
    pub(super) chunked: bool,
    /// Whether a length is passed on: an answer that says of itself that it has no content has none
    /// (RFC 9110 section 8.6).
    pub(super) lengthless: bool,
    /// Which others are left out.
    pub(super) without: Without,
    /// Whether `Upgrade` is WebSocket, and `Connection` means it.
    websocket: bool,
    upgrade: bool,
    /// The answer to the key of a handshake; zeros where it is none, or there are two.
    accept: Option<Accept>,
    /// What the body is.
    pub(super) kind: Kind,
    close: bool,
    keep_alive: bool,
    /// What else `Connection` names.
    named: Vec<HeaderName>,
}

impl HeadFields {
    /// Reads all of them.
    ///
    /// # Errors
    /// They leave in doubt where the body ends.
    pub(super) fn read(fields: &[httparse::Header<'_>]) -> Result<Self, Broken> {
        let mut head = Self::default();
        for field in fields {
            match field.name.len() {
                7 if field.name.eq_ignore_ascii_case("upgrade") => {
                    head.websocket = websocket::is_name(field.value);
                }
                10 if field.name.eq_ignore_ascii_case("connection") => {
                    head.persistence(field.value)?;
                }
                12 if field.name.eq_ignore_ascii_case("content-type") => {
                    head.kind = Kind::of(field.value);
                }
                14 if field.name.eq_ignore_ascii_case("content-length") => {
                    head.length(field.value)?;
                }
                17 if field.name.eq_ignore_ascii_case("transfer-encoding") => {
                    if head.chunked || !field.value.eq_ignore_ascii_case(b"chunked") {
                        const OTHER: &str = "a transfer coding other than a plain chunked";
                        return Err(Broken::Malformed(OTHER));
                    }
                    head.chunked = true;
                }
                20 if field.name.eq_ignore_ascii_case("sec-websocket-accept") => {
                    let one = head.accept.is_none().then_some(field.value);
                    head.accept = Some(one.and_then(|one| one.try_into().ok()).unwrap_or_default());
                }
                _ => {}
            }
        }
        Ok(head)
    }

    /// Whether the connection stays open behind the answer (RFC 9112 section 9.3); `later` is
    /// HTTP/1.1.
    pub(super) const fn persists(&self, later: bool) -> bool {
        !self.close && (later || self.keep_alive)
    }

    /// Whether the protocol changes to WebSocket, with the right answer to our key if there is one.
    pub(super) fn switches(&self, wanted: Option<&Accept>) -> bool {
        self.websocket
            && self.upgrade
            && wanted.is_none_or(|wanted| self.accept.as_ref() == Some(wanted))
    }

    fn persistence(&mut self, value: &[u8]) -> Result<(), Broken> {
        self.upgrade |= websocket::names_upgrade(value);
        for word in value.split(|b| *b == b',').map(<[u8]>::trim_ascii) {
            self.close |= word.eq_ignore_ascii_case(b"close");
            self.keep_alive |= word.eq_ignore_ascii_case(b"keep-alive");
        }
        // How long the body is stays true whatever a connection says.
        let named = wire::named_by_connection(value);
        let named = named.filter(|name| *name != header::CONTENT_LENGTH);
        let room = wire::NAMED_MAX.saturating_sub(self.named.len());
        self.named.extend(named.take(room.saturating_add(1)));
        if self.named.len() > wire::NAMED_MAX {
            return Err(Broken::Malformed("`Connection` names more than 100 fields"));
        }
        Ok(())
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

    /// Whether a field is passed on: not if it belongs to the connection (RFC 9110 section 7.6.1).
    /// Of a length that is said twice one is left, and none beside chunks, for then it is not to be
    /// believed (RFC 9112 section 6.3); `heard` says that it was passed on already.
    fn passes(&self, name: &str, heard: bool) -> bool {
        let withheld = self.without.takes(name);
        !wire::is_hop_by_hop(name)
            && !withheld
            && match name.len() {
                14 if name.eq_ignore_ascii_case("content-length") => {
                    !self.chunked && !self.lengthless && !heard
                }
                17 => !name.eq_ignore_ascii_case("transfer-encoding"),
                _ => true,
            }
            && !self.named.iter().any(|one| name.eq_ignore_ascii_case(one.as_str()))
    }

    /// Writes the fields of a head into a map.
    pub(super) fn map(
        &self,
        fields: &[httparse::Header<'_>],
        read: &Bytes,
        headers: &mut HeaderMap,
    ) -> Result<(), Broken> {
        headers.reserve(fields.len());
        for field in fields {
            if !self.passes(field.name, headers.contains_key(header::CONTENT_LENGTH)) {
                continue;
            }
            let name = name(field)?;
            let text = match name {
                header::CONTENT_LENGTH => first_word(field.value),
                header::TRAILER => {
                    if let Some(left) = trailers::left(field.value, trailers::may_trail) {
                        headers.append(name, value(Bytes::copy_from_slice(&left))?);
                    }
                    continue;
                }
                _ => field.value,
            };
            headers.append(name, value(read.slice_ref(text))?);
        }
        Ok(())
    }

    /// The fields of a head as lines. Into a map go the mark that stands for them and those that
    /// tell how the body ends.
    pub(super) fn lines<'r>(
        &self,
        fields: &[httparse::Header<'r>],
        read: &'r [u8],
        headers: &mut HeaderMap,
    ) -> Result<Lines, Broken> {
        let mut lines = Gathering::of(read);
        headers.insert(MARK.0, MARK.1);
        for field in fields {
            let mut value = field.value;
            if !self.passes(field.name, lines.lines.has_length) {
                continue;
            }
            match field.name.len() {
                4 => lines.lines.has_date |= field.name.eq_ignore_ascii_case("date"),
                7 if field.name.eq_ignore_ascii_case("trailer") => {
                    let Some(left) = trailers::left(field.value, trailers::may_trail) else {
                        continue;
                    };
                    lines.lines.has_trailer = true;
                    let value = self::value(Bytes::copy_from_slice(&left))?;
                    headers.append(header::TRAILER, value);
                    if let Cow::Owned(left) = left {
                        lines.add(field.name, &left);
                        continue;
                    }
                }
                14 if field.name.eq_ignore_ascii_case("content-length") => {
                    lines.lines.has_length = true;
                    value = first_word(value);
                    let value = self::value(Bytes::copy_from_slice(value))?;
                    headers.insert(header::CONTENT_LENGTH, value);
                }
                _ => {}
            }
            if value.len() == field.value.len() {
                lines.pass(field.name, value);
            } else {
                lines.add(field.name, value);
            }
        }
        Ok(lines.finish())
    }
}

/// Of a length that is said several times in one line.
fn first_word(value: &[u8]) -> &[u8] {
    value.split(|b| *b == b',').next().unwrap_or_default().trim_ascii()
}

fn name(field: &httparse::Header<'_>) -> Result<HeaderName, Broken> {
    HeaderName::from_bytes(field.name.as_bytes())
        .map_err(|_| Broken::Malformed("a field's name that is none"))
}

fn value(bytes: Bytes) -> Result<HeaderValue, Broken> {
    HeaderValue::from_maybe_shared(bytes)
        .map_err(|_| Broken::Malformed("a field's value that is none"))
}
