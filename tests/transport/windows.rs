//! Room on sessions of HTTP/2: whoever takes nothing, or says how much it takes, keeps nobody else from theirs.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;
use socket2::SockRef;

use crate::endpoints::{gateway, metric};
use crate::support::client::Client;
use crate::support::frames::{
    ACK, DATA, END_HEADERS, END_STREAM, Frame, Frames, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, block, frame,
};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Upstream, ok};
use crate::support::{PATIENCE, wait_until};

pub(crate) const HTTP2: &str = "upstream_http2 = true";
const CANCEL: [u8; 4] = [0, 0, 0, 8];

/// SETTINGS_INITIAL_WINDOW_SIZE of 16 bytes, and SETTINGS_MAX_CONCURRENT_STREAMS of two.
pub(crate) const NARROW: &[u8] = &[0, 4, 0, 0, 0, 16];
pub(crate) const FEW: &[u8] = &[0, 3, 0, 0, 0, 2];

/// `:status: 200`, of the table of HPACK.
pub(crate) const OK: &[u8] = &[0x88];

/// A server that never gives room for more of a body than its settings do, and hears everything.
pub(crate) struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<(usize, Frame)>>>,
    open: Arc<AtomicUsize>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Server {
    /// `acts` says what to send when a head has come on a connection.
    pub(crate) fn start(
        settings: &'static [u8],
        acts: impl Fn(usize, &Frame) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, heard) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<_>>>::default());
        let (told, acts) = (Arc::clone(&heard), Arc::new(acts));
        let open = Arc::<AtomicUsize>::default();
        let opened = Arc::clone(&open);
        let streams = Arc::<Mutex<Vec<TcpStream>>>::default();
        let held = Arc::clone(&streams);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let stream = stream.unwrap();
                let both = stream.try_clone().unwrap();
                held.lock().unwrap().push(stream.try_clone().unwrap());
                let (told, acts) = (Arc::clone(&told), Arc::clone(&acts));
                let opened = Arc::clone(&opened);
                opened.fetch_add(1, Ordering::SeqCst);
                let told = move |frame: &Frame| told.lock().unwrap().push((number, frame.clone()));
                thread::spawn(move || {
                    serve(stream, settings, told, |head| acts(number, head));
                    let _ = both.shutdown(Shutdown::Both);
                    opened.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, heard, open, streams }
    }

    /// Sends these frames on a connection, beside what it answers.
    pub(crate) fn say(&self, connection: usize, frames: &[u8]) {
        (&self.streams.lock().unwrap()[connection]).write_all(frames).unwrap();
    }

    /// Ends a connection without a word.
    pub(crate) fn cut(&self, connection: usize) {
        self.streams.lock().unwrap()[connection].shutdown(Shutdown::Both).unwrap();
    }

    pub(crate) fn url(&self) -> String {
        format!("\"http://{}\"", self.address)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// What came of this kind, each with the number of its connection.
    pub(crate) fn heard(&self, kind: u8) -> Vec<(usize, Frame)> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|(_, frame)| frame.kind == kind).cloned().collect()
    }

    pub(crate) fn wait_for(&self, kind: u8, count: usize) {
        let what = format!("{count} frames of kind {kind} never came");
        wait_until(&what, PATIENCE, || self.heard(kind).len() >= count);
    }
}

pub(crate) fn serve(
    mut stream: TcpStream,
    settings: &[u8],
    told: impl Fn(&Frame),
    acts: impl Fn(&Frame) -> Vec<u8>,
) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    stream.read_exact(&mut [0; 24]).ok()?;
    stream.write_all(&frame(SETTINGS, 0, 0, settings)).ok()?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).ok()?;
        let (kind, flags) = (head[3], head[4]);
        let on = u32::from_be_bytes(head[5..].try_into().unwrap());
        let came = Frame { kind, flags, stream: on, payload };
        told(&came);
        let answer = match kind {
            SETTINGS if flags & ACK == 0 => frame(SETTINGS, ACK, 0, &[]),
            PING if flags & ACK == 0 => frame(PING, ACK, 0, &came.payload),
            HEADERS => acts(&came),
            _ => continue,
        };
        stream.write_all(&answer).ok()?;
    }
}

/// All of an answer.
pub(crate) fn whole(head: &Frame) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, head.stream, OK)
}

/// The beginning of one to what has a body, and all of it to what has none.
pub(crate) fn begun(_: usize, head: &Frame) -> Vec<u8> {
    if head.ends() {
        return whole(head);
    }
    let begin = frame(HEADERS, END_HEADERS, head.stream, OK);
    [begin, frame(DATA, 0, head.stream, b"x")].concat()
}

fn post(secret: &str) -> Vec<u8> {
    let head = format!(
        "POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\nContent-Length: 100000\r\n\r\n"
    );
    [head.as_bytes(), &[b'x'; 50_000]].concat()
}

/// A gateway in front of it with lines of its own at the beginning of the file.
fn limited(limits: &str, server: &Server) -> (Gateway, String) {
    let gateway = Gateway::start(&format!(
        "{limits}[[apis]]\nname = \"a\"\nupstream = {}\n{HTTP2}\nrules = [{{ path = \"/{{*rest}}\" }}]\n",
        server.url()
    ));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    (gateway, secret)
}

