//! Slow clients of the administrative faces, on a clock that stands until everybody waits. One
//! place: whoever comes next is answered once the one before is gone.

use std::task::{Context, Poll};

use axum::body::Body as Answer;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::admin::extract::Body;
use crate::admin::limits::{BODY, STALL};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const LONG: usize = 100_000;

/// A network in memory.
struct Network(mpsc::UnboundedReceiver<DuplexStream>);

impl Accept for Network {
    type Io = DuplexStream;

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<DuplexStream>> {
        let next = self.0.poll_recv(context);
        next.map(|io| io.ok_or_else(|| ErrorKind::NotConnected.into()))
    }

    fn peer(_: &DuplexStream) -> Peer {
        Peer { uid: None, address: None }
    }
}

struct Face {
    connect: mpsc::UnboundedSender<DuplexStream>,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Face {
    fn open(clients: Clients) -> Self {
        Self::open_by(Way { clients, tls: None, settings: None })
    }

    fn open_by(way: Way) -> Self {
        let router = Router::new()
            .route("/short", get(async || "short"))
            .route("/slow", get(async || sleep(HOUR).await))
            .route("/long", get(async || Answer::from("x".repeat(LONG))))
            .route("/body", post(async |Body(_): Body<Value>| "taken"));
        let (connect, connected) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let listener = Bounded::new(Network(connected), 1);
        let stopped = async { drop(stopped.await) };
        let task = tokio::spawn(serve(listener, way, router, stopped));
        Self { connect, stop, task }
    }

    /// A client that has said so much.
    async fn client(&self, said: &str) -> DuplexStream {
        let (mut client, server) = duplex(1_024);
        self.connect.send(server).unwrap();
        client.write_all(said.as_bytes()).await.unwrap();
        client
    }

    async fn serves_others(&self) {
        let mut other = self.client("GET /short HTTP/1.1\r\nConnection: close\r\n\r\n").await;
        let answer = timeout(SECOND, rest(&mut other)).await.expect("no place is free");
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }

    /// Whether what a client does is ended after so long, and not before.
    async fn ends(&self, row: &str, client: &mut DuplexStream, after: Duration) -> String {
        let (early, late) = (after - SECOND, 2 * SECOND);
        let mut told = Vec::new();
        let open = timeout(early, client.read_to_end(&mut told)).await.is_err();
        assert!(open, "{row}: ended too soon");
        timeout(late, client.read_to_end(&mut told)).await.expect(row).unwrap();
        self.serves_others().await;
        String::from_utf8(told).unwrap()
    }
}

async fn rest(client: &mut DuplexStream) -> String {
    let mut told = String::new();
    client.read_to_string(&mut told).await.unwrap();
    told
}

/// Writes a byte each second, until nobody takes them any more.
async fn drip(mut to: impl AsyncWriteExt + Unpin, text: String) {
    for byte in text.bytes() {
        sleep(SECOND).await;
        if to.write_all(&[byte]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_is_there_in_its_time_or_the_place_is_anothers() {
    for clients in [Clients::Anybody, Clients::Trusted] {
        let face = Face::open(clients);
        for said in ["", "GET /short HT", "GET /short HTTP/1.1\r\nA: b\r\n"] {
            let mut client = face.client(said).await;
            assert_eq!(face.ends(said, &mut client, HEAD).await, "", "{clients:?}");
        }
        let (mut read, write) = tokio::io::split(face.client("GET /short HTTP/1.1\r\n").await);
        let dripping = tokio::spawn(drip(write, "A: b\r\n".repeat(100)));
        timeout(HEAD + SECOND, read.read_to_end(&mut Vec::new())).await.expect("drips").unwrap();
        drop(read);
        face.serves_others().await;
        dripping.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_is_asked_is_closed() {
    let face = Face::open(Clients::Trusted);
    let mut client = face.client("").await;
    for _ in 0..100 {
        sleep(HEAD - SECOND).await;
        client.write_all(b"GET /short HTTP/1.1\r\n\r\n").await.unwrap();
        let mut answer = [0; 1_024];
        let read = client.read(&mut answer).await.unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 200 OK"));
    }
    face.ends("idle", &mut client, HEAD).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_keeps_a_place_over_tcp_by_asking_again() {
    let face = Face::open(Clients::Anybody);
    let mut client = face.client("").await;
    let mut answers = 0;
    let asking = async {
        loop {
            sleep(HEAD / 2).await;
            let mut answer = [0; 1_024];
            let _ = client.write_all(b"GET /short HTTP/1.1\r\n\r\n").await;
            match client.read(&mut answer).await {
                Ok(0) | Err(_) => break,
                Ok(_) => answers += 1,
            }
        }
    };
    timeout(REUSED + HEAD, asking).await.expect("it goes on and on");
    assert_eq!(answers, 7);
    face.serves_others().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_is_there_in_its_time_or_answered_408() {
    let face = Face::open(Clients::Trusted);
    let head =
        "POST /body HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n";
    let mut client = face.client(&format!("{head}{{")).await;
    let answer = face.ends("half a body", &mut client, BODY).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("bad-body") && answer.contains("after 30 s"), "{answer}");

    let (mut read, write) = tokio::io::split(face.client(head).await);
    let dripping = tokio::spawn(drip(write, " ".repeat(900)));
    timeout(BODY + SECOND, read.read_to_end(&mut Vec::new())).await.expect("drips").unwrap();
    face.serves_others().await;
    dripping.abort();
    // One that nobody waits for.
    let mut client = face.client("GET /short HTTP/1.1\r\nContent-Length: 900\r\n\r\n").await;
    assert!(timeout(SECOND, rest(&mut client)).await.unwrap().ends_with("short"));
    face.serves_others().await;
}

#[tokio::test(start_paused = true)]
async fn an_act_takes_as_long_as_it_takes() {
    let face = Face::open(Clients::Trusted);
    let mut client = face.client("GET /slow HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    let answer = face.ends("slow", &mut client, HOUR).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

/// Reads so many bytes each time that the pause is over; how many there were.
async fn sip(client: &mut DuplexStream, bytes: usize, pause: Duration) -> usize {
    let (mut all, mut some) = (0, vec![0; bytes]);
    loop {
        sleep(pause).await;
        match client.read(&mut some).await.unwrap() {
            0 => return all,
            read => all += read,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_answer_is_not_cut_while_it_moves() {
    let face = Face::open(Clients::Trusted);
    let asked = "GET /long HTTP/1.1\r\nConnection: close\r\n\r\n";
    // Ten hours or so.
    let mut client = face.client(asked).await;
    let read = sip(&mut client, 1_000, STALL - SECOND).await;
    assert!(read > LONG, "{read}");
    face.serves_others().await;
    let _unread = face.client(asked).await;
    sleep(STALL - SECOND).await;
    let mut early = face.client("GET /short HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert!(timeout(SECOND / 2, early.read_u8()).await.is_err(), "ended too soon");
    timeout(SECOND, early.read_u8()).await.expect("unread").unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_over_tcp_is_read_in_its_time() {
    let face = Face::open(Clients::Anybody);
    let mut client = face.client("GET /long HTTP/1.1\r\n\r\n").await;
    let read = timeout(WHOLE + 3 * SECOND, sip(&mut client, 1_000, SECOND)).await.expect("drips");
    assert!((50_000..70_000).contains(&read), "{read}");
    face.serves_others().await;
}

#[tokio::test(start_paused = true)]
async fn a_face_that_closes_gives_the_answers_under_way() {
    let face = Face::open(Clients::Trusted);
    let mut client = face.client("GET /slow HTTP/1.1\r\n\r\n").await;
    sleep(SECOND).await;
    face.stop.send(()).unwrap();
    sleep(SECOND).await;
    assert!(!face.task.is_finished());
    assert!(rest(&mut client).await.starts_with("HTTP/1.1 200 OK"));
    timeout(SECOND, face.task).await.expect("it goes on").unwrap();
}

#[tokio::test]
async fn sec_s2_a_request_that_does_not_say_plainly_where_it_ends_is_the_last_one() {
    let face = Face::open(Clients::Anybody);
    for framing in [
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: ,chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    ] {
        let said = format!(
            "POST /body HTTP/1.1\r\nContent-Type: application/json\r\n{framing}\r\n\r\n\
             2\r\n{{}}\r\n0\r\n\r\nGET /short HTTP/1.1\r\n\r\n"
        );
        let answer = rest(&mut face.client(&said).await).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{framing}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{framing}: {answer}");
    }
    let said = "POST /body HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    let answer = rest(&mut face.client(said).await).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("taken"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn who_has_come_before_the_end_is_answered_and_nobody_is_waited_for_long() {
    let face = Face::open(Clients::Trusted);
    let mut early = face.client("").await;
    // There is one place, so that this one waits in the queue.
    let mut idle = face.client("").await;
    let Face { connect, stop, task } = face;
    sleep(SECOND).await;
    drop((stop, connect));
    sleep(FIRST / 2).await;
    early.write_all(b"GET /short HTTP/1.1\r\n\r\n").await.unwrap();
    let answer = rest(&mut early).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert_eq!(rest(&mut idle).await, "");
    timeout(FIRST, task).await.expect("it ends").unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_who_has_not_begun_holds_the_end_up() {
    let provider = rustls::crypto::aws_lc_rs::default_provider().into();
    let secure = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::<rustls::server::ResolvesServerCertUsingSni>::new(
            rustls::server::ResolvesServerCertUsingSni::new(),
        ));
    let secure = Arc::new(secure);
    let tls: Secure = Arc::new(move || Some(Arc::clone(&secure)));
    let face = Face::open_by(Way { clients: Clients::Anybody, tls: Some(tls), settings: None });
    // Half of a record of TLS.
    let mut silent = face.client("\x16\x03\x01").await;
    let Face { connect, stop, task } = face;
    sleep(SECOND).await;
    drop((stop, connect));
    assert!(timeout(HANDSHAKE / 2, silent.read_u8()).await.is_err(), "it has a moment");
    timeout(HANDSHAKE, task).await.expect("it is waited for").unwrap();
    assert_eq!(rest(&mut silent).await, "");
}
