//! Secrets that were found where they do not belong.

use super::*;
use crate::domain::secret::Secret;
use crate::domain::token::{End, State};
use crate::service::leaks::LeakOutcome;

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn leaked_tokens_end_at_once_and_their_owners_see_it() {
    let world = World::with_alice().await;
    let body = || input(json!({"owner": "alice", "name": "ci"}));
    let mut made = Vec::new();
    for _ in 0..3 {
        let created = world.service.create_token(&world.by, body()).await.unwrap();
        made.push((created.token.id, created.secret.unwrap()));
    }
    let [(one, leaked), (two, ended), (three, reported)] = &made[..] else { panic!() };
    world.service.revoke_token(&world.by, *two, "").await.unwrap();
    let ours_of_nobody = Secret::issue(crate::service::create::random).unwrap();
    let all = [leaked.clone(), secret("no secret"), ended.clone(), ours_of_nobody, leaked.clone()];
    let tried = world.service.leaked(&world.by, "in a wiki", &all, true).await.unwrap();
    assert!(tried.iter().any(|line| line.outcome == LeakOutcome::WouldEnd));
    assert!(tried.iter().all(|line| line.outcome != LeakOutcome::Ended));
    let lines = world.service.leaked(&world.by, "in a wiki", &all, false).await.unwrap();
    for (before, line) in tried.iter().zip(&lines) {
        let same = before.outcome == line.outcome;
        let ends = (LeakOutcome::WouldEnd, LeakOutcome::Ended);
        assert!(same || (before.outcome, line.outcome) == ends, "{before:?} {line:?}");
        assert_eq!((&before.id, &before.owner), (&line.id, &line.owner));
    }
    let told: Vec<_> = lines.iter().map(|line| (line.outcome, line.id)).collect();
    assert_eq!(
        told,
        [
            (LeakOutcome::Ended, Some(*one)),
            (LeakOutcome::Unknown, None),
            (LeakOutcome::WasEnded, Some(*two)),
            (LeakOutcome::Unknown, None),
            (LeakOutcome::Repeated, Some(*one)),
        ]
    );
    assert_eq!(lines[0].owner, Some(owner_id("alice")));
    world
        .service
        .leaked_to("192.0.2.9".parse().unwrap(), std::slice::from_ref(reported))
        .await
        .unwrap();
    for (id, reason) in [(one, "in a wiki"), (three, "reported from 192.0.2.9")] {
        let token = world.service.token(&world.by, *id).await.unwrap();
        let end = token.ended.unwrap();
        assert_eq!((token.state, end.how), (State::Revoked, End::Leaked));
        assert_eq!(end.act.reason, reason);
    }
    let subject = store::Subject::Owner(owner_id("alice"));
    let events = world.service.store().events(Some(&subject), None, 99).await.unwrap().entries;
    let kinds = events.iter().filter(|one| one.line.contains(r#""token.leaked""#)).count();
    assert_eq!(kinds, 2, "the owner is told");
    // sec-L1
    for (event, (_, secret)) in events.iter().flat_map(|event| made.iter().map(move |m| (event, m)))
    {
        assert!(!event.line.contains(secret.expose()));
    }
    assert!(!serde_json::to_string(&lines).unwrap().contains(leaked.expose()));
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_bounded() {
    let world = World::new().await;
    let many = |count| vec![secret("0f8fad5b-d9cb-469f-a165-70867728950e"); count];
    for (count, status) in [(0, 400), (1_000, 200), (1_001, 400)] {
        let outcome = world.service.leaked(&world.by, "", &many(count), false).await;
        assert_eq!(outcome.err().map_or(200, |error| error.status()), status, "{count}");
    }
    let stranger = "2001:db8::1".parse().unwrap();
    assert!(world.service.leaked_to(stranger, &many(100)).await.is_ok());
    assert!(world.service.leaked_to(stranger, &many(101)).await.is_err());
}
