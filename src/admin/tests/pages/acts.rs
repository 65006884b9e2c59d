//! Rows E1, E3, E6 to E9 and F1 through the forms.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn f1_a_secret_is_shown_once() {
    let face = Face::new().await;
    let (alice, bob) = (face.sign_in("alice").await, face.sign_in("bob").await);
    let made = alice.post("/tokens/new", "name=ci&owner=alice&expiry=30d&flag=view").await;
    let place = made.place().to_owned();
    assert!(place.ends_with("/secret") && made.text.is_empty());
    assert_eq!(bob.get(&place).await.status, 404, "not to somebody else");
    let head = [("cookie", alice.cookie.as_str())];
    face.ask(&format!("HEAD {place}"), &head, "").await;
    let ahead = [head[0], ("sec-purpose", "prefetch")];
    face.ask(&format!("GET {place}"), &ahead, "").await;
    let shown = alice.get(&place).await;
    let secret = shown.text.split("<code id=\"secret\">").nth(1).unwrap();
    let secret = secret.split('<').next().unwrap().to_owned();
    assert!(secret.starts_with("tg_") && shown.text.contains("curl -H"), "{}", shown.text);
    assert_eq!(shown.field(header::CACHE_CONTROL), "no-store");
    let again = alice.get(&place).await;
    assert!(again.status == 200 && !again.text.contains(&secret), "never on reload");
    assert!(again.text.contains("shown already"));
    let id = place.split('/').nth(2).unwrap();
    for path in
        ["/", "/tokens", "/history", &format!("/tokens/{id}"), &format!("/history?token={id}")]
    {
        assert!(!alice.get(path).await.text.contains(&secret), "{path}");
    }
    let page = alice.get(&format!("/tokens/{id}")).await.text;
    assert!(page.contains(&secret[secret.len() - 4..]) && page.contains("view"));
}

