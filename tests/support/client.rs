//! A client of HTTP/1.1 that sends exactly the bytes it is given and keeps exactly what it gets.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::{Framing, PATIENCE, fields, framing, position};

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The first lines of interim answers (1xx), in order.
    pub interim: Vec<String>,
    /// The first line and all headers, up to and with the empty line.
    pub head: Vec<u8>,
    /// The status.
    pub status: u16,
    /// The content, without its framing.
    pub body: Vec<u8>,
    /// How the body was framed.
    pub framing: Framing,
    /// What stood after the last chunk.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Whether the body came to the end that its framing declares.
    pub whole: bool,
}

impl Answer {
    /// All headers in order.
    pub fn fields(&self) -> Vec<(String, Vec<u8>)> {
        fields(&self.head)
    }

    /// All values of a header, whatever the case of its name.
    pub fn values(&self, wanted: &str) -> Vec<String> {
        self.fields()
            .into_iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| String::from_utf8_lossy(&value).into_owned())
            .collect()
    }

    /// The only value of a header; none if it is missing or repeated.
    pub fn value(&self, wanted: &str) -> Option<String> {
        let mut values = self.values(wanted);
        (values.len() == 1).then(|| values.remove(0))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }
}

/// A connection.
pub struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    /// Opens a connection.
    pub fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect_timeout(&address, PATIENCE).unwrap())
    }

    /// The same from this address of the machine: all of 127.0.0.0/8 is its own.
    pub fn connect_from(source: &str, address: SocketAddr) -> Self {
        Self::over(connected_from(source, address))
    }

    /// Speaks over a connection that is open already.
    pub fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    /// Sends bytes. That the other side has gone away already is not an error: what it said counts.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Says that nothing more will be sent.
    pub fn finish(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The socket, for what else a test wants of it.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The answer to a request with `method`; none if the connection ends before its head does.
    pub fn answer_to(&mut self, method: &str) -> Option<Answer> {
        let mut interim = Vec::new();
        loop {
            let head = self.head()?;
            let line_end = position(&head, b"\r\n")?;
            let line = String::from_utf8_lossy(&head[..line_end]).into_owned();
            let status: u16 = line.split(' ').nth(1)?.parse().ok()?;
            if (100..200).contains(&status) && status != 101 {
                interim.push(line);
                continue;
            }
            let fields = fields(&head);
            let bodiless = method == "HEAD" || matches!(status, 101 | 204 | 304);
            let framing = if bodiless { Framing::None } else { framing(&fields) };
            let mut trailers = Vec::new();
            let (body, whole) = self.body(framing, &mut trailers);
            return Some(Answer { interim, head, status, body, framing, trailers, whole });
        }
    }

    /// The answer to a `GET`.
    ///
    /// # Panics
    /// When there is none.
    pub fn answer(&mut self) -> Answer {
        self.answer_to("GET").expect("the connection ended without an answer")
    }

    /// Sends a request and takes its answer.
    pub fn ask(&mut self, request: impl AsRef<[u8]>) -> Answer {
        self.send(request);
        self.answer()
    }

    /// Reads until `mark` came, and gives everything up to and with it.
    ///
    /// # Panics
    /// When the connection ends before.
    pub fn read_to(&mut self, mark: &str) -> Vec<u8> {
        let end = self.until(mark.as_bytes());
        let end = end.unwrap_or_else(|| {
            panic!("{mark:?} never came: {:?}", self.read.escape_ascii().to_string())
        });
        self.take(end)
    }

    /// Waits until `mark` has come, and leaves it to be read.
    ///
    /// # Panics
    /// When it does not come.
    pub fn wait_for(&mut self, mark: &str) {
        assert!(self.until(mark.as_bytes()).is_some(), "{mark:?} never came");
    }

    /// Bytes that arrived and belong to no answer yet, and everything up to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.more().is_some() {}
        std::mem::take(&mut self.read)
    }

    /// Whether the other side closes without a further byte.
    pub fn is_closed(&mut self) -> bool {
        self.rest().is_empty()
    }

    /// Whether the other side has closed by now, or does so within `time`.
    pub fn closes_within(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let ended = match self.stream.read(&mut [0; 1]) {
            Ok(read) => read == 0,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        ended
    }

    fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 65_536];
        let read = match self.stream.read(&mut buffer) {
            Ok(0) => return None,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                panic!("nothing came for {PATIENCE:?}")
            }
            Err(_) => return None,
        };
        self.read.extend_from_slice(&buffer[..read]);
        Some(())
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        self.read.drain(..length.min(self.read.len())).collect()
    }

    fn head(&mut self) -> Option<Vec<u8>> {
        let end = self.until(b"\r\n\r\n")?;
        Some(self.take(end))
    }

    /// Where `mark` ends.
    fn until(&mut self, mark: &[u8]) -> Option<usize> {
        let mut looked = 0;
        loop {
            if let Some(at) = position(&self.read[looked..], mark) {
                return Some(looked + at + mark.len());
            }
            looked = self.read.len().saturating_sub(mark.len());
            self.more()?;
        }
    }

    /// The content, and whether it came to its declared end.
    fn body(&mut self, framing: Framing, trailers: &mut Vec<(String, Vec<u8>)>) -> (Vec<u8>, bool) {
        match framing {
            Framing::None => (Vec::new(), true),
            Framing::Close => (self.rest(), true),
            Framing::Length(length) => {
                let length = usize::try_from(length).unwrap();
                while self.read.len() < length && self.more().is_some() {}
                let body = self.take(length);
                let whole = body.len() == length;
                (body, whole)
            }
            Framing::Chunked => {
                let mut body = Vec::new();
                let whole = self.chunks(&mut body, trailers).is_some();
                (body, whole)
            }
        }
    }

    fn chunks(&mut self, body: &mut Vec<u8>, trailers: &mut Vec<(String, Vec<u8>)>) -> Option<()> {
        loop {
            let line_end = self.until(b"\r\n")?;
            let line = String::from_utf8_lossy(&self.take(line_end)).into_owned();
            let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
            if size == 0 {
                let mut lines = b"\r\n".to_vec();
                loop {
                    let line_end = self.until(b"\r\n")?;
                    let line = self.take(line_end);
                    if line == b"\r\n" {
                        *trailers = fields(&lines);
                        return Some(());
                    }
                    lines.extend(line);
                }
            }
            while self.read.len() < size + 2 {
                if self.more().is_none() {
                    body.append(&mut self.read);
                    return None;
                }
            }
            body.extend(self.take(size));
            self.take(2);
        }
    }
}

/// One request on a connection of its own.
pub fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    Client::connect(address).ask(request)
}

/// A connection from this address of the machine.
pub fn connected_from(source: &str, to: SocketAddr) -> TcpStream {
    let source: IpAddr = source.parse().unwrap();
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(source, 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.into()
}
