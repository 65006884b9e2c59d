//! What is counted over all tokens at a glance, against a walk through their views one by one: for every role,
//! over tokens of every state, with uses that are written down and uses that wait in memory.

use proptest::prelude::{Just, Strategy, any, prop};
use proptest::prop_oneof;

use std::collections::BTreeSet;

use super::*;
use crate::domain::id::Slug;
use crate::domain::owner::Owner;
use crate::domain::role::Role;
use crate::domain::token::{Act, End, Ended, State, Token};
use crate::service::bulk::{BulkPlan, BulkRevocation};
use crate::service::list::TokenList;
use crate::service::overview::{OwnerCounts, TokenCounts};
use crate::service::owner_list::OwnerList;
use crate::store::{Commit, LastUse, NotedUse, Record, sample};

/// With their roles, companies and superiors.
const OWNERS: [(&str, &str, &str, &str); 9] = [
    ("root", "administrator", "", ""),
    ("chief", "administrator", "acme", ""),
    ("boss", "company-administrator", "acme", ""),
    ("dev", "developer", "acme", ""),
    ("alice", "", "acme", ""),
    ("junior", "", "other", "alice"),
    ("watcher", "auditor", "", ""),
    ("reviewer", "auditor", "acme", ""),
    ("bob", "", "other", ""),
];
const COMPANIES: [&str; 2] = ["acme", "other"];
/// How long ago the oldest token may be made, in days.
const OLDEST: u64 = 40;

/// A token, and when it was used: what is written down, and what waits. All in days before and behind now.
#[derive(Clone, Debug)]
struct Made {
    owner: usize,
    company: Option<usize>,
    ago: u64,
    begins: u64,
    expires: Option<u64>,
    idle: u64,
    disabled: bool,
    ended: Option<End>,
    written: Option<u64>,
    waits: Option<u64>,
    long: bool,
}

fn made() -> impl Strategy<Value = Made> {
    let days = || prop::option::of(0..OLDEST);
    let ends = prop_oneof![
        3 => Just(None),
        1 => prop::sample::select(vec![End::Revoked, End::Leaked, End::Expired, End::IdleExpired])
            .prop_map(Some),
    ];
    let life = (0..OLDEST, 0..4_u64, prop::option::of(prop_oneof![0..20_u64, Just(u64::MAX)]));
    let idle = prop::sample::select(vec![0, 1, 2, 14, 30, 90]);
    let whose = (0..OWNERS.len(), prop::option::of(0..COMPANIES.len()));
    let rest = (any::<bool>(), ends, days(), days(), prop::bool::weighted(0.1));
    (whose, life, idle, rest).prop_map(|(whose, life, idle, rest)| {
        let ((owner, company), (ago, begins, expires)) = (whose, life);
        let (disabled, ended, written, waits, long) = rest;
        Made { owner, company, ago, begins, expires, idle, disabled, ended, written, waits, long }
    })
}

fn ago(days: u64) -> Timestamp {
    Timestamp::from_unix(NOW.unix() - days * 86_400)
}

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn act(at: Timestamp) -> Act {
    Act { at, by: Caller::local(0).actor, reason: String::new() }
}

impl Made {
    fn token(&self, n: u64) -> Token {
        let later = |days: u64| NOW.plus(Span::from_days(days));
        let (how, at) = (self.ended, ago(self.ago / 2));
        Token {
            company: self.company.map(|n| slug(COMPANIES[n])),
            created_at: ago(self.ago),
            not_before: ago(self.ago).plus(Span::from_days(self.begins * 10)),
            // Some end in this second, some later than a summary has room for.
            expires_at: self
                .expires
                .map(|days| if days > 99 { Timestamp::MAX } else { later(days) }),
            idle_ttl: Span::from_days(self.idle),
            disabled: self.disabled.then(|| act(NOW)),
            ended: how.map(|how| Ended { how, act: act(at) }),
            description: "long ".repeat(if self.long { 20_000 } else { 1 }),
            ..sample::token(n, OWNERS[self.owner].0)
        }
    }
}

