//! What was sent to be tried and may be sent for good: between the two pages it stays here, so that no page repeats
//! it, for it may hold secrets. In memory alone, and wiped when it goes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::domain::time::{Span, Timestamp};

/// How long it stays: long enough to read a report.
const WAIT: Span = Span::from_seconds(600);

/// The most that are kept, one for each session; each is no longer than a form.
const MOST: usize = 40;

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
    number: u64,
    since: Timestamp,
}

impl std::fmt::Debug for Drafts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[texts that wait to be sent for good]")
    }
}

impl Drafts {
    /// Keeps a text for a session, in place of the one before. Its number.
    pub fn keep(&self, session: &str, text: &str, ticked: bool, now: Timestamp) -> u64 {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.all.retain(|_, draft| now.since(draft.since) < WAIT);
        if kept.all.len() >= MOST {
            let oldest = kept.all.iter().min_by_key(|(_, draft)| draft.number);
            if let Some(oldest) = oldest.map(|(session, _)| session.clone()) {
                kept.all.remove(&oldest);
            }
        }
        kept.last += 1;
        let number = kept.last;
        let text = Zeroizing::new(text.to_owned());
        kept.all.insert(session.to_owned(), Draft { text, ticked, number, since: now });
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
        let first = drafts.keep("mine", "one", false, at(1_000));
        let second = drafts.keep("mine", "two", true, at(1_000));
        assert!(drafts.take("mine", first, at(1_001)).is_none(), "there is a newer one");
        assert!(drafts.take("other", second, at(1_001)).is_none());
        assert!(drafts.look("mine", first, at(1_001)).is_none());
        assert!(drafts.look("other", second, at(1_001)).is_none());
        assert!(drafts.look("mine", second, at(1_600)).is_none(), "too late");
        assert_eq!(drafts.look("mine", second, at(1_599)).unwrap().as_str(), "two");
        let draft = drafts.take("mine", second, at(1_001)).unwrap();
        assert!(draft.text.as_str() == "two" && draft.ticked);
        assert!(drafts.take("mine", second, at(1_001)).is_none(), "never again");
        let late = drafts.keep("mine", "three", false, at(1_000));
        assert!(drafts.take("mine", late, at(1_600)).is_none(), "too late");
        for nth in 0..=MOST {
            drafts.keep(&nth.to_string(), "text", false, at(2_000));
        }
        assert_eq!(drafts.0.lock().unwrap().all.len(), MOST);
        assert!(!drafts.0.lock().unwrap().all.contains_key("0"), "the oldest goes");
        drafts.sweep(at(2_600));
        assert!(drafts.0.lock().unwrap().all.is_empty());
    }
}
