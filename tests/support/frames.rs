//! A client of HTTP/2 that sends exactly the frames it is given (RFC 9113 section 4) and keeps all that
//! it gets, for what no honest client would do.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::PATIENCE;
use super::client::connected_from;

/// Kinds of frames.
pub const DATA: u8 = 0;
/// The same.
pub const HEADERS: u8 = 1;
/// The same.
pub const PRIORITY: u8 = 2;
/// The same.
pub const RST_STREAM: u8 = 3;
/// The same.
pub const SETTINGS: u8 = 4;
/// The same.
pub const PING: u8 = 6;
/// The same.
pub const GOAWAY: u8 = 7;
/// The same.
pub const WINDOW_UPDATE: u8 = 8;
/// The same.
pub const CONTINUATION: u8 = 9;

/// Flags of frames.
pub const END_STREAM: u8 = 1;
/// The same.
pub const END_HEADERS: u8 = 4;
/// The same, on `SETTINGS` and `PING`.
pub const ACK: u8 = 1;

/// A frame that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 is the connection.
    pub stream: u32,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Whether it is the last of its stream in good order.
    pub fn ends(&self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }

    /// The status of an answer, which stands first in its head: one of those that have a number in the table of HPACK
    /// (RFC 7541 appendix A), or in letters.
    pub fn status(&self) -> Option<u16> {
        let known = [200, 204, 206, 304, 400, 404, 500];
        // Behind the word that nothing is put by for later heads.
        let head = self.payload.strip_prefix(&[0x20]).unwrap_or(&self.payload);
        match head {
            _ if self.kind != HEADERS => None,
            [number @ 0x88..=0x8e, ..] => known.get(usize::from(number - 0x88)).copied(),
            [0x08 | 0x18 | 0x48, length, text @ ..] => {
                let text = text.get(..usize::from(length & 0x7f))?;
                if length & 0x80 == 0 { digits(text) } else { packed_digits(text) }
            }
            _ => None,
        }
    }

    /// The reason of `RST_STREAM` or `GOAWAY`.
    pub fn reason(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

fn digits(text: &[u8]) -> Option<u16> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Three digits as Huffman wrote them (RFC 7541 appendix B): 0 to 2 have five bits, the others six.
fn packed_digits(text: &[u8]) -> Option<u16> {
    let mut bits =
        text.iter().flat_map(|byte| (0..8).rev().map(move |at| u16::from(byte >> at & 1)));
    let mut take = |begin: u16, count: u32| -> Option<u16> {
        (0..count).try_fold(begin, |sum, _| Some(sum << 1 | bits.next()?))
    };
    (0..3).try_fold(0, |sum, _| {
        let five = take(0, 5)?;
        let digit = if five <= 2 { five } else { take(five, 1)?.checked_sub(22)? };
        Some(sum * 10 + digit)
    })
}

/// What became of a request.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status of the answer; none where the stream or the connection was ended instead.
    pub status: Option<u16>,
    /// What came of its body.
    pub body: Vec<u8>,
    /// Whether the answer came to its end in good order.
    pub whole: bool,
}

/// A connection.
pub struct Frames {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Frames {
    /// Opens a connection; each stream has room for `window` bytes of its answer at first.
    pub fn connect(address: SocketAddr, window: u32) -> Self {
        Self::over(TcpStream::connect_timeout(&address, PATIENCE).unwrap(), window)
    }

    /// The same from this address of the machine.
    pub fn from(source: &str, address: SocketAddr, window: u32) -> Self {
        Self::over(connected_from(source, address), window)
    }

    fn over(stream: TcpStream, window: u32) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut frames = Self { stream, read: Vec::new() };
        frames.send_bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        // Heads do not refer to one another (SETTINGS_HEADER_TABLE_SIZE).
        let settings = [&[0, 1, 0, 0, 0, 0][..], &[0, 4], &window.to_be_bytes()].concat();
        frames.send(SETTINGS, 0, 0, &settings);
        frames
    }

