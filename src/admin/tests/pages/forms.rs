//! Signing in, and forms that are refused.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_tells_nobody_what_was_wrong() {
    let face = Face::new().await;
    let wrong = face.ask("POST /sign-in", &[], "user=alice&password=not+it+at+all").await;
    let nobody = face.ask("POST /sign-in", &[], "user=nobody&password=not+it+at+all").await;
    assert_eq!((wrong.status, nobody.status), (401, 401));
    assert_eq!(wrong.text.replace("alice", "nobody"), nobody.text);
    assert!(wrong.text.contains("value=\"alice\"") && !wrong.text.contains("not it at all"));
    assert!(!wrong.headers.contains_key(header::SET_COOKIE));

    let first = face.ask("GET /tokens?owner=alice", &[], "").await;
    assert_eq!(first.place(), "/sign-in?next=%2Ftokens%3Fowner%3Dalice&done=sign-in-first");
    let form = face.ask(&format!("GET {}", first.place()), &[], "").await.text;
    assert!(form.contains("name=\"next\" value=\"/tokens?owner=alice\""));
    let body = format!("user=alice&password={GOOD}&next=/tokens?owner=alice").replace(' ', "+");
    let body = body.replace("?owner=", "%3Fowner%3D");
    let in_ = face.ask("POST /sign-in", &[], &body).await;
    assert_eq!(in_.place(), "/tokens?owner=alice");
    for part in ["__Host-tollgate=", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(in_.field(header::SET_COOKIE).contains(part));
    }
    for evil in ["//evil.example", "https:%2F%2Fevil.example", "/%5Cevil.example", "/%0Ax"] {
        let body = format!("user=alice&password={}&next={evil}", GOOD.replace(' ', "+"));
        assert_eq!(face.ask("POST /sign-in", &[], &body).await.place(), "/", "{evil}");
    }
    let alice = face.sign_in("alice").await;
    assert_eq!(alice.get("/sign-in").await.place(), "/");
    let out = alice.post("/sign-out", "").await;
    assert!(out.field(header::SET_COOKIE).contains("Max-Age=0"));
    assert_eq!(alice.get("/").await.place(), "/sign-in", "sec-W3: the cookie is dead");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_is_throttled_in_words() {
    let face = Face::new().await;
    let mut last = 0;
    for _ in 0..12 {
        last = face.ask("POST /sign-in", &[], "user=alice&password=x").await.status;
    }
    assert_eq!(last, 429);
    let late = face.ask("POST /sign-in", &[("accept-language", "ru")], "user=a&password=x").await;
    assert!(late.text.contains("Слишком много"), "{}", late.text);
    let wait: u64 = late.field(header::RETRY_AFTER).parse().unwrap();
    assert!(wait > 0 && late.text.contains(&format!("через {wait} ")), "{}", late.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_at_the_present_password_is_throttled_in_words() {
    let face = Face::new().await;
    let alice = face.sign_in("alice").await;
    let guess = "present=not+it&password=another+good+password&again=another+good+password";
    for _ in 0..21 {
        assert_eq!(alice.post("/account/password", guess).await.status, 400);
    }
    let late = alice.post("/account/password", guess).await;
    assert_eq!((late.status, late.field(header::RETRY_AFTER)), (429, "1"));
    let words = "Too many guesses were wrong. Try again in 1 second.";
    assert!(late.text.contains("present-wrong") && late.text.contains(words), "{}", late.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_w1_no_form_acts_for_another_site() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let (csrf, cookie) = (root.csrf.as_str(), ("cookie", root.cookie.as_str()));
    let own = ("origin", "https://desk.example");
    let paths = [
        "/tokens/new",
        "/tokens/revoke",
        "/tokens/leaked",
        "/notices/chat/test",
        "/tokens/import",
        "/tokens/import/go",
        "/users/new",
        "/users/bob/block",
        "/users/bob/edit",
        "/companies/new",
        "/companies/acme/edit",
        "/companies/acme/block",
        "/users/bob/password",
        "/account/password",
        "/explain",
        "/sign-out",
        "/tokens/find",
        "/look",
    ];
    for path in paths {
        let line = format!("POST {path}");
        for (fields, csrf) in [
            (&[cookie, ("origin", "https://evil.example")][..], csrf),
            (&[cookie, ("origin", "null")], csrf),
            (&[cookie, ("sec-fetch-site", "cross-site")], csrf),
            (&[cookie, own], "guess"),
            (&[cookie, own], ""),
        ] {
            if path == "/look" && fields.contains(&own) {
                continue;
            }
            let got = face.ask(&line, fields, &format!("csrf={csrf}&id=eve&reason=x")).await;
            assert_eq!(got.status, 403, "{path} {fields:?}");
            assert!(got.text.contains("Nothing was changed"), "{path}");
        }
    }
    let json = [cookie, own, ("x-csrf-token", csrf)];
    assert_eq!(face.ask("POST /users/new", &json, "id=eve").await.status, 403, "not by a header");
    assert_eq!(root.get("/users/eve").await.status, 404);
    assert_eq!(root.get("/users/bob").await.text.matches("state-blocked").count(), 0);
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(face.ask("POST /sign-in", &foreign, "user=root&password=x").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_refused_comes_back_with_what_was_typed() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let fields = "name=night&owner=nobody&description=for+the+night&access=chosen&context=hub\
                  &param.hub.market=north&flag=view&networks=10.0.0.1%2F8&expiry=30d";
    let got = root.post("/tokens/new", fields).await;
    assert_eq!(got.status, 400);
    for part in [
        "value=\"night\"",
        ">for the night</textarea>",
        "10.0.0.1/8",
        "name=\"context\" value=\"hub\" checked",
        "name=\"flag\" value=\"view\" checked",
        "<option value=\"30d\" selected",
        "<option selected>north",
    ] {
        assert!(got.text.contains(part), "{part}");
    }
    // The mistake is said above, with a way to its field, and beside the field, tied to it.
    let got = root.post("/tokens/new", &fields.replace("owner=nobody", "owner=alice")).await;
    assert!(got.text.contains("<a href=\"#networks\">"), "{}", got.text);
    assert!(got.text.contains("id=\"networks-wrong\""));
    assert!(got.text.contains("aria-describedby=\"networks-help networks-wrong\""));
    assert!(got.text.contains("autofocus"));
    let missing = "name=x&owner=alice&access=chosen&context=hub";
    let got = root.post("/tokens/new", missing).await;
    assert!(got.text.contains("<a href=\"#param.hub.market\">"), "{}", got.text);
    for fields in ["name=&owner=alice", "name=x&owner=alice&expiry=date&expires_on=2001-01-01"] {
        assert_eq!(root.post("/tokens/new", fields).await.status, 400, "{fields}");
    }
    // Passwords are never shown again.
    let got = root.post("/account/password", "present=wrong+one+here&password=a&again=a").await;
    assert_eq!(got.status, 400);
    assert!(!got.text.contains("wrong one here") && got.text.contains("present-wrong"));
    let got = root.post("/account/password", "present=x&password=a&again=b").await;
    assert!(got.text.contains("again-wrong"));
    let got = root.post("/users/new", "id=alice").await;
    assert!(got.status == 409 && got.text.contains("<a href=\"#id\">"), "{}", got.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn language_and_light_are_kept() {
    let face = Face::new().await;
    let body = "language=ru&theme=dark&back=%2Fsign-in";
    let got = face.ask("POST /look", &[], body).await;
    assert_eq!(got.place(), "/sign-in");
    let lines: Vec<_> = got.headers.get_all(header::SET_COOKIE).iter().collect();
    assert_eq!(lines.len(), 2);
    let cookie =
        [("cookie", "tollgate-language=ru; tollgate-theme=dark"), ("accept-language", "pt")];
    let page = face.ask("GET /sign-in", &cookie, "").await.text;
    assert!(page.contains("<html lang=\"ru\" data-theme=\"dark\">") && page.contains("Вход"));
    let odd = face.ask("POST /look", &[], "language=xx&theme=%22&back=%2F%2Fevil").await;
    assert!(odd.place() == "/" && !odd.headers.contains_key(header::SET_COOKIE));
}
