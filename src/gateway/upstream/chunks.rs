//! The chunked transfer coding of an answer (RFC 9112 section 7.1), taken apart as it comes.
//!
//! Read strictly: what a lenient reader would forgive may be where two readers part.

use bytes::{Buf, Bytes};
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::wire;

use super::error::Broken;
use super::part::{self, FIELDS_MAX, HEAD_BYTES_MAX, Part};

/// Bytes of chunk extensions, and blanks behind sizes, that may come ahead of the data: also in one line, since only what
/// follows it pays for it. They mean nothing to us, and a body of nothing else is no body.
const EXTENSIONS_MAX: u64 = 16 << 10;

/// So many a chunk may have beside as many as it has data. Old servers fill each size up with blanks.
const EXTENSIONS_OF_A_CHUNK: u64 = 16;

/// Digits of a chunk's size, those in front that say nothing among them. So many fit into 64 bits.
const DIGITS_MAX: u32 = 16;

/// A chunked body that is being read.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    at: At,
    /// Bytes of extensions that no data has paid for.
    extensions: u64,
}

/// What comes next.
#[derive(Debug)]
enum At {
    /// More of the size of a chunk, of which so many digits have come.
    Size(u64, u32),
    /// The `;` in front of an extension.
    Semicolon(u64),
    Extension(u64),
    SizeEnd(u64),
    Data(u64),
    DataReturn,
    DataEnd,
    /// Trailers, of which this has come.
    Trailers(Vec<u8>),
    Over,
}

impl Default for At {
    fn default() -> Self {
        Self::Size(0, 0)
    }
}

impl Chunks {
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.at, At::Over)
    }

    /// Takes the next part from what was read.
    ///
    /// # Errors
    /// It is no chunked body.
    pub(super) fn next(&mut self, unread: &mut Bytes) -> Result<Part, Broken> {
        loop {
            match &mut self.at {
                At::Over => return Ok(Part::End),
                At::Data(left) if unread.has_remaining() => {
                    let data = part::take(unread, *left);
                    *left = left.saturating_sub(data.len() as u64);
                    if *left == 0 {
                        self.at = At::DataReturn;
                    }
                    return Ok(Part::Data(data));
                }
                _ => {}
            }
            let Some(byte) = unread.first().copied() else { return Ok(Part::More) };
            unread.advance(1);
            if let Some(trailers) = self.step(byte)? {
                self.at = At::Over;
                let none = trailers.is_empty();
                return Ok(if none { Part::End } else { Part::Trailers(trailers) });
            }
        }
    }

    /// Takes one byte that is not data; trailers, if the body is over with it.
    fn step(&mut self, byte: u8) -> Result<Option<HeaderMap>, Broken> {
        self.at = match (&mut self.at, byte) {
            (At::Size(size, digits), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                if *digits == DIGITS_MAX {
                    return Err(Broken::Malformed("the size of a chunk has more than 16 digits"));
                }
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                At::Size((*size << 4) | digit, digits.saturating_add(1))
            }
            // Blanks at the end are of old servers, which fill the size up with them.
            (At::Size(size, 1..) | At::Semicolon(size) | At::Extension(size), b'\r') => {
                At::SizeEnd(*size)
            }
            (At::Size(size, 1..) | At::Semicolon(size), b';') => At::Extension(*size),
            // RFC 9112 section 7.1.1.
            (At::Size(size, 1..) | At::Semicolon(size), b' ' | b'\t') => {
                self.extensions = more_extensions(self.extensions)?;
                At::Semicolon(*size)
            }
            (At::Extension(size), byte) if byte != b'\n' => {
                self.extensions = more_extensions(self.extensions)?;
                At::Extension(*size)
            }
            (At::SizeEnd(0), b'\n') => At::Trailers(Vec::new()),
            (At::SizeEnd(size), b'\n') => {
                // All of it has come when the next line does.
                let paid = size.saturating_add(EXTENSIONS_OF_A_CHUNK);
                self.extensions = self.extensions.saturating_sub(paid);
                At::Data(*size)
            }
            (At::DataReturn, b'\r') => At::DataEnd,
            (At::DataEnd, b'\n') => At::Size(0, 0),
            (At::Trailers(come), byte) => {
                if byte == b'\n' && !come.ends_with(b"\r") {
                    return Err(Broken::Malformed("trailers with a bare line feed"));
                }
                come.push(byte);
                if *come == b"\r\n" || come.ends_with(b"\r\n\r\n") {
                    return trailers(come).map(Some);
                }
                if come.len() > HEAD_BYTES_MAX {
                    return Err(Broken::Malformed("trailers of more than 64 KiB"));
                }
                return Ok(None);
            }
            _ => return Err(Broken::Malformed("a chunk does not begin or end where it should")),
        };
        Ok(None)
    }
}

