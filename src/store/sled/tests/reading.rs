//! Reading while records change.

use std::sync::Arc;

use super::open;
use crate::domain::event::EventKind;
use crate::domain::token::Revision;
use crate::store::sample::{commit, creation, owner_creation, token};
use crate::store::{Record, Store};

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
