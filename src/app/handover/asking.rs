//! What a gateway asks its successor, which has the store: records of tokens that go on here and were changed there.

use std::collections::HashMap;
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::cache::{Found, Wanted};

use super::wire::{Message, Voice, text_of};

/// Questions that are not answered yet. There are never more of them than the cache has loads at a time.
#[derive(Debug, Default)]
pub(super) struct Questions(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    next: u64,
    waiting: HashMap<u64, oneshot::Sender<Found>>,
    /// Nobody answers any more.
    over: bool,
}

impl Questions {
    /// Asks for what is wanted, as long as anybody wants something and the line holds.
    pub(super) fn ask(&self, to: &Voice, wanted: &Receiver<Wanted>) {
        for Wanted { digest, answer } in wanted {
            let Some(number) = self.begin(answer) else { break };
            let digest = text_of(&digest);
            if to.say(&Message::Look { number, digest }, None).is_err() {
                break;
            }
        }
        self.end();
    }

    /// Brings an answer to whoever waits for it.
    pub(super) fn answer(&self, number: u64, found: Found) {
        let waiting = self.open().waiting.remove(&number);
        // Whoever asked may have gone.
        let _ = waiting.map(|waiting| waiting.send(found));
    }

    /// No more answers come: whoever waits hears of it, and so does whoever asks from now on.
    pub(super) fn end(&self) {
        let mut open = self.open();
        open.over = true;
        open.waiting.clear();
    }

    /// The number of a question that is about to be asked.
    fn begin(&self, answer: oneshot::Sender<Found>) -> Option<u64> {
        let mut open = self.open();
        let number = open.next;
        open.next = number.wrapping_add(1);
        (!open.over).then(|| {
            open.waiting.insert(number, answer);
            number
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::sync::mpsc;

    use super::*;
    use crate::domain::secret::Digest;

    use super::super::wire::{digest_in, hear};

    #[test]
    fn each_answer_comes_to_who_asked_and_the_end_to_all_others() {
        let (here, there) = UnixStream::pair().unwrap();
        let (wants, wanted) = mpsc::channel();
        let (questions, voice) = (Arc::<Questions>::default(), Voice::of(here));
        let asks = {
            let questions = Arc::clone(&questions);
            std::thread::spawn(move || questions.ask(&voice, &wanted))
        };
        let mut ask = |text: &str| {
            let (answer, found) = oneshot::channel();
            let digest = Digest::of(text.as_bytes());
            wants.send(Wanted { digest, answer }).unwrap();
            let Some((Message::Look { number, digest: told }, None)) = hear(&there).unwrap() else {
                panic!("nothing is asked")
            };
            assert_eq!(digest_in(&told).unwrap(), digest);
            (number, found)
        };
        let [(one, first), (two, second), (_, third)] = ["one", "two", "three"].map(&mut ask);
        questions.answer(two, Err("two".into()));
        questions.answer(one, Ok(None));
        questions.answer(two, Ok(None));
        assert_eq!(first.blocking_recv().unwrap(), Ok(None));
        assert_eq!(second.blocking_recv().unwrap(), Err("two".into()));
        questions.end();
        third.blocking_recv().unwrap_err();
        let (answer, late) = oneshot::channel();
        wants.send(Wanted { digest: Digest::of(b"four"), answer }).unwrap();
        late.blocking_recv().unwrap_err();
        asks.join().unwrap();
        assert!(hear(&there).unwrap().is_none(), "nothing more was asked");
    }

    #[test]
    fn who_asks_one_that_is_gone_waits_for_nothing() {
        let (here, there) = UnixStream::pair().unwrap();
        drop(there);
        let (wants, wanted) = mpsc::channel();
        let (answer, found) = oneshot::channel();
        wants.send(Wanted { digest: Digest::of(b"one"), answer }).unwrap();
        Questions::default().ask(&Voice::of(here), &wanted);
        found.blocking_recv().unwrap_err();
    }
}
