//! Lists with filters: whatever a store does to find its candidates, it lists what [`TokenFilter::matches`]
//! says, all of it and in order, page by page.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{after, create, note};
use crate::domain::event::Actor;
use crate::domain::event::EventKind;
use crate::domain::flags::Flags;
use crate::domain::grant::Contexts;
use crate::domain::id::{Slug, TokenId};
use crate::domain::owner::Owner;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{Act, Revision, Token};
use crate::store::sample::{
    NOW, commit, company, noted, owner, owner_creation, owner_id, revoked, token,
};
use crate::store::{
    Order, Record, Rotated, Standing, Store, TokenFilter, TokenQuery, Usage, UseKey, Used,
};

const TOKENS: u64 = 60;
const OWNERS: [&str; 3] = ["al", "alice", "bob"];

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

/// Tokens of which hardly two are alike. Every fourth has an id that is earlier than those of others that were
/// made before it, as ids are that were drawn at the same time.
fn made(n: u64) -> Token {
    let company = [None, Some(slug("acme")), Some(slug("other"))][n as usize % 3].clone();
    let long = "a long description ".repeat(n as usize % 7 * 20);
    let plain = token(if n % 4 == 3 { n - 2 } else { n }, OWNERS[n as usize % 2]);
    let mut id = *plain.id.as_bytes();
    id[15] = u8::try_from(n).unwrap();
    Token {
        id: TokenId::from_bytes(id),
        digest: token(n, "al").digest,
        name: format!("{} {n}", ["Nightly", "ночной Отчёт", "build"][n as usize % 3]),
        app: ["", "Warehouse"][n as usize % 2].to_owned(),
        description: format!("{long}number {n}"),
        company,
        created_at: after(n),
        not_before: after(if n.is_multiple_of(11) { 5_000 } else { n }),
        expires_at: match n {
            // Later than a summary has room for.
            30 => Some(Timestamp::MAX),
            n => n.is_multiple_of(5).then(|| after(100 + 10 * n)),
        },
        idle_ttl: Span::from_seconds([0, 400, 2_000][n as usize % 3]),
        flags: Flags::from_bits([0, 0x100, 0x300, -1][n as usize % 4]).unwrap(),
        contexts: match n % 3 {
            0 => Contexts::All,
            1 => Contexts::set([slug("stock"), slug("sales")]),
            _ => Contexts::set([slug("sales")]),
        },
        hint: format!("h{:03}", n % 10),
        disabled: n.is_multiple_of(7).then(act),
        rotated_to: n.is_multiple_of(2).then(|| TokenId::new(after(300).unix() * 1_000, [7; 10])),
        ..plain
    }
}

fn act() -> Act {
    Act { at: NOW, by: Actor::Local(0), reason: "a test".to_owned() }
}

fn record(token: &Token) -> Record {
    Record::Token(Arc::new(token.clone()))
}

/// Every state that can be asked for.
const STANDINGS: [&str; 8] =
    ["pending", "active", "disabled", "blocked", "used_up", "expired", "idle_expired", "revoked"];

