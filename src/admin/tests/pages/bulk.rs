//! Rows E6 and E8 for many: what would end is shown, and nothing else ends.

use super::*;
use crate::domain::time::Span;

impl Person<'_> {
    /// What the form of a page says in a hidden field.
    fn hidden(page: &str, name: &str) -> String {
        let field = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
        field.split('"').next().unwrap().to_owned()
    }
}

async fn alive(face: &Face) -> usize {
    let list = input(json!({"state": "active"}));
    face.world.service.tokens(&face.world.by, &list).await.unwrap().entries.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_all_tokens_of_a_leaver_are_shown_and_then_end() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    for (owner, name) in [("alice", "one"), ("alice", "two"), ("bob", "three")] {
        face.token(json!({"owner": owner, "name": name})).await;
    }
    let link = "href=\"/tokens/revoke?owner=alice\"";
    assert!(root.get("/users/alice").await.text.contains(link));
    let list = root.get("/tokens?owner=alice").await.text;
    assert!(list.contains("/tokens/revoke?order=newest"), "{list}");
    assert!(!root.get("/tokens").await.text.contains("/tokens/revoke"), "not for the whole list");

    let ask = root.get("/tokens/revoke?owner=alice").await.text;
    assert!(ask.contains("2 tokens will be revoked.") && ask.contains(">one</bdi>"), "{ask}");
    assert!(!ask.contains(">three</bdi>"));
    assert_eq!(alive(&face).await, 3, "only asked");
    let confirm = Person::hidden(&ask, "confirm");
    let body = |confirm: &str| format!("owner=alice&confirm={confirm}&reason=left+the+company");
    let guess = root.post("/tokens/revoke", &body("3-1-aa")).await;
    assert!(guess.status == 409 && guess.text.contains("not the tokens that were shown"));
    let none = root.post("/tokens/revoke", "owner=alice&reason=x").await;
    assert_eq!(none.status, 400);
    // One more came since: what fits now is shown, and nothing was done.
    face.token(json!({"owner": "alice", "name": "late"})).await;
    let stale = root.post("/tokens/revoke", &body(&confirm)).await;
    assert!(stale.status == 409 && stale.text.contains("3 tokens will be revoked."));
    assert!(stale.text.contains("value=\"left the company\""));
    assert_eq!(alive(&face).await, 4);
    let other = format!("owner=bob&confirm={}", Person::hidden(&stale.text, "confirm"));
    assert_eq!(root.post("/tokens/revoke", &other).await.status, 409, "the word is of one list");
    let done = root.post("/tokens/revoke", &body(&Person::hidden(&stale.text, "confirm"))).await;
    assert_eq!(done.place(), "/tokens?order=newest&owner=alice&done=tokens-revoked");
    let page = root.get(done.place()).await.text;
    assert!(page.contains("The tokens are revoked.") && page.matches("state-revoked").count() == 3);
    assert_eq!(alive(&face).await, 1);
    assert!(root.get("/history").await.text.contains("left the company"));
    let again = root.get("/tokens/revoke?owner=alice").await.text;
    assert!(again.contains("no token here") && !again.contains("button class=\"main bad\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_says_nothing_is_not_ended() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    face.token(json!({"owner": "alice", "name": "one"})).await;
    for (query, status, says) in [
        ("", 400, "at least one filter"),
        ("?order=oldest", 400, "at least one filter"),
        ("?created_before=soon", 400, "created"),
    ] {
        let got = root.get(&format!("/tokens/revoke{query}")).await;
        assert_eq!(got.status, status, "{query}");
        assert!(got.text.to_lowercase().contains(says), "{query}: {}", got.text);
        assert!(!got.text.contains("name=\"confirm\""), "{query}");
    }
    for (language, words) in [("ru", "Будет отозван 1 токен."), ("pt-BR", "1 token será revogado.")]
    {
        let page = root.get_in("/tokens/revoke?text=one", language).await.text;
        assert!(page.contains(words) && page.contains(">one</bdi>"), "{page}");
    }
}

/// Row E1: everybody ends what they may end one by one; whoever looks on is asked nothing.
#[tokio::test(flavor = "multi_thread")]
async fn e1_nobody_ends_the_tokens_of_others_by_a_list() {
    let face = Face::new().await;
    for body in [
        json!({"id": "boss", "roles": ["company-administrator"], "company": "acme"}),
        json!({"id": "worker", "company": "acme"}),
        json!({"id": "watcher", "roles": ["auditor"]}),
    ] {
        face.user(body).await;
    }
    for owner in ["worker", "alice", "bob"] {
        face.token(json!({"owner": owner, "name": "one"})).await;
    }
    let watcher = face.sign_in("watcher").await;
    assert!(!watcher.get("/tokens?text=one").await.text.contains("/tokens/revoke"));
    assert_eq!(watcher.get("/tokens/revoke?text=one").await.status, 403);
    assert_eq!(watcher.post("/tokens/revoke", "text=one&confirm=1-1-a").await.status, 403);
    let alice = face.sign_in("alice").await;
    let root = face.sign_in("root").await;
    let confirm = Person::hidden(&root.get("/tokens/revoke?text=one").await.text, "confirm");
    let taken = alice.post("/tokens/revoke", &format!("text=one&confirm={confirm}")).await;
    assert_eq!(taken.status, 409, "the word of another is of no use");
    assert_eq!(alice.get("/tokens/revoke?owner=bob").await.status, 404);
    for (who, ends) in [("alice", "1 token"), ("boss", "1 token"), ("root", "3 tokens")] {
        let page = face.sign_in(who).await.get("/tokens/revoke?text=one").await.text;
        assert!(page.contains(&format!("{ends} will be revoked.")), "{who}: {page}");
    }
    assert_eq!(alive(&face).await, 3);
}

/// Row E9: what one call does not end goes on with the same word, by a button for each call, until nothing is left.
#[tokio::test(flavor = "multi_thread")]
async fn e9_a_long_run_goes_on_page_by_page() {
    let face = Face::over(World::in_calls_of(2).await).await;
    let root = face.sign_in("root").await;
    for owner in ["alice", "bob", "alice", "bob", "alice"] {
        face.token(json!({"owner": owner, "name": "old"})).await;
    }
    face.token(json!({"owner": "bob", "name": "kept"})).await;
    let ask = root.get("/tokens/revoke?text=old").await.text;
    assert!(ask.contains("5 tokens will be revoked."), "{ask}");
    let mut confirm = Person::hidden(&ask, "confirm");
    let calls = [
        ("en", ["2 tokens are revoked.", "3 are left.", "Go on"], 4),
        ("pt-BR", ["2 tokens foram revogados.", "Falta 1.", "Continuar"], 2),
    ];
    for (language, words, left) in calls {
        let cookie = format!("{}; tollgate-language={language}", root.cookie);
        let fields = [("cookie", cookie.as_str()), ("origin", "https://desk.example")];
        let typed = format!("text=old&confirm={confirm}&reason=no+longer+%22used%22");
        let typed = format!("csrf={}&{typed}", root.csrf);
        let page = face.ask("POST /tokens/revoke", &fields, &typed).await;
        let (status, page) = (page.status, page.text);
        assert!(status == 200 && words.iter().all(|it| page.contains(it)), "{status}: {page}");
        assert!(page.contains("class=\"count\" role=\"status\""), "it is read out");
        assert_eq!(alive(&face).await, left, "{language}");
        // The button sends what the first form sent.
        for (name, value) in [("reason", "no longer &#34;used&#34;"), ("text", "old")] {
            assert_eq!(Person::hidden(&page, name), value, "{language}");
        }
        assert_eq!(Person::hidden(&page, "confirm"), confirm, "the same word");
        confirm = Person::hidden(&page, "confirm");
        face.world.clock.advance(Span::from_seconds(9));
    }
    // One more came meanwhile: it is asked anew.
    let (late, _) = face.token(json!({"owner": "bob", "name": "old and late"})).await;
    let typed = format!("text=old&confirm={confirm}&reason=no+longer+used");
    let anew = root.post("/tokens/revoke", &typed).await;
    assert!(anew.status == 409 && !anew.text.contains("Go on"), "{}", anew.text);
    let renamed = input(json!({"name": "new"}));
    face.world.service.update_token(&face.world.by, late, &renamed).await.unwrap();
    let done = root.post("/tokens/revoke", &typed).await;
    assert!(done.place().ends_with("done=tokens-revoked"), "{}", done.place());
    let left = input(json!({"state": "active"}));
    let left = face.world.service.tokens(&face.world.by, &left).await.unwrap().entries;
    assert_eq!(left.iter().map(|token| token.name.as_str()).collect::<Vec<_>>(), ["new", "kept"]);
}
