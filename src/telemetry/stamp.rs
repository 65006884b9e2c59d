//! The time at the head of every line, in one form and from the one clock.

use std::fmt;

use serde::{Serialize, Serializer};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use crate::clock::Clock;

/// A moment as RFC 3339 in UTC, to the millisecond.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    unix_ms: u64,
}

impl Stamp {
    pub(super) fn now(clock: &Clock) -> Self {
        Self { unix_ms: clock.unix_ms() }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = i64::try_from(self.unix_ms).map_err(|_| fmt::Error)?;
        let instant = jiff::Timestamp::from_millisecond(ms).map_err(|_| fmt::Error)?;
        write!(f, "{instant:.3}")
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Puts a [`Stamp`] at the head of the lines of `tracing`.
#[derive(Clone, Debug)]
pub(super) struct Stamps(pub(super) Clock);

impl FormatTime for Stamps {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", Stamp::now(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    #[test]
    fn a_stamp_always_has_three_decimals() {
        let clock = Clock::held(Timestamp::from_unix(1_700_000_000));
        assert_eq!(Stamp::now(&clock).to_string(), "2023-11-14T22:13:20.000Z");
    }
}
