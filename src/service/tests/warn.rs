//! Warnings before the end: 14, 3 and 1 days, to the second, each once.

use std::net::IpAddr;

use super::*;
use crate::domain::event::EventKind;
use crate::service::warn::Lookout;

const DAY: u64 = 86_400;

impl World {
    /// Looks until nothing is left to look at, as the upkeep does.
    async fn warns(&self, lookout: &mut Lookout) -> usize {
        let mut told = 0;
        loop {
            let warned = self.service.warn(self.clock.now(), lookout).await.unwrap();
            told += warned.told;
            if !warned.more {
                return told;
            }
        }
    }

    fn lookout(&self) -> Lookout {
        Lookout::since(self.clock.now())
    }

    /// What was said of a token's end, oldest first: the kind, and how long before the end.
    async fn warnings(&self, id: TokenId) -> Vec<(EventKind, u64)> {
        let subject = store::Subject::Token(id);
        let page = self.service.store().events(Some(&subject), None, 100).await.unwrap();
        let events = page.entries.iter().rev().map(|recorded| &recorded.event);
        let near =
            |kind| [EventKind::TokenExpiresSoon, EventKind::TokenIdlesOutSoon].contains(&kind);
        let said = events.filter(|event| near(event.kind));
        said.map(|event| (event.kind, event.effective_at.since(event.at).seconds())).collect()
    }

    /// Lets time pass second by second around each moment that matters, and has what is over ended and what
    /// is near told each time.
    async fn days_pass(&self, days: u64, lookout: &mut Lookout) {
        for _ in 0..days {
            for step in [DAY / 2 - 1, 1, 1, DAY / 2 - 2, 1] {
                self.clock.advance(Span::from_seconds(step));
                self.service.sweep(self.clock.now(), None).await.unwrap();
                self.warns(lookout).await;
            }
        }
    }

    async fn is_used(&self, id: TokenId) {
        let token = self.service.token_record(id).await.unwrap();
        let cache = &self.service.cache;
        let entry = cache.load(&token.digest).await.unwrap().unwrap();
        let (now, address) = (self.clock.now(), IpAddr::from([192, 0, 2, 1]));
        cache.touch(&entry, now, address, cache.api_number(&Arc::from("shop")));
        cache.flush_touches(now).await.unwrap();
    }
}

fn told(kind: EventKind, days: &[u64]) -> Vec<(EventKind, u64)> {
    days.iter().map(|days| (kind, days * DAY)).collect()
}

