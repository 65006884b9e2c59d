//! Lists over summaries that are behind, damaged, cut, lost, of another folder or of an older copy: they list
//! what the records say, and the files are made anew.

use std::fs;
use std::path::Path;

use super::{copy_running, keep_waiting, open, options};
use crate::clock::Clock;
use crate::domain::time::Span;
use crate::domain::token::Token;
use crate::store::conformance::lists::{change, check, fill};
use crate::store::sample::{NOW, creation, noted, revoked, token};
use crate::store::sled::SledStore;
use crate::store::sled::open as opening;
use crate::store::sled::stopped::Stopped;
use crate::store::sled::summaries::{Against, Changed, Scanned};
use crate::store::{NotedUse, Store, TokenFilter, TokenQuery};

fn files(folder: &Path) -> [std::path::PathBuf; 2] {
    ["summaries", "summaries.texts"].map(|name| folder.join("data").join(name))
}

async fn whole(store: &SledStore) {
    keep_waiting(async || store.shared.summaries.is_whole()).await;
}

/// Whether a search for text that nobody has reads a record.
fn reads_records(store: &SledStore) -> bool {
    let filter = TokenFilter { text: Some("nobody has this".to_owned()), ..TokenFilter::default() };
    let query = TokenQuery { filter, ..TokenQuery::oldest(10) };
    let (shared, mut reads) = (&store.shared, 0);
    let (uses, blocked) = (&shared.uses, &Stopped::default());
    let against = Against { query: &query, uses, pending: None, blocked };
    let scanned = shared.summaries.candidates(against, |_| {
        reads += 1;
        Ok(std::ops::ControlFlow::Continue(()))
    });
    scanned.unwrap() == Scanned::Unreliable || reads > 0
}

async fn filled() -> (tempfile::TempDir, SledStore, Vec<Token>) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let tokens = fill(&store).await;
    whole(&store).await;
    (folder, store, tokens)
}

#[tokio::test]
async fn a_list_with_filters_reads_no_record_that_cannot_be_meant() {
    let (_folder, store, mut tokens) = filled().await;
    assert!(!reads_records(&store));
    change(&store, &mut tokens).await;
    check(&store, &tokens, &[]).await;
    assert!(!reads_records(&store));
}

#[tokio::test]
async fn after_a_clean_close_they_are_relied_on_and_after_a_crash_too() {
    let (folder, store, mut tokens) = filled().await;
    store.close().await.unwrap();
    drop(store);
    let store = open(folder.path());
    assert!(store.shared.summaries.is_whole());
    change(&store, &mut tokens).await;
    let crashed = copy_running(folder.path());
    drop(store);
    let store = open(crashed.path());
    assert!(store.shared.summaries.is_whole());
    check(&store, &tokens, &[]).await;
}

#[tokio::test]
async fn writes_that_a_power_cut_undid_are_made_again() {
    let (folder, store, mut tokens) = filled().await;
    store.close().await.unwrap();
    drop(store);
    let synced = files(folder.path()).map(|path| fs::read(path).unwrap());
    let store = open(folder.path());
    change(&store, &mut tokens).await;
    for n in 70..80 {
        let token = token(n, "bob");
        store.commit(creation(token.clone())).await.unwrap();
        tokens.push(token);
    }
    // The index has all of it; the rows are as they were at the checkpoint, or one of the files is.
    for undone in [vec![0], vec![1], vec![0, 1]] {
        let crashed = copy_running(folder.path());
        for which in undone {
            fs::write(&files(crashed.path())[which], &synced[which]).unwrap();
        }
        let store = open(crashed.path());
        check(&store, &tokens, &[]).await;
        whole(&store).await;
        check(&store, &tokens, &[]).await;
    }
}

#[tokio::test]
async fn lost_cut_and_foreign_files_are_made_anew_beside_lists_that_are_right() {
    let (folder, store, tokens) = filled().await;
    store.close().await.unwrap();
    drop(store);
    let (other, store, _) = filled().await;
    store.close().await.unwrap();
    drop(store);
    let foreign = files(other.path()).map(|path| fs::read(path).unwrap());
    type Fault<'a> = Box<dyn Fn(&[std::path::PathBuf; 2]) + 'a>;
    let cut = |path: &Path, by: u64| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len().saturating_sub(by)).unwrap();
    };
    let faults: Vec<(&str, Fault<'_>)> = vec![
        ("no rows, as in an older folder", Box::new(|at| fs::remove_file(&at[0]).unwrap())),
        ("no texts", Box::new(|at| fs::remove_file(&at[1]).unwrap())),
        ("neither", Box::new(|at| at.iter().for_each(|path| fs::remove_file(path).unwrap()))),
        ("cut rows", Box::new(|at| cut(&at[0], 1))),
        ("no last page", Box::new(|at| cut(&at[0], 4_096))),
        ("cut texts", Box::new(|at| cut(&at[1], 1))),
        ("no head", Box::new(|at| cut(&at[0], u64::MAX))),
        ("foreign rows", Box::new(|at| fs::write(&at[0], &foreign[0]).unwrap())),
        ("foreign texts", Box::new(|at| fs::write(&at[1], &foreign[1]).unwrap())),
    ];
    for (what, fault) in faults {
        let copy = copy_running(folder.path());
        fault(&files(copy.path()));
        let store = open(copy.path());
        check(&store, &tokens, &[]).await;
        whole(&store).await;
        assert!(!reads_records(&store), "{what}");
        check(&store, &tokens, &[]).await;
    }
}

