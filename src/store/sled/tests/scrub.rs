//! The history read again while the store goes on: all of it, bit by bit, and again.

use std::fs;
use std::path::Path;

use super::{fill, options, segments};
use crate::clock::Clock;
use crate::domain::event::Actor;
use crate::domain::time::Span;
use crate::store::sample::{NOW, creation, token};
use crate::store::sled::{SledStore, repair};
use crate::store::{Position, Store, StoreError};

const TOKENS: u64 = 40;
const EVENTS: u64 = 1 + TOKENS + TOKENS.div_ceil(3);

fn open_on(folder: &Path, day: u64) -> SledStore {
    let clock = Clock::held(NOW.plus(Span::from_days(day)));
    SledStore::open(super::Options { clock, ..options(folder) }).unwrap()
}

async fn filled() -> (tempfile::TempDir, SledStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = open_on(folder.path(), 0);
    fill(&store, TOKENS).await;
    (folder, store)
}

/// Flips a bit of a line in the second segment; answers with what is told of it.
fn spoil(folder: &Path) -> String {
    let path = segments(folder).remove(1);
    let mut bytes = fs::read(&path).unwrap();
    let second = bytes.iter().position(|b| *b == b'\n').unwrap() + 1;
    bytes[second + 90] ^= 1;
    fs::write(&path, bytes).unwrap();
    format!("`{}` is damaged: at byte {second}: ", path.display())
}

/// Goes on for as long as it gets on; answers with the last event that is whole, or the damage.
async fn whole_pass(store: &SledStore) -> Result<Position, StoreError> {
    let mut before = store.verify_some(2_000).await?;
    loop {
        let reached = store.verify_some(2_000).await?;
        if reached == before {
            return Ok(reached);
        }
        assert!(reached.0 <= before.0 + 10, "more than was asked for: {before:?} to {reached:?}");
        before = reached;
    }
}

#[tokio::test]
async fn all_of_it_is_read_in_pieces_and_new_events_are_followed() {
    let (_folder, store) = filled().await;
    assert_eq!(whole_pass(&store).await.unwrap(), Position(EVENTS));
    store.commit(creation(token(1_000, "alice"))).await.unwrap();
    assert_eq!(store.verify_some(2_000).await.unwrap(), Position(EVENTS + 1));
}

#[tokio::test]
async fn damage_is_named_and_met_again_while_it_is_there() {
    let (folder, store) = filled().await;
    let whole = fs::read(&segments(folder.path())[1]).unwrap();
    let damage = spoil(folder.path());
    let mut met = whole_pass(&store).await.unwrap_err().to_string();
    for _ in 0..2 {
        assert!(met.contains(&damage), "{met}");
        met = store.verify_some(2_000).await.unwrap_err().to_string();
    }
    fs::write(&segments(folder.path())[1], whole).unwrap();
    assert_eq!(whole_pass(&store).await.unwrap(), Position(EVENTS));
}

#[tokio::test]
async fn what_was_whole_yesterday_is_read_again_today() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::held(NOW);
    let options = super::Options { clock: clock.clone(), ..options(folder.path()) };
    let store = SledStore::open(options).unwrap();
    fill(&store, TOKENS).await;
    whole_pass(&store).await.unwrap();
    let damage = spoil(folder.path());
    assert_eq!(store.verify_some(2_000).await.unwrap(), Position(EVENTS));
    clock.set(NOW.plus(Span::from_days(1)));
    let met = whole_pass(&store).await.unwrap_err().to_string();
    assert!(met.contains(&damage), "{met}");
}

#[tokio::test]
async fn a_restart_goes_on_where_the_last_one_was() {
    let (folder, store) = filled().await;
    whole_pass(&store).await.unwrap();
    drop(store);
    let store = open_on(folder.path(), 0);
    let reached = store.verify_some(1).await.unwrap();
    assert!(reached > Position(EVENTS - 10), "{reached:?}");
    drop(store);
    // Where the history is shorter than that, all of it is read.
    fs::remove_file(segments(folder.path()).pop().unwrap()).unwrap();
    let options = options(folder.path());
    tokio::task::spawn_blocking(move || repair(options, Some(Actor::System)))
        .await
        .unwrap()
        .unwrap();
    let store = open_on(folder.path(), 0);
    assert_eq!(store.verify_some(1).await.unwrap(), Position(1));
    drop(store);
    // So it is where that place is not the right one any more: no damage is told.
    let store = open_on(folder.path(), 0);
    whole_pass(&store).await.unwrap();
    drop(store);
    let path = folder.path().join("data/verified");
    let text = fs::read_to_string(&path).unwrap();
    let (json, _) = text.trim_end().rsplit_once(' ').unwrap();
    let other = json.replacen("\"hash\":\"", "\"hash\":\"00", 1);
    let (head, hash) = other.split_once("\"hash\":\"").unwrap();
    let other = format!("{head}\"hash\":\"{}{}", &hash[..64], &hash[66..]);
    fs::write(&path, format!("{other} {:08x}\n", crc32c::crc32c(other.as_bytes()))).unwrap();
    let store = open_on(folder.path(), 0);
    store.commit(creation(token(1_001, "alice"))).await.unwrap();
    assert!(store.verify_some(2_000).await.unwrap() < Position(10));
}