/// Every filter, alone and some together.
fn filters() -> Vec<TokenFilter> {
    let open = TokenFilter::default;
    let text = |text: &str| TokenFilter { text: Some(text.to_owned()), ..open() };
    let owners = |names: &[&str]| {
        let owners = names.iter().map(|name| owner_id(name)).collect();
        TokenFilter { owners: Some(owners), ..open() }
    };
    let standing = |standings: &[Standing]| {
        let standings = Some(standings.iter().copied().collect());
        TokenFilter { standings, ..open() }
    };
    let flags = |bits| TokenFilter { flags: Flags::from_bits(bits).unwrap(), ..open() };
    let company = TokenFilter { company: Some(slug("acme")), ..open() };
    let used = |used| TokenFilter { used: Some(used), ..open() };
    let mut all = vec![
        open(),
        owners(&["alice"]),
        owners(&["al", "bob"]),
        owners(&["bob"]),
        owners(&[]),
        company.clone(),
        TokenFilter { context: Some(slug("stock")), ..open() },
        TokenFilter { context: Some(slug("nowhere")), ..open() },
        TokenFilter { named_context: Some(slug("stock")), ..open() },
        TokenFilter { named_context: Some(slug("nowhere")), ..open() },
        flags(0x100),
        flags(0x200),
        flags(-1),
        TokenFilter { name: Some("NIGHTLY 6".to_owned()), ..open() },
        TokenFilter { hint: Some("h003".to_owned()), ..open() },
        TokenFilter { hint: Some("H003".to_owned()), ..open() },
        TokenFilter { created_from: Some(after(30)), ..open() },
        TokenFilter { created_before: Some(after(30)), ..open() },
        TokenFilter {
            created_from: Some(after(20)),
            created_before: Some(after(25)),
            ..company.clone()
        },
        TokenFilter { expires_before: Some(after(400)), ..open() },
        TokenFilter { expires_before: Some(Timestamp::MAX), ..open() },
        TokenFilter { ends_before: Some(after(600)), ..open() },
        TokenFilter { ends_before: Some(Timestamp::MAX), ..open() },
        used(Used::Never),
        used(Used::Before(after(300))),
        used(Used::Before(Timestamp::MAX)),
        TokenFilter { rotated: Some(Rotated::Any), ..open() },
        TokenFilter { rotated: Some(Rotated::InUse), ..open() },
        TokenFilter { rotated: Some(Rotated::InUse), ..owners(&["alice"]) },
        text("warehouse"),
        text("ОТЧЁТ"),
        text("number 4"),
        text("ption number"),
        text("nobody has this"),
        text("lice"),
        text("e"),
        TokenFilter { flags: flags(0x100).flags, company: Some(slug("other")), ..text("build") },
        TokenFilter { ends_before: Some(after(3_000)), ..owners(&["al"]) },
    ];
    let standings = STANDINGS.map(|name| name.parse().unwrap());
    all.extend(standings.iter().map(|one| standing(&[*one])));
    all.push(standing(&standings));
    all.push(TokenFilter { context: Some(slug("sales")), ..standing(&standings[1..3]) });
    all.push(standing(&[]));
    all
}

/// Checks every list against what is known of every token.
pub(crate) async fn check(store: &dyn Store, tokens: &[Token], blocked: &[&str]) {
    let now = after(1_000);
    let mut sorted: Vec<_> = tokens.iter().collect();
    sorted.sort_by_key(|token| token.id);
    let keys: Vec<UseKey> = sorted.iter().map(|token| token.id.into()).collect();
    let uses = store.last_uses(&keys).await.unwrap();
    let known: BTreeMap<_, _> =
        sorted.iter().zip(&uses).map(|(t, used)| (t.id, (*t, used))).collect();
    for filter in filters() {
        for order in [Order::Oldest, Order::Newest] {
            let fits = |(token, used): &(&&Token, &Option<Usage>)| {
                let used = used.as_ref().map(|used| used.at);
                let company = token.company.as_ref().map_or("", Slug::as_str);
                let stopped = [token.owner.as_str(), company].iter().any(|id| blocked.contains(id));
                filter.matches(token, used, stopped, now)
            };
            let mut wanted: Vec<_> =
                sorted.iter().zip(&uses).filter(fits).map(|(t, _)| t.id).collect();
            if order == Order::Newest {
                wanted.reverse();
            }
            for limit in [1, 7, 1_000] {
                let (mut listed, mut from) = (Vec::new(), None);
                loop {
                    let filter = filter.clone();
                    let query = TokenQuery { filter, order, after: from, limit, now };
                    let page = store.tokens(&query).await.unwrap();
                    assert!(page.entries.len() <= limit);
                    assert!(
                        page.next.is_none() || page.entries.len() == limit,
                        "{filter:?}",
                        filter = query.filter
                    );
                    listed.extend(page.entries.iter().map(|listed| listed.token.id));
                    from = page.next;
                    if from.is_none() {
                        break;
                    }
                }
                assert_eq!(listed, wanted, "{filter:?} {order:?} by {limit}");
                check_glances(store, (&filter, order, limit, now), &wanted, &known).await;
            }
        }
    }
}

