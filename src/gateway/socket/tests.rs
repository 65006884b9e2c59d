//! What moves on a client's socket and when it is over.

use super::*;

use std::io::{Read, Write};
use std::task::Waker;

use bytes::Bytes;
use http::Version;
use socket2::SockRef;
use tokio::net::TcpListener;

use crate::clock::instant;
use crate::gateway::channel::Channel;
use crate::gateway::link::Sends;
use crate::gateway::sample::Sample;

async fn pair(client: &Rc<Client>) -> (Socket, std::net::TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let stream = listener.accept().await.unwrap().0;
    (Socket::new(Rc::new(Link::new(Channel::Plain(stream), Bytes::new())), Rc::clone(client)), peer)
}

/// Fills what is between the two.
fn fill(socket: &mut Socket) {
    let mut context = Context::from_waker(Waker::noop());
    while Pin::new(&mut *socket).poll_write(&mut context, &[b'x'; 65_536]).is_ready() {}
}

/// Whether the connection's time is over once the shorter of the two limits is.
fn rings(sample: &Sample, client: &Client) -> bool {
    let begun = instant();
    while begun.elapsed() < Duration::from_millis(5) {
        std::hint::spin_loop();
    }
    sample.core.alarms.tick();
    client.alarm().take_rung()
}

#[test]
fn sec_d2_the_end_of_an_answer_has_the_time_of_one_that_stalls_and_then_that_of_an_idle_one() {
    for (idle_is_short, limits) in [
        (true, "idle_timeout = \"1ms\", stall_timeout = \"1h\""),
        (false, "idle_timeout = \"1h\", stall_timeout = \"1ms\""),
    ] {
        let sample = Sample::new("\"http://127.0.0.1:9\"", limits);
        sample.run(async {
            let client = sample.client();
            let (mut socket, mut peer) = pair(&client).await;
            // Its answer was handed over, and not all of it is written.
            drop(client.begin(Version::HTTP_11, false));
            fill(&mut socket);
            assert_eq!(rings(&sample, &client), !idle_is_short, "{limits}: while it is owed");
            let reading =
                std::thread::spawn(move || while peer.read(&mut [0; 65_536]).unwrap() > 0 {});
            let write = |context: &mut Context<'_>| Pin::new(&mut socket).poll_write(context, b"x");
            std::future::poll_fn(write).await.unwrap();
            assert_eq!(rings(&sample, &client), idle_is_short, "{limits}: once it is written");
            drop(socket);
            reading.join().unwrap();
        });
    }
}

/// TCP drops what was not sent yet, and sends a reset, if it is closed with something unread.
#[test]
fn an_answer_is_not_taken_back_by_what_came_after_its_request() {
    for stray in [&b""[..], b"\r\n"] {
        let sample = Sample::new("\"http://127.0.0.1:9\"", "");
        sample.run(async {
            let client = sample.client();
            let (mut socket, mut peer) = pair(&client).await;
            peer.write_all(stray).unwrap();
            while socket.link.is_read() != stray.is_empty() {
                tokio::task::yield_now().await;
            }
            let write =
                |context: &mut Context<'_>| Pin::new(&mut socket).poll_write(context, b"answer");
            std::future::poll_fn(write).await.unwrap();
            let mut context = Context::from_waker(Waker::noop());
            let closed = Pin::new(&mut socket).poll_shutdown(&mut context);
            assert_eq!(closed.is_ready(), stray.is_empty(), "it waits for the client's end");
            let left = (closed.is_pending()).then_some(socket);
            let mut answer = Vec::new();
            peer.read_to_end(&mut answer).unwrap();
            assert_eq!(answer, b"answer");
            drop(peer);
            if let Some(mut socket) = left {
                let end = |context: &mut Context<'_>| Pin::new(&mut socket).poll_shutdown(context);
                std::future::poll_fn(end).await.unwrap();
            }
        });
    }
}

