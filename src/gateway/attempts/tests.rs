//! An endpoint that fails leaves the request to the others.

use super::*;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::task::{Context, Waker};

use http::HeaderMap;

use crate::gateway::sample::Sample;
use crate::gateway::upstream::{Coding, Wanted};

const ROUNDS: usize = 4;
const HEAD: &[u8; 18] = b"GET / HTTP/1.1\r\n\r\n";

fn request() -> Outgoing {
    let wanted = Wanted { lines: true, ..Wanted::default() };
    Outgoing::new(HEAD.to_vec(), None, Coding::Length(0), wanted, HeaderMap::new())
}

#[test]
fn an_endpoint_that_closes_what_it_accepts_leaves_the_request_to_the_others() {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let urls = listeners.each_ref().map(|one| format!("\"http://{}\"", one.local_addr().unwrap()));
    let sample = Sample::new(&urls.join(", "), "");
    let [closing, alive] = listeners;
    closing.set_nonblocking(true).unwrap();
    let answering = std::thread::spawn(move || {
        for _ in 0..ROUNDS {
            let mut stream = alive.accept().unwrap().0;
            let mut head = [0; HEAD.len()];
            stream.read_exact(&mut head).unwrap();
            assert_eq!(head, *HEAD);
            stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
        }
    });
    let mut closed = 0;
    for _ in 0..ROUNDS {
        sample.run(async {
            let (client, mut request) = (sample.client(), request());
            let under_way = client.begin(http::Version::HTTP_11, false);
            let mut answered =
                pin!(send(&under_way, &sample.api, &mut request, None, Bound::default()));
            // It has begun to connect, and hears of the connection and its end at once.
            let mut context = Context::from_waker(Waker::noop());
            assert!(answered.as_mut().poll(&mut context).is_pending());
            closed += usize::from(closing.accept().is_ok());
            assert_eq!(answered.await.unwrap().status(), StatusCode::NO_CONTENT);
        });
    }
    assert!((1..ROUNDS).contains(&closed), "{closed}");
    answering.join().unwrap();
}
