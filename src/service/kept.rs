//! Answers that are the same for many callers and cost too much to be made for each of them.

use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Clock;

/// What took less is made anew each time.
const CHEAP: Duration = Duration::from_millis(20);

/// An answer is given again for so many times as long as it took, so that no more than a tenth of a core makes
/// such answers, however many ask.
const SHARE: u32 = 10;

/// The longest that one is given again.
const LONGEST: Duration = Duration::from_secs(5);

/// The last answer, when it was there, and for how long it is given.
#[derive(Debug)]
pub(super) struct Kept<T>(Mutex<Option<(T, Duration, Duration)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Kept<T> {
    /// The answer that is kept, or another one. Whoever asks meanwhile waits for that.
    pub(super) async fn get<E>(
        &self,
        clock: &Clock,
        make: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut kept = self.0.lock().await;
        let began = clock.uptime();
        if let Some((answer, made, good_for)) = &*kept
            && began.saturating_sub(*made) < *good_for
        {
            return Ok(answer.clone());
        }
        *kept = None;
        let answer = make.await?;
        let made = clock.uptime();
        let took = made.saturating_sub(began);
        if took >= CHEAP {
            *kept = Some((answer.clone(), made, (took * SHARE).min(LONGEST)));
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{Span, Timestamp};

    #[tokio::test]
    async fn what_took_long_is_given_again_for_a_while_and_what_failed_is_not() {
        let clock = Clock::held(Timestamp::from_unix(1_800_000_000));
        let kept = Kept::default();
        let get = async |answer: Result<u8, ()>, took: u64| {
            let make = async {
                clock.advance(Span::from_seconds(took));
                answer
            };
            kept.get(&clock, make).await
        };
        assert_eq!(get(Ok(1), 0).await, Ok(1), "quick");
        assert_eq!(get(Err(()), 3).await, Err(()));
        assert_eq!(get(Ok(2), 1).await, Ok(2));
        clock.advance(Span::from_seconds(4));
        assert_eq!(get(Ok(3), 1).await, Ok(2));
        clock.advance(Span::from_seconds(1));
        assert_eq!(get(Ok(4), 0).await, Ok(4), "five seconds later");
        assert_eq!(get(Ok(5), 0).await, Ok(5));
    }
}
