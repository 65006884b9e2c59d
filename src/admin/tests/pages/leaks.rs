//! Row F8: secrets that were found in the open end their tokens by a page.

use super::*;
use crate::domain::time::Span;

#[tokio::test(flavor = "multi_thread")]
async fn f8_leaked_secrets_end_their_tokens_and_are_not_shown() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let (one, first) = face.token(json!({"owner": "alice", "name": "one"})).await;
    let (_, second) = face.token(json!({"owner": "bob", "name": "two"})).await;
    let (_, kept) = face.token(json!({"owner": "bob", "name": "kept"})).await;
    assert!(root.get("/tokens").await.text.contains("href=\"/tokens/leaked\""));
    assert!(root.get("/tokens/leaked").await.text.contains("at most 1,000"));
    let body = format!(
        "secrets={first}%0D%0A+{second},%0D%0Anothing-of-ours%0D%0A&reason=in+a+public+repo"
    );
    let got = root.post("/tokens/leaked", &body).await;
    assert_eq!(got.status, 200);
    assert!(
        got.text.contains("2 tokens are revoked. Their owners see it on their first page."),
        "{}",
        got.text
    );
    assert!(got.text.contains(&format!("href=\"/tokens/{one}\"")) && got.text.contains(">alice<"));
    assert!(got.text.contains("unknown secret"));
    for secret in [&first, &second, &kept, "nothing-of-ours"] {
        assert!(!got.text.contains(secret), "no page repeats a secret");
    }
    let page = root.get(&format!("/tokens/{one}")).await.text;
    assert!(page.contains("state-revoked") && page.contains("in a public repo"));
    let alice = face.sign_in("alice").await;
    assert!(alice.get("/history").await.text.contains("its secret leaked"), "she is told");
    let first_page = alice.get("/").await.text;
    let told = "One of your tokens was leaked and ended.";
    let link = format!("href=\"/tokens/{one}\"");
    assert!(first_page.contains(told) && first_page.contains(&link), "{first_page}");
    assert!(!root.get("/").await.text.contains(told), "it is not theirs");
    let words = ("ru", "1 ваш токен утёк");
    assert!(alice.get_in("/", words.0).await.text.contains(words.1));
    face.world.clock.advance(Span::from_days(16));
    let alice = face.sign_in("alice").await;
    assert!(!alice.get("/").await.text.contains(told), "that was long ago");
    let root = face.sign_in("root").await;
    let again = root.post("/tokens/leaked", &body).await.text;
    assert!(again.contains("No token had to be revoked.") && again.contains("had already ended"));
    let alive = input(json!({"state": "active"}));
    let alive = face.world.service.tokens(&face.world.by, &alive).await.unwrap().entries;
    assert_eq!(alive.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn f8_it_is_seen_what_would_end_before_it_does() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let (one, secret) = face.token(json!({"owner": "alice", "name": "one"})).await;
    let twice = format!("secrets=%0D%0A{secret}%0D%0A%3Ftoken%3D{secret}%26a%3D1&try=yes");
    let once = root.post("/tokens/leaked", &twice).await.text;
    assert!(once.contains("1 active token would be revoked.") && !once.contains("already ended"));
    assert!(once.contains("scope=\"row\">2</th>") && !once.contains("scope=\"row\">3</th>"));
    let body = format!("secrets=nothing-of-ours%0D%0A{secret}&reason=found&try=yes");
    let got = root.post("/tokens/leaked", &body).await;
    assert!(got.status == 200 && got.text.contains("1 active token would be revoked."));
    assert!(got.text.contains("state-active") && got.text.contains("unknown secret"));
    assert!(!got.text.contains(&secret), "no page repeats a secret");
    let page = root.get(&format!("/tokens/{one}")).await.text;
    assert!(page.contains("state-active"), "nothing has happened yet");
    let draft = got.text.split("name=\"draft\" value=\"").nth(1).unwrap();
    let draft = draft.split('"').next().unwrap();
    let body = format!("draft={draft}&reason=found");
    let done = root.post("/tokens/leaked", &body).await.text;
    assert!(done.contains("1 token is revoked") && !done.contains(&secret));
    let again = root.post("/tokens/leaked", &body).await;
    assert!(again.status == 410 && again.text.contains("no longer kept"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_none_is_refused() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let many: String = (0..1_001).map(|n| format!("abcdefghijklmnop{n}+")).collect();
    let long = format!("secrets=nothing-of-ours&reason={}", "x".repeat(501));
    for (body, place) in [
        ("secrets=+%0A".to_owned(), "secrets"),
        (format!("secrets={many}"), "secrets"),
        (long, "reason"),
    ] {
        let got = root.post("/tokens/leaked", &body).await;
        let link = format!("<a href=\"#{place}\">");
        assert!(got.status == 400 && got.text.contains(&link), "{}", got.text);
        assert!(!got.text.contains("nothing-of-ours") && !got.text.contains("abcdefghijklmnop"));
    }
    for (language, words) in
        [("ru", "Отозвать утёкшие токены"), ("pt-BR", "Revogar tokens vazados")]
    {
        assert!(root.get_in("/tokens/leaked", language).await.text.contains(words));
    }
    // Row E1: it is for administrators, and offered to nobody else.
    let (_, secret) = face.token(json!({"owner": "alice", "name": "one"})).await;
    let alice = face.sign_in("alice").await;
    assert!(!alice.get("/tokens").await.text.contains("/tokens/leaked"));
    assert_eq!(alice.get("/tokens/leaked").await.status, 403);
    assert_eq!(alice.post("/tokens/leaked", &format!("secrets={secret}")).await.status, 403);
    assert!(alice.get("/tokens").await.text.contains("state-active"));
}

/// The "every list shows the date on which a token will end by time or by idleness".
#[tokio::test(flavor = "multi_thread")]
async fn f8_a_report_shows_when_each_token_ends() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let mut secrets = String::new();
    for (name, lifetime, idle) in [("time", "9d", 0), ("idle", "0", 86_400), ("never", "0", 0)] {
        let body = json!({"owner": "alice", "name": name, "lifetime": lifetime, "idle_ttl": idle});
        secrets += &format!("%0A{}", face.token(body).await.1);
    }
    let got = async |tried: &str| {
        let body = format!("secrets=nothing-of-ours{secrets}&reason=found{tried}");
        let page = root.post("/tokens/leaked", &body).await.text;
        assert!(page.contains("<th role=\"columnheader\" scope=\"col\">Ends on</th>"), "{page}");
        let cells = page.split("data-label=\"Ends on\">").skip(1);
        cells.map(|cell| cell.split("</td>").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let marks = |cells: Vec<String>, wanted: [&str; 4]| {
        assert_eq!(cells.len(), 4);
        for (cell, wanted) in cells.iter().zip(wanted) {
            assert!(cell.contains(wanted), "{wanted}: {cell}");
        }
    };
    marks(got("&try=yes").await, ["none", "by time", "by idleness", "never"]);
    marks(got("").await, ["none", "ended", "ended", "ended"]);
}
