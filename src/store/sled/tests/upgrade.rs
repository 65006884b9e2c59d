//! A data folder of an earlier layout: above all the one that kept last uses in the index.

use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tracing::field::Field;
use tracing::span::{self, Attributes, Id};
use tracing::subscriber::with_default;
use tracing::{Level, Metadata, Subscriber};

use super::{fill, open, options};
use crate::clock::Clock;
use crate::domain::time::{Span, Timestamp};
use crate::store::sample::{NOW, token, usage};
use crate::store::sled::checkpoint::{self, Checkpoint, Layout};
use crate::store::sled::{SledStore, value};
use crate::store::{Store, StoreError};

const TOKENS: u64 = 40;

/// A last use as the older layout wrote it.
fn old_use(n: u64) -> Vec<u8> {
    let mut bytes = NOW.plus(Span::from_seconds(n)).unix().to_be_bytes().to_vec();
    bytes.extend_from_slice(&[4, 192, 0, 2, 1]);
    bytes.extend_from_slice(b"erp");
    bytes
}

/// Turns a folder into one of the older layout: an index with format 1, uses under `U`, a state of three
/// words, and a checkpoint of format 1 with a floor.
async fn make_old(folder: &Path, floor: Timestamp) {
    fill(&open(folder), TOKENS).await;
    let data = folder.join("data");
    for gone in ["uses", "uses.head"] {
        fs::remove_file(data.join(gone)).unwrap();
    }
    let known = checkpoint::read(&data).unwrap();
    fs::remove_dir_all(data.join("index")).unwrap();
    let db = ::sled::open(data.join("index")).unwrap();
    let mut sum = 0_u64;
    let mut put = |key: &[u8], payload: &[u8]| {
        let sealed = value::seal_as(value::OLDER_FORMAT, key, payload);
        sum = sum.wrapping_add(value::weight(key, &sealed));
        db.insert(key, sealed).unwrap();
    };
    for n in 0..TOKENS {
        let id = token(n, "alice").id;
        put(&[b"T", &id.as_bytes()[..]].concat(), b"an old head and a record");
        if n % 2 == 1 {
            put(&[b"U", &id.as_bytes()[..]].concat(), &old_use(n));
        }
    }
    let state = [known.mark.head.seq, 7, sum].map(u64::to_be_bytes);
    let state = value::seal_as(value::OLDER_FORMAT, b"!state", state.as_flattened());
    db.insert(b"!state", state).unwrap();
    db.flush().unwrap();
    drop(db);
    let old = Checkpoint { batches: 7, older: Some(Layout::Oldest(floor)), closed: None, ..known };
    checkpoint::write(&data, &old).unwrap();
    let text = fs::read_to_string(data.join("checkpoint")).unwrap();
    assert!(text.starts_with("{\"format\":1,") && text.contains("\"floor\":"), "{text}");
}

fn open_at(folder: &Path, seconds: u64) -> Result<SledStore, StoreError> {
    let clock = Clock::held(NOW.plus(Span::from_seconds(seconds)));
    SledStore::open(super::Options { clock, ..options(folder) })
}

async fn check_carried(store: &dyn Store) {
    for n in 0..TOKENS {
        let wanted = (n % 2 == 1).then(|| usage(n));
        let found = store.last_uses(&[token(n, "alice").id.into()]).await.unwrap();
        assert_eq!(found, [wanted], "{n}");
    }
    super::check_filled(store, TOKENS).await;
}

#[tokio::test]
async fn last_uses_are_carried_over_and_stay() {
    let folder = tempfile::tempdir().unwrap();
    make_old(folder.path(), Timestamp::EPOCH).await;
    for start in 0..3 {
        let store = open_at(folder.path(), 1_000 + start).unwrap();
        check_carried(&store).await;
        assert!(!folder.path().join("data/index.old").exists());
    }
}

#[tokio::test]
async fn the_floor_is_carried_over_too() {
    let folder = tempfile::tempdir().unwrap();
    let floor = NOW.plus(Span::from_seconds(500));
    make_old(folder.path(), floor).await;
    let store = open_at(folder.path(), 1_000).unwrap();
    let found = store.last_uses(&[token(2, "alice").id.into()]).await.unwrap();
    assert_eq!(found[0].as_ref().map(|last| last.at), Some(floor));
}

