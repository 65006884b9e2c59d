//! Waiting for a folder that another process is about to let go of.

use std::time::{Duration, Instant};

use crate::clock;
use crate::store::StoreError;
use crate::store::holder::{Doing, Holder, Role};

/// How long somebody else may be at work.
const LIMIT: Duration = Duration::from_secs(10);
/// How long a server that is there may need until its socket is, and a process that has just taken
/// the lock until it says who it is.
const MOMENT: Duration = Duration::from_secs(1);
/// The same where nobody waits for a socket.
const INSTANT: Duration = Duration::from_millis(100);
/// How long until it is said that somebody waits.
const SILENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);

/// Of one who waits.
#[derive(Debug)]
pub struct Patience {
    role: Role,
    begun: Instant,
    /// Who holds the folder, and since when that is known.
    held: Option<(Option<Holder>, Instant)>,
    said: bool,
}

impl Patience {
    /// Of a server or a command that begins to wait now.
    pub fn new(role: Role) -> Self {
        Self { role, begun: clock::instant(), held: None, said: false }
    }

    /// Whether to try again after `error`, a moment later; `say` tells a person why it takes so long.
    pub async fn goes_on(&mut self, error: &StoreError, say: impl FnOnce(&str)) -> bool {
        let StoreError::Locked { holder, .. } = error else { return false };
        let now = clock::instant();
        let since = match self.held {
            Some((held, since)) if held == *holder => since,
            _ => now,
        };
        self.held = Some((*holder, since));
        let waited = now.saturating_duration_since(self.begun);
        if waited >= LIMIT || now.saturating_duration_since(since) >= self.bound(*holder) {
            return false;
        }
        if waited >= SILENCE && !self.said {
            self.said = true;
            say(&format!("waiting: {error}"));
        }
        tokio::time::sleep(PAUSE).await;
        true
    }

    /// How long this holder is waited for.
    const fn bound(&self, holder: Option<Holder>) -> Duration {
        match (self.role, holder) {
            (_, None) => MOMENT,
            (
                _,
                Some(Holder { role: Role::Command, .. } | Holder { doing: Doing::Closing, .. }),
            )
            | (Role::Command, Some(Holder { doing: Doing::Opening, .. })) => LIMIT,
            (Role::Command, Some(_)) => MOMENT,
            (Role::Server, Some(_)) => INSTANT,
        }
    }
}
