//! sec-D4: of the answer to a health check its status is read, and no more than came with that, however much there is.

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::thread;

use bytes::Bytes;
use http::Response;
use hyper::body::{Body, Frame};
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::endpoints::{gateway, metric};
use crate::support::{PATIENCE, wait_until};

const LONG: u64 = 1 << 30;

/// What the system or a session takes of it, at the most, that nobody has asked for.
const MUCH: u64 = 64 << 20;

static PIECE: [u8; 65_536] = [b'x'; 65_536];

/// What an upstream says to checks, and how much went out of it.
#[derive(Default)]
struct Said {
    well: AtomicBool,
    answers: AtomicUsize,
    most: AtomicU64,
}

impl Said {
    fn status(&self) -> u16 {
        if self.well.load(Ordering::SeqCst) { 200 } else { 503 }
    }

    fn note(&self, bytes: u64) {
        self.most.fetch_max(bytes, Ordering::SeqCst);
        self.answers.fetch_add(1, Ordering::SeqCst);
    }
}

/// An upstream of HTTP/1.1 whose answers have 1 GB each.
fn lengthy(said: Arc<Said>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let said = Arc::clone(&said);
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                // A request without a body comes in one piece.
                let _ = stream.read(&mut [0; 4_096]);
                let head = format!("HTTP/1.1 {} \r\nContent-Length: {LONG}\r\n\r\n", said.status());
                let (mut went, mut bytes) = (stream.write_all(head.as_bytes()), 0);
                while went.is_ok() && bytes < LONG {
                    went = stream.write_all(&PIECE);
                    bytes += PIECE.len() as u64;
                }
                said.note(bytes);
            });
        }
    });
    address
}

/// A body without an end.
struct Endless {
    went: u64,
    said: Arc<Said>,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.went >= LONG {
            return Poll::Ready(None);
        }
        self.went += PIECE.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PIECE)))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.said.note(self.went);
    }
}

/// The same of HTTP/2.
fn lengthy_http2(said: Arc<Said>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let serve = async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let said = Arc::clone(&said);
            let service = service_fn(move |_| {
                let answer = Response::builder().status(said.status());
                let body = Endless { went: 0, said: Arc::clone(&said) };
                std::future::ready(Ok::<_, Infallible>(answer.body(body).unwrap()))
            });
            let builder = Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    thread::spawn(move || runtime.block_on(serve));
    address
}

#[test]
fn sec_d4_a_health_check_reads_no_long_answer() {
    for (row, start, lines) in [
        ("HTTP/1.1", lengthy as fn(_) -> _, ""),
        ("HTTP/2", lengthy_http2, "upstream_http2 = true\n"),
    ] {
        let said = Arc::<Said>::default();
        let upstream = start(Arc::clone(&said));
        let check =
            "health = { path = \"/health\", interval = \"50ms\", failures = 1, successes = 1 }";
        let (gateway, _) = gateway(&format!("\"http://{upstream}\""), &format!("{lines}{check}"));
        let up = || metric(&gateway, "upstream_up", upstream);
        // They are answers all the same.
        wait_until("it is never found down", PATIENCE, || up() == "0");
        said.well.store(true, Ordering::SeqCst);
        wait_until("it is never found well", PATIENCE, || up() == "1");
        wait_until("checks hang", PATIENCE, || said.answers.load(Ordering::SeqCst) >= 5);
        let most = said.most.load(Ordering::SeqCst);
        assert!(most < MUCH, "{row}: {most} bytes of one answer went out");
    }
}