/// What a crash leaves before the old index is gone: everything is carried over once more.
#[tokio::test]
async fn a_crash_on_the_way_loses_no_use() {
    let folder = tempfile::tempdir().unwrap();
    make_old(folder.path(), Timestamp::EPOCH).await;
    let data = folder.path().join("data");
    let aside = folder.path().join("aside");
    super::copy_all(&data.join("index"), &aside);
    drop(open_at(folder.path(), 1_000).unwrap());
    fs::rename(&aside, data.join("index.old")).unwrap();
    for name in ["uses", "uses.head"] {
        fs::remove_file(data.join(name)).unwrap();
    }
    let store = open_at(folder.path(), 2_000).unwrap();
    // Those that live.
    for n in (0..TOKENS).filter(|n| n % 3 != 0) {
        let found = store.last_uses(&[token(n, "alice").id.into()]).await.unwrap().remove(0);
        // Whether uses were missing in it is not known any more.
        assert_eq!(found.unwrap().at, NOW.plus(Span::from_seconds(2_000)), "{n}");
    }
    assert!(!data.join("index.old").exists());
}

#[tokio::test]
async fn an_old_index_that_lacks_something_lets_nothing_die_early() {
    for what in ["an entry", "the checkpoint", "its pages"] {
        let folder = tempfile::tempdir().unwrap();
        make_old(folder.path(), Timestamp::EPOCH).await;
        let data = folder.path().join("data");
        match what {
            "an entry" => {
                let db = ::sled::open(data.join("index")).unwrap();
                db.remove([b"U", &token(1, "alice").id.as_bytes()[..]].concat()).unwrap();
                db.flush().unwrap();
            }
            "the checkpoint" => fs::remove_file(data.join("checkpoint")).unwrap(),
            _ => fs::write(data.join("index/db"), "not a database").unwrap(),
        }
        let store = open_at(folder.path(), 1_000).unwrap();
        for n in (0..TOKENS).filter(|n| n % 3 != 0) {
            let found = store.last_uses(&[token(n, "alice").id.into()]).await.unwrap().remove(0);
            assert_eq!(found.unwrap().at, NOW.plus(Span::from_seconds(1_000)), "{what}, {n}");
        }
        super::check_filled(&store, TOKENS).await;
    }
}

#[tokio::test]
async fn a_lost_end_of_the_history_is_noticed_by_what_the_old_index_knew() {
    let folder = tempfile::tempdir().unwrap();
    make_old(folder.path(), Timestamp::EPOCH).await;
    fs::remove_file(super::segments(folder.path()).pop().unwrap()).unwrap();
    fs::remove_file(folder.path().join("data/checkpoint")).unwrap();
    assert!(matches!(open_at(folder.path(), 1_000), Err(StoreError::Damaged { .. })));
}

/// Keeps the levels and fields of what is logged.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(Level, String)>>>);

impl Subscriber for Told {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = String::new();
        event.record(&mut |_: &Field, value: &dyn Debug| text.push_str(&format!("{value:?}")));
        self.0.lock().unwrap().push((*event.metadata().level(), text));
    }
}

#[tokio::test]
async fn later_layouts_are_built_anew_and_nothing_is_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    fill(&open(folder.path()), TOKENS).await;
    let data = folder.path().join("data");
    let known = checkpoint::read(&data).unwrap();
    // As a crash leaves it, and as a close does.
    let closes = [None, known.closed];
    for (format, closed) in [2, 3].into_iter().flat_map(|format| closes.map(|at| (format, at))) {
        let copy = tempfile::tempdir().unwrap();
        let data_now = copy.path().join("data");
        super::copy_all(&data, &data_now);
        let db = ::sled::open(data_now.join("index")).unwrap();
        db.clear().unwrap();
        for (key, payload) in [(b"T", &b"a head and a record"[..]), (b"D", b"an id and a bond")] {
            db.insert(key, value::seal_as(format, key, payload)).unwrap();
        }
        db.flush().unwrap();
        drop(db);
        let older = Some(Layout::Later(format));
        checkpoint::write(&data_now, &Checkpoint { closed, older, ..known }).unwrap();
        let told = Told::default();
        let store = with_default(told.clone(), || open(copy.path()));
        let told = told.0.lock().unwrap().clone();
        assert!(told.iter().any(|(_, text)| text.contains("of an earlier layout")), "{told:?}");
        assert!(!told.iter().any(|(level, _)| *level == Level::ERROR), "{told:?}");
        super::check_filled(&store, TOKENS).await;
    }
}
