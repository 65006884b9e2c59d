//! What lists, filters, text search and detail take with many tokens that differ in all that is asked for:
//! the first page and pages from anywhere on, of a hundred, newest first and oldest first.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tollgate::clock::instant;
use tollgate::domain::event::Actor;
use tollgate::domain::flags::Flags;
use tollgate::domain::grant::Contexts;
use tollgate::domain::id::Slug;
use tollgate::domain::time::{Span, Timestamp};
use tollgate::domain::token::{Act, End, Ended, Token};
use tollgate::store::{
    LastUse, Listed, NotedUse, Order, Standing, Store, TokenFilter, TokenQuery, UseKey, Used,
};

use super::{NOW, OWNERS, cpu_seconds, keys, open, records, resident_mb, size_mb};

/// How often each list is asked for.
const ROUNDS: usize = 100;
const PAGE: usize = 100;
/// Tokens that a commit makes.
const TOGETHER: u64 = 500;

const WORDS: [&str; 16] = [
    "nightly",
    "warehouse",
    "sync",
    "invoice",
    "export",
    "mobile",
    "scanner",
    "report",
    "build",
    "deploy",
    "partner",
    "mirror",
    "billing",
    "label",
    "printer",
    "audit",
];

fn word(n: u64) -> &'static str {
    WORDS[usize::try_from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60).unwrap()]
}

pub(super) fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub(super) fn days(from: Timestamp, days: u64) -> Timestamp {
    from.plus(Span::from_days(days))
}

/// When the last of them was made: they were made over a year.
pub(super) fn now() -> Timestamp {
    days(NOW, 365)
}

pub(super) fn token(n: u64, tokens: u64) -> Token {
    let made = NOW.plus(Span::from_seconds(n * 365 * 86_400 / tokens));
    let plain = records::token(n, &records::owner_name(n.wrapping_mul(7_919) % OWNERS));
    let reason = String::new();
    let act = Act { at: now(), by: Actor::System, reason };
    Token {
        name: format!("{} {} {n}", word(n), word(n + 1)),
        app: word(n / 7).to_owned(),
        description: format!(
            "{} for the {} team, ticket {}, asked for by phone and confirmed in writing",
            word(n + 3),
            word(n + 5),
            n * 31
        ),
        company: Some(slug(&format!("company-{}", n % 100))),
        created_at: made,
        not_before: made,
        expires_at: n.is_multiple_of(2).then(|| days(made, 400)),
        idle_ttl: Span::from_days([0, 100, 500][usize::try_from(n % 3).unwrap()]),
        flags: Flags::from_bits(if n % 10_000 == 7 { 0x1300 } else { 0x300 }).unwrap(),
        contexts: Contexts::set([slug(&format!("context-{}", n % 20))]),
        ended: (n % 20 == 3).then_some(Ended { how: End::Revoked, act: act.clone() }),
        disabled: (n % 5_000 == 11).then_some(act),
        ..plain
    }
}

pub(super) async fn fill(store: &Arc<dyn Store>, tokens: u64, make: impl Fn(u64) -> Token) {
    for n in 0..OWNERS {
        store.commit(records::owner(n)).await.unwrap();
    }
    let at = instant();
    for from in (0..tokens).step_by(usize::try_from(TOGETHER).unwrap()) {
        let mut commit = records::creation(make(from));
        for n in from + 1..tokens.min(from + TOGETHER) {
            commit.changes.extend(records::creation(make(n)).changes);
        }
        store.commit(commit).await.unwrap();
    }
    let made = at.elapsed();
    let keys = keys(store).await;
    // Only the oldest were never used, so that a search for such has to look at all.
    let used = keys.iter().zip(0..).skip(50);
    let note = |(of, n): (&UseKey, u64)| {
        let at = days(NOW, 365 - n.wrapping_mul(104_729) % 120);
        let last = LastUse { at, address: [192, 0, 2, 1].into(), api: "erp".into() };
        NotedUse { of: *of, last, first: false }
    };
    for some in used.map(note).collect::<Vec<_>>().chunks(131_072) {
        store.note_uses(some.to_vec(), now()).await.unwrap();
    }
    println!("{tokens} tokens made in {made:?}, {} MB resident", resident_mb());
}

