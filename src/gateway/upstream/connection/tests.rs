//! What is held of an answer in parts, and what lies on an idle connection.

use super::*;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::gateway::alarm::Alarms;
use crate::gateway::descriptors::Descriptors;
use crate::gateway::upstream::{Coding, Wanted};

async fn readable(connection: &Connection) {
    let Reader::Plain(read) = &connection.read else { panic!("it is plain") };
    read.readable().await.unwrap();
}

async fn pair() -> (Connection, TcpStream) {
    pair_at(Descriptors::default().upstream().unwrap()).await
}

async fn pair_at(place: Place) -> (Connection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let upstream = listener.accept().await.unwrap().0;
    let alarm = Alarms::new().add();
    (Connection::new(Fresh::Plain(stream), place, alarm, &Target::sample(), 0), upstream)
}

fn request() -> Outgoing {
    let wanted = Wanted { lines: true, ..Wanted::default() };
    let head = b"GET / HTTP/1.1\r\n\r\n".to_vec();
    Outgoing::new(head, None, Coding::Length(0), wanted, http::HeaderMap::new())
}

#[tokio::test]
async fn short_pieces_of_a_long_body_hold_no_more_than_they_are() {
    let scratch = Scratch::default();
    for piece in [1, COPIED_BYTES, COPIED_BYTES + 1, 4_000, LONG_BYTES / 4 - 1] {
        let (mut connection, mut upstream) = pair().await;
        connection.framing = Framing::Length(1 << 30);
        for _ in 0..20 {
            upstream.write_all(&vec![b'x'; piece]).await.unwrap();
            readable(&connection).await;
            let part = std::future::poll_fn(|context| connection.poll_part(&scratch, context));
            let part = part.await.unwrap().unwrap().into_data().unwrap();
            let (read, held) = (part.len(), part.try_into_mut().unwrap().capacity());
            assert!(held <= read, "{held} bytes for {read}");
        }
    }
}

#[tokio::test]
async fn sec_s13_what_lies_on_an_idle_connection_is_the_beginning_of_no_answer() {
    for stray in ["\n", "H", "HTTP/1.1 200 OK\r\nX-J: ", "HTTP/1.1 200 OK\r\n\r\n", ""] {
        let (mut connection, mut upstream) = pair().await;
        upstream.write_all(stray.as_bytes()).await.unwrap();
        if stray.is_empty() {
            // The one that is idle may have been closed meanwhile.
            drop(upstream);
        }
        readable(&connection).await;
        let mut request = request();
        let mut context = Context::from_waker(Waker::noop());
        let polled = connection.poll_exchange(&mut request, &Scratch::default(), &mut context);
        assert!(matches!(polled, Poll::Ready(Err(Failed::Unsent))), "{stray:?}");
        assert!(!request.is_begun(), "{stray:?}");
    }
}

#[tokio::test]
async fn what_goes_on_beside_an_answer_keeps_its_place() {
    let descriptors = Descriptors::share_out(0, 0, 0);
    let (mut connection, _upstream) = pair_at(descriptors.upstream().unwrap()).await;
    let sent = async {
        connection.leave(request(), |_| true);
        drop(connection);
        assert!(descriptors.upstream().is_none(), "it is still open");
        tokio::task::yield_now().await;
        assert!(descriptors.upstream().is_some());
    };
    tokio::task::LocalSet::new().run_until(sent).await;
}