#[tokio::test]
async fn damage_anywhere_makes_no_list_wrong() {
    let (folder, store, tokens) = filled().await;
    store.close().await.unwrap();
    drop(store);
    for which in [0, 1] {
        let bytes = fs::read(&files(folder.path())[which]).unwrap();
        let first = if which == 0 { 4_096 } else { 0 };
        for step in 0..9 {
            let at = first + (bytes.len() - first - 1) * step / 8;
            let copy = copy_running(folder.path());
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (step % 8);
            fs::write(&files(copy.path())[which], damaged).unwrap();
            let store = open(copy.path());
            check(&store, &tokens, &[]).await;
            whole(&store).await;
            check(&store, &tokens, &[]).await;
        }
    }
}

#[tokio::test]
async fn an_older_copy_of_both_is_noticed() {
    let (folder, store, mut tokens) = filled().await;
    store.close().await.unwrap();
    drop(store);
    let older = files(folder.path()).map(|path| fs::read(path).unwrap());
    let store = open(folder.path());
    change(&store, &mut tokens).await;
    store.close().await.unwrap();
    drop(store);
    for (path, bytes) in files(folder.path()).iter().zip(older) {
        fs::write(path, bytes).unwrap();
    }
    let store = open(folder.path());
    check(&store, &tokens, &[]).await;
    whole(&store).await;
    check(&store, &tokens, &[]).await;
}

#[tokio::test]
async fn what_could_not_be_written_is_not_relied_on_now_or_after_a_start() {
    let (folder, store, mut tokens) = filled().await;
    store.shared.fail_index(true);
    let revoked = revoked(&tokens[2]);
    let change = crate::store::sample::revocation(&tokens[2]);
    tokens[2] = revoked;
    store.commit(change).await.unwrap();
    store.shared.fail_index(false);
    let crashed = copy_running(folder.path());
    keep_waiting(async || store.tokens(&TokenQuery::oldest(1)).await.is_ok()).await;
    check(&store, &tokens, &[]).await;
    whole(&store).await;
    check(&store, &tokens, &[]).await;
    let later = copy_running(folder.path());
    for copy in [crashed, later] {
        let store = open(copy.path());
        check(&store, &tokens, &[]).await;
    }
}

#[tokio::test]
async fn texts_that_are_changed_again_and_again_do_not_fill_the_disk() {
    let (folder, store, mut tokens) = filled().await;
    let before = fs::metadata(&files(folder.path())[1]).unwrap().len();
    for round in 0..200 {
        let last = tokens.last_mut().unwrap();
        let revision = last.revision.next();
        *last = Token {
            description: format!("{round} {}", "x".repeat(1_900)),
            revision,
            ..last.clone()
        };
        let record = crate::store::Record::Token(std::sync::Arc::new(last.clone()));
        let kind = crate::domain::event::EventKind::TokenUpdated;
        store.commit(crate::store::sample::commit(kind, [record])).await.unwrap();
    }
    whole(&store).await;
    check(&store, &tokens, &[]).await;
    assert!(fs::metadata(&files(folder.path())[1]).unwrap().len() < 2 * before + 40_000);
}