/// Owners and companies, some of them blocked, and the tokens with their uses.
async fn world(tokens: &[Made], blocked: &[bool]) -> World {
    let world = World::new().await;
    let commit = async |commit: Commit| world.service.cache.commit(commit).await.unwrap();
    let stopped = |n: usize| blocked[n].then(|| act(NOW));
    for (n, (id, role, company, parent)) in OWNERS.into_iter().enumerate() {
        let owner = Owner {
            roles: Some(role).filter(|role| !role.is_empty()).map(slug).into_iter().collect(),
            company: Some(company).filter(|company| !company.is_empty()).map(slug),
            parent: Some(parent).filter(|parent| !parent.is_empty()).map(owner_id),
            blocked: stopped(n),
            ..sample::owner(id)
        };
        let kind = crate::domain::event::EventKind::OwnerCreated;
        commit(sample::commit(kind, [Record::Owner(Arc::new(owner))])).await;
    }
    for (n, id) in COMPANIES.into_iter().enumerate() {
        let company = crate::domain::company::Company {
            blocked: stopped(OWNERS.len() + n),
            ..sample::company(id, &[])
        };
        let kind = crate::domain::event::EventKind::CompanyCreated;
        commit(sample::commit(kind, [Record::Company(Arc::new(company))])).await;
    }
    let records = (0..).zip(tokens).map(|(n, made)| Record::Token(Arc::new(made.token(n))));
    let kind = crate::domain::event::EventKind::TokenCreated;
    commit(sample::commit(kind, records)).await;
    let cache = &world.service.cache;
    let written = (0..).zip(tokens).filter_map(|(n, made)| {
        let last = LastUse { at: ago(made.written?), ..sample::last_use(0) };
        Some(NotedUse { of: made.token(n).id.into(), last, first: false })
    });
    world.service.store().note_uses(written.collect(), NOW).await.unwrap();
    let api = cache.api_number(&"erp".into());
    for (n, made) in (0..).zip(tokens) {
        if let Some(days) = made.waits {
            let entry = cache.load(&sample::digest(n)).await.unwrap().unwrap();
            cache.touch(&entry, ago(days), [192, 0, 2, 1].into(), api);
        }
    }
    world
}

/// Who asks: the machine, and every owner.
async fn callers(world: &World) -> Vec<Caller> {
    let mut callers = vec![world.by.clone()];
    for (id, ..) in OWNERS {
        callers.push(Caller::person(&world.service.owner_record(&owner_id(id)).await.unwrap()));
    }
    callers
}

/// All that a list shows, in small pages.
async fn listed(world: &World, by: &Caller, filter: &TokenList) -> Vec<TokenView> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let asked = TokenList { cursor, limit: Some(17), ..filter.clone() };
        let page = world.service.tokens(by, &asked).await.unwrap();
        all.extend(page.entries);
        cursor = page.next;
        if cursor.is_none() {
            return all;
        }
    }
}

/// The numbers of an overview, by the views of its tokens.
fn counted(tokens: &[TokenView]) -> TokenCounts {
    let count = |holds: &dyn Fn(&TokenView) -> bool| tokens.iter().filter(|one| holds(one)).count();
    let alive = |token: &TokenView| !token.state.is_final();
    let in_state =
        |state: State| count(&|token| token.state == state && (state.is_final() || !token.blocked));
    let within = |days: u64| {
        let end = NOW.plus(Span::from_days(days));
        let ends = |at: Option<Timestamp>| at.is_some_and(|at| at <= end);
        count(&|token| alive(token) && (ends(token.expires_at) || ends(token.idle_at)))
    };
    TokenCounts {
        all: tokens.len(),
        pending: in_state(State::Pending),
        active: in_state(State::Active),
        disabled: in_state(State::Disabled),
        blocked: count(&|token| alive(token) && token.blocked),
        expired: in_state(State::Expired),
        idle_expired: in_state(State::IdleExpired),
        revoked: in_state(State::Revoked),
        never_used: count(&|token| alive(token) && token.last_use.is_none()),
        end_within_14_days: within(14),
        end_within_3_days: within(3),
        end_within_1_day: within(1),
    }
}

async fn overview_is_right(world: &World, by: &Caller) {
    let tokens = listed(world, by, &TokenList::default()).await;
    let tally = world.service.tally(by).await.unwrap();
    assert_eq!(tally.counts, counted(&tokens), "{by:?}");
    let usable = |token: &&TokenView| token.state == State::Active && !token.blocked;
    let unused = tokens.iter().filter(usable).filter(|token| token.last_use.is_none()).count();
    assert_eq!(tally.usable_unused, unused);
    let end = |token: &TokenView| token.expires_at.into_iter().chain(token.idle_at).min();
    let soon = NOW.plus(Span::from_days(14));
    let alive = tokens.iter().filter(|token| !token.state.is_final());
    let mut ends: Vec<_> = alive.filter_map(|token| Some((end(token)?, token.id))).collect();
    ends.retain(|(end, _)| *end <= soon);
    ends.sort();
    let soonest = world.service.soonest(by, &tally).await.unwrap();
    let soonest: Vec<_> = soonest.iter().map(|token| token.id).collect();
    let wanted: Vec<_> = ends.iter().take(8).map(|(_, id)| *id).collect();
    assert_eq!(soonest, wanted);
    let owners = world.service.owners(by, &OwnerList::page(None, 1_000)).await.unwrap().entries;
    let blocked = owners.iter().filter(|owner| owner.blocked.is_some()).count();
    let counts = world.service.owner_counts(by).await.unwrap();
    assert_eq!(counts, OwnerCounts { all: owners.len(), blocked });
}

