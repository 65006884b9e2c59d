//! Frames of an upstream of HTTP/2, of which those that need not be there are left out.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, ReadBuf};

use crate::gateway::upstream::thinned::Thinned;

use super::Pieces;

const HEAD_BYTES: usize = 9;
const DATA: u8 = 0;
const END_STREAM: u8 = 1;

/// As long as a frame may become.
const FRAME_BYTES: usize = 16_384;

/// Kind, flags, stream and payload.
type Frame = (u8, u8, [u8; 4], Vec<u8>);

/// What goes on means what came, in whatever pieces that is, and however much is asked for at a time; whether it ends where a
/// frame does.
pub fn frames(bytes: &[u8]) -> bool {
    let (came, rest) = told(bytes);
    let longest = came.iter().map(|one| one.3.len()).max().unwrap_or_default();
    let wanted = (fewest(&came), rest);
    for (size, room) in [(usize::MAX, 1 << 16), (1, 64), (5, 9), (64, 3), (7, 1_000)] {
        let thinned = thinned(bytes, size, room);
        assert!(thinned.len() <= bytes.len());
        let (goes, rest) = told(&thinned);
        assert!(goes.iter().all(|one| one.3.len() <= longest.max(FRAME_BYTES)), "{size} {room}");
        assert!(!goes.iter().any(is_empty), "{size} {room}");
        assert_eq!((fewest(&goes), rest), wanted, "{size} {room}");
    }
    wanted.1.is_empty() && !came.is_empty()
}

fn thinned(bytes: &[u8], size: usize, room: usize) -> Vec<u8> {
    let (mut thinned, mut all) = (Thinned::new(Pieces { bytes, size }), Vec::new());
    let (mut context, mut some) = (Context::from_waker(Waker::noop()), vec![0xff; room]);
    loop {
        let mut buffer = ReadBuf::new(&mut some);
        let read = Pin::new(&mut thinned).poll_read(&mut context, &mut buffer);
        assert!(matches!(read, Poll::Ready(Ok(()))));
        if buffer.filled().is_empty() {
            return all;
        }
        all.extend_from_slice(buffer.filled());
    }
}

/// The frames that are whole, and what is behind them.
fn told(mut bytes: &[u8]) -> (Vec<Frame>, Vec<u8>) {
    let mut frames = Vec::new();
    while let Some([a, b, c, kind, flags, stream @ ..]) = bytes.first_chunk::<HEAD_BYTES>() {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let Some(payload) = bytes.get(HEAD_BYTES..HEAD_BYTES + length) else { break };
        frames.push((*kind, *flags, *stream, payload.to_vec()));
        bytes = &bytes[HEAD_BYTES + length..];
    }
    (frames, bytes.to_vec())
}

/// Whether it says nothing (RFC 9113 section 6.1).
fn is_empty(one: &Frame) -> bool {
    (one.0, one.1) == (DATA, 0) && one.3.is_empty()
}

/// The same with as few frames as there can be, were they as long as one likes.
fn fewest(frames: &[Frame]) -> Vec<Frame> {
    let mut fewest: Vec<Frame> = Vec::new();
    for one in frames.iter().filter(|one| !is_empty(one)) {
        let plain = one.0 == DATA && one.1 & !END_STREAM == 0;
        match fewest.last_mut() {
            Some(last) if plain && (last.0, last.1, last.2) == (DATA, 0, one.2) => {
                last.1 = one.1;
                last.3.extend_from_slice(&one.3);
            }
            _ => fewest.push(one.clone()),
        }
    }
    fewest
}