/// Who was answered before all of the request had come is waited for, as long as more of it comes, and not for ever.
#[test]
fn sec_d2_who_does_not_close_his_side_has_two_seconds_of_silence_and_thirty_in_all() {
    for sends in [false, true] {
        let sample = Sample::new("\"http://127.0.0.1:9\"", "");
        sample.run(async {
            let client = sample.client();
            let (mut socket, mut peer) = pair(&client).await;
            client.begins_body(true);
            let mut context = Context::from_waker(Waker::noop());
            assert!(Pin::new(&mut socket).poll_shutdown(&mut context).is_pending());
            assert_eq!(peer.read(&mut [0]).unwrap(), 0, "our side is closed");
            let mut after_ms = 0;
            loop {
                after_ms += 250;
                sample.core.alarms.tick_at(after_ms);
                if client.alarm().take_rung() {
                    break;
                }
                let before = socket.link.dropped();
                peer.write_all(if sends { b"x" } else { b"" }).unwrap();
                while sends && socket.link.dropped() == before {
                    tokio::task::yield_now().await;
                    assert!(Pin::new(&mut socket).poll_shutdown(&mut context).is_pending());
                }
            }
            assert_eq!(after_ms, if sends { 30_000 } else { 2_000 });
        });
    }
}

/// What hyper does when a request has come.
async fn read(socket: &mut Socket, room: usize) -> usize {
    let mut bytes = vec![0; room];
    let mut buffer = ReadBuf::new(&mut bytes);
    let read = |context: &mut Context<'_>| Pin::new(&mut *socket).poll_read(context, &mut buffer);
    std::future::poll_fn(read).await.unwrap();
    buffer.filled().len()
}

/// Looks after the client until the core has heard of its end.
async fn hears_of_the_end(socket: &Socket, sample: &Sample, client: &Client) {
    while socket.link.sends.get() != Sends::NoMore {
        tokio::task::yield_now().await;
        sample.core.alarms.tick();
        assert!(!socket.link.is_gone(&mut Context::from_waker(Waker::noop()), client));
    }
}

/// An interim answer is not for HTTP/1.0, and stands before the final one (RFC 9110 section 15.2).
#[test]
fn a_client_that_sends_no_more_is_asked_once_whether_it_is_there() {
    for (version, written, question) in [
        (Version::HTTP_11, &b""[..], &b"HTTP/1.1 100 Continue\r\n\r\n"[..]),
        (Version::HTTP_11, b"answer", b"answer"),
        (Version::HTTP_10, b"", b""),
    ] {
        let sample = Sample::new("\"http://127.0.0.1:9\"", "");
        sample.run(async {
            let client = sample.client();
            let (mut socket, mut peer) = pair(&client).await;
            let under_way = client.begin(version, false);
            if !written.is_empty() {
                let write =
                    |context: &mut Context<'_>| Pin::new(&mut socket).poll_write(context, written);
                std::future::poll_fn(write).await.unwrap();
            }
            peer.shutdown(std::net::Shutdown::Write).unwrap();
            let keepalive = |socket: &Socket| {
                SockRef::from(socket.link.stream.borrow().socket()).keepalive().unwrap()
            };
            assert!(!keepalive(&socket));
            hears_of_the_end(&socket, &sample, &client).await;
            assert!(keepalive(&socket), "it may be closed, and nothing be written for long");
            for _ in 0..3 {
                sample.core.alarms.tick();
                let mut context = Context::from_waker(Waker::noop());
                assert!(!socket.link.is_gone(&mut context, &client));
            }
            drop((under_way, socket));
            let mut told = Vec::new();
            peer.read_to_end(&mut told).unwrap();
            assert_eq!(told, question, "{version:?}");
        });
    }
}

/// A look at the socket is a call of the system, and an upload has a read for every few kilobytes.
#[test]
fn a_read_that_fills_its_buffer_is_not_looked_behind() {
    let sample = Sample::new("\"http://127.0.0.1:9\"", "");
    sample.run(async {
        let client = sample.client();
        let (mut socket, mut peer) = pair(&client).await;
        let _under_way = client.begin(Version::HTTP_11, true);
        peer.write_all(b"body").unwrap();
        assert_eq!(read(&mut socket, 4).await, 4);
        let mut context = Context::from_waker(Waker::noop());
        assert!(!socket.link.is_gone(&mut context, &client));
        assert_eq!(socket.link.sends.get(), Sends::More, "it is not known whether there is more");
        // The end is heard all the same.
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        hears_of_the_end(&socket, &sample, &client).await;
    });
}
