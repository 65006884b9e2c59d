//! Ending many tokens: what was shown is what is done.

use super::*;
use crate::domain::token::State;
use crate::service::bulk::{BulkPlan, BulkRevocation};
use crate::service::events::EventList;
use crate::store::Position;

fn asked(filter: Value) -> BulkRevocation {
    input(json!({ "filter": filter, "reason": "gone" }))
}

impl World {
    async fn plan(&self, filter: Value) -> BulkPlan {
        self.service.plan_revocation(&self.by, &asked(filter)).await.unwrap()
    }

    /// Ends what a preview with this word showed: how many now, and how many are left.
    async fn end(&self, filter: Value, confirm: &str) -> Result<(usize, usize), ServiceError> {
        let asked = BulkRevocation { confirm: Some(confirm.to_owned()), ..asked(filter) };
        let done = self.service.revoke_many(&self.by, &asked).await?;
        Ok((done.revoked, done.left))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e9_all_tokens_of_an_owner_end_as_shown() {
    let world = World::with_alice().await;
    world.owner(json!({"id": "bob"})).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..60 {
        ids.push(world.token().await.id);
    }
    ids.sort();
    let other = world.create(json!({"owner": "bob", "name": "ci"})).await.unwrap().id;
    world.service.revoke_token(&world.by, ids[0], "before").await.unwrap();
    let before = world.kinds().await.len();
    // What ended in the second of a preview is told apart by the next second.
    world.clock.advance(Span::from_seconds(1));
    let of_alice = json!({"owner": "alice"});
    let plan = world.plan(of_alice.clone()).await;
    assert_eq!((plan.tokens, plan.owners[0].tokens, plan.first.len()), (59, 59, 20));
    assert_eq!(plan.first[0].id, ids[1], "the oldest first, without what has ended");
    assert_eq!(world.kinds().await.len(), before, "to look writes nothing");

    assert_eq!(world.end(of_alice.clone(), &plan.confirm).await.unwrap(), (59, 0));
    let kinds = world.kinds().await;
    assert_eq!(kinds.len() - before, 2, "fifty in an event");
    assert!(kinds[..2].iter().all(|kind| kind == "token.revoked"));
    for id in &ids {
        let token = world.service.token(&world.by, *id).await.unwrap();
        assert_eq!(token.state, State::Revoked);
        let reason = if *id == ids[0] { "before" } else { "gone" };
        assert_eq!(token.ended.unwrap().act.reason, reason);
    }
    let other = world.service.token(&world.by, other).await.unwrap();
    assert_eq!(other.state, State::Active, "the token of somebody else");
    assert_eq!(world.end(of_alice.clone(), &plan.confirm).await.unwrap(), (0, 0), "once more");
    assert_eq!(world.plan(of_alice).await.tokens, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_shown_is_not_done() {
    let world = World::with_alice().await;
    let (one, two) = (world.token().await.id, world.token().await.id);
    let filter = json!({"state": "active", "name": "CI"});
    let plan = world.plan(filter.clone()).await;
    let late = world.token().await.id;
    let refused = world.end(filter.clone(), &plan.confirm).await;
    assert_eq!(
        problem(refused),
        (
            409,
            "2 tokens were shown, and what fits now is not the same (3 tokens): nothing was done"
                .to_owned()
        )
    );
    world.service.update_token(&world.by, late, &input(json!({"name": "x"}))).await.unwrap();
    // Somebody else was at it meanwhile: what is left of it is done.
    world.service.revoke_token(&world.by, one, "by hand").await.unwrap();
    assert_eq!(world.end(filter.clone(), &plan.confirm).await.unwrap(), (1, 0));
    let two = world.service.token(&world.by, two).await.unwrap();
    assert_eq!(two.state, State::Revoked);
    for word in ["", "2", "2-1800000000-0000000000000000", "x-y-z", "-1-1-1"] {
        let refused = problem(world.end(filter.clone(), word).await).0;
        assert!(matches!(refused, 400 | 409), "{word}: {refused}");
    }
    let other = world.end(json!({"name": "x"}), &plan.confirm).await;
    assert_eq!(problem(other).0, 409, "the word of another filter");
    assert_eq!(problem(world.service.revoke_many(&world.by, &asked(filter)).await).0, 400);
    for filter in [json!({}), json!({"never_used": false}), json!({"owner": "alice", "limit": 1})] {
        let plan = world.service.plan_revocation(&world.by, &asked(filter.clone())).await;
        assert_eq!(problem(plan).0, 400, "{filter}");
    }
}

/// A run that a call does not end, or that broke off, goes on with the same word.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_goes_on_with_the_same_word() {
    let world = World::in_calls_of(60).await;
    world.owner(json!({"id": "alice"})).await.unwrap();
    for _ in 0..130 {
        world.token().await;
    }
    let filter = json!({"state": "active", "ends_before": "2100-01-01T00:00:00Z"});
    let plan = world.plan(filter.clone()).await;
    assert_eq!(plan.tokens, 130);
    world.clock.advance(Span::from_seconds(5));
    let asked = BulkRevocation { confirm: Some(plan.confirm), ..asked(filter.clone()) };
    for (revoked, left) in [(60, 70), (60, 10), (10, 0), (0, 0)] {
        let done = world.service.revoke_many(&world.by, &asked).await.unwrap();
        assert_eq!((done.revoked, done.left, done.of), (revoked, left, 130));
    }
    assert_eq!(world.plan(filter).await.tokens, 0);

    // Who reads the history reads one act, however many lines it is written in.
    let (service, by) = (&world.service, &world.by);
    let acts = async |before, limit| {
        service.acts(by, None, (&EventList::default(), before), limit).await.unwrap()
    };
    let page = acts(None, 2).await;
    let [act, made] = &page.entries[..] else { panic!("{:?}", page.entries) };
    assert_eq!((act.oldest, act.view.position), (132, 136), "its five parts");
    assert_eq!((act.view.tokens.len(), act.view.users.len()), (130, 1));
    assert_eq!((made.oldest, made.view.event.kind.as_str()), (131, "token.created"));
    assert_eq!(page.next, Some(Position(131)), "the next page goes on behind both");
    assert_eq!(acts(None, 1).await.next, Some(Position(132)));
    let within = acts(Some(Position(134)), 50).await;
    assert_eq!((within.entries[0].oldest, within.entries[0].view.position), (132, 133));
    assert_eq!(within.entries.len(), 50);
}

/// Row E6: whoever misspells a name is told so, and not that there was nothing to end.
#[tokio::test(flavor = "multi_thread")]
async fn e6_a_name_that_is_nobodys_is_refused() {
    let world = World::with_alice().await;
    // Of a company that is not on record there may be tokens all the same.
    world.create(json!({"owner": "alice", "name": "ci", "company": "unlisted"})).await.unwrap();
    world.service.create_company(&world.by, input(json!({"id": "acme"}))).await.unwrap();
    for (filter, problem_text) in [
        (json!({"owner": "alcie"}), "there is no user `alcie`"),
        (json!({"owner": "alcie", "state": "active"}), "there is no user `alcie`"),
        (json!({"company": "acmee"}), "there is no company `acmee` on record"),
    ] {
        let refused = (404, problem_text.to_owned());
        let shown = world.service.plan_revocation(&world.by, &asked(filter.clone())).await;
        assert_eq!(problem(shown), refused);
        let done = world.end(filter, "0-1800000000-0000000000000000").await;
        assert_eq!(problem(done), refused);
    }
    assert_eq!(world.plan(json!({"company": "unlisted"})).await.tokens, 1);
    assert_eq!(world.plan(json!({"company": "acme"})).await.tokens, 0);
}
