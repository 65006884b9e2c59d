//! Forms that are sent when their session is over: nothing of them is done, and what was typed comes back to whoever
//! typed it, but for secrets.

use super::*;
use crate::domain::time::Span;

/// The hidden field of a page.
fn hidden(page: &str, name: &str) -> Option<String> {
    let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1)?;
    Some(rest.split('"').next()?.to_owned())
}

fn signing_in(user: &str, kept: &str, next: &str) -> String {
    let next = next.replace('/', "%2F");
    format!("user={user}&password={}&kept={kept}&next={next}", GOOD.replace(' ', "+"))
}

/// A page as whoever has just signed in sees it.
async fn after(face: &Face, got: &Got) -> Got {
    let cookie = got.field(header::SET_COOKIE).split(';').next().unwrap();
    face.ask(&format!("GET {}", got.place()), &[("cookie", cookie)], "").await
}

const TYPED: &str = "as=alice&name=night+%26+day&owner=alice&access=chosen&context=hub&param.hub.market=north\
                     &param.hub.key=very-secret-value&flag=view";

#[tokio::test(flavor = "multi_thread")]
async fn sec_w3_a_form_whose_session_ended_comes_back_after_signing_in() {
    let face = Face::new().await;
    face.world.reload(|settings| {
        let hub = settings.contexts.get_mut(&"hub".parse().unwrap()).unwrap();
        let mut secret = hub.params["market"].clone();
        (secret.secret, secret.required, secret.choices) = (true, false, Vec::new());
        hub.params.insert("key".to_owned(), secret);
    });
    let alice = face.sign_in("alice").await;
    alice.post("/sign-out", "").await;
    let late = alice.post("/tokens/new", TYPED).await;
    assert_eq!(late.status, 401);
    assert!(late.text.contains("nothing was saved") && late.text.contains("id=\"password\""));
    let kept = hidden(&late.text, "kept").unwrap();
    assert_eq!(hidden(&late.text, "next").as_deref(), Some("/tokens/new"));
    for plain in ["night", "very-secret", "bmlnaHQ"] {
        assert!(!late.text.contains(plain), "{plain}: it is sealed");
    }
    // A password that is wrong costs nothing of it.
    let wrong = format!("user=alice&password=wrong&kept={kept}&next=%2Ftokens%2Fnew");
    let wrong = face.ask("POST /sign-in", &[], &wrong).await;
    assert_eq!((wrong.status, hidden(&wrong.text, "kept").unwrap()), (401, kept.clone()));
    let in_ = face.ask("POST /sign-in", &[], &signing_in("alice", &kept, "/tokens/new")).await;
    assert_eq!(in_.place(), "/tokens/new?kept=1&done=form-kept");
    let page = after(&face, &in_).await;
    for part in [
        "value=\"night &#38; day\"",
        "name=\"context\" value=\"hub\" checked",
        "<option selected>north",
        "name=\"flag\" value=\"view\" checked",
        "Nothing is saved yet",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(!page.text.contains("very-secret-value"), "secrets never come back");
    assert!(
        after(&face, &in_).await.text.contains("night &#38; day"),
        "nor is it lost when loaded again"
    );
    // Not in another form, and not for ever.
    let cookie = in_.field(header::SET_COOKIE).split(';').next().unwrap();
    let other = face.ask("GET /users/alice?kept=1", &[("cookie", cookie)], "").await;
    assert!(!other.text.contains("night"));
    let other = face.ask("GET /tokens/new?kept=2", &[("cookie", cookie)], "").await;
    assert!(!other.text.contains("night"));
    face.world.clock.advance(Span::from_seconds(601));
    assert!(!after(&face, &in_).await.text.contains("night"));
    let list = face.ask("GET /tokens", &[("cookie", cookie)], "").await;
    assert!(list.status == 200 && !list.text.contains("night"), "nothing was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_w3_what_was_typed_comes_back_to_nobody_else() {
    let face = Face::new().await;
    let late = face.ask("POST /tokens/new", &[], &format!("csrf=x&{TYPED}")).await;
    let kept = hidden(&late.text, "kept").unwrap();
    let bob = face.ask("POST /sign-in", &[], &signing_in("bob", &kept, "/tokens/new")).await;
    assert_eq!(bob.place(), "/tokens/new");
    assert!(!after(&face, &bob).await.text.contains("night"));
    let torn = signing_in("alice", &kept[..kept.len() - 4], "/tokens/new");
    assert_eq!(face.ask("POST /sign-in", &[], &torn).await.place(), "/tokens/new");
    face.world.clock.advance(Span::from_seconds(900));
    let late = face.ask("POST /sign-in", &[], &signing_in("alice", &kept, "/tokens/new")).await;
    assert_eq!(late.place(), "/tokens/new", "it is too late");
    // Nobody chooses by a name of many lines where somebody goes after signing in.
    for user in ["alice%0A%2F%2Fevil.example%2Fx", "alice%0Ax", "no+one", "%3Cb%3E"] {
        let got = face.ask("POST /tokens/new", &[], &format!("as={user}&name=x")).await;
        assert_eq!(got.place(), "/sign-in?next=%2Ftokens%2Fnew&done=sign-in-lost", "{user}");
    }
    // Another site has nothing kept or shown (sec-W1).
    let evil = [("origin", "https://evil.example")];
    let got = face.ask("POST /tokens/new", &evil, TYPED).await;
    assert!(got.status == 403 && hidden(&got.text, "kept").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_does_not_come_back_says_that_nothing_was_done() {
    let face = Face::new().await;
    let alice = face.sign_in("alice").await;
    alice.post("/sign-out", "").await;
    for (path, next) in [
        ("/account/password", "%2Faccount"),
        ("/users/bob/block", "%2Fusers%2Fbob%2Fblock"),
        ("/tokens/revoke", "%2Ftokens"),
        ("/notices/chat/test", "%2Fnotices%2Fchat"),
    ] {
        let got = alice.post(path, "as=alice&password=x&present=y").await;
        assert_eq!(got.place(), format!("/sign-in?next={next}&done=sign-in-lost"), "{path}");
        assert!(
            face.ask(&format!("GET {}", got.place()), &[], "")
                .await
                .text
                .contains("nothing was done")
        );
    }
    assert_eq!(alice.post("/sign-out", "").await.place(), "/sign-in?next=%2F&done=signed-out");
    let long = format!("as=alice&name={}", "x".repeat(70_000));
    assert_eq!(
        alice.post("/tokens/new", &long).await.place(),
        "/sign-in?next=%2Ftokens%2Fnew&done=sign-in-lost"
    );
}

/// Somebody signed in anew beside the form: it is not done with the word of the session of before, and not lost.
#[tokio::test(flavor = "multi_thread")]
async fn sec_w1_a_form_of_the_session_before_is_shown_again() {
    let face = Face::new().await;
    let (before, now) = (face.sign_in("root").await, face.sign_in("root").await);
    let old = Person { face: &face, cookie: now.cookie.clone(), csrf: before.csrf.clone() };
    let got = old.post("/users/new", "as=root&id=carol&name=Carol&role=auditor").await;
    assert_eq!(got.place(), "/users/new?kept=1&done=form-again");
    let page = now.get(got.place()).await.text;
    assert!(
        page.contains("value=\"carol\"") && page.contains("value=\"auditor\" checked"),
        "{page}"
    );
    assert_eq!(now.get("/users/carol").await.status, 404, "nothing was done");
    for (path, fields) in [
        ("/users/new", "as=alice&id=eve"),
        ("/users/new", "id=eve"),
        ("/users/bob/block", "as=root"),
    ] {
        assert_eq!(old.post(path, fields).await.status, 403, "{path} {fields}");
    }
    assert!(
        !before.get(got.place()).await.text.contains("value=\"carol\""),
        "of one session alone"
    );
}
