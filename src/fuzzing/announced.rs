//! The header of the PROXY protocol.

use crate::wire::announced::{HEADER_MAX, Seen, look};

/// Reads such a header as it comes, byte by byte: what was said of its beginning stays true.
pub fn announced(bytes: &[u8]) -> bool {
    let bytes = &bytes[..bytes.len().min(HEADER_MAX + 2)];
    let seen: Vec<_> = (0..=bytes.len()).map(|come| look(&bytes[..come])).collect();
    let told = seen.iter().position(|seen| !matches!(seen, Ok(Seen::Part(_))));
    let (parts, rest) = seen.split_at(told.unwrap_or(seen.len()));
    let first = rest.first();
    let most = match first {
        Some(Ok(Seen::Whole(length, _))) => {
            assert_eq!(*length, parts.len(), "it was whole before");
            *length
        }
        Some(_) | None => HEADER_MAX,
    };
    assert!(most <= HEADER_MAX, "a header of {most} bytes");
    for (come, part) in parts.iter().enumerate() {
        // All of these are taken off the connection before the next look.
        let Ok(Seen::Part(more)) = part else { panic!("{part:?} is no part") };
        assert!(*more > 0 && come + more <= most, "{come} and {more} are more than {most}");
    }
    // What stands behind it has no part in it, and makes nothing of what was no header.
    for later in rest {
        match (&rest[0], later) {
            (Ok(whole), Ok(later)) => assert_eq!(whole, later),
            (Err(_), Err(_)) => {}
            (first, later) => panic!("{first:?} became {later:?}"),
        }
    }
    matches!(first, Some(Ok(_)))
}
