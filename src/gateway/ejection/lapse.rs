//! What one process tells the next one of an endpoint that fails.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{RETURN_MS, Standing};

/// A return is told as a time less than none.
const RETURNS_IN_MS: i64 = RETURN_MS.cast_signed();

/// What there is to tell of an endpoint that has not its whole share, to a process whose clock began at another moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::gateway) struct Lapse {
    /// Whether a health check says that it is down.
    pub(in crate::gateway) is_down: bool,
    /// For how many milliseconds it is left out still, or for how many less than none it has been coming back. None where it
    /// was not left out.
    out_ms: Option<i64>,
    /// How often it went out in a row.
    times: u32,
    /// Whether it answered anything since. Gateways before did not tell, and did not ask.
    #[serde(default = "yes")]
    proven: bool,
}

impl Lapse {
    /// That of an endpoint that has its whole share.
    pub(in crate::gateway) const NONE: Self =
        Self { is_down: false, out_ms: None, times: 0, proven: true };
}

const fn yes() -> bool {
    true
}

impl Standing {
    /// What there is to tell of it, if it has not its whole share.
    pub(in crate::gateway) fn lapse(&self) -> Option<Lapse> {
        let out_until_ms = self.out_until_ms.load(Ordering::Relaxed);
        let ms = |moment: u64| i64::try_from(moment).unwrap_or(i64::MAX);
        let proven = self.proven.load(Ordering::Relaxed);
        let out_ms = at_least(ms(out_until_ms).saturating_sub(ms(self.now_ms())), proven);
        let out_ms = Some(out_ms).filter(|ms| out_until_ms > 0 && *ms > -RETURNS_IN_MS);
        let is_down = self.sick.load(Ordering::Relaxed);
        let times = self.times.load(Ordering::Relaxed);
        (is_down || out_ms.is_some()).then_some(Lapse { is_down, out_ms, times, proven })
    }

    /// It stands as another process has found it some time `ago`.
    pub(in crate::gateway) fn takes(&self, lapse: Lapse, ago: Duration) {
        let Lapse { is_down, out_ms, times, proven } = lapse;
        let ago_ms = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
        let left_ms = out_ms.map(|out_ms| at_least(out_ms.saturating_sub(ago_ms), proven));
        let left_ms = left_ms.filter(|left_ms| *left_ms > -RETURNS_IN_MS);
        let until_ms = left_ms.map(|left_ms| self.now_ms().saturating_add_signed(left_ms).max(1));
        self.out_until_ms.store(until_ms.unwrap_or_default(), Ordering::Relaxed);
        self.untold.store(left_ms.is_some_and(|left_ms| left_ms > 0), Ordering::Relaxed);
        self.times.store(left_ms.map_or(0, |_| times), Ordering::Relaxed);
        self.proven.store(proven, Ordering::Relaxed);
        self.sick.store(is_down, Ordering::Relaxed);
        // What began before shows nothing of that.
        self.spells.fetch_add(1, Ordering::Relaxed);
    }
}

/// How long one is still out, which is never long over where it is not `proven`.
fn at_least(out_ms: i64, proven: bool) -> i64 {
    if proven { out_ms } else { out_ms.max(1 - RETURNS_IN_MS) }
}

#[cfg(test)]
mod tests {
    use super::super::{Course, WHOLE};
    use super::*;
    use crate::config::settings::Ejection;

    const LIMITS: Ejection = Ejection { after: 3, time: Duration::from_secs(10), on_errors: false };

    #[test]
    fn what_one_process_tells_the_next_one_goes_on_from_there() {
        let told = |standing: &Standing, ago: u64| {
            let (next, ago) = (Standing::default(), Duration::from_millis(ago));
            let text = serde_json::to_string(&standing.lapse().unwrap()).unwrap();
            next.takes(serde_json::from_str(&text).unwrap(), ago);
            next
        };
        assert_eq!(Standing::default().lapse(), None);
        let out = Standing::default();
        (0..3).for_each(|_| _ = out.fails_now(&LIMITS));
        let next = told(&out, 0);
        assert_eq!((next.course(), next.share().part), (Course::LeftOut, 0));
        // Whoever fails on coming back is out for twice as long there, too.
        let back = told(&out, 10_100);
        assert_eq!(back.course(), Course::Returning);
        assert!((1..WHOLE).contains(&back.share().part));
        back.succeeds(back.spells());
        assert!(told(&back, 30_000).is_whole(), "that is long over");
        let back = told(&back, 4_000);
        assert!((16..WHOLE).contains(&back.share().part), "it goes on from there");
        assert_eq!(back.fails_now(&LIMITS), Some(2 * LIMITS.time));
        let silent = told(&out, 30_000);
        assert_eq!(silent.course(), Course::Returning, "it has answered nothing since");
        assert_eq!(silent.fails_now(&LIMITS), Some(2 * LIMITS.time));
        let down = Standing::default();
        down.is_found(false);
        let next = told(&down, 30_000);
        assert_eq!((next.course(), next.share().part), (Course::Down, 0));
        assert!(next.is_found(true));
        assert_eq!(next.course(), Course::Returning);
    }
}
