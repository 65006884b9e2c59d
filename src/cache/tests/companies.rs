//! Companies in memory: what is licensed to them holds for all their tokens at once.

use super::*;
use crate::domain::company::Company;

/// What a company is licensed for, as a number: the one context of that name.
pub(super) fn company(number: i64) -> Company {
    Company {
        id: "acme".parse().unwrap(),
        name: "Acme".to_owned(),
        contexts: Contexts::set([number.to_string().parse().unwrap()]),
        blocked: None,
        created_by: Actor::System,
        created_at: START,
        revision: Revision(u64::try_from(number).unwrap()),
    }
}

/// The number behind what a token's company is licensed for; zero where it is not on record.
pub(super) fn licence(entry: &Entry) -> i64 {
    match entry.common.company().map(|company| &company.licensed) {
        None | Some(Contexts::All) => 0,
        Some(Contexts::Set(names)) => names[0].as_str().parse().unwrap(),
    }
}

pub(super) fn company_commit(company: Company) -> Commit {
    let revision = company.revision;
    commit(EventKind::CompanyUpdated, Record::Company(Arc::new(company)), revision)
}

#[tokio::test]
async fn f5_a_company_that_is_put_on_record_holds_for_tokens_in_memory_and_ends_no_others() {
    let world = world(1_000).await;
    let cache = &world.cache;
    let stranger = Token { company: Some("other".parse().unwrap()), ..token(TOKENS, 1) };
    cache.commit(token_commit(stranger)).await.unwrap();
    let (one, two) = (entry(cache, 0).await.unwrap(), entry(cache, 1).await.unwrap());
    let other = entry(cache, TOKENS).await.unwrap();
    assert_eq!((licence(&one), one.is_valid(), two.is_valid()), (0, true, true));
    let epoch = cache.owners_epoch();
    cache.commit(company_commit(company(1))).await.unwrap();
    assert!(cache.owners_epoch() > epoch, "cores look again");
    assert!(!one.is_valid() && !two.is_valid(), "one flag for all its tokens");
    assert!(one.is_current(), "their own flags were left alone");
    assert!(other.is_valid());
    assert_eq!(licence(&entry(cache, 0).await.unwrap()), 1);
}

/// What many tokens share is looked up by its value: a value that came back must not bring the
/// record back that no longer holds.
#[tokio::test]
async fn f5_a_licence_that_is_given_back_is_held_anew() {
    let world = world(1_000).await;
    let cache = &world.cache;
    for revision in 1..=4 {
        let contexts = company(1 + revision % 2).contexts;
        let record = Company { contexts, ..company(revision) };
        cache.commit(company_commit(record)).await.unwrap();
        let found = entry(cache, 0).await.unwrap();
        assert!(found.is_valid());
        assert_eq!(licence(&found), 1 + revision % 2);
        assert!(Arc::ptr_eq(&found.common, &entry(cache, 1).await.unwrap().common));
    }
}

#[tokio::test]
async fn companies_that_nobody_holds_are_dropped() {
    let world = world(8).await;
    for number in 0..3_000 {
        let place = TOKENS + number;
        let company = Some(format!("c{number}").parse().unwrap());
        // Limited to an item, so that nothing of it is shared with others and held for them.
        let items = Items::set(["1"]).unwrap();
        let record = Token { company, items, ..token(place, 1) };
        world.cache.commit(token_commit(record)).await.unwrap();
        entry(&world.cache, place).await.unwrap();
    }
    let held = world.cache.owners().companies.len();
    assert!(held <= 2_048, "{held}");
}
