//! What lists of users take with many of them: searches, what somebody sees of them and of their tokens, and how a
//! list fares that is asked for after each change of an owner. All are of one company, and half of them have one
//! parent.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tollgate::clock::{Clock, instant};
use tollgate::config::{Environment, parse};
use tollgate::domain::event::EventKind;
use tollgate::domain::owner::Owner;
use tollgate::domain::token::Revision;
use tollgate::service::list::TokenList;
use tollgate::service::owner_list::OwnerList;
use tollgate::service::{Caller, Service};
use tollgate::store::{Record, Store};

use super::lists::{now, slug};
use super::whole::{SETTINGS, measured};
use super::{cache, open, records, resident_mb};

/// How many one commit makes.
const TOGETHER: u64 = 500;

fn owner(n: u64) -> Owner {
    let Record::Owner(plain) = &records::owner(n).changes[0].record else { unreachable!() };
    let names = ["Alice Martins", "Иван Петров", "João Souza"];
    Owner {
        name: format!("{} {n}", names[usize::try_from(n % 3).unwrap()]),
        email: Some(format!("owner-{n}@example.com")),
        company: Some(slug("acme")),
        parent: (n.is_multiple_of(2) && n > 0).then(|| records::owner_name(1).parse().unwrap()),
        roles: match n {
            0 => [slug("company-administrator")].into(),
            _ if n.is_multiple_of(10) => [slug("developer"), slug("cashier")].into(),
            _ => [].into(),
        },
        ..Owner::clone(plain)
    }
}

async fn fill(store: &Arc<dyn Store>, owners: u64) {
    for from in (0..owners).step_by(usize::try_from(TOGETHER).unwrap()) {
        let commit =
            |n| records::commit(EventKind::OwnerCreated, Record::Owner(Arc::new(owner(n))));
        let mut first = commit(from);
        for n in from + 1..owners.min(from + TOGETHER) {
            first.changes.extend(commit(n).changes);
        }
        store.commit(first).await.unwrap();
    }
}

pub(super) async fn people(folder: &Path, owners: u64) {
    let store = open(folder).await;
    fill(&store, owners).await;
    // A token each for a tenth of them.
    for n in (0..owners).step_by(10) {
        store.commit(records::creation(records::token(n, &records::owner_name(n)))).await.unwrap();
    }
    let cache = cache(&store, 1_000);
    let settings = parse("bench.toml".as_ref(), SETTINGS.as_bytes(), &Environment::default());
    let settings = Arc::new(ArcSwap::from_pointee(settings.unwrap()));
    let service = Service::new(Arc::clone(&cache), settings, Clock::held(now()));
    let before = resident_mb();
    let at = instant();
    let all = OwnerList { text: Some("nobody".to_owned()), ..OwnerList::default() };
    service.owners(&Caller::local(0), &all).await.unwrap();
    println!("{owners} owners read for the first search in {:?}", at.elapsed());
    println!("{before} MB resident before, {} MB after", resident_mb());
    let callers = [
        ("administrator", Caller::local(0)),
        ("administrator of the company", Caller::person(&owner(0))),
        ("parent of half of them", Caller::person(&owner(1))),
        ("user", Caller::person(&owner(owners - 1))),
    ];
    for (who, by) in &callers {
        searches(&service, who, by).await;
    }
    changes(&service, &callers, owners).await;
    drop(service);
    drop(cache);
    store.close().await.unwrap();
}

async fn searches(service: &Service, who: &str, by: &Caller) {
    let text = |text: &str| OwnerList { text: Some(text.to_owned()), ..OwnerList::default() };
    let role = OwnerList { role: Some("cashier".to_owned()), ..OwnerList::default() };
    for (what, asked) in [
        ("first page", OwnerList::default()),
        ("text that many have", text("martins")),
        ("text that the last has", text("owner-99999@")),
        ("text that nobody has", text("nobody")),
        ("a role", role),
    ] {
        let ask = async || service.owners(by, &asked).await.unwrap().entries.len();
        println!("  {} users", measured(&format!("{who}: {what}"), ask).await);
    }
    let ask = async || service.owner_counts(by).await.unwrap().all;
    println!("  {} users", measured(&format!("{who}: counted"), ask).await);
    let asked = TokenList::default();
    let ask = async || service.tokens(by, &asked).await.unwrap().entries.len();
    println!("  {} tokens", measured(&format!("{who}: page of tokens"), ask).await);
}

/// Each list is asked for just after an owner was changed.
async fn changes(service: &Service, callers: &[(&str, Caller)], owners: u64) {
    let root = &callers[0].1;
    let mut n = 0;
    for (who, by) in &callers[1..] {
        let asked = OwnerList::default();
        let ask = async || {
            n += 1;
            let id = records::owner_name(n % owners.min(10_000)).parse().unwrap();
            let change = serde_json::from_value(serde_json::json!({"name": format!("new {n}")}));
            service.update_owner(root, &id, &change.unwrap()).await.unwrap();
            service.owners(by, &asked).await.unwrap().entries.len()
        };
        println!("  {} users", measured(&format!("{who}: a change, and a page"), ask).await);
    }
    assert!(
        service.owner(root, &records::owner_name(1).parse().unwrap()).await.unwrap().revision
            > Revision(1)
    );
}
