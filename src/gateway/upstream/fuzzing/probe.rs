//! Answers to health checks.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{join, sink};

use crate::gateway::upstream::probe;

use super::Pieces;

/// Looks for the status of an answer: the same in whatever pieces it comes, and none of those that come before another one.
pub fn probe(bytes: &[u8]) -> bool {
    let whole = status(bytes, usize::MAX);
    for size in [1, 3, 64] {
        assert_eq!(status(bytes, size), whole, "in pieces of {size}");
    }
    let Some(status) = whole else { return false };
    assert!(status < 1_000 && status != 100 && !(102..200).contains(&status), "{status}");
    let said = format!(" {status:03}");
    assert!(memchr::memmem::find(bytes, said.as_bytes()).is_some(), "{status} was not said");
    true
}

fn status(bytes: &[u8], size: usize) -> Option<u16> {
    let stream = join(Pieces { bytes, size }, sink());
    let asked = pin!(probe::status(stream, b"GET / HTTP/1.1\r\n\r\n"));
    match asked.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(status) => status.ok(),
        Poll::Pending => panic!("it waits although nothing more comes"),
    }
}
