//! Thousands of revocations, each in a race with reads on several threads (sec-C3): no read that
//! begins after one was answered permits anything, and nothing that does stays in memory.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::{START, World, commit, entry, secret, token, usual, world_with};
use crate::cache::{Cache, Entry};
use crate::domain::decision::{Case, Facts, decide};
use crate::domain::event::{Actor, EventKind};
use crate::domain::refusal::Refusal;
use crate::domain::rule::Requirement;
use crate::domain::secret::Digest;
use crate::domain::token::{Act, End, Ended, Revision, Token};
use crate::store::{Change, Record};

/// Many, so that they share the syncs of the disk.
const WRITERS: usize = 64;
const EACH: usize = 64;
const READERS: usize = 8;
/// Behind the tokens of the other tests.
const FIRST: usize = super::TOKENS;

/// What stands in the race: where each writer is, and what was answered.
struct Race {
    cache: Arc<Cache>,
    places: Vec<AtomicUsize>,
    /// Reads of a token before its revocation was answered, by place.
    seen: Vec<AtomicU64>,
    answered: Vec<AtomicBool>,
    stop: AtomicBool,
    /// Reads that began after an answer.
    later: AtomicU64,
}

fn revoked(place: usize) -> Token {
    let act = Act { at: START, by: Actor::System, reason: String::new() };
    let ended = Some(Ended { how: End::Revoked, act });
    Token { ended, ..token(FIRST + place, 2) }
}

/// As the gateway decides, by the same function.
fn verdict(entry: &Entry) -> Result<(), Refusal> {
    decide(&Case {
        standing: entry.standing(),
        terms: &entry.common.terms,
        owner: &entry.common.owner,
        company: entry.common.company(),
        rule: Some(&Requirement::default()),
        facts: Facts {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            certificate: None,
            subject: None,
            last_use: entry.last_seen.at(),
            item: None,
            company: None,
            lacks: None,
        },
        now: START,
    })
}

impl Race {
    /// One request: what is known by then, and then the look. A core's own table stands before the
    /// cache, as `known` does.
    async fn ask(&self, place: usize, known: &mut Option<Arc<Entry>>) {
        let after = self.answered[place].load(Ordering::SeqCst);
        let held = known.take().filter(|entry| entry.is_valid());
        let found = match held {
            Some(entry) => entry,
            None => entry(&self.cache, FIRST + place).await.expect("it is there"),
        };
        match verdict(&found) {
            Ok(()) => assert!(!after, "token {place} was permitted after its end was answered"),
            Err(refusal) => assert_eq!(refusal, Refusal::Revoked),
        }
        let count = if after { &self.later } else { &self.seen[place] };
        count.fetch_add(1, Ordering::SeqCst);
        *known = Some(found);
    }

    async fn read(self: Arc<Self>, salt: usize) {
        let mut table: Vec<Option<Arc<Entry>>> = vec![None; WRITERS * EACH];
        let mut turn = salt;
        while !self.stop.load(Ordering::SeqCst) {
            let writer = turn % WRITERS;
            // The one that is about to end, and at times the one before it.
            let behind = usize::from(turn.is_multiple_of(5));
            let at = self.places[writer].load(Ordering::SeqCst).saturating_sub(behind);
            let place = writer * EACH + at;
            if turn.is_multiple_of(3) {
                // So that a load is under way when the end comes.
                self.cache.forget_token(&Digest::of(secret(FIRST + place).as_bytes()));
            }
            self.ask(place, &mut table[place]).await;
            turn += 1;
            tokio::task::yield_now().await;
        }
    }

    async fn revoke_all(self: Arc<Self>, writer: usize) {
        for at in 0..EACH {
            let place = writer * EACH + at;
            self.places[writer].store(at, Ordering::SeqCst);
            self.ask(place, &mut None).await;
            let record = Record::Token(Arc::new(revoked(place)));
            let end = commit(EventKind::TokenRevoked, record, Revision(2));
            self.cache.commit(end).await.unwrap();
            self.answered[place].store(true, Ordering::SeqCst);
            self.ask(place, &mut None).await;
        }
    }
}

async fn race() -> (World, Arc<Race>) {
    // Room for all of them, so that what should have been forgotten would be found.
    let world = world_with(usual(100_000), 1).await;
    for writer in 0..WRITERS {
        let places = writer * EACH..(writer + 1) * EACH;
        let made = places.map(|place| Change {
            record: Record::Token(Arc::new(token(FIRST + place, 1))),
            expected: Revision::NONE,
            unused_since: None,
        });
        let first = Record::Token(Arc::new(token(FIRST, 1)));
        let mut all = commit(EventKind::TokenCreated, first, Revision(1));
        all.changes = made.collect();
        world.cache.commit(all).await.unwrap();
    }
    let race = Race {
        cache: Arc::clone(&world.cache),
        places: (0..WRITERS).map(|_| AtomicUsize::new(0)).collect(),
        seen: (0..WRITERS * EACH).map(|_| AtomicU64::new(0)).collect(),
        answered: (0..WRITERS * EACH).map(|_| AtomicBool::new(false)).collect(),
        stop: AtomicBool::new(false),
        later: AtomicU64::new(0),
    };
    (world, Arc::new(race))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_c3_four_thousand_revocations_race_with_reads_and_none_is_late() {
    let (world, race) = race().await;
    let readers: Vec<_> = (0..READERS).map(|salt| tokio::spawn(race.clone().read(salt))).collect();
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| tokio::spawn(race.clone().revoke_all(writer))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    race.stop.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
    for place in 0..WRITERS * EACH {
        race.ask(place, &mut None).await;
    }
    let before: u64 = race.seen.iter().map(|seen| seen.load(Ordering::SeqCst)).sum();
    let (later, all) = (race.later.load(Ordering::SeqCst), (WRITERS * EACH) as u64);
    let overtaken = world.cache.counts.overtaken.value();
    assert!(before >= all && later >= 2 * all, "{before} reads before, {later} after");
    assert!(overtaken > 100, "only {overtaken} loads were overtaken, so that little was shown");
}