fn is_quiet(gateway: &Gateway) -> bool {
    gateway.counted(|core| core.under_way.value()) == 0
}

#[test]
fn rfc9113_5_4_2_a_body_that_an_upstream_does_not_take_ends_with_its_client() {
    let server = Server::start(NARROW, begun);
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    // More than the sessions of both cores have room for, some at a time.
    for turn in 1..=11 {
        let mut clients = [(); 20].map(|()| Client::connect(gateway.public()));
        for client in &mut clients {
            client.send(post(&secret));
            client.wait_for("1\r\nx\r\n");
            SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).unwrap();
        }
        drop(clients);
        server.wait_for(RST_STREAM, 20 * turn);
    }
    let reset = server.heard(RST_STREAM);
    assert!(reset.iter().all(|(_, frame)| frame.payload == CANCEL), "{reset:?}");
    wait_until("something is still under way", PATIENCE, || is_quiet(&gateway));
    let answer = Client::connect(gateway.public()).ask(gateway.get("/x", &secret));
    assert_eq!(answer.status, 200);
    let heads = server.heard(HEADERS);
    assert!(heads.len() == 221 && heads.iter().all(|(connection, _)| *connection < 2));
}

#[test]
fn a_body_that_an_upstream_does_not_take_ends_with_its_token() {
    let server = Server::start(NARROW, begun);
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let mut client = Client::connect(gateway.public());
    client.send(post(&secret));
    client.wait_for("1\r\nx\r\n");
    gateway.block("somebody");
    server.wait_for(RST_STREAM, 1);
    assert_eq!(server.heard(RST_STREAM)[0].1.payload, CANCEL);
    wait_until("something is still under way", PATIENCE, || is_quiet(&gateway));
}

/// RFC 8441: what is said on a stream, too; with its token, or since nothing of it is taken for too long.
#[test]
fn a_websocket_that_an_upstream_does_not_read_ends() {
    let settings = &[0, 8, 0, 0, 0, 1, 0, 4, 0, 0, 0, 16];
    for limits in ["", "limits.stall_timeout = \"1s\"\n"] {
        let server =
            Server::start(settings, |_, head| frame(HEADERS, END_HEADERS, head.stream, OK));
        let (gateway, secret) = limited(limits, &server);
        let mut client = Client::connect(gateway.public());
        client.send(format!(
            "GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ));
        client.wait_for("\r\n\r\n");
        // Masked with nothing.
        let said = [&[0x82, 0x80 | 100, 0, 0, 0, 0][..], &[b'x'; 100]].concat();
        client.send(said.repeat(2_000));
        server.wait_for(DATA, 1);
        if limits.is_empty() {
            gateway.block("somebody");
        } else {
            // It is gone, which nobody would hear of while what it said waits.
            drop(client);
        }
        server.wait_for(RST_STREAM, 1);
        assert_eq!(server.heard(RST_STREAM)[0].1.payload, CANCEL);
        wait_until("something is still under way", PATIENCE, || is_quiet(&gateway));
    }
}

#[test]
fn a_body_that_outlives_its_answer_and_is_not_taken_ends_in_time() {
    let server = Server::start(NARROW, |_, head| whole(head));
    let (gateway, _) = limited("limits.stall_timeout = \"1s\"\n", &server);
    let made =
        gateway.token(json!({"owner": "somebody", "name": "one", "limits": {"concurrent": 1}}));
    let mut client = Client::connect(gateway.public());
    client.send(post(&made.secret));
    assert_eq!(client.answer_to("POST").unwrap().status, 200);
    server.wait_for(RST_STREAM, 1);
    assert_eq!(server.heard(RST_STREAM)[0].1.payload, CANCEL);
    // The place that its token has for one request is free again.
    let next = || Client::connect(gateway.public()).ask(gateway.get("/x", &made.secret)).status;
    wait_until("its token's place is still taken", PATIENCE, || next() == 200);
}

#[test]
fn rfc9113_6_5_2_an_upstream_gets_as_many_requests_at_a_time_as_it_says() {
    let server = Server::start(FEW, |connection, head| match connection {
        0 | 1 => Vec::new(),
        _ => whole(head),
    });
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    // On one core.
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    for turn in 1..=4 {
        assert!(client.get(2 * turn - 1, "/x", &secret));
        server.wait_for(HEADERS, turn as usize);
    }
    assert!(client.get(9, "/x", &secret));
    assert_eq!(client.next_on(9).status(), Some(200));
    let on: Vec<_> = server.heard(HEADERS).iter().map(|(connection, _)| *connection).collect();
    assert_eq!(on, [0, 0, 1, 1, 2]);
}

/// It may say fewer later on.
#[test]
fn rfc9113_6_5_2_an_upstream_that_takes_fewer_gets_fewer() {
    let server =
        Server::start(&[0, 3, 0, 0, 0, 9], |connection, head| match (connection, head.stream) {
            (0, 1) => frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1]),
            (0, _) => Vec::new(),
            _ => whole(head),
        });
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    assert!(client.get(1, "/x", &secret));
    // The first is under way, and has been told.
    wait_until("the settings were not acknowledged", PATIENCE, || {
        server.heard(SETTINGS).iter().filter(|(_, frame)| frame.flags & ACK != 0).count() == 2
    });
    assert!(client.get(3, "/x", &secret));
    assert_eq!(client.next_on(3).status(), Some(200));
    let on: Vec<_> = server.heard(HEADERS).iter().map(|(connection, _)| *connection).collect();
    assert_eq!(on, [0, 1]);
}