/// The names of the lists, and their filters.
fn filters(tokens: u64) -> Vec<(&'static str, TokenFilter)> {
    let open = TokenFilter::default;
    let text = |text: &str| TokenFilter { text: Some(text.to_owned()), ..open() };
    let standing = |standing| TokenFilter { standings: Some([standing].into()), ..open() };
    let rare = Some(format!("{} {} {}", word(tokens / 2), word(tokens / 2 + 1), tokens / 2));
    vec![
        ("everything", open()),
        (
            "of an owner",
            TokenFilter {
                owners: Some([records::owner_name(7).parse().unwrap()].into()),
                ..open()
            },
        ),
        ("of a company", TokenFilter { company: Some(slug("company-7")), ..open() }),
        ("active", standing(Standing::Active)),
        ("disabled", standing(Standing::Disabled)),
        ("blocked owner", standing(Standing::Blocked)),
        ("expired", standing(Standing::Expired)),
        ("idle for too long", standing(Standing::IdleExpired)),
        ("revoked", standing(Standing::Revoked)),
        ("with a context", TokenFilter { context: Some(slug("context-3")), ..open() }),
        (
            "with a context that none has",
            TokenFilter { context: Some(slug("elsewhere")), ..open() },
        ),
        ("with a rare flag", TokenFilter { flags: Flags::from_bits(0x1000).unwrap(), ..open() }),
        ("of a name", TokenFilter { name: rare, ..open() }),
        ("of a hint", TokenFilter { hint: Some("0123".to_owned()), ..open() }),
        (
            "made in a certain week",
            TokenFilter {
                created_from: Some(days(NOW, 100)),
                created_before: Some(days(NOW, 107)),
                ..open()
            },
        ),
        ("expires within 36 days", TokenFilter { expires_before: Some(days(NOW, 401)), ..open() }),
        ("ends within 3 days", TokenFilter { ends_before: Some(days(now(), 3)), ..open() }),
        (
            "not used for 119 days",
            TokenFilter { used: Some(Used::Before(days(NOW, 247))), ..open() },
        ),
        ("never used", TokenFilter { used: Some(Used::Never), ..open() }),
        ("text that many have", text("warehouse")),
        ("text that one has", text(&format!("ticket {},", tokens / 2 * 31))),
        ("text that nobody has", text("nobody has this")),
        (
            "three together",
            TokenFilter {
                company: Some(slug("company-7")),
                ends_before: Some(days(now(), 30)),
                ..text("printer")
            },
        ),
    ]
}

pub(super) async fn lists(folder: &Path, tokens: u64) {
    let store = open(folder).await;
    fill(&store, tokens, |n| token(n, tokens)).await;
    println!("{} MB on disk", size_mb(folder));
    let before = resident_mb();
    for (name, filter) in filters(tokens) {
        for order in [Order::Newest, Order::Oldest] {
            let (mut first, mut next, mut found) = (Vec::new(), Vec::new(), 0);
            let cpu = cpu_seconds();
            for round in 0..ROUNDS {
                // Half of them begin anywhere.
                let n = (u64::try_from(round).unwrap() * 7_919_777) % tokens;
                let after = (round % 2 == 1).then(|| records::token(n, "x").id);
                let query =
                    TokenQuery { filter: filter.clone(), order, after, limit: PAGE, now: now() };
                let at = instant();
                let page = store.tokens(&query).await.unwrap();
                if after.is_some() { &mut next } else { &mut first }.push(at.elapsed());
                found = found.max(page.entries.len());
            }
            let cpu = (cpu_seconds() - cpu) * 1_000.0 / ROUNDS as f64;
            let ((a, b), (c, d)) = (quantiles(first), quantiles(next));
            println!(
                "{name}, {order:?}: {found} found; first page {a:?} (p99 {b:?}), others {c:?} (p99 {d:?}); {cpu:.1} ms of CPU each"
            );
        }
    }
    let mut took = Vec::new();
    for round in 0..u64::try_from(ROUNDS).unwrap() * 10 {
        let id = records::token((round * 7_919_777) % tokens, "x").id;
        let at = instant();
        let token = store.token(id).await.unwrap().unwrap();
        store.owner(&token.owner).await.unwrap().unwrap();
        store.last_uses(&[Listed { token, slot: None }.use_key()]).await.unwrap();
        took.push(at.elapsed());
    }
    println!("detail: {:?}", quantiles(took));
    println!("{before} MB resident before, {} MB after", resident_mb());
    store.close().await.unwrap();
    drop(store);
    for name in ["summaries", "summaries.texts"] {
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    let store = open(folder).await;
    let filter = TokenFilter { text: Some("nobody has this".to_owned()), ..TokenFilter::default() };
    let query = TokenQuery { filter, ..TokenQuery::oldest(PAGE) };
    for _ in 0..12 {
        let at = instant();
        store.tokens(&query).await.unwrap();
        println!("without summaries, while they are made anew: {:?}", at.elapsed());
    }
}

pub(super) fn quantiles(mut took: Vec<Duration>) -> (Duration, Duration) {
    took.sort();
    let at = |share: usize| took[(took.len() * share).div_ceil(100).max(1) - 1];
    (at(50), at(99))
}
