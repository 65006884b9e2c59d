//! A chart of requests over time: a bar for each day or minute, with what was refused on top of what went
//! through. It is drawn here, so that it needs no script, and stands as a table beside it for whoever does not
//! see it.

use super::super::frame::Frame;

/// How high a chart is, in units of its own.
const HIGH: u64 = 100;
/// How far bars are from each other, and how wide they are.
const STEP: usize = 10;
/// See [`STEP`].
const WIDE: usize = 7;

/// A chart, ready to be drawn.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Its bars, the earliest first.
    pub bars: Vec<Bar>,
    /// What the highest bar stands for; none where there is nothing.
    pub most: Option<String>,
}

/// The requests of a day or a minute.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Which it is.
    pub when: String,
    /// How many went through.
    pub permitted: String,
    /// How many were refused.
    pub refused: String,
    /// Where it stands.
    pub x: usize,
    /// From where the part that went through is drawn, and how far; the other part likewise.
    pub good: Drawn,
    /// See [`Bar::good`].
    pub bad: Drawn,
}

/// From where to where a part of a bar goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Its upper end, from above.
    pub y: u64,
    /// How long it is.
    pub high: u64,
}

impl Chart {
    /// Of how many went through and how many were refused at each time.
    pub fn new(frame: &Frame, times: Vec<(String, u64, u64)>) -> Self {
        let all = times.iter().map(|(_, permitted, refused)| permitted.saturating_add(*refused));
        let most = all.max().filter(|most| *most > 0);
        let bar = |(at, (when, permitted, refused)): (usize, (String, u64, u64))| {
            let (good, bad) = parts(permitted, refused, most.unwrap_or(1));
            let (permitted, refused) = (frame.number(permitted), frame.number(refused));
            Bar { when, permitted, refused, x: at * STEP, good, bad }
        };
        let bars = times.into_iter().enumerate().map(bar).collect();
        Self { bars, most: most.map(|most| frame.number(most)) }
    }

    /// How wide it is, in units of its own.
    pub fn width(&self) -> usize {
        self.bars.len() * STEP
    }

    /// How wide each bar is.
    pub fn bar_width(&self) -> usize {
        WIDE
    }

    /// The earliest time.
    pub fn first(&self) -> &str {
        self.bars.first().map_or("", |bar| &bar.when)
    }

    /// The latest time.
    pub fn last(&self) -> &str {
        self.bars.last().map_or("", |bar| &bar.when)
    }
}

/// The two parts of a bar. One request is seen beside a million.
fn parts(permitted: u64, refused: u64, most: u64) -> (Drawn, Drawn) {
    let high = |count: u64| {
        let high = u128::from(count) * u128::from(HIGH) / u128::from(most.max(1));
        u64::try_from(high).unwrap_or(HIGH).max(2 * u64::from(count > 0))
    };
    let bad = high(refused).min(HIGH);
    let good = high(permitted).min(HIGH - bad);
    let good_y = HIGH - good;
    (Drawn { y: good_y, high: good }, Drawn { y: good_y - bad, high: bad })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fit_and_the_least_request_is_seen() {
        for (permitted, refused, most) in [
            (0, 0, 1),
            (1, 0, 1_000_000),
            (0, 1, 1_000_000),
            (999_999, 1, 1_000_000),
            (5, 5, 10),
            (u64::MAX, 0, u64::MAX),
            (1, u64::MAX - 1, u64::MAX),
        ] {
            let (good, bad) = parts(permitted, refused, most);
            assert_eq!((good.high > 0, bad.high > 0), (permitted > 0, refused > 0));
            assert_eq!(
                (good.y + good.high, bad.y + bad.high),
                (HIGH, good.y),
                "{permitted} {refused}"
            );
            assert!(good.high + bad.high <= HIGH);
        }
        assert_eq!(parts(75, 25, 100), (Drawn { y: 25, high: 75 }, Drawn { y: 0, high: 25 }));
    }
}
