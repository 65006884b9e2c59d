//! Secrets between the act that made them and the one page that shows them. In memory alone.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::id::TokenId;
use crate::domain::secret::Secret;
use crate::domain::time::{Span, Timestamp};

/// How long a secret waits for its page: as long as a slow redirect takes.
const WAIT: Span = Span::from_seconds(120);

/// The most that wait at a time.
const MOST: usize = 1_000;

/// Secrets that wait to be shown.
#[derive(Default)]
pub struct Once(Mutex<HashMap<TokenId, Waiting>>);

struct Waiting {
    /// The session that may see it, by the word that its pages send back.
    session: String,
    secret: Secret,
    since: Timestamp,
}

impl std::fmt::Debug for Once {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secrets that wait to be shown]")
    }
}

impl Once {
    /// Keeps the secret of a token for the session that made it.
    pub fn keep(&self, id: TokenId, session: &str, secret: Secret, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, waiting| now.since(waiting.since) < WAIT);
        if all.len() < MOST {
            all.insert(id, Waiting { session: session.to_owned(), secret, since: now });
        }
    }

    /// Gives it away, once, to that session.
    pub fn take(&self, id: TokenId, session: &str, now: Timestamp) -> Option<Secret> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let theirs = all.get(&id).is_some_and(|waiting| waiting.session == session);
        let waiting = theirs.then(|| all.remove(&id)).flatten()?;
        (now.since(waiting.since) < WAIT).then_some(waiting.secret)
    }

    /// Lets go of those that nobody came for.
    pub fn sweep(&self, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, waiting| now.since(waiting.since) < WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_a_secret_is_given_once_to_its_session_and_soon() {
        let (once, at) = (Once::default(), Timestamp::from_unix);
        let id = |nth| TokenId::new(1, [nth; 10]);
        let keep = |nth, now| {
            let secret = Secret::issue(|bytes| -> Result<(), ()> {
                bytes.fill(nth);
                Ok(())
            });
            once.keep(id(nth), "mine", secret.unwrap(), at(now));
        };
        keep(1, 1_000);
        assert!(once.take(id(1), "other", at(1_001)).is_none());
        assert!(once.take(id(1), "mine", at(1_001)).is_some());
        assert!(once.take(id(1), "mine", at(1_001)).is_none(), "never again");
        keep(2, 1_000);
        assert!(once.take(id(2), "mine", at(1_120)).is_none(), "too late");
        keep(3, 1_000);
        once.sweep(at(1_120));
        assert!(once.0.lock().unwrap().is_empty());
    }
}
