//! An upstream that records the exact bytes it gets and answers what it is told, also broken things.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tollgate::clock::instant;

use super::{Framing, PATIENCE, fields, framing, position};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The number of the connection, the first is 0.
    pub connection: usize,
    /// The number of the request, over all connections.
    pub number: usize,
    /// From the first byte to the empty line.
    pub head: Vec<u8>,
    /// Everything after it, with its framing.
    pub body: Vec<u8>,
    /// Whether it came to its end.
    pub complete: bool,
}

impl Seen {
    /// The first line.
    pub fn line(&self) -> String {
        let end = position(&self.head, b"\r\n").unwrap_or(self.head.len());
        String::from_utf8_lossy(&self.head[..end]).into_owned()
    }

    /// All values of a header, whatever the case of its name.
    pub fn values(&self, wanted: &str) -> Vec<String> {
        fields(&self.head)
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

    /// The names of all headers as they were written.
    pub fn names(&self) -> Vec<String> {
        fields(&self.head).into_iter().map(|(name, _)| name).collect()
    }

    /// Whether the bytes occur anywhere.
    pub fn holds(&self, text: &str) -> bool {
        position(&self.head, text.as_bytes()).is_some()
            || position(&self.body, text.as_bytes()).is_some()
    }
}

/// What an upstream does, one after the other, once it has the head of a request.
#[derive(Clone, Debug)]
pub enum Step {
    /// Takes the body of the request.
    TakeBody,
    /// Takes this many bytes of the body with its framing, and leaves the rest.
    TakeSome(usize),
    /// Waits until [`Upstream::go_on`] is called.
    Wait,
    /// Sends bytes.
    Send(Vec<u8>),
    /// Waits until the other side goes away.
    Stall,
    /// Closes the connection in good order.
    Close,
    /// Tears the connection down.
    Reset,
}

/// What to do about a request, of which only the head is there.
pub type Script = dyn Fn(&Seen) -> Vec<Step> + Send + Sync;

/// The whole answer `200` with `body`.
pub fn ok(body: &str) -> Vec<Step> {
    answer(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// What agrees to a handshake with the key of RFC 6455.
pub const SWITCHES: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// What agrees to the handshake in this head (RFC 6455 section 4.2.2).
pub fn agrees(head: &str) -> String {
    const NAME: &str = "sec-websocket-key: ";
    let key = |line: &str| line.to_ascii_lowercase().starts_with(NAME);
    let line = head.lines().find(|line| key(line)).unwrap();
    let text = format!("{}258EAFA5-E914-47DA-95CA-C5AB0DC85B11", &line[NAME.len()..]);
    let sum = digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    SWITCHES.replace("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", &STANDARD.encode(sum))
}

/// Takes the request and answers with exactly these bytes.
pub fn answer(bytes: &str) -> Vec<Step> {
    vec![Step::TakeBody, Step::Send(bytes.as_bytes().to_vec())]
}

/// A running upstream.
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    script: Box<Script>,
    seen: Mutex<Vec<Seen>>,
    streams: Mutex<Vec<TcpStream>>,
    connections: AtomicUsize,
    requests: AtomicUsize,
    ends: AtomicBool,
    signals: Mutex<usize>,
    signal: Condvar,
}

impl Shared {
    fn wait(&self) {
        let signals = self.signals.lock().unwrap();
        let none = |signals: &mut usize| *signals == 0;
        let (mut signals, late) = self.signal.wait_timeout_while(signals, PATIENCE, none).unwrap();
        if !late.timed_out() {
            *signals -= 1;
        }
    }
}

impl Upstream {
    /// Answers every request with `200` and the body `ok`.
    pub fn start() -> Self {
        Self::scripted(|_| ok("ok"))
    }

    /// Answers as `script` says.
    pub fn scripted(script: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            seen: Mutex::default(),
            streams: Mutex::default(),
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            ends: AtomicBool::new(false),
            signals: Mutex::new(0),
            signal: Condvar::new(),
        });
        let for_thread = Arc::clone(&shared);
        let listener = thread::spawn(move || accept(&listener, &for_thread));
        Self { address, shared, listener: Some(listener) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that came so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Everything that came since it was asked last.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.shared.seen.lock().unwrap())
    }

    /// The one request that came since it was asked last.
    pub fn take_one(&self) -> Seen {
        let mut seen = self.take();
        assert_eq!(seen.len(), 1, "requests at the upstream: {seen:?}");
        seen.remove(0)
    }