#[tokio::test(flavor = "multi_thread")]
async fn e8_a_token_is_paused_renamed_and_revoked() {
    let face = Face::new().await;
    let alice = face.sign_in("alice").await;
    let (id, _) = face.token(json!({"owner": "alice", "name": "ci"})).await;
    let at = |rest: &str| format!("/tokens/{id}{rest}");
    assert_eq!(alice.post(&at("/disable"), "").await.place(), at("?done=token-disabled"));
    assert!(alice.get(&at("")).await.text.contains("state-disabled"));
    assert_eq!(alice.post(&at("/enable"), "").await.place(), at("?done=token-enabled"));
    assert_eq!(alice.post(&at("/enable"), "").await.place(), at("?done=nothing"));

    // Nobody lifts a pause that they have not seen.
    alice.post(&at("/disable"), "").await;
    let page = alice.get(&at("")).await.text;
    let seen = page.split("name=\"revision\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    alice.post(&at("/enable"), "").await;
    alice.post(&at("/disable"), "").await;
    let stale = alice.post(&at("/enable"), &format!("revision={seen}")).await;
    assert!(stale.status == 412 && stale.text.contains("Somebody changed it in the meantime"));
    alice.post(&at("/enable"), "").await;

    let form = alice.get(&at("/edit")).await.text;
    let revision = form.split("name=\"revision\" value=\"").nth(1).unwrap();
    let revision = revision.split('"').next().unwrap();
    let body = format!("name=nightly&description=one%0D%0Atwo&revision={revision}");
    assert_eq!(alice.post(&at("/edit"), &body).await.place(), at("?done=token-changed"));
    let stale = alice.post(&at("/edit"), &body).await;
    assert!(stale.status == 409 && stale.text.contains("Somebody else has changed this meanwhile"));
    let empty = alice.post(&at("/edit"), "name=&description=").await;
    assert!(empty.status == 400 && empty.text.contains("<a href=\"#name\">"));

    assert!(alice.get(&at("/revoke")).await.text.contains("for good"));
    assert_eq!(alice.get(&at("")).await.text.matches("state-revoked").count(), 0, "only asked");
    let end = alice.post(&at("/revoke"), "reason=lost+laptop").await;
    assert_eq!(end.place(), at("?done=token-revoked"));
    let page = alice.get(end.place()).await.text;
    assert!(page.contains("state-revoked") && page.contains("lost laptop"));
    assert!(page.contains("The token is revoked.") && !page.contains("/disable"));
    assert!(alice.get("/tokens").await.text.contains("nightly"), "row F3: it stays in the list");
    assert_eq!(alice.post(&at("/enable"), "").await.status, 409, "an end is final");
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_a_user_is_made_blocked_and_unblocked() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let body =
        "id=carol&name=Carol&email=carol%40example.com&role=auditor&more_roles=a,b&kind=user";
    let made = root.post("/users/new", body).await;
    assert_eq!(made.place(), "/users/carol?done=user-created");
    let page = root.get(made.place()).await.text;
    for part in ["Carol", "carol@example.com", "Auditor", ">a</span>", ">b</span>"] {
        assert!(page.contains(part), "{part}");
    }
    let set = root.post("/users/carol/password", "password=a+new+good+password").await;
    assert_eq!(set.place(), "/users/carol?done=user-password");
    let short = root.post("/users/carol/password", "password=short").await;
    assert!(short.status == 400 && short.text.contains("password-wrong"));

    let (alice, _) = (face.sign_in("alice").await, ());
    for name in ["one", "two"] {
        face.token(json!({"owner": "alice", "name": name})).await;
    }
    let (gone, _) = face.token(json!({"owner": "alice", "name": "gone"})).await;
    face.world.service.revoke_token(&face.world.by, gone, "").await.unwrap();
    let ask = root.get("/users/alice/block").await.text;
    assert!(ask.contains("2 active tokens stop."), "{ask}");
    let done = root.post("/users/alice/block", "reason=left").await;
    assert_eq!(done.place(), "/users/alice?done=user-blocked");
    assert_eq!(alice.get("/tokens").await.place().split('?').next(), Some("/sign-in"));
    let page = root.get("/users/alice").await.text;
    assert!(page.contains("state-blocked") && page.contains("left"));
    assert!(root.get("/tokens").await.text.contains("state-blocked"));
    assert!(root.get("/users/alice/block").await.text.contains("2 tokens work again."));
    root.post("/users/alice/unblock", "").await;
    let old = alice.get("/tokens").await;
    assert_eq!(old.place().split('?').next(), Some("/sign-in"), "sec-W3: over for good");
    let alice = face.sign_in("alice").await;
    assert_eq!(alice.get("/tokens").await.status, 200, "row E7");
    let own = root.post("/users/root/block", "").await;
    assert_eq!(own.status, 403, "nobody blocks themselves");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_changes_their_password_goes_on_with_a_new_session() {
    let face = Face::new().await;
    let (here, there) = (face.sign_in("alice").await, face.sign_in("alice").await);
    let new = "another+good+password";
    let body = format!("present={}&password={new}&again={new}", GOOD.replace(' ', "+"));
    let got = here.post("/account/password", &body).await;
    assert_eq!(got.place(), "/account?done=own-password");
    let cookie = got.field(header::SET_COOKIE).split(';').next().unwrap();
    let page = face.ask("GET /account?done=own-password", &[("cookie", cookie)], "").await;
    assert!(page.status == 200 && page.text.contains("Your password is changed."));
    assert_eq!(here.get("/").await.place(), "/sign-in");
    assert_eq!(there.get("/").await.place(), "/sign-in", "all sessions of before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_explained_check_by_check() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let (id, secret) = face.token(json!({"owner": "alice", "name": "ci"})).await;
    let url = "url=http%3A%2F%2Fshop.example%2Forders%2F1&method=GET";
    let got = root.post("/explain", &format!("{url}&token={id}")).await;
    assert!(got.status == 200 && got.text.contains("It would be let through"), "{}", got.text);
    let got = root.post("/explain", &format!("{url}&secret={secret}")).await;
    assert!(got.text.contains("It would be let through") && !got.text.contains(&secret));
    face.world.service.revoke_token(&face.world.by, id, "").await.unwrap();
    let got = root.post("/explain", &format!("{url}&token={id}")).await;
    assert!(got.text.contains("It would be refused · 401") && got.text.contains("Not revoked"));
    for (fields, place) in [
        ("url=%20&method=GET", "#url"),
        ("method=GET&url=%2F&token=x", "#token"),
        ("method=GET&url=%2F&certificate=x", "#certificate"),
    ] {
        let got = root.post("/explain", fields).await;
        assert!(got.status == 400 && got.text.contains(place), "{fields}: {}", got.text);
    }
    let alice = face.sign_in("bob").await;
    let got = alice.post("/explain", &format!("{url}&token={id}")).await;
    assert!(!got.text.contains("/tokens/") || !got.text.contains(">ci<"), "not of others' tokens");
}
