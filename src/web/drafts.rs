//! What was sent to be tried and may be sent for good: between the two pages it stays here, so that no page repeats
//! it, for it may hold secrets. In memory alone, and wiped when it goes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::domain::id::OwnerId;
use crate::domain::time::{Span, Timestamp};

/// How long it stays: long enough to read a report.
const WAIT: Span = Span::from_seconds(600);

/// The most that are kept, one for each session; each is no longer than a form.
const MOST: usize = 40;

/// The most of one user, who may have many sessions: nobody pushes out what others sent.
const EACH: usize = 3;

/// Texts that wait to be sent for good.
#[derive(Default)]
pub struct Drafts(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// The number of the last one.
    last: u64,
    /// By the word of the session that sent it.
    all: HashMap<String, Draft>,
}

/// What somebody sent.
pub struct Draft {
    /// All of it.
    pub text: Zeroizing<String>,
    /// What was ticked beside it.
    pub ticked: bool,
    of: OwnerId,
    number: u64,
    since: Timestamp,
}

impl std::fmt::Debug for Drafts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[texts that wait to be sent for good]")
    }
}

impl Kept {
    fn of(&self, user: &OwnerId) -> usize {
        self.all.values().filter(|draft| draft.of == *user).count()
    }

    /// Makes room for one more of `user`: their own oldest goes, or that of whoever has the most.
    fn make_room(&mut self, user: &OwnerId) {
        let of = match self.of(user) {
            EACH.. => Some(user.clone()),
            _ if self.all.len() < MOST => None,
            _ => {
                let most = self
                    .all
                    .values()
                    .max_by_key(|draft| (self.of(&draft.of), std::cmp::Reverse(draft.number)));
                most.map(|draft| draft.of.clone())
            }
        };
        let theirs = self.all.iter().filter(|(_, draft)| of.as_ref() == Some(&draft.of));
        let oldest = theirs.min_by_key(|(_, draft)| draft.number);
        if let Some(oldest) = oldest.map(|(session, _)| session.clone()) {
            self.all.remove(&oldest);
        }
    }
}

impl Drafts {
    /// Keeps a text for a session of `user`, in place of the one before. Its number.
    pub fn keep(
        &self,
        (user, session): (&OwnerId, &str),
        text: &str,
        ticked: bool,
        now: Timestamp,
    ) -> u64 {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.all.retain(|of, draft| of != session && now.since(draft.since) < WAIT);
        kept.make_room(user);
        kept.last += 1;
        let number = kept.last;
        let text = Zeroizing::new(text.to_owned());
        let of = user.clone();
        kept.all.insert(session.to_owned(), Draft { text, ticked, of, number, since: now });
        number
    }

    /// Gives it away, once, to the session that sent it; none if it sent another one since, or came too late.
    pub fn take(&self, session: &str, number: u64, now: Timestamp) -> Option<Draft> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let theirs = kept.all.get(session).is_some_and(|draft| draft.number == number);
        let draft = theirs.then(|| kept.all.remove(session)).flatten()?;
        (now.since(draft.since) < WAIT).then_some(draft)
    }

    /// Shows it to the session that sent it, and keeps it.
    pub fn look(&self, session: &str, number: u64, now: Timestamp) -> Option<Zeroizing<String>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let draft = kept.all.get(session).filter(|draft| draft.number == number)?;
        (now.since(draft.since) < WAIT).then(|| draft.text.clone())
    }

    /// Lets go of those that nobody came for.
    pub fn sweep(&self, now: Timestamp) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.all.retain(|_, draft| now.since(draft.since) < WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_given_once_to_its_session_and_soon() {
        let (drafts, at) = (Drafts::default(), Timestamp::from_unix);
        let alice: OwnerId = "alice".parse().unwrap();
        let first = drafts.keep((&alice, "mine"), "one", false, at(1_000));
        let second = drafts.keep((&alice, "mine"), "two", true, at(1_000));
        assert!(drafts.take("mine", first, at(1_001)).is_none(), "there is a newer one");
        assert!(drafts.take("other", second, at(1_001)).is_none());
        assert!(drafts.look("mine", first, at(1_001)).is_none());
        assert!(drafts.look("other", second, at(1_001)).is_none());
        assert!(drafts.look("mine", second, at(1_600)).is_none(), "too late");
        assert_eq!(drafts.look("mine", second, at(1_599)).unwrap().as_str(), "two");
        let draft = drafts.take("mine", second, at(1_001)).unwrap();
        assert!(draft.text.as_str() == "two" && draft.ticked);
        assert!(drafts.take("mine", second, at(1_001)).is_none(), "never again");
        let late = drafts.keep((&alice, "mine"), "three", false, at(1_000));
        assert!(drafts.take("mine", late, at(1_600)).is_none(), "too late");
        for nth in 0..=MOST {
            let user = format!("user-{nth}").parse().unwrap();
            drafts.keep((&user, &nth.to_string()), "text", false, at(2_000));
        }
        assert_eq!(drafts.0.lock().unwrap().all.len(), MOST);
        assert!(!drafts.0.lock().unwrap().all.contains_key("0"), "the oldest goes");
        drafts.sweep(at(2_600));
        assert!(drafts.0.lock().unwrap().all.is_empty());
    }

    #[test]
    fn nobody_pushes_out_what_others_sent() {
        let (drafts, at) = (Drafts::default(), Timestamp::from_unix(1_000));
        let keep = |user: &str, session: &str| {
            drafts.keep((&user.parse().unwrap(), session), session, false, at)
        };
        let hers = keep("alice", "alice's");
        let theirs: Vec<_> = (0..MOST)
            .map(|nth| ["bob", "eve"].map(|user| keep(user, &format!("{user} {nth}"))))
            .collect();
        assert_eq!(drafts.0.lock().unwrap().all.len(), 1 + 2 * EACH);
        for (nth, [_, number]) in theirs.into_iter().enumerate() {
            let found = drafts.look(&format!("eve {nth}"), number, at);
            assert_eq!(found.is_some(), nth >= MOST - EACH, "their own oldest goes: {nth}");
        }
        // Where there is no room, whoever has the most loses one.
        for nth in 0..MOST / 2 {
            for turn in 0..EACH {
                keep(&format!("user-{nth}"), &format!("{nth} {turn}"));
            }
        }
        assert_eq!(drafts.0.lock().unwrap().all.len(), MOST);
        assert_eq!(drafts.look("alice's", hers, at).unwrap().as_str(), "alice's");
    }
}