/// The same tokens at a glance, which tells of each what its record and its last use tell.
async fn check_glances(
    store: &dyn Store,
    (filter, order, limit, now): (&TokenFilter, Order, usize, Timestamp),
    wanted: &[TokenId],
    known: &BTreeMap<TokenId, (&Token, &Option<Usage>)>,
) {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let query = TokenQuery { filter: filter.clone(), order, after, limit, now };
        let page = store.glances(&query, Arc::new(())).await.unwrap();
        assert!(page.entries.len() <= limit);
        for glance in page.entries {
            let (token, used) = known[&glance.id];
            assert!(glance.owner.is_of(&token.owner) && !glance.owner.is_of(&owner_id("nobody")));
            let ended_at = token.ended.as_ref().map(|ended| ended.act.at);
            assert!(glance.is_of_company(token.company.as_ref()));
            assert!(!glance.is_of_company(Some(&slug("nobody"))));
            assert_eq!((glance.course, glance.ended_at), (token.course(), ended_at));
            assert_eq!(glance.used, used.as_ref().map(|used| used.at), "{filter:?} {glance:?}");
            seen.push(glance.id);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, wanted, "at a glance: {filter:?} {order:?} by {limit}");
}

/// Makes [`TOKENS`] tokens, of which some were used.
pub(crate) async fn fill(store: &dyn Store) -> Vec<Token> {
    for name in OWNERS {
        store.commit(owner_creation(name)).await.unwrap();
    }
    let tokens: Vec<_> = (0..TOKENS).map(made).collect();
    for token in &tokens {
        create(store, token).await;
    }
    let used = (0..TOKENS).filter(|n| n % 4 == 1);
    note(store, used.map(|n| noted(tokens[n as usize].id, 10 * n))).await;
    tokens
}

pub(super) async fn every_filter_lists_what_it_means(store: &dyn Store) {
    check(store, &[], &[]).await;
    let tokens = fill(store).await;
    check(store, &tokens, &[]).await;
}

/// Changes of everything that a filter asks for.
pub(crate) async fn change(store: &dyn Store, tokens: &mut [Token]) {
    for (n, token) in tokens.iter_mut().enumerate().filter(|(n, _)| n % 3 == 1) {
        let next = match n % 5 {
            0 => revoked(token),
            1 => Token { disabled: Some(act()), ..token.clone() },
            2 => Token { name: format!("renamed warehouse {n}"), ..token.clone() },
            3 => Token {
                owner: owner_id("bob"),
                company: Some(slug("acme")),
                contexts: Contexts::set([]),
                ..token.clone()
            },
            _ => Token {
                flags: Flags::from_bits(0x200).unwrap(),
                expires_at: Some(after(150)),
                description: "number ".repeat(50),
                ..token.clone()
            },
        };
        *token = Token { revision: token.revision.next(), ..next };
        store.commit(commit(EventKind::TokenUpdated, [record(token)])).await.unwrap();
    }
}

pub(super) async fn a_list_follows_every_change(store: &dyn Store) {
    let mut tokens = fill(store).await;
    change(store, &mut tokens).await;
    check(store, &tokens, &[]).await;
    let mut blocked = owner("alice");
    (blocked.blocked, blocked.revision) = (Some(act()), Revision(2));
    block(store, blocked.clone()).await;
    check(store, &tokens, &["alice"]).await;
    note(store, tokens.iter().map(|token| noted(token.id, 700))).await;
    check(store, &tokens, &["alice"]).await;
    let mut acme = company("acme", &[]);
    for (revision, stopped, all) in
        [(1, false, &["alice"][..]), (2, true, &["alice", "acme"]), (3, false, &["alice"])]
    {
        (acme.blocked, acme.revision) = (stopped.then(act), Revision(revision));
        let record = Record::Company(Arc::new(acme.clone()));
        store.commit(commit(EventKind::CompanyBlocked, [record])).await.unwrap();
        check(store, &tokens, all).await;
    }
    (blocked.blocked, blocked.revision) = (None, Revision(3));
    block(store, blocked).await;
    check(store, &tokens, &[]).await;
}

async fn block(store: &dyn Store, owner: Owner) {
    let record = Record::Owner(Arc::new(owner));
    store.commit(commit(EventKind::OwnerBlocked, [record])).await.unwrap();
}
