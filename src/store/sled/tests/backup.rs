//! Backups: taken from a running store, cut and changed everywhere, and made into a store again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use super::{check_filled, fill, open, options};
use crate::clock::Clock;
use crate::domain::time::Span;
use crate::domain::token::{ParamValue, Token};
use crate::history;
use crate::store::backup::{Incoming, Summary, read_from, verify};
use crate::store::sample::{NOW, creation, last_use, noted, token, usage};
use crate::store::sled::{SledStore, restore};
use crate::store::{LastUse, NotedUse, Position, Store, StoreError, Usage};

const TOKENS: u64 = 12;

/// Takes a backup into a file, as the command line does.
async fn take(store: &dyn Store, to: &Path) -> Result<Position, StoreError> {
    let incoming = Incoming::begin(to)?;
    let position = store.backup(Box::new(incoming.writer()?)).await;
    // What whoever has nothing but the file is told.
    let summary = incoming.finish();
    assert_eq!(summary.is_ok(), position.is_ok());
    summary.map(|summary| Position(summary.events))
}

async fn back_up(folder: &Path) -> std::path::PathBuf {
    let store = open(folder);
    fill(&store, TOKENS).await;
    store.note_uses(vec![noted(token(1, "alice").id, 10)], NOW).await.unwrap();
    let to = folder.join("backup");
    assert_eq!(take(&store, &to).await.unwrap(), Position(17));
    to
}

fn restore_into(from: &Path, folder: &Path) -> Result<Summary, StoreError> {
    restore(from, options(folder))
}

#[tokio::test]
async fn a_backup_becomes_the_same_store_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = back_up(folder.path()).await;
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!folder.path().join("backup.partial").exists());
    let summary = verify(&file).unwrap();
    assert_eq!((summary.events, summary.uses), (17, 1));
    let other = tempfile::tempdir().unwrap();
    let (from, to) = (file.clone(), other.path().to_owned());
    tokio::task::spawn_blocking(move || restore_into(&from, &to)).await.unwrap().unwrap();
    let heads = [folder.path(), other.path()]
        .map(|folder| history::verify(&folder.join("data/history")).unwrap().head);
    assert_eq!(heads[0], heads[1]);
    let store = open(other.path());
    check_filled(&store, TOKENS).await;
    let last = store.last_uses(&[token(1, "alice").id.into()]).await.unwrap();
    assert_eq!(last, [Some(usage(10))]);
    store.commit(creation(token(50, "alice"))).await.unwrap();
}

#[tokio::test]
async fn a_cut_or_a_changed_bit_anywhere_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let file = back_up(folder.path()).await;
    let whole = fs::read(&file).unwrap();
    let read = |bytes: &[u8]| read_from(&file, bytes, |_| Ok(()));
    read(&whole).unwrap();
    for end in 0..whole.len() {
        assert!(matches!(read(&whole[..end]), Err(StoreError::Damaged { .. })), "cut at {end}");
        let mut changed = whole.clone();
        changed[end] ^= 1 << (end % 8);
        assert!(matches!(read(&changed), Err(StoreError::Damaged { .. })), "byte {end}");
    }
    for more in [&b"\n"[..], b"x", &whole] {
        assert!(read(&[&whole, more].concat()).is_err(), "something after the end");
    }
}

#[tokio::test]
async fn a_bad_backup_leaves_nothing_and_a_full_folder_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let file = back_up(folder.path()).await;
    let refused = restore_into(&file, folder.path()).unwrap_err();
    assert!(refused.to_string().contains("not empty"), "{refused}");
    check_filled(&open(folder.path()), TOKENS).await;

    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let other = tempfile::tempdir().unwrap();
    assert!(restore_into(&file, other.path()).is_err());
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_backup_says_which_keys_it_needs_and_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 1).await;
    let value = ParamValue::Sealed("v1.0123456789abcdef.AAAA".to_owned());
    let params = [("bot".to_owned(), value)].into();
    let context_params = [("telegram".parse().unwrap(), params)].into();
    let sealed = Token { context_params, ..token(7, "alice") };
    store.commit(creation(sealed)).await.unwrap();
    let to = folder.path().join("backup");
    take(&store, &to).await.unwrap();
    assert_eq!(verify(&to).unwrap().keys, ["0123456789abcdef".to_owned()].into());
    assert!(take(&store, &to).await.is_err());
}

#[tokio::test]
async fn a_backup_of_a_busy_store_is_a_moment_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    fill(&*store, 5).await;
    let busy = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for n in 100..300 {
                store.commit(creation(token(n, "alice"))).await.unwrap();
            }
        }
    });
    for n in 0..5 {
        let to = folder.path().join(format!("backup-{n}"));
        let position = take(&*store, &to).await.unwrap();
        assert_eq!(verify(&to).unwrap().events, position.0);
    }
    busy.await.unwrap();
}

#[tokio::test]
async fn damage_is_told_of_the_history_and_not_of_the_backup() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, TOKENS).await;
    let path = super::segments(folder.path()).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    let second = bytes.iter().position(|b| *b == b'\n').unwrap() + 1;
    bytes[second + 90] ^= 1;
    fs::write(&path, bytes).unwrap();
    let to = folder.path().join("backup");
    let refused = take(&store, &to).await.unwrap_err().to_string();
    let place = format!("`{}` is damaged: at byte {second}: ", path.display());
    assert!(refused.contains(&place) && refused.contains("restore"), "{refused}");
    assert!(!refused.contains("partial"), "{refused}");
    assert!(!to.exists() && !folder.path().join("backup.partial").exists());
}

#[tokio::test]
async fn what_a_backup_knows_of_uses_is_shown_as_it_was_and_nothing_is_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, TOKENS).await;
    // 0 and 3 are revoked.
    let used = [0, 1].map(|n| noted(token(n, "alice").id, 10)).to_vec();
    store.note_uses(used, NOW).await.unwrap();
    let eternal = Token { idle_ttl: Span::ZERO, ..token(100, "alice") };
    store.commit(creation(eternal.clone())).await.unwrap();
    let file = folder.path().join("backup");
    take(&store, &file).await.unwrap();
    let other = tempfile::tempdir().unwrap();
    let later = NOW.plus(Span::from_days(3));
    let options = super::Options { clock: Clock::held(later), ..options(other.path()) };
    let restoring = options.clone();
    tokio::task::spawn_blocking(move || restore(&file, restoring)).await.unwrap().unwrap();
    let store = SledStore::open(options).unwrap();
    let presumed = |last| Some(Usage { at: later, last });
    for (n, wanted) in [
        (0, Some(usage(10))),
        (1, presumed(Some(last_use(10)))),
        (2, presumed(None)),
        (3, None),
        (100, presumed(None)),
    ] {
        let found = store.last_uses(&[token(n, "alice").id.into()]).await.unwrap();
        assert_eq!(found, [wanted], "token {n}");
    }
    // Idle windows begin anew, and the first use of what has none is still a first one.
    let held = async |token: &Token| store.held(&token.digest).await.unwrap().unwrap().last_use;
    assert_eq!(held(&token(1, "alice")).await, presumed(Some(last_use(10))));
    assert_eq!(held(&eternal).await, None);
    // A use of today is known again.
    let today = NotedUse {
        of: token(2, "alice").id.into(),
        last: LastUse { at: later, ..last_use(0) },
        first: true,
    };
    store.note_uses(vec![today.clone()], later).await.unwrap();
    let found = store.last_uses(&[today.of]).await.unwrap();
    assert_eq!(found, [Some(today.last.into())]);
}
