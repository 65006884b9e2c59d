//! Records that are read in another process: what is told there is in force here, in whatever order it comes.

use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::cache::{Found, LoadError, News, Wanted};
use crate::store::Held;

/// A gateway that gave its store away, and the one that has it.
struct Two {
    here: Arc<Cache>,
    there: World,
    wanted: Receiver<Wanted>,
    news: Receiver<News>,
}

impl Two {
    async fn new() -> Self {
        let there = world(1_000).await;
        // Nothing is read of its own store.
        let store = Arc::clone(&there.late) as Arc<dyn store::Store>;
        let here = Cache::new(store, usual(1_000), Handle::current());
        let ((wants, wanted), (tells, news)) = (channel(), channel());
        here.ask_elsewhere(wants);
        there.cache.tell_changes(Some(tells));
        Self { here, there, wanted, news }
    }

    fn load(&self, place: usize) -> tokio::task::JoinHandle<Result<i64, LoadError>> {
        let here = Arc::clone(&self.here);
        tokio::spawn(async move {
            let entry = here.load(&digest(place)).await?.expect("it is there");
            Ok(entry.common.terms.flags.bits())
        })
    }

    async fn wanted(&self) -> Wanted {
        loop {
            match self.wanted.try_recv() {
                Ok(wanted) => return wanted,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    /// What is on record there now.
    async fn found(&self, number: u64, place: usize) -> Option<Held> {
        self.there.cache.answer(number, digest(place));
        loop {
            match self.news.try_recv() {
                Ok(News::Found(of, found)) => {
                    assert_eq!(of, number);
                    return found.unwrap();
                }
                Ok(news) => panic!("{news:?}"),
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    /// Changes a token there. What is to be told of it here.
    async fn change(&self, place: usize, number: i64) -> crate::cache::Forgotten {
        self.there.cache.commit(token_commit(token(place, number))).await.unwrap();
        match self.news.try_recv() {
            Ok(News::Changed(changed)) => changed,
            other => panic!("it is told before it is answered: {other:?}"),
        }
    }
}

fn digest(place: usize) -> Digest {
    Digest::of(secret(place).as_bytes())
}

#[tokio::test]
async fn sec_c5_what_was_read_elsewhere_before_a_change_is_not_in_memory_after_it() {
    let two = Two::new().await;
    let loads = two.load(3);
    let first = two.wanted().await;
    assert_eq!(first.digest, digest(3));
    let old = two.found(1, 3).await;
    two.here.forget(&two.change(3, 2).await);
    // The answer is overtaken on its way.
    first.answer.send(Ok(old)).unwrap();
    let second = two.wanted().await;
    second.answer.send(Ok(two.found(2, 3).await)).unwrap();
    assert_eq!(loads.await.unwrap(), Ok(2), "the change is in force");
    assert_eq!(two.here.counts.overtaken.value(), 1);
    // In the order of the two messages, too: what came in before the word of the change goes with it.
    two.here.forget(&two.change(3, 3).await);
    let (loads, third) = (two.load(3), two.wanted().await);
    third.answer.send(Ok(two.found(3, 3).await)).unwrap();
    assert_eq!(loads.await.unwrap(), Ok(3));
    two.here.forget(&two.change(3, 4).await);
    assert!(matches!(two.here.look(&digest(3)), Lookup::Absent));
    assert!(two.wanted.try_recv().is_err(), "and nobody is asked unless somebody wants it");
}

#[tokio::test]
async fn an_owner_who_was_changed_elsewhere_is_read_anew_with_the_token() {
    let two = Two::new().await;
    let loads = two.load(3);
    let old = two.found(1, 3).await;
    two.wanted().await.answer.send(Ok(old)).unwrap();
    loads.await.unwrap().unwrap();
    let changed = commit(EventKind::OwnerUpdated, Record::Owner(Arc::new(owner(2))), Revision(2));
    two.there.cache.commit(changed).await.unwrap();
    let Ok(News::Changed(changed)) = two.news.try_recv() else { panic!("it is not told") };
    two.here.forget(&changed);
    let loads = {
        let here = Arc::clone(&two.here);
        tokio::spawn(async move { here.reload(&digest(3)).await })
    };
    let wanted = two.wanted().await;
    wanted.answer.send(Ok(two.found(2, 3).await)).unwrap();
    let entry = loads.await.unwrap().unwrap().unwrap();
    assert_eq!((entry.is_valid(), entry.owner.terms.ceiling.bits()), (true, 2));
}

#[tokio::test]
async fn what_cannot_be_read_elsewhere_is_no_verdict_and_what_is_nobodys_is_unknown() {
    let two = Two::new().await;
    let answers: [(usize, Found); 2] = [(3, Err("a test".into())), (100, Ok(None))];
    for (place, answer) in answers {
        let loads = {
            let here = Arc::clone(&two.here);
            tokio::spawn(async move { here.load(&digest(place)).await })
        };
        two.wanted().await.answer.send(answer.clone()).unwrap();
        let loaded = loads.await.unwrap().map(|entry| entry.is_some());
        let wanted = answer.map(|_| false).map_err(LoadError::Store);
        assert_eq!(loaded, wanted);
    }
    assert!(matches!(two.here.look(&digest(3)), Lookup::Absent));
    assert!(matches!(two.here.look(&digest(100)), Lookup::Unknown));
    // Whoever has the store is gone.
    let loads = two.load(3);
    drop(two.wanted().await);
    assert!(matches!(loads.await.unwrap(), Err(LoadError::Store(_))));
    drop(two.wanted);
    let here = Arc::clone(&two.here);
    assert!(matches!(here.load(&digest(3)).await, Err(LoadError::Store(_))));
}

/// A token is not idle whose use waits to be written down there.
#[tokio::test]
async fn an_answer_tells_of_uses_that_are_not_written_down() {
    let two = Two::new().await;
    let there = &two.there.cache;
    assert_eq!(two.found(1, 3).await.unwrap().last_use, None);
    let entry = entry(there, 3).await.unwrap();
    let (api, address) = (there.api_number(&"shop".into()), "192.0.2.1".parse().unwrap());
    let used = |after: u64| START.plus(Span::from_seconds(after));
    there.touch(&entry, used(7), address, api);
    let at = async |number| two.found(number, 3).await.unwrap().last_use.map(|last| last.at);
    assert_eq!(at(2).await, Some(used(7)));
    there.flush_touches(START).await.unwrap();
    assert_eq!(at(3).await, Some(used(7)));
    there.touch(&entry, used(9), address, api);
    assert_eq!(at(4).await, Some(used(9)));
}

#[tokio::test]
async fn uses_are_passed_on_to_where_the_store_is_and_stay_here_until_they_are_taken() {
    let two = Two::new().await;
    let (here, there) = (Arc::clone(&two.here), Arc::clone(&two.there.cache));
    let loads = two.load(3);
    two.wanted().await.answer.send(Ok(two.found(1, 3).await)).unwrap();
    loads.await.unwrap().unwrap();
    let Lookup::Held(entry) = here.look(&digest(3)) else { panic!("it was loaded") };
    let (api, address) = (here.api_number(&"shop".into()), "192.0.2.1".parse().unwrap());
    here.touch(&entry, START, address, api);
    let pass = async |taken: bool| {
        let here = Arc::clone(&here);
        let passed = tokio::task::spawn_blocking(move || {
            let mut passed = Vec::new();
            here.pass_uses_on(|uses| {
                passed.extend(uses);
                taken
            });
            passed
        });
        passed.await.unwrap()
    };
    assert_eq!(pass(false).await.len(), 1);
    assert_eq!(here.pending_touches(), 1);
    let passed = pass(true).await;
    assert_eq!((passed.len(), here.pending_touches()), (1, 0));
    assert!(passed[0].first);
    there.note_passed_on(passed);
    let last = there.last_use(&token(3, 1)).await.unwrap().unwrap().last.unwrap();
    assert_eq!((last.at, last.address, &*last.api), (START, address, "shop"));
    assert_eq!(there.take_rotating().len(), 1);
    assert_eq!(there.flush_touches(START).await.unwrap(), 1);
}