#[tokio::test]
async fn rows_of_one_batch_are_written_in_any_order_and_the_last_one_counts() {
    let (folder, store, tokens) = filled().await;
    store.close().await.unwrap();
    drop(store);
    let opened = opening::open(&options(folder.path()), None).unwrap();
    let changed = |n: usize| -> Changed { (n as u64, std::sync::Arc::new(tokens[n].clone())) };
    let other = |n: usize| -> Changed { (n as u64, std::sync::Arc::new(revoked(&tokens[n]))) };
    opened.summaries.write(&[other(5), changed(9), other(3), changed(3), changed(5), changed(4)]);
    assert!(opened.summaries.is_whole());
    drop(opened);
    let store = open(folder.path());
    check(&store, &tokens, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_list_misses_what_was_acknowledged_before_it_began_also_while_they_are_made_anew() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    const TOKENS: u64 = 400;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    store.commit(crate::store::sample::owner_creation("alice")).await.unwrap();
    let (made, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let writer = {
        let (store, made, ended) = (Arc::clone(&store), Arc::clone(&made), Arc::clone(&ended));
        tokio::spawn(async move {
            for n in 0..TOKENS {
                store.commit(creation(token(n, "alice"))).await.unwrap();
                made.store(n + 1, Ordering::Release);
                if n % 2 == 1 {
                    store
                        .commit(crate::store::sample::revocation(&token(n / 2, "alice")))
                        .await
                        .unwrap();
                    ended.store(n / 2 + 1, Ordering::Release);
                }
                if n % 50 == 49 {
                    store.shared.summaries.distrust("a test");
                }
            }
        })
    };
    let over = || writer.is_finished();
    while !over() {
        let (made, ended) = (made.load(Ordering::Acquire), ended.load(Ordering::Acquire));
        let revoked = Some([crate::store::Standing::Revoked].into());
        for (standings, least) in [(None, made), (revoked, ended)] {
            let text = Some("made for".to_owned());
            let filter = TokenFilter { standings, text, ..TokenFilter::default() };
            let query = TokenQuery { filter, ..TokenQuery::oldest(10_000) };
            let listed = store.tokens(&query).await.unwrap().entries;
            let ids: Vec<_> = listed.iter().map(|listed| listed.token.id).collect();
            assert!(
                ids.is_sorted() && listed.iter().all(|one| query.filter.matches_record(&one.token))
            );
            let wanted: Vec<_> = (0..least).map(|n| token(n, "alice").id).collect();
            assert!(ids.starts_with(&wanted), "{} of {least}", ids.len());
        }
    }
    writer.await.unwrap();
}

/// The slots of some uses are damaged, then the file is lost, in a folder in which some uses are known to the
/// history.
#[tokio::test]
async fn what_is_told_at_a_glance_follows_lost_and_damaged_uses() {
    let (folder, store, mut tokens) = filled().await;
    let first = |n: u64| NotedUse { first: true, ..noted(tokens[n as usize].id, 5 * n) };
    store.note_uses((3..60).step_by(6).map(first).collect(), NOW).await.unwrap();
    change(&store, &mut tokens).await;
    check(&store, &tokens, &[]).await;
    store.close().await.unwrap();
    drop(store);
    let uses = folder.path().join("data/uses");
    let mut bytes = fs::read(&uses).unwrap();
    for slot in (0..60).step_by(5) {
        bytes[slot * 64 + 9] ^= 1;
    }
    fs::write(&uses, bytes).unwrap();
    let at = |seconds| {
        let clock = Clock::held(NOW.plus(Span::from_seconds(seconds)));
        SledStore::open(super::Options { clock, ..options(folder.path()) }).unwrap()
    };
    let store = at(500);
    check(&store, &tokens, &[]).await;
    drop(store);
    fs::remove_file(&uses).unwrap();
    let store = at(600);
    check(&store, &tokens, &[]).await;
    whole(&store).await;
    check(&store, &tokens, &[]).await;
}

#[tokio::test]
async fn texts_that_are_written_behind_the_first_search_for_one_are_found() {
    let (folder, store, tokens) = filled().await;
    let found = async |store: &SledStore, text: &str| {
        let filter = TokenFilter { text: Some(text.to_owned()), ..TokenFilter::default() };
        let listed = store.tokens(&TokenQuery { filter, ..TokenQuery::oldest(10) }).await.unwrap();
        listed.entries.into_iter().map(|entry| entry.token.id).collect::<Vec<_>>()
    };
    assert!(found(&store, "zebra").await.is_empty());
    let changed = Token {
        description: "Über den ZEBRAstreifen".to_owned(),
        revision: tokens[3].revision.next(),
        ..tokens[3].clone()
    };
    let record = crate::store::Record::Token(std::sync::Arc::new(changed.clone()));
    let kind = crate::domain::event::EventKind::TokenUpdated;
    store.commit(crate::store::sample::commit(kind, [record])).await.unwrap();
    assert_eq!(found(&store, "zebra").await, [changed.id]);
    assert_eq!(found(&store, "n zebrast").await, [changed.id]);
    let made = Token { name: "okapi".to_owned(), ..token(90_000, "alice") };
    store.commit(creation(made.clone())).await.unwrap();
    assert_eq!(found(&store, "okapi").await, [made.id]);
    // What is not in the texts, and what is too short to be noted.
    assert_eq!(found(&store, &made.id.to_string()).await, [made.id]);
    assert_eq!(found(&store, "ka").await, [made.id]);
    store.shared.summaries.distrust("a test");
    whole(&store).await;
    assert_eq!(found(&store, "zebra").await, [changed.id]);
    drop(store);
    let store = open(folder.path());
    assert_eq!(found(&store, "okapi").await, [made.id]);
    assert!(found(&store, "zebra crossing").await.is_empty());
}
