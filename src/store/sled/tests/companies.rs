//! Companies through everything that an index can go through: a licence that was taken stays taken.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::{check_filled, copy_running, edit, fill, keep_waiting, open, options};
use crate::domain::company::Company;
use crate::domain::event::EventKind;
use crate::domain::token::{Revision, Token};
use crate::store::backup::Incoming;
use crate::store::sample::{commit, company, creation, token};
use crate::store::sled::{keys, restore};
use crate::store::{Record, Store, StoreError};

const TOKENS: u64 = 20;

fn of_acme() -> Token {
    Token { company: Some("acme".parse().unwrap()), ..token(100, "alice") }
}

/// What the company is licensed for at last: nothing.
fn acme() -> Company {
    Company { revision: Revision(2), ..company("acme", &[]) }
}

/// Tokens and owners as usual, a company whose licences were taken, and a token of it.
async fn fill_all(store: &dyn Store) {
    fill(store, TOKENS).await;
    let put = async |kind, company| {
        store.commit(commit(kind, [Record::Company(Arc::new(company))])).await.unwrap();
    };
    put(EventKind::CompanyCreated, company("acme", &["stock"])).await;
    put(EventKind::CompanyCreated, company("other", &["stock"])).await;
    store.commit(creation(of_acme())).await.unwrap();
    put(EventKind::CompanyUpdated, acme()).await;
}

async fn check_all(store: &dyn Store) {
    let held = store.held(&of_acme().digest).await.unwrap().unwrap();
    assert_eq!(held.company.as_deref(), Some(&acme()));
    let listed = store.companies(None, 9).await.unwrap().entries;
    let listed: Vec<_> = listed.iter().map(|company| Company::clone(company)).collect();
    assert_eq!(listed, [acme(), company("other", &["stock"])]);
}

#[tokio::test]
async fn f5_they_outlive_a_restart_a_crash_and_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill_all(&store).await;
    check_all(&open(copy_running(folder.path()).path())).await;
    store.close().await.unwrap();
    drop(store);
    check_all(&open(folder.path())).await;
    for gone in ["index", "checkpoint"] {
        let path = folder.path().join("data").join(gone);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
        check_all(&open(folder.path())).await;
    }
}

#[tokio::test]
async fn f5_they_are_in_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill_all(&store).await;
    let file = folder.path().join("backup");
    let incoming = Incoming::begin(&file).unwrap();
    store.backup(Box::new(incoming.writer().unwrap())).await.unwrap();
    incoming.finish().unwrap();
    let other = tempfile::tempdir().unwrap();
    let to = options(other.path());
    tokio::task::spawn_blocking(move || restore(&file, to)).await.unwrap().unwrap();
    check_all(&open(other.path())).await;
}

/// Opens the index of a folder that nobody uses.
fn change(folder: &Path, change: impl FnOnce(&::sled::Db)) {
    let db = ::sled::open(folder.join("data/index")).unwrap();
    change(&db);
    db.flush().unwrap();
}

#[tokio::test]
async fn f5_a_company_that_a_crash_lost_or_put_back_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill_all(&store).await;
    // So that the changes are in the index and no longer brought up.
    let crashed = copy_running(folder.path());
    drop(store);
    let store = open(crashed.path());
    store.commit(creation(token(200, "alice"))).await.unwrap();
    let crashed = copy_running(crashed.path());
    drop(store);
    let older = serde_json::to_vec(&company("acme", &["stock"])).unwrap();
    for (what, payload) in [("lost", None), ("older", Some(&older[..]))] {
        let copy = copy_running(crashed.path());
        let key = keys::company(&"acme".parse().unwrap());
        change(copy.path(), |db| drop(edit(db, &key, payload)));
        let store = open(copy.path());
        keep_waiting(async || match store.held(&of_acme().digest).await {
            Ok(held) => {
                assert_eq!(held.unwrap().company.as_deref(), Some(&acme()), "{what}");
                true
            }
            Err(StoreError::Damaged { .. } | StoreError::Failed { .. }) => false,
            Err(error) => panic!("{what}: {error}"),
        })
        .await;
        check_all(&store).await;
    }
}

/// A folder that has no companies, as all had before there were any.
#[tokio::test]
async fn a_folder_without_companies_is_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    fill(&open(folder.path()), TOKENS).await;
    let store = open(folder.path());
    check_filled(&store, TOKENS).await;
    assert!(store.companies(None, 9).await.unwrap().entries.is_empty());
    store.commit(creation(of_acme())).await.unwrap();
    assert_eq!(store.held(&of_acme().digest).await.unwrap().unwrap().company, None);
}