use EventKind::{TokenExpiresSoon as Expires, TokenIdlesOutSoon as Idles};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_warned_14_3_and_1_days_before_each_end_to_the_second() {
    let world = World::with_alice().await;
    let mut lookout = world.lookout();
    let token = async |lifetime: &str, idle: &str| {
        let body = json!({"owner": "alice", "name": "x", "lifetime": lifetime, "idle_ttl": idle});
        world.create(body).await.unwrap().id
    };
    let long = token("20d", "0").await;
    let idle = token("0", "20d").await;
    let both = token("19d", "18d").await;
    let never = token("0", "0").await;
    let short = [token("14d", "0").await, token("3d", "0").await, token("1d", "0").await];
    let short_idle = token("0", "3d").await;
    world.days_pass(22, &mut lookout).await;
    assert_eq!(world.warnings(long).await, told(Expires, &[14, 3, 1]));
    assert_eq!(world.warnings(idle).await, told(Idles, &[14, 3, 1]));
    assert_eq!(world.warnings(both).await, told(Idles, &[14, 3, 1]), "the sooner end");
    assert_eq!(world.warnings(never).await, []);
    assert_eq!(world.warnings(short[0]).await, told(Expires, &[3, 1]), "never had more");
    assert_eq!(world.warnings(short[1]).await, told(Expires, &[1]));
    assert_eq!(world.warnings(short[2]).await, []);
    assert_eq!(world.warnings(short_idle).await, told(Idles, &[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_moves_is_warned_of_anew_and_one_that_is_over_no_more() {
    let world = World::with_alice().await;
    let mut lookout = world.lookout();
    let token = async |body: Value| world.create(body).await.unwrap().id;
    let life = json!({"owner": "alice", "name": "x", "lifetime": "16d", "idle_ttl": "0"});
    let [later, sooner, ended] =
        [token(life.clone()).await, token(life.clone()).await, token(life).await];
    let used = token(json!({"owner": "alice", "name": "x", "idle_ttl": "16d"})).await;
    world.days_pass(3, &mut lookout).await;
    for id in [later, sooner, ended] {
        assert_eq!(world.warnings(id).await, told(Expires, &[14]));
    }
    assert_eq!(world.warnings(used).await, told(Idles, &[14]));
    // At 13 days before the end.
    world.update(later, json!({"lifetime": "20d"})).await.unwrap();
    world.update(sooner, json!({"lifetime": "5d"})).await.unwrap();
    world.service.revoke_token(&world.by, ended, "").await.unwrap();
    world.is_used(used).await;
    world.update(used, json!({"description": "a change that moves no end"})).await.unwrap();
    world.days_pass(30, &mut lookout).await;
    assert_eq!(world.warnings(later).await, told(Expires, &[14, 14, 3, 1]));
    assert_eq!(world.warnings(sooner).await, told(Expires, &[14, 1]), "moved to within three days");
    assert_eq!(world.warnings(ended).await, told(Expires, &[14]));
    assert_eq!(world.warnings(used).await, told(Idles, &[14, 14, 3, 1]));
}

/// Looks are begun anew, as after a crash: what was said is not said again, and nothing is left out.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_says_nothing_twice_and_leaves_nothing_out() {
    let world = World::with_alice().await;
    let mut lookout = world.lookout();
    let mut ids = Vec::new();
    // More than a batch, at one second each.
    for _ in 0..150 {
        let body = json!({"owner": "alice", "name": "x", "lifetime": "20d", "idle_ttl": "0"});
        ids.push(world.create(body).await.unwrap().id);
        world.clock.advance(Span::from_seconds(1));
    }
    world.clock.advance(Span::from_days(6));
    // The crash comes after one batch.
    let first = world.service.warn(world.clock.now(), &mut lookout).await.unwrap();
    assert!(first.more && first.told == 128, "{first:?}");
    let mut lookout = world.lookout();
    assert_eq!(world.warns(&mut lookout).await, 22);
    assert_eq!(world.warns(&mut world.lookout()).await, 0);
    // The gateway stands still past one warning, and past two.
    let noted = world.clock.now();
    world.clock.advance(Span::from_seconds(12 * DAY));
    assert_eq!(world.warns(&mut Lookout::since(noted)).await, 150, "one that is late, not two");
    for id in ids {
        let said = world.warnings(id).await;
        assert_eq!(said.len(), 2);
        assert!(said[0].1 <= 14 * DAY && said[1].1 <= 2 * DAY, "{said:?}");
    }
}

/// Tokens that may lie idle for some days, are used, and then are not: to the second also where the index
/// has them too early.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_counts_however_early_a_token_is_filed() {
    let world = World::with_alice().await;
    let mut lookout = world.lookout();
    for (ttl, uses, days) in
        [(6, 9, &[3, 1][..]), (10, 3, &[3, 1]), (16, 20, &[14, 3, 1]), (40, 35, &[14, 3, 1])]
    {
        let body = json!({"owner": "alice", "name": "x", "idle_ttl": format!("{ttl}d")});
        let id = world.create(body).await.unwrap().id;
        for _ in 0..uses {
            world.days_pass(1, &mut lookout).await;
            world.is_used(id).await;
        }
        assert_eq!(world.warnings(id).await, [], "{ttl}");
        world.days_pass(ttl + 1, &mut lookout).await;
        assert_eq!(world.warnings(id).await, told(Idles, days), "{ttl}");
    }
}