/// The library counts a stream for ever whose answer is whole and whose body waits for room: what would wait behind it goes
/// out on another connection, once, and the one that is full is closed.
#[test]
fn a_session_that_bodies_fill_which_nobody_takes_is_left() {
    let settings = &[0, 3, 0, 0, 0, 2, 0, 4, 0, 0, 0, 16];
    let server = Server::start(settings, |_, head| whole(head));
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    let head = block("POST", "/x", &secret, &[("content-length", "1000")]);
    for turn in 0..6 {
        let reply = client.ask(2 * turn + 1, &head, Some(&[b'x'; 1_000]), &[]);
        assert_eq!(reply.status, Some(200), "{turn}");
    }
    assert!(client.get(13, "/x", &secret));
    assert_eq!(client.next_on(13).status(), Some(200));
    let on: Vec<_> = server.heard(HEADERS).iter().map(|(connection, _)| *connection).collect();
    assert_eq!(on, [0, 0, 1, 1, 2, 2, 3]);
    assert_eq!(metric(&gateway, "upstream_ejections_total", server.address), "0");
    wait_until("sessions stay that are of no use", PATIENCE, || server.open() <= 1);
}

#[test]
fn sec_d2_answers_that_nobody_reads_take_no_room_from_others() {
    const PIECE: [u8; 16_384] = [b'x'; 16_384];
    // As much as a stream has room for, which the connection has to have too.
    let server = Server::start(&[], |_, head| {
        if head.stream > 2 * 40 {
            return whole(head);
        }
        let begin = frame(HEADERS, END_HEADERS, head.stream, OK);
        [begin, frame(DATA, 0, head.stream, &PIECE).repeat(16)].concat()
    });
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let mut hoarder = Frames::connect(gateway.public(), 0);
    for turn in 0..40 {
        assert!(hoarder.get(2 * turn + 1, "/x", &secret));
        while hoarder.next_on(2 * turn + 1).kind != HEADERS {}
    }
    assert!(hoarder.get(81, "/x", &secret));
    assert_eq!(hoarder.next_on(81).status(), Some(200), "{:?}", server.heard(GOAWAY));
    assert!(server.heard(HEADERS).iter().all(|(connection, _)| *connection == 0));
}

/// What the gateway gives room for: on each stream, and on all of them.
fn room(client: &mut Frames) -> (u32, u32) {
    let (mut stream, mut all, mut acknowledged) = (65_535, 65_535, false);
    while !acknowledged || all == 65_535 {
        let frame = client.next_unanswered().unwrap();
        let number = |at: usize| u32::from_be_bytes(frame.payload[at..at + 4].try_into().unwrap());
        match frame.kind {
            SETTINGS if frame.flags & ACK != 0 => acknowledged = true,
            SETTINGS => {
                let each = (0..frame.payload.len()).step_by(6);
                let mut window = each.filter(|at| frame.payload[at + 1] == 4);
                stream = window.next_back().map_or(stream, |at| number(at + 2));
                client.send(SETTINGS, ACK, 0, &[]);
            }
            WINDOW_UPDATE if frame.stream == 0 => all += number(0),
            _ => {}
        }
    }
    (stream, all)
}

#[test]
fn an_upload_that_nobody_takes_takes_no_room_from_others() {
    let (server, good) = (Server::start(NARROW, begun), Upstream::scripted(|_| ok("ok")));
    let gateway = Gateway::start_with(
        "h2c = true",
        &format!(
            "[[apis]]\nname = \"a\"\npath = \"/a\"\nupstream = {}\n{HTTP2}\nrules = [{{ path = \"/a\" }}]\n\
             [[apis]]\nname = \"b\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/b\" }}]\n",
            server.url(),
            good.address()
        ),
    );
    gateway.owner("somebody");
    let secret = gateway.any_token();
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    let (each, all) = room(&mut client);
    assert!(all >= 8 * each, "{each} and {all}");
    for turn in 0..8 {
        let stream = 2 * turn + 1;
        client.send(HEADERS, END_HEADERS, stream, &block("POST", "/a", &secret, &[]));
        let piece = [b'x'; 16_384];
        for _ in 0..each / 16_384 - 1 {
            client.send(DATA, 0, stream, &piece);
        }
        while client.next_on(stream).status() != Some(200) {}
    }
    let head = block("POST", "/b", &secret, &[("content-length", "16000")]);
    let reply = client.ask(101, &head, Some(&[b'x'; 16_000]), &[]);
    assert_eq!((reply.status, &*reply.body), (Some(200), &b"ok"[..]));
    assert_eq!(good.take_one().body.len(), 16_000);
}