    /// Sends bytes; false once the other side has gone away.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Sends a frame; false once the other side has gone away.
    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        self.send_bytes(&frame(kind, flags, stream, payload))
    }

    /// Asks for `path` on a stream.
    pub fn get(&mut self, stream: u32, path: &str, secret: &str) -> bool {
        let block = block("GET", path, secret, &[]);
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, &block)
    }

    /// Sends a request whose head is exactly these fields, and takes what becomes of it.
    pub fn ask(&mut self, stream: u32, head: &[u8], body: Option<&[u8]>, trailers: &[u8]) -> Reply {
        let ends = |last: bool| if last { END_STREAM } else { 0 };
        self.send(HEADERS, END_HEADERS | ends(body.is_none()), stream, head);
        if let Some(body) = body {
            self.send(DATA, ends(trailers.is_empty()), stream, body);
            if !trailers.is_empty() {
                self.send(HEADERS, END_HEADERS | END_STREAM, stream, trailers);
            }
        }
        self.reply(stream)
    }

    /// What becomes of the request on a stream.
    pub fn reply(&mut self, stream: u32) -> Reply {
        let mut reply = Reply { status: None, body: Vec::new(), whole: false };
        while let Some(frame) = self.next() {
            if frame.kind == GOAWAY || frame.stream != stream {
                continue;
            }
            match frame.kind {
                HEADERS if reply.status.is_none() => reply.status = frame.status(),
                DATA => reply.body.extend_from_slice(&frame.payload),
                _ => {}
            }
            reply.whole = frame.ends();
            if reply.whole || frame.kind == RST_STREAM {
                break;
            }
        }
        reply
    }

    /// Gives the other side room for more of an answer, or of all (stream 0).
    pub fn give_room(&mut self, stream: u32, bytes: u32) -> bool {
        self.send(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes())
    }

    /// The next frame; none at the end of the connection. What asks for an answer gets it.
    pub fn next(&mut self) -> Option<Frame> {
        loop {
            let frame = self.take_frame(PATIENCE)?.expect("nothing came for too long");
            if matches!(frame.kind, SETTINGS | PING) && frame.flags & ACK == 0 {
                let payload = if frame.kind == PING { frame.payload } else { Vec::new() };
                self.send(frame.kind, ACK, 0, &payload);
                continue;
            }
            if !matches!(frame.kind, SETTINGS | PING) {
                return Some(frame);
            }
        }
    }

    /// The next frame, whatever it is, without an answer to it.
    pub fn next_unanswered(&mut self) -> Option<Frame> {
        self.take_frame(PATIENCE).map(|frame| frame.expect("nothing came for too long"))
    }

    /// The next frame that a stream gets.
    ///
    /// # Panics
    /// When the connection ends before.
    pub fn next_on(&mut self, stream: u32) -> Frame {
        loop {
            let frame = self.next().expect("the connection ended");
            if frame.stream == stream {
                return frame;
            }
        }
    }

    /// Whether the connection has ended by now, or does so within `time`; what comes is dropped.
    pub fn closes_within(&mut self, time: Duration) -> bool {
        loop {
            match self.take_frame(time) {
                None => return true,
                Some(None) => return false,
                Some(Some(_)) => {}
            }
        }
    }

    /// None at the end of the connection, nothing within if none came in time.
    fn take_frame(&mut self, time: Duration) -> Option<Option<Frame>> {
        self.stream.set_read_timeout(Some(time)).unwrap();
        loop {
            if let Some(frame) = self.buffered() {
                return Some(Some(frame));
            }
            let mut buffer = [0; 65_536];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(read) => self.read.extend_from_slice(&buffer[..read]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Some(None);
                }
                Err(_) => return None,
            }
        }
    }

    fn buffered(&mut self) -> Option<Frame> {
        let head: [u8; 9] = self.read.get(..9)?.try_into().unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let payload = self.read.get(9..9 + length)?.to_vec();
        self.read.drain(..9 + length);
        let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }
}

/// The bytes of a frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A head as HPACK writes it without tables: every field a literal (RFC 7541 section 6.2.2).
pub fn block(method: &str, path: &str, secret: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let bearer = format!("Bearer {secret}");
    let own = [
        (":method", method),
        (":scheme", "http"),
        (":authority", "a.example"),
        (":path", path),
        ("authorization", bearer.as_str()),
    ];
    own.iter().chain(more).flat_map(|(name, value)| field(name, value)).collect()
}

/// One field of a head.
pub fn field(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name.as_ref(), value.as_ref()] {
        let length = text.len();
        if length < 127 {
            bytes.push(u8::try_from(length).unwrap());
        } else {
            // An integer with a prefix of 7 bits (RFC 7541 section 5.1).
            bytes.push(127);
            let mut rest = length - 127;
            while rest >= 128 {
                bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            bytes.push(u8::try_from(rest).unwrap());
        }
        bytes.extend_from_slice(text);
    }
    bytes
}
