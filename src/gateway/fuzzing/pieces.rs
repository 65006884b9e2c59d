//! Streams that are cut into pieces: it does not matter where the network cuts them.

use crate::gateway::frames::Frames;
use crate::gateway::pieces::Pieces;
use crate::gateway::upstream::Kind;
use crate::gateway::websocket;

/// Passes frames of WebSocket, messages of gRPC, events and frames of HTTP/2 on, in one piece and in many; whether one
/// of these readers is at an end.
pub fn pieces(bytes: &[u8]) -> bool {
    let mut between = false;
    let readers: [fn() -> Pieces; 3] = [
        || Pieces::Messages(websocket::frames()),
        || Pieces::of(Kind::Grpc).unwrap(),
        || Pieces::of(Kind::Events).unwrap(),
    ];
    for size in [1, 2, 3, 7, 64] {
        for reader in readers {
            between |= same(bytes, size, (reader(), reader()));
        }
        let (whole, cut) = (Frames::new(1_000), Frames::new(1_000));
        let borne = whole.read(bytes, 0);
        let mut all = true;
        bytes.chunks(size).for_each(|piece| all &= cut.read(piece, 0));
        assert_eq!((borne, format!("{whole:?}")), (all, format!("{cut:?}")), "{size}");
    }
    between
}

fn same(bytes: &[u8], size: usize, (mut whole, mut cut): (Pieces, Pieces)) -> bool {
    bytes.chunks(size).for_each(|piece| cut.pass(piece));
    let (mut at, mut last) = (0, 0);
    while let Some(end) = whole.end_in(&bytes[at..]) {
        assert!(end > 0 && at + end <= bytes.len() && whole.is_between(), "{whole:?}");
        at += end;
        last = at;
    }
    assert_eq!(whole.is_between(), cut.is_between(), "{whole:?} {cut:?}");
    assert_eq!(whole.is_between(), last == bytes.len(), "{whole:?}");
    whole.is_between() && !bytes.is_empty()
}
