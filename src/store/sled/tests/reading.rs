//! Reading while records change.

use std::sync::Arc;

use super::{edit, open};
use crate::domain::event::EventKind;
use crate::domain::secret::Digest;
use crate::domain::token::{Revision, Token};
use crate::store::sample::{commit, creation, owner_creation, token};
use crate::store::sled::keys;
use crate::store::{Record, Store, StoreError};

/// The entry of a digest and the record are read one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_token_that_changes_while_it_is_read_is_found_as_it_was_or_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    store.commit(owner_creation("alice")).await.unwrap();
    let mut token = token(1, "alice");
    store.commit(creation(token.clone())).await.unwrap();
    let digest = token.digest;
    let reading = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            let mut last = Revision::NONE;
            while last < Revision(2_001) {
                let revision = store.held(&digest).await.unwrap().unwrap().token.revision;
                assert!(revision >= last);
                last = revision;
            }
        }
    });
    while token.revision < Revision(2_001) {
        token.revision = Revision(token.revision.0 + 1);
        let record = Record::Token(Arc::new(token.clone()));
        store.commit(commit(EventKind::TokenUpdated, [record])).await.unwrap();
    }
    reading.await.unwrap();
}

/// Keys have half of a digest: the other half is compared with the record.
#[tokio::test]
async fn a_secret_whose_digest_is_alike_by_half_is_unknown_and_cannot_become_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit(owner_creation("alice")).await.unwrap();
    let first = token(1, "alice");
    store.commit(creation(first.clone())).await.unwrap();
    let mut alike = *first.digest.as_bytes();
    alike[16] ^= 1;
    let alike = Digest::from_bytes(alike);
    assert_eq!(store.held(&alike).await.unwrap(), None);

    let second = Token { digest: alike, ..token(2, "alice") };
    let refused = store.commit(creation(second)).await.unwrap_err();
    assert!(matches!(refused, StoreError::DuplicateSecret), "{refused}");
    assert_eq!(store.held(&first.digest).await.unwrap().unwrap().token.id, first.id);
}

#[tokio::test]
async fn an_entry_that_leads_to_the_token_of_another_digest_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = [token(1, "alice"), token(2, "alice")];
    let store = open(folder.path());
    store.commit(owner_creation("alice")).await.unwrap();
    for token in &tokens {
        store.commit(creation(token.clone())).await.unwrap();
    }
    let keys = tokens.each_ref().map(|token| keys::digest(&token.digest));
    let index = store.shared.index().unwrap();
    let other = index.read(&keys[1]).unwrap().unwrap();
    edit(index.db(), &keys[0], Some(&other));
    let met = store.held(&tokens[0].digest).await.unwrap_err();
    assert!(matches!(met, StoreError::Damaged { .. }), "{met}");
}
