//! Records where the store has gone to another process: whoever gave it away asks there, and whoever has it answers, and
//! tells of every change.
//!
//! An answer says what was on record when it was read, which may be before a change of which word has come meanwhile. So it is
//! taken as what a store says: a load notes the epochs before it asks, a change moves them on when it is heard of, and what was
//! read before it is asked for again. What is read after the asking has all that was answered to others before the asking; and as
//! news come in the order in which they are told, word of it is here before the answer is.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use tokio::sync::oneshot;

use crate::domain::secret::Digest;
use crate::store::{Held, Usage};

use super::load::LoadError;
use super::{Cache, Forgotten};

/// What a store says of a digest, or why it says nothing.
pub type Found = Result<Option<Held>, Arc<str>>;

/// A record that is wanted of whoever has the store.
#[derive(Debug)]
pub struct Wanted {
    /// The lookup key.
    pub digest: Digest,
    /// Where the answer is waited for.
    pub answer: oneshot::Sender<Found>,
}

/// What another process is told that still holds records in memory.
#[derive(Debug)]
pub enum News {
    /// Something was changed.
    Changed(Forgotten),
    /// What it asked for by this number.
    Found(u64, Found),
    /// Requests are decided here.
    Serves,
}

impl Cache {
    /// From now on records are read by whoever hears what is `wanted`, for the store is about to go to another process. For
    /// good: nobody is asked anew who is gone.
    pub fn ask_elsewhere(&self, wanted: Sender<Wanted>) {
        let _ = self.elsewhere.set(wanted);
    }

    /// What is on record of a digest, wherever the store is.
    pub(super) async fn read(&self, digest: &Digest) -> Result<Option<Held>, LoadError> {
        if self.elsewhere.get().is_none() {
            let read = self.store.held(digest).await;
            // It may have been closed meanwhile.
            if read.is_ok() || self.elsewhere.get().is_none() {
                return read.map_err(|error| LoadError::Store(error.to_string().into()));
            }
        }
        let (answer, found) = oneshot::channel();
        let wanted = Wanted { digest: *digest, answer };
        let _ = self.elsewhere.get().map(|elsewhere| elsewhere.send(wanted));
        let gone = || Err("whoever has the store is gone".into());
        found.await.unwrap_or_else(|_| gone()).map_err(LoadError::Store)
    }

    /// Reads what another process wants to know, and tells it by the number of its question. It stands in the line with
    /// the loads of this one.
    pub fn answer(self: &Arc<Self>, number: u64, digest: Digest) {
        let cache = Arc::clone(self);
        self.control.spawn(async move {
            let _turn = cache.turns.acquire().await;
            let read = cache.store.held(&digest).await;
            let found = read.map_err(|error| error.to_string().into());
            let found = found.map(|held| held.map(|held| cache.with_newest_use(held)));
            cache.tell(News::Found(number, found));
        });
    }

    /// With a use that is not yet written down: nobody may take the token for idle who does not hear of it.
    fn with_newest_use(&self, held: Held) -> Held {
        let pending = self.touches.newest(held.use_key()).map(Usage::from);
        let later = |usage: &Usage| held.last_use.as_ref().is_none_or(|last| last.at < usage.at);
        match pending.filter(later) {
            Some(pending) => Held { last_use: Some(pending), ..held },
            None => held,
        }
    }
}
