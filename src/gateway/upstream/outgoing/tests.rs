//! What of a request goes out, and on which connection.

use super::*;

use std::task::Waker;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::gateway::upstream::Without;

const WANTED: Wanted = Wanted {
    bodiless: false,
    websocket: false,
    accept: None,
    lines: true,
    without: Without { cors: false, caching: false },
};

fn request(head: &[u8]) -> Outgoing {
    Outgoing::new(head.to_vec(), None, Coding::Length(0), WANTED, HeaderMap::new())
}

async fn writable(write: &Writer) {
    let Writer::Plain(write) = write else { panic!("it is plain") };
    write.writable().await.unwrap();
}

async fn pair() -> (Writer, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (read, write) = stream.into_split();
    drop(read);
    (Writer::Plain(write), listener.accept().await.unwrap().0)
}

#[tokio::test]
async fn what_does_not_go_out_at_once_follows_in_order() {
    let (mut write, mut upstream) = pair().await;
    let long = vec![b'x'; 8 << 20];
    let mut request = request(&long);
    let mut context = Context::from_waker(Waker::noop());
    writable(&write).await;
    assert!(request.poll(&mut write, &mut context).is_pending());
    assert!(request.is_begun() && !request.is_sent());
    let reader = async move {
        let mut seen = Vec::new();
        upstream.read_to_end(&mut seen).await.unwrap();
        seen
    };
    let writer = async move {
        std::future::poll_fn(|context| request.poll(&mut write, context)).await.unwrap();
        assert!(request.is_whole());
    };
    let (seen, ()) = tokio::join!(reader, writer);
    assert_eq!(seen, long);
}

#[test]
fn sec_s13_a_request_is_not_sent_before_the_last_of_its_data_is() {
    let mut request = request(b"");
    assert!(request.is_sent());
    request.data = Bytes::from_static(b"the last part of a body");
    assert!(!request.is_sent() && !request.is_whole());
    request.written = request.data.len() - 1;
    assert!(!request.is_sent());
    (request.written, request.tail) = (request.data.len(), b"\r\n");
    assert!(!request.is_sent());
    request.written += 2;
    assert!(request.is_whole());
}

#[tokio::test]
async fn what_was_not_begun_can_go_out_on_another_connection() {
    let (mut closed, upstream) = pair().await;
    drop(upstream);
    let Writer::Plain(socket) = &closed else { panic!("it is plain") };
    socket.as_ref().set_zero_linger().unwrap();
    tokio::io::AsyncWriteExt::shutdown(&mut closed).await.unwrap();
    let mut request = request(b"GET / HTTP/1.1\r\n\r\n");
    let mut context = Context::from_waker(Waker::noop());
    assert!(request.poll(&mut closed, &mut context).is_pending());
    assert!(!request.is_begun() && request.broken && !request.is_sent());
    let (mut write, mut upstream) = pair().await;
    request.begin_again();
    std::future::poll_fn(|context| request.poll(&mut write, context)).await.unwrap();
    drop(write);
    let mut seen = String::new();
    upstream.read_to_string(&mut seen).await.unwrap();
    assert_eq!(seen, "GET / HTTP/1.1\r\n\r\n");
}

#[test]
fn rfc9110_6_5_1_of_trailers_the_declared_ones_follow() {
    let declared = [HeaderName::from_static("x-sum"), HeaderName::from_static("x-not-sent")];
    let mut trailers = HeaderMap::new();
    for name in ["x-sum", "x-other"] {
        trailers.insert(name, http::HeaderValue::from_static("1"));
    }
    let mut text = Vec::new();
    end_chunks(&mut text, &declared, Some(&trailers));
    assert_eq!(text, b"0\r\nx-sum: 1\r\n\r\n");
}
