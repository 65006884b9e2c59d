//! What the names of endpoints stand for.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::lookup_host;

use crate::clock;

/// For how long a name that was looked up is not looked up again: so that many new connections at once are
/// one question, and a resolver that is slow is asked by one thread at a time.
pub(super) const KNOWN_FOR: Duration = Duration::from_secs(1);

/// For how long what a name stood for is believed while nobody can say what it stands for: a resolver that is
/// restarted takes no upstream away.
const BELIEVED_FOR: Duration = Duration::from_secs(300);

/// How long a name that was looked up before is asked about until its last addresses are taken: a resolver that hangs
/// keeps no request.
const PATIENCE: Duration = Duration::from_millis(250);

/// What a name stood for when it was last looked up. All cores share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    state: Arc<Mutex<State>>,
    /// Held by the one question that is under way.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    found: Option<Found>,
    /// When the last question began.
    begun: Option<Instant>,
}

#[derive(Debug)]
struct Found {
    /// When it was looked up last, and when that last said something.
    asked: Instant,
    told: Instant,
    addresses: Vec<SocketAddr>,
}

impl Known {
    /// What a name stands for.
    ///
    /// # Errors
    /// It cannot be looked up, and has not been for minutes.
    pub(super) async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Some(fresh) = self.last(|found| found.asked.elapsed() < KNOWN_FOR) {
            return Ok(fresh);
        }
        let Some(last) = self.last(|found| found.told.elapsed() < BELIEVED_FOR) else {
            return self.asked(host, port).await;
        };
        let begun = self.state().begun.filter(|_| self.turn.try_lock().is_err());
        let patience = begun.map_or(PATIENCE, |begun| PATIENCE.saturating_sub(begun.elapsed()));
        tokio::time::timeout(patience, self.asked(host, port)).await.unwrap_or(Ok(last))
    }

    /// What the question brings that is under way, or a new one, which goes on where nobody waits for it any more.
    async fn asked(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        if let Some(fresh) = self.last(|found| found.asked.elapsed() < KNOWN_FOR) {
            return Ok(fresh);
        }
        self.state().begun = Some(clock::instant());
        let (known, host) = (self.clone(), host.to_owned());
        let question = tokio::spawn(async move {
            let looked_up = lookup_host((&*host, port)).await.map(Vec::from_iter);
            let outcome = known.note(&host, looked_up);
            drop(turn);
            outcome
        });
        question.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    fn note(
        &self,
        host: &str,
        looked_up: io::Result<Vec<SocketAddr>>,
    ) -> io::Result<Vec<SocketAddr>> {
        let now = clock::instant();
        let found = &mut self.state().found;
        match (looked_up, found) {
            (Ok(addresses), found) => {
                *found = Some(Found { asked: now, told: now, addresses: addresses.clone() });
                Ok(addresses)
            }
            (Err(error), Some(found)) if found.told.elapsed() < BELIEVED_FOR => {
                if found.asked == found.told {
                    tracing::warn!(host, %error, "an upstream's name cannot be looked up: its last addresses are used");
                }
                found.asked = now;
                Ok(found.addresses.clone())
            }
            (Err(error), found) => {
                *found = None;
                Err(error)
            }
        }
    }

    fn last(&self, counts: impl Fn(&Found) -> bool) -> Option<Vec<SocketAddr>> {
        self.state().found.as_ref().filter(|found| counts(found)).map(|one| one.addresses.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl Known {
    /// That a name stood for these some time `ago`, when it was looked up last.
    pub(super) fn told(addresses: Vec<SocketAddr>, ago: Duration) -> Self {
        let told = clock::instant().checked_sub(ago).unwrap_or_else(clock::instant);
        let known = Self::default();
        known.state().found = Some(Found { asked: told, told, addresses });
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::net::{IpAddr, Ipv4Addr};
    use std::task::{Context, Waker};

    #[tokio::test]
    async fn a_name_is_looked_up_once_for_many_and_again_a_second_later() {
        let known = Known::default();
        let found = known.addresses("localhost", 1).await.unwrap();
        let asked = || known.state().found.as_ref().unwrap().asked;
        let at = asked();
        assert_eq!(known.addresses("localhost", 1).await.unwrap(), found);
        assert_eq!(asked(), at);
        let long_ago = at.checked_sub(KNOWN_FOR).unwrap();
        known.state().found.as_mut().unwrap().asked = long_ago;
        known.addresses("localhost", 1).await.unwrap();
        assert_ne!(asked(), long_ago);
        Known::default().addresses("nobody.invalid", 1).await.unwrap_err();
    }

    #[tokio::test]
    async fn a_name_that_cannot_be_looked_up_keeps_its_addresses_for_minutes() {
        let (known, now) = (told(KNOWN_FOR), clock::instant());
        assert_eq!(known.addresses("nobody.invalid", 1).await.unwrap(), [LAST]);
        assert!(known.state().found.as_ref().unwrap().asked >= now, "it was looked up");
        let known = told(BELIEVED_FOR);
        known.addresses("nobody.invalid", 1).await.unwrap_err();
        assert!(known.state().found.is_none());
    }

    #[tokio::test]
    async fn a_question_that_hangs_keeps_nobody_who_knows_addresses() {
        let (known, now) = (told(KNOWN_FOR), clock::instant());
        let hanging = Arc::clone(&known.turn).lock_owned().await;
        // It is waited for a little; later ones do not wait for it at all.
        for begun in [now, now.checked_sub(PATIENCE).unwrap()] {
            known.state().begun = Some(begun);
            assert_eq!(known.addresses("nobody.invalid", 1).await.unwrap(), [LAST]);
            assert!(begun.elapsed() >= PATIENCE);
        }
        // Who knows none waits until the question has an end.
        known.state().found = None;
        let mut waiting = std::pin::pin!(known.addresses("localhost", 1));
        tokio::time::timeout(PATIENCE, waiting.as_mut()).await.unwrap_err();
        drop(hanging);
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_question_goes_on_when_whoever_asked_gave_up() {
        let known = Known::default();
        {
            let asking = std::pin::pin!(known.asked("localhost", 1));
            assert!(asking.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        drop(known.turn.lock().await);
        let found = known.state().found.as_ref().unwrap().addresses.clone();
        assert!(found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
    }

    const LAST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

    fn told(ago: Duration) -> Known {
        Known::told(vec![LAST], ago)
    }
}
