//! What every store must do with companies.

use std::sync::Arc;

use super::{create, with_owner};
use crate::domain::company::Company;
use crate::domain::event::EventKind;
use crate::domain::id::Slug;
use crate::domain::token::{Revision, Token};
use crate::store::sample::{commit, company, owner, token};
use crate::store::{Record, Store, StoreError, Subject};

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

async fn put(store: &dyn Store, kind: EventKind, company: Company) -> Result<(), StoreError> {
    store.commit(commit(kind, [Record::Company(Arc::new(company))])).await.map(drop)
}

pub(super) async fn a_token_is_held_with_its_company_where_that_is_on_record(store: &dyn Store) {
    with_owner(store).await;
    let of_none = token(1, "alice");
    let of_acme = Token { company: Some(slug("acme")), ..token(2, "alice") };
    create(store, &of_none).await;
    create(store, &of_acme).await;
    let held = async |of: &Token| store.held(&of.digest).await.unwrap().unwrap().company;
    assert_eq!(held(&of_acme).await, None);
    assert_eq!(store.company(&slug("acme")).await.unwrap(), None);
    let mut acme = company("acme", &["stock"]);
    put(store, EventKind::CompanyCreated, acme.clone()).await.unwrap();
    assert_eq!(held(&of_acme).await.as_deref(), Some(&acme));
    assert_eq!(held(&of_none).await, None);
    assert_eq!(store.company(&slug("acme")).await.unwrap().as_deref(), Some(&acme));
    let again = put(store, EventKind::CompanyCreated, acme.clone()).await.unwrap_err();
    let StoreError::Conflict { found, expected, .. } = again else { panic!("{again}") };
    assert_eq!((found, expected), (Revision(1), Revision::NONE));
    acme = Company { revision: Revision(2), ..company("acme", &[]) };
    put(store, EventKind::CompanyUpdated, acme.clone()).await.unwrap();
    assert_eq!(held(&of_acme).await.as_deref(), Some(&acme));
    let about = Subject::Company(slug("acme"));
    let events = store.events(Some(&about), None, 9).await.unwrap().entries;
    let kinds: Vec<_> = events.iter().map(|event| event.event.kind).collect();
    assert_eq!(kinds, [EventKind::CompanyUpdated, EventKind::CompanyCreated]);
    assert_eq!(events[0].subjects, [about]);
}

/// An owner and companies whose names begin alike, and a company and an owner of one name.
pub(super) async fn companies_come_in_pages(store: &dyn Store) {
    with_owner(store).await;
    for id in ["b", "alice", "a", "a.b", "aa"] {
        put(store, EventKind::CompanyCreated, company(id, &[])).await.unwrap();
    }
    for limit in [1, 2, 9] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = store.companies(after.as_ref(), limit).await.unwrap();
            assert!(page.entries.len() <= limit);
            listed.extend(page.entries.iter().map(|company| company.id.to_string()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(listed, ["a", "a.b", "aa", "alice", "b"], "by {limit}");
    }
    let about = Subject::Company(slug("a"));
    assert_eq!(store.events(Some(&about), None, 9).await.unwrap().entries.len(), 1);
    let alice = store.owner(&"alice".parse().unwrap()).await.unwrap();
    assert_eq!(alice.as_deref(), Some(&owner("alice")));
    assert_eq!(store.owners(None, 9).await.unwrap().entries.len(), 1);
}