    /// Waits until `count` requests came, complete or not.
    pub fn wait_for(&self, count: usize) -> Vec<Seen> {
        let until = instant() + PATIENCE;
        loop {
            let seen = self.seen();
            if seen.len() >= count {
                return seen;
            }
            assert!(instant() < until, "only {} of {count} requests came", seen.len());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends one [`Step::Wait`].
    pub fn go_on(&self) {
        *self.shared.signals.lock().unwrap() += 1;
        self.shared.signal.notify_all();
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.shared.streams.lock().unwrap().len()
    }

    /// Closes every open connection, as an upstream does with idle ones.
    pub fn close_connections(&self) {
        for stream in self.shared.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        self.close_connections();
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.ends.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let number = shared.connections.fetch_add(1, Ordering::SeqCst);
        let _ = stream.set_nodelay(true);
        shared.streams.lock().unwrap().extend(stream.try_clone());
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let mut connection = Connection { stream, number, read: Vec::new(), torn: false };
            while connection.serve(&shared).is_some() {}
            connection.end(&shared);
        });
    }
}

struct Connection {
    stream: TcpStream,
    number: usize,
    read: Vec<u8>,
    torn: bool,
}

impl Connection {
    fn end(self, shared: &Shared) {
        // A socket is torn down when its last handle is dropped, so the other one goes first.
        let peer = self.stream.peer_addr().ok();
        shared.streams.lock().unwrap().retain(|stream| stream.peer_addr().ok() != peer);
        if self.torn {
            let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        } else {
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }

    /// One request and its answer; none when the connection is over.
    fn serve(&mut self, shared: &Shared) -> Option<()> {
        let head_end = self.read_until(0, b"\r\n\r\n");
        let complete = head_end.is_some();
        if !complete && self.read.is_empty() {
            return None;
        }
        let head: Vec<u8> = self.read.drain(..head_end.unwrap_or(self.read.len())).collect();
        // In the order of the list, also where several connections ask at once.
        let mut all = shared.seen.lock().unwrap();
        let number = shared.requests.fetch_add(1, Ordering::SeqCst);
        let body = Vec::new();
        let seen = Seen { connection: self.number, number, head, body, complete: false };
        all.push(seen.clone());
        drop(all);
        if !complete {
            return None;
        }
        let mut body = None;
        for step in (shared.script)(&seen) {
            match step {
                Step::TakeSome(count) => drop(self.read_to(count)?),
                Step::Wait => shared.wait(),
                Step::TakeBody => body = Some(self.take_body(&seen, shared)),
                Step::Send(bytes) => self.stream.write_all(&bytes).ok()?,
                Step::Stall => {
                    let _ = self.read_until(0, b"never to be sent by anybody");
                    return None;
                }
                Step::Close => return None,
                Step::Reset => {
                    self.torn = true;
                    return None;
                }
            }
        }
        let whole = body.unwrap_or_else(|| self.take_body(&seen, shared));
        whole.then_some(())
    }

    /// Reads the body of `seen` and writes it down; whether it came to its end.
    fn take_body(&mut self, seen: &Seen, shared: &Shared) -> bool {
        let end = match framing(&fields(&seen.head)) {
            Framing::Length(length) => self.read_to(usize::try_from(length).unwrap()),
            Framing::Chunked => self.read_chunks(),
            Framing::None | Framing::Close => Some(0),
        };
        let body: Vec<u8> = self.read.drain(..end.unwrap_or(self.read.len())).collect();
        // The list may have been taken meanwhile; then nobody asks for the rest.
        let mut all = shared.seen.lock().unwrap();
        if let Some(recorded) = all.iter_mut().find(|recorded| recorded.number == seen.number) {
            recorded.body = body;
            recorded.complete = end.is_some();
        }
        end.is_some()
    }

    fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 65_536];
        let read = self.stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        self.read.extend_from_slice(&buffer[..read]);
        Some(())
    }

    fn read_to(&mut self, length: usize) -> Option<usize> {
        while self.read.len() < length {
            self.more()?;
        }
        Some(length)
    }

    /// Where `mark`, looked for from `from` on, ends.
    fn read_until(&mut self, from: usize, mark: &[u8]) -> Option<usize> {
        let mut looked = from;
        loop {
            if let Some(at) = position(&self.read[looked..], mark) {
                return Some(looked + at + mark.len());
            }
            looked = self.read.len().saturating_sub(mark.len()).max(from);
            self.more()?;
        }
    }

    fn read_chunks(&mut self) -> Option<usize> {
        let mut at = 0;
        loop {
            let line_end = self.read_until(at, b"\r\n")?;
            let line = String::from_utf8_lossy(&self.read[at..line_end]).into_owned();
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).ok()?;
            if size == 0 {
                return self.read_trailers(line_end);
            }
            at = line_end + size + 2;
            self.read_to(at)?;
        }
    }

    fn read_trailers(&mut self, mut at: usize) -> Option<usize> {
        loop {
            let line_end = self.read_until(at, b"\r\n")?;
            if line_end == at + 2 {
                return Some(line_end);
            }
            at = line_end;
        }
    }
}