fn more_extensions(come: u64) -> Result<u64, Broken> {
    let more = come.saturating_add(1);
    let few = more <= EXTENSIONS_MAX;
    few.then_some(more).ok_or(Broken::Malformed("16 KiB more of chunk extensions than of data"))
}

/// Trailers, without those that may not be ones.
fn trailers(come: &[u8]) -> Result<HeaderMap, Broken> {
    const BAD: Broken = Broken::Malformed("trailers that cannot be read");
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let fields = match httparse::parse_headers(come, &mut fields) {
        // At an empty line that ends with a bare line feed it stops, and the rest would be lost.
        Ok(httparse::Status::Complete((read, fields))) if read == come.len() => fields,
        Ok(_) | Err(_) => return Err(BAD),
    };
    let mut trailers = HeaderMap::new();
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| BAD)?;
        let value = HeaderValue::from_bytes(field.value).map_err(|_| BAD)?;
        if wire::trailers::may_trail(&name) {
            trailers.append(name, value);
        }
    }
    Ok(trailers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Default)]
    struct Read {
        body: Vec<u8>,
        trailers: Option<HeaderMap>,
        /// What is left behind it.
        rest: Vec<u8>,
    }

    /// What comes in these pieces.
    fn read(pieces: &[&[u8]]) -> Result<Read, Broken> {
        let (mut chunks, mut read) = (Chunks::default(), Read::default());
        for piece in pieces {
            let mut unread = Bytes::copy_from_slice(piece);
            loop {
                match chunks.next(&mut unread)? {
                    Part::Data(data) => read.body.extend_from_slice(&data),
                    Part::Trailers(some) => read.trailers = Some(some),
                    Part::End | Part::More => break,
                }
            }
            read.rest.extend_from_slice(&unread);
        }
        if chunks.is_over() { Ok(read) } else { Err(Broken::Closed) }
    }

    #[test]
    fn rfc9112_7_1_chunks_are_put_together() {
        let text =
            b"4  \r\nWiki\r\n6;a=b\r\npedia \r\nE \t;a\r\nin \r\n\r\nchunks.\r\n0\r\n\r\nnext";
        let Read { body, trailers, rest } = read(&[text]).unwrap();
        assert_eq!((&body[..], &rest[..]), (&b"Wikipedia in \r\n\r\nchunks."[..], &b"next"[..]));
        assert!(trailers.is_none());
    }

    #[test]
    fn rfc9112_7_1_2_trailers_are_told_without_those_of_the_message() {
        let text = b"0\r\nX-Sum: 1\r\nContent-Length: 5\r\nConnection: a\r\nx-sum: 2\r\n\r\n";
        let trailers = read(&[text]).unwrap().trailers.unwrap();
        assert_eq!(trailers.len(), 2);
        assert_eq!(trailers.get_all("x-sum").iter().collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn sec_s_what_has_two_readings_is_no_chunked_body() {
        for bad in [
            &b"4\nWiki\n0\n\n"[..],
            b"\r\n0\r\n\r\n",
            b" 4\r\nWiki\r\n0\r\n\r\n",
            b"0x4\r\nWiki\r\n0\r\n\r\n",
            b"+4\r\nWiki\r\n0\r\n\r\n",
            b"-4\r\nWiki\r\n0\r\n\r\n",
            b"4\r\nWikiX\r\n0\r\n\r\n",
            b"4\r\nWiki\n0\r\n\r\n",
            b"4;a\nb\r\nWiki\r\n0\r\n\r\n",
            b"10000000000000000\r\nWiki",
            b"00000000000000004\r\nWiki\r\n0\r\n\r\n",
            b"4 junk\r\nWiki\r\n0\r\n\r\n",
            b"4 4\r\nWiki\r\n0\r\n\r\n",
            b"4 \n\nWiki\r\n0\r\n\r\n",
            b"4\t\r\rWiki\r\n0\r\n\r\n",
            b";a\r\n\r\n",
            b"0\r\nbad name: 1\r\n\r\n",
            b"0\r\nX: a\rb\r\n\r\n",
            b"0\r\n\nHTTP/1.1 200 OK\r\n\r\n",
            b"0\r\nX: a\r\n\nHTTP/1.1 200 OK\r\n\r\n",
            b"0\r\nX: a\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            b"4\r\rWiki",
        ] {
            let shown = String::from_utf8_lossy(bad);
            assert!(matches!(read(&[bad]), Err(Broken::Malformed(_))), "{shown}");
        }
        for (begin, filler) in [(b"1;", b'x'), (b"1 ", b' ')] {
            let long = [begin.to_vec(), vec![filler; EXTENSIONS_MAX as usize + 1]].concat();
            assert!(matches!(read(&[&long]), Err(Broken::Malformed(_))));
        }
        let long = [b"0\r\nx: ".to_vec(), vec![b'x'; HEAD_BYTES_MAX]].concat();
        assert!(matches!(read(&[&long]), Err(Broken::Malformed(_))));
    }

    /// An answer of an old server, which fills each size up, may be as long as any.
    #[test]
    fn rfc9112_7_1_1_extensions_are_held_against_the_data() {
        let body = |chunk: &[u8], times| [&chunk.repeat(times)[..], b"0\r\n\r\n"].concat();
        for chunk in [&b"1       \r\nx\r\n"[..], b"0004 \t;a=\"0123456789\"\r\nWiki\r\n"] {
            let read = read(&[&body(chunk, 20_000)]).unwrap();
            assert!(matches!(read.body.len(), 20_000 | 80_000), "{}", read.body.len());
        }
        // Much data does not pay for what comes behind it.
        let large = [b"100000\r\n", &vec![b'x'; 1 << 20][..], b"\r\n"].concat();
        let hollow = [b"1;", &[b'x'; 100][..], b"\r\nx\r\n"].concat();
        for bad in [body(&hollow, 1_000), [large, body(&hollow, 1_000)].concat()] {
            assert!(matches!(read(&[&bad]), Err(Broken::Malformed(_))));
        }
        assert_eq!(read(&[&body(&hollow, 100)]).unwrap().body.len(), 100);
    }

    #[test]
    fn a_size_has_at_most_sixteen_digits() {
        let body = read(&[b"0000000000000004\r\nWiki\r\n0000000000000000\r\n\r\n"]).unwrap().body;
        assert_eq!(body, b"Wiki");
        let (mut chunks, mut unread) = (Chunks::default(), Bytes::from("FFFFFFFFFFFFFFFF\r\nW"));
        assert!(matches!(chunks.next(&mut unread), Ok(Part::Data(_))));
        assert!(matches!(chunks.at, At::Data(left) if left == u64::MAX - 1));
    }

    #[test]
    fn what_ends_too_soon_is_not_over() {
        for cut in ["", "4", "4\r\nWiki", "4\r\nWiki\r\n", "0\r\n", "0\r\nX: 1\r\n", "0\r\n\r"] {
            assert!(matches!(read(&[cut.as_bytes()]), Err(Broken::Closed)), "{cut}");
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_pieces_are_cut(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..5),
            cuts in proptest::collection::vec(1_usize..9, 1..200),
        ) {
            let mut text = Vec::new();
            for part in &parts {
                text.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
                text.extend_from_slice(part);
                text.extend_from_slice(b"\r\n");
            }
            text.extend_from_slice(b"0\r\nx-a: 1\r\n\r\n");
            let mut pieces = Vec::new();
            let (mut rest, mut cuts) = (&text[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, more) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                pieces.push(piece);
                rest = more;
            }
            let Read { body, trailers, rest } = read(&pieces).unwrap();
            prop_assert_eq!(body, parts.concat());
            prop_assert_eq!(trailers.map(|trailers| trailers.len()), Some(1));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&[&bytes]);
        }
    }
}
