//! The history as people read it: what changed in words, whose events they see, and acts on many.

use super::*;
use crate::service::tests::input;

/// What is read of the changes below, in each language.
const CHANGED: [(&str, [&str; 15]); 3] = [
    (
        "en",
        [
            "view, edit",
            "36 hours",
            "3 Feb 2031, 04:05",
            "Trading hub",
            "Trading hub · Market",
            "north",
            "5 a minute",
            "100 in each day",
            "9 in all",
            "10.0.0.0/8",
            "Mon, Tue · 09:00–18:00 · UTC+03:00",
            "Unlimited",
            "Developer",
            "never",
            "General access",
        ],
    ),
    (
        "ru",
        [
            "view, edit",
            "36 часов",
            "03.02.2031, 04:05",
            "Trading hub",
            "Trading hub · Market",
            "north",
            "5 в минуту",
            "100 за сутки",
            "всего 9",
            "10.0.0.0/8",
            "пн, вт · 09:00–18:00 · UTC+03:00",
            "Без ограничений",
            "Разработчик",
            "бессрочно",
            "Общий доступ",
        ],
    ),
    (
        "pt-BR",
        [
            "view, edit",
            "36 horas",
            "03/02/2031 04:05",
            "Trading hub",
            "Trading hub · Market",
            "north",
            "5 por minuto",
            "100 a cada dia",
            "9 no total",
            "10.0.0.0/8",
            "seg., ter. · 09:00–18:00 · UTC+03:00",
            "Sem limites",
            "Desenvolvedor",
            "nunca",
            "Acesso geral",
        ],
    ),
];

/// Row X2: no reader meets the record's own form, in whatever language.
#[tokio::test(flavor = "multi_thread")]
async fn changes_are_read_and_not_decoded() {
    let face = Face::new().await;
    face.world.reload(|settings| {
        let hub = settings.contexts.iter_mut().find(|(id, _)| id.as_str() == "hub").unwrap();
        hub.1.title = "Trading hub".to_owned();
    });
    let (id, _) = face.token(json!({"owner": "alice", "name": "ci"})).await;
    let change = json!({
        "flags": ["view", "edit"], "idle_ttl": "36h", "expires_at": "2031-02-03T04:05:06Z", "contexts": ["hub"],
        "context_params": {"hub": {"market": "north"}}, "items": ["7"],
        "limits": {"rate": {"requests": 5, "per": "minute"}, "quotas": {"day": 100}, "uses": 9},
        "conditions": {"networks": ["10.0.0.0/8"], "windows": [
            {"days": [1, 2], "from_minute": 540, "until_minute": 1_080, "utc_offset_minutes": 180}]},
    });
    face.world.service.update_token(&face.world.by, id, &input(change)).await.unwrap();
    let ceiling = json!({"ceiling": 0x200, "roles": ["developer"]});
    face.world
        .service
        .update_owner(&face.world.by, &owner_id("bob"), &input(ceiling))
        .await
        .unwrap();
    let root = face.sign_in("root").await;
    for (language, words) in CHANGED {
        let page = root.get_in("/history", language).await.text;
        for word in words {
            assert!(page.contains(word), "{language}: {word}: {page}");
        }
        for raw in ["{&quot;", "&#34;", "129600", "<del><bdi>-1", "from_minute", "1536", "⟦"] {
            assert!(!page.contains(raw), "{language}: {raw}: {page}");
        }
    }
}

/// Row E8 for many: each part says how many tokens it ended, of how many, and what they had in common.
#[tokio::test(flavor = "multi_thread")]
async fn an_act_on_many_tokens_is_counted() {
    let face = Face::new().await;
    for n in 0..7 {
        face.token(json!({"owner": "alice", "name": format!("night {n}")})).await;
    }
    let (by, service) = (&face.world.by, &face.world.service);
    let filter = json!({"owner": "alice", "text": "night"});
    let plan = service.plan_revocation(by, &input(json!({ "filter": filter }))).await.unwrap();
    let act = json!({"filter": filter, "reason": "she left", "confirm": plan.confirm});
    service.revoke_many(by, &input(act)).await.unwrap();
    let root = face.sign_in("root").await;
    let page = root.get("/history?kind=token.revoked").await.text;
    for part in [
        "Part of one act on 7 tokens that matched:",
        "and 4 more tokens",
        "Owner <bdi>alice",
        "Text <bdi>night",
        "<bdi>night ",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let page = root.get_in("/history?kind=token.revoked", "ru").await.text;
    assert!(page.contains("Часть действия над 7 токенами") && page.contains("и ещё 4 токена"));
    // What was searched for is of whoever did it; whose tokens they were sees that they ended.
    let alice = face.sign_in("alice").await;
    let page = alice.get("/history?kind=token.revoked").await.text;
    assert!(page.contains("she left") && !page.contains("Text <bdi>night"), "{page}");
}

/// Whoever looks after a company sees what happens in it, and nothing of others; the form asks for one token, user
/// or company.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_after_others_sees_their_events() {
    let face = Face::new().await;
    let company = |id: &str| input(json!({ "id": id }));
    for id in ["acme", "other"] {
        face.world.service.create_company(&face.world.by, company(id)).await.unwrap();
    }
    for (id, role, company) in
        [("boss", "company-administrator", "acme"), ("looker", "auditor", "acme")]
    {
        face.user(json!({"id": id, "roles": [role], "company": company})).await;
    }
    face.user(json!({"id": "carol", "company": "acme"})).await;
    face.user(json!({"id": "eve", "company": "other"})).await;
    face.user(json!({"id": "junior", "parent": "alice"})).await;
    for (owner, name) in
        [("carol", "carols"), ("eve", "eves"), ("junior", "juniors"), ("alice", "alices")]
    {
        face.token(json!({"owner": owner, "name": name})).await;
    }
    for (who, seen, hidden) in [
        (
            "boss",
            vec!["carols", "/users/carol", "/companies/acme"],
            vec!["eves", "juniors", "/companies/other"],
        ),
        ("looker", vec!["carols", "/companies/acme"], vec!["eves", "alices", "/companies/other"]),
        (
            "alice",
            vec!["alices", "juniors", "/users/junior"],
            vec!["carols", "eves", "/companies/acme"],
        ),
        ("junior", vec!["juniors"], vec!["alices", "carols", "eves"]),
        ("root", vec!["alices", "juniors", "carols", "eves", "/companies/other"], vec!["⟦"]),
    ] {
        let reader = face.sign_in(who).await;
        let page = reader.get("/history").await.text;
        for field in ["id=\"token\"", "id=\"user\"", "id=\"company\""] {
            assert!(page.contains(field), "{who}: {field}");
        }
        for word in seen {
            assert!(page.contains(word), "{who} sees {word}: {page}");
        }
        for word in hidden {
            assert!(!page.contains(word), "{who} does not see {word}: {page}");
        }
    }
    let boss = face.sign_in("boss").await;
    let page = boss.get("/history?user=carol&kind=token").await.text;
    assert!(page.contains("carols") && page.contains("name=\"user\" value=\"carol\""));
    assert_eq!(boss.get("/history?user=eve").await.status, 404);
    for (query, field) in
        [("user=Not+A+Name", "user"), ("token=x", "token"), ("user=carol&company=acme", "company")]
    {
        let got = boss.get_in(&format!("/history?{query}"), "pt-BR").await;
        assert!(
            got.status == 400 && got.text.contains(&format!("href=\"#{field}\"")),
            "{query}: {}",
            got.text
        );
        assert!(languages::english(&got.text).is_empty(), "{query}");
    }
}