/// Filters of an end of many.
fn filters() -> Vec<Value> {
    vec![
        json!({"state": "active"}),
        json!({"state": "pending,disabled,blocked"}),
        json!({"company": "acme"}),
        json!({"ends_before": NOW.plus(Span::from_days(9)).to_string()}),
        json!({"last_used_before": ago(5).to_string()}),
        json!({"never_used": true, "text": "LONG"}),
        json!({"created_from": ago(20).to_string(), "context": "stock"}),
        json!({"name": "token 7"}),
        json!({"owner": "alice"}),
    ]
}

async fn preview_is_right(world: &World, by: &Caller, filter: &Value) {
    let service = &world.service;
    let list: TokenList = input(filter.clone());
    // Whom somebody may not see is not there to them.
    if let Some(owner) = &list.owner
        && service.owner(by, &owner_id(owner)).await.is_err()
    {
        return;
    }
    let asked = BulkRevocation { filter: list.clone(), ..BulkRevocation::default() };
    let BulkPlan { tokens, owners, of_others, first, not_yours, .. } =
        service.plan_revocation(by, &asked).await.unwrap();
    let all = TokenList { owner: list.owner.clone(), ..TokenList::default() };
    let (mut mine, mut others) = (Vec::new(), 0);
    let meaning = service.filter(None, &list).unwrap();
    for token in listed(world, by, &all).await {
        let used = token.last_use.as_ref().map(|last| last.at);
        let record = service.token_record(token.id).await.unwrap();
        // What is over and was not swept yet has not ended.
        if token.ended.is_none() && meaning.matches(&record, used, token.blocked, NOW) {
            match service.offers_tokens(by, &token.owner).await.unwrap() {
                true => mine.push(token),
                false => others += 1,
            }
        }
    }
    mine.sort_by_key(|token| token.id);
    assert_eq!((tokens, not_yours, of_others), (mine.len(), others, 0), "{filter} {by:?}");
    let ids = |tokens: &[TokenView]| tokens.iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(ids(&first), ids(&mine[..mine.len().min(20)]));
    for share in &owners {
        let of = mine.iter().filter(|token| token.owner == share.owner).count();
        assert_eq!(share.tokens, of);
    }
    assert_eq!(owners.iter().map(|share| share.tokens).sum::<usize>(), mine.len());
}

/// How many tokens stop or go on with each owner and each company, as an administrator is told: those that nothing
/// else stops.
async fn stopping_is_right(world: &World) {
    let service = &world.service;
    let all = listed(world, &world.by, &TokenList::default()).await;
    let mut stopped: BTreeSet<String> = BTreeSet::new();
    for (id, ..) in OWNERS {
        let owner = service.owner_record(&owner_id(id)).await.unwrap();
        stopped.extend(owner.blocked.is_some().then(|| format!("owner {id}")));
    }
    for id in COMPANIES {
        let company = service.company_of(Some(&slug(id))).await.unwrap();
        let blocked = company.is_some_and(|company| company.blocked.is_some());
        stopped.extend(blocked.then(|| format!("company {id}")));
    }
    let by_owner = |token: &TokenView| stopped.contains(&format!("owner {}", token.owner));
    let by_company = |token: &TokenView| {
        let company = token.company.as_ref().map(|id| format!("company {id}"));
        company.is_some_and(|company| stopped.contains(&company))
    };
    let active = |of: &dyn Fn(&TokenView) -> bool| {
        let usable = all.iter().filter(|token| token.state == State::Active && of(token));
        u64::try_from(usable.count()).unwrap()
    };
    for (id, ..) in OWNERS {
        let stops = service.stopping(&world.by, &owner_id(id)).await.unwrap();
        let wanted = active(&|token| token.owner.as_str() == id && !by_company(token));
        assert_eq!(stops, wanted, "{id}");
    }
    for id in COMPANIES {
        let stops = service.stopping_of_company(&world.by, &slug(id)).await.unwrap();
        let wanted = active(&|token| token.company == Some(slug(id)) && !by_owner(token));
        assert_eq!(stops, wanted, "{id}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(12))]

    #[test]
    fn counts_are_those_of_a_walk_through_every_token(
        tokens in prop::collection::vec(made(), 1..90),
        blocked in prop::collection::vec(prop::bool::weighted(0.2), OWNERS.len() + COMPANIES.len()),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = world(&tokens, &blocked).await;
            let callers = callers(&world).await;
            // With uses in memory, then with all of them written down.
            for _ in 0..2 {
                for by in &callers {
                    overview_is_right(&world, by).await;
                    for filter in filters() {
                        preview_is_right(&world, by, &filter).await;
                    }
                }
                stopping_is_right(&world).await;
                world.service.cache.flush_touches(NOW).await.unwrap();
            }
            let all: Vec<_> = Role::ALL.into_iter().filter(|role| {
                OWNERS.iter().any(|(_, name, ..)| *name == role.as_str())
            }).collect();
            assert_eq!(all, Role::ALL, "every role asks");
        });
    }
}
