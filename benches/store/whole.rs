//! What acts take that look at every token: an overview, a preview of an end of many, and how many tokens stop
//! with an owner or a company. A tenth of the tokens are of one owner. First nothing waits in memory, then a use of
//! every token.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tollgate::cache::Cache;
use tollgate::clock::{Clock, instant};
use tollgate::config::{Environment, parse};
use tollgate::domain::owner::Owner;
use tollgate::domain::token::{Revision, Token};
use tollgate::service::bulk::BulkRevocation;
use tollgate::service::list::TokenList;
use tollgate::service::{Caller, Service};
use tollgate::store::{Record, Store};

use super::lists::{days, fill, now, quantiles, slug, token};
use super::{cache, cpu_seconds, open, records, resident_mb};

const ROUNDS: u32 = 20;

/// Who has a tenth of the tokens.
const LARGE: u64 = 0;

pub(super) const SETTINGS: &str = r#"
store.path = "unused"
[[apis]]
name = "erp"
upstream = "http://127.0.0.1:9"
rules = [{ path = "/" }]
"#;

/// An owner with a role, in a company or in none.
async fn person(store: &Arc<dyn Store>, n: u64, role: &str, company: Option<&str>) -> Caller {
    let mut commit = records::owner(n);
    let Record::Owner(plain) = &commit.changes[0].record else { unreachable!("an owner") };
    let held = store.owner(&plain.id).await.unwrap();
    let owner = Owner {
        company: company.map(slug),
        roles: [slug(role)].into(),
        revision: held.as_ref().map_or(Revision(1), |held| held.revision.next()),
        ..Owner::clone(plain)
    };
    let caller = Caller::person(&owner);
    commit.changes[0].expected = held.map_or(Revision::NONE, |held| held.revision);
    commit.changes[0].record = Record::Owner(Arc::new(owner));
    store.commit(commit).await.unwrap();
    caller
}

fn filtered(filter: TokenList) -> BulkRevocation {
    BulkRevocation { filter, ..BulkRevocation::default() }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Asks some times, and says how long an answer took.
pub(super) async fn measured<T>(what: &str, mut ask: impl AsyncFnMut() -> T) -> T {
    // The first reads what nobody has read since the start.
    let mut last = ask().await;
    let (mut took, cpu) = (Vec::new(), cpu_seconds());
    for _ in 0..ROUNDS {
        let at = instant();
        last = ask().await;
        took.push(at.elapsed());
    }
    let cpu = Duration::from_secs_f64((cpu_seconds() - cpu) / f64::from(ROUNDS));
    let (median, p99) = quantiles(took);
    println!("{what}: {median:?} (p99 {p99:?}), {cpu:?} of CPU");
    last
}

pub(super) async fn whole(folder: &Path, tokens: u64) {
    let store = open(folder).await;
    fill(&store, tokens, |n| {
        let token = token(n, tokens);
        let large = records::owner_name(LARGE).parse().unwrap();
        if n % 10 == 1 { Token { owner: large, ..token } } else { token }
    })
    .await;
    // Whose tokens are of that company.
    for n in 0..10 {
        person(&store, 33 + 100 * n, "developer", Some("company-7")).await;
    }
    let tenant = person(&store, 1_000_001, "company-administrator", Some("company-7")).await;
    let large = person(&store, LARGE, "developer", None).await;
    let cache = cache(&store, 1_000);
    let settings = parse("bench.toml".as_ref(), SETTINGS.as_bytes(), &Environment::default());
    let settings = Arc::new(ArcSwap::from_pointee(settings.unwrap()));
    // Time stands still, so that no answer is given twice.
    let service = Service::new(Arc::clone(&cache), settings, Clock::held(now()));
    let callers = [
        ("administrator", Caller::local(0)),
        ("administrator of a company", tenant),
        ("user with a tenth", large),
    ];
    let before = resident_mb();
    all(&service, &callers).await;
    used(&cache, tokens).await;
    println!("with {} uses in memory", cache.pending_touches());
    all(&service, &callers).await;
    println!("{before} MB resident before, {} MB after", resident_mb());
    drop(service);
    drop(cache);
    store.close().await.unwrap();
}

/// A use of every token that waits in memory; those of which a record is not held are loaded for it.
async fn used(cache: &Arc<Cache>, tokens: u64) {
    let (address, api) = ([192, 0, 2, 1].into(), cache.api_number(&"erp".into()));
    for n in 0..tokens {
        let entry = cache.load(&records::digest(n)).await.unwrap().unwrap();
        cache.touch(&entry, days(now(), 1), address, api);
    }
}

async fn all(service: &Service, callers: &[(&str, Caller)]) {
    for (who, by) in callers {
        let ask = async || {
            let users = service.owner_counts(by).await.unwrap().all;
            (service.token_counts(by).await.unwrap(), users)
        };
        let (counts, users) = measured(&format!("overview, {who}"), ask).await;
        println!(
            "  {} tokens of {users} users, {} active, {} end within 14 days",
            counts.all, counts.active, counts.end_within_14_days
        );
    }
    let root = &callers[0].1;
    let owner = records::owner_name(LARGE);
    let filters = [
        ("active ones", TokenList { state: some("active"), ..TokenList::default() }),
        ("of the large owner", TokenList { owner: some(&owner), ..TokenList::default() }),
        ("of a company", TokenList { company: some("company-7"), ..TokenList::default() }),
        ("with a context", TokenList { context: some("context-4"), ..TokenList::default() }),
        ("with a text", TokenList { text: some("warehouse"), ..TokenList::default() }),
    ];
    for (what, filter) in filters {
        let asked = filtered(filter);
        let ask = async || service.plan_revocation(root, &asked).await.unwrap();
        println!("  {} tokens", measured(&format!("preview, {what}"), ask).await.tokens);
    }
    let ask = async || service.stopping(root, &owner.parse().unwrap()).await.unwrap();
    println!("  {} tokens", measured("stopped with the large owner", ask).await);
    let ask = async || service.stopping_of_company(root, &slug("company-7")).await.unwrap();
    println!("  {} tokens", measured("stopped with a company", ask).await);
    // For comparison: each with its record.
    let asked = TokenList { limit: Some(1_000), ..TokenList::default() };
    let ask = async || service.tokens(root, &asked).await.unwrap().entries.len();
    println!("  {} tokens", measured("one page of a list", ask).await);
}
