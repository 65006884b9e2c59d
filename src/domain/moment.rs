//! The moment that requests and acts are judged by: the wall clock, held against the latest second
//! that was ever relied on.

use super::time::{Span, Timestamp};

/// How far the wall clock may fall behind what it has shown before, without requests being refused.
/// Within this, time stands still instead of going back.
const BEHIND_MAX: Span = Span::from_seconds(60);

/// The moment to judge by.
///
/// # Errors
/// How far `wall` is behind `mark`, where that is so far that an expired token could seem alive.
pub fn judged(wall: Timestamp, mark: Timestamp) -> Result<Timestamp, Span> {
    let behind = mark.since(wall);
    if behind <= BEHIND_MAX { Ok(wall.max(mark)) } else { Err(behind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_still_for_a_minute_and_is_not_believed_beyond() {
        let at = |seconds: u64| Timestamp::from_unix(1_000_000 + seconds);
        let mark = at(100);
        for (wall, wanted) in [
            (at(101), Ok(at(101))),
            (at(100), Ok(mark)),
            (at(99), Ok(mark)),
            (at(40), Ok(mark)),
            (at(39), Err(Span::from_seconds(61))),
            (at(0), Err(Span::from_seconds(100))),
        ] {
            assert_eq!(judged(wall, mark), wanted, "{wall}");
        }
        assert_eq!(judged(at(0), Timestamp::EPOCH), Ok(at(0)), "nothing was noted yet");
    }
}
