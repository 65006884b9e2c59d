//! Companies, owners who change, filters, rotation and limits through the forms.

use super::*;

impl Person<'_> {
    /// The revision that a form was made from.
    async fn revision(&self, path: &str) -> String {
        let form = self.get(path).await.text;
        let revision = form.split("name=\"revision\" value=\"").nth(1).unwrap();
        revision.split('"').next().unwrap().to_owned()
    }
}

async fn company(face: &Face, body: serde_json::Value) {
    face.world.service.create_company(&face.world.by, input(body)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_a_company_is_licensed_and_blocked_with_a_count() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let made = root.post("/companies/new", "id=acme&name=Acme&access=chosen&context=stock").await;
    assert_eq!(made.place(), "/companies/acme?done=company-created");
    let page = root.get(made.place()).await.text;
    assert!(page.contains("Acme") && page.contains(">stock</code>") && !page.contains(">hub<"));
    let again = root.post("/companies/new", "id=acme").await;
    assert!(again.status == 409 && again.text.contains("<a href=\"#id\">"), "{}", again.text);
    let wrong = root.post("/companies/new", "id=A+B").await;
    assert!(wrong.status == 400 && wrong.text.contains("id-wrong"), "{}", wrong.text);

    let revision = root.revision("/companies/acme/edit").await;
    let body = format!("name=Acme+Ltda&access=all&reason=paid&revision={revision}");
    let changed = root.post("/companies/acme/edit", &body).await;
    assert_eq!(changed.place(), "/companies/acme?done=company-changed");
    assert_eq!(root.post("/companies/acme/edit", &body).await.status, 409, "from another revision");
    for name in ["one", "two"] {
        face.token(json!({"owner": "alice", "company": "acme", "name": name})).await;
    }
    face.token(json!({"owner": "alice", "name": "of no company"})).await;
    let ask = root.get("/companies/acme/block").await.text;
    assert!(ask.contains("2 active tokens stop."), "{ask}");
    let done = root.post("/companies/acme/block", "reason=unpaid").await;
    assert_eq!(done.place(), "/companies/acme?done=company-blocked");
    let page = root.get("/companies/acme").await.text;
    assert!(page.contains("state-blocked") && page.contains("unpaid"));
    assert!(root.get("/companies/acme/unblock").await.text.contains("2 tokens work again."));
    let seen = root.revision("/companies/acme/unblock").await;
    root.post("/companies/acme/edit", &format!("name=Acme&access=all&revision={seen}")).await;
    let stale = root.post("/companies/acme/unblock", &format!("revision={seen}")).await;
    assert_eq!(stale.status, 412, "nobody lifts a block that they have not seen");
    assert_eq!(root.post("/companies/acme/unblock", "").await.status, 303);
    assert!(root.get("/history?company=acme").await.text.contains("Company unblocked"));
    // Nobody else has a company to see.
    let alice = face.sign_in("alice").await;
    assert!(!alice.get("/").await.text.contains("/companies"));
    for path in ["/companies/acme", "/companies/acme/edit", "/companies/acme/block"] {
        assert_eq!(alice.get(path).await.status, if path.ends_with("block") { 403 } else { 404 });
    }
    assert_eq!(alice.get("/companies/new").await.status, 403);
    assert_eq!(alice.post("/companies/acme/block", "").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_shows_what_the_company_of_the_owner_is_licensed_for() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    company(&face, json!({"id": "acme", "contexts": ["stock"]})).await;
    let carol = input(json!({"id": "carol", "company": "acme"}));
    face.world.service.create_owner(&face.world.by, carol).await.unwrap();
    let shown =
        |text: &str| ["stock", "hub"].map(|it| text.contains(&format!("id=\"context-{it}\"")));
    assert_eq!(shown(&root.get("/tokens/new?owner=alice").await.text), [true, true]);
    let page = root.get("/tokens/new?owner=carol").await.text;
    assert_eq!(shown(&page), [true, false]);
    assert!(page.contains("company acme is licensed for"));
    let page = root.get("/tokens/new?owner=alice&company=acme").await.text;
    assert_eq!(shown(&page), [true, false], "the company that is named counts");
    let typed = "name=nightly&owner=carol&access=chosen&context=hub&fit=yes";
    let fit = root.post("/tokens/new", typed).await;
    assert!(fit.status == 200 && fit.text.contains("value=\"nightly\""), "nothing was made");
    assert_eq!(shown(&fit.text), [true, false]);
    assert!(!root.get("/tokens").await.text.contains("nightly"));
    // Whoever may not hand out tokens of somebody learns nothing of their company.
    let bob = face.sign_in("bob").await;
    assert_eq!(shown(&bob.get("/tokens/new?owner=carol").await.text), [true, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_times_are_set_with_the_token() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let body = "name=ci&owner=alice&limits.rate.requests=60&limits.rate.per=minute\
                &limits.rate.burst=5&limits.quotas.day=1000&limits.uses=2500&limits.concurrent=4\
                &window-day=1&window-day=5&window-from=09:00&window-until=17:30&window-offset=-180";
    let made = root.post("/tokens/new", body).await.place().to_owned();
    let id: TokenId = made.split('/').nth(2).unwrap().parse().unwrap();
    let token = face.world.service.token(&face.world.by, id).await.unwrap();
    let limits = serde_json::to_value(&token.limits).unwrap();
    let wanted = json!({
        "rate": {"requests": 60, "per": "minute", "burst": 5}, "quotas": {"day": 1000},
        "uses": 2500, "concurrent": 4,
    });
    assert_eq!(limits, wanted);
    let windows = serde_json::to_value(&token.conditions.windows).unwrap();
    let wanted = json!([{
        "days": [1, 5], "from_minute": 540, "until_minute": 1050, "utc_offset_minutes": -180,
    }]);
    assert_eq!(windows, wanted);
    let page = root.get(&format!("/tokens/{id}")).await.text;
    for part in ["60 a minute", "up to 5 at once", "1,000 in each day", "2,500 in all"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("Mon, Fri · 09:00–17:30 · UTC−03:00"), "{page}");
    assert!(root.get_in(&format!("/tokens/{id}"), "pt-BR").await.text.contains("2.500 no total"));
    for (wrong, place) in [
        ("limits.uses=0", "limits.uses"),
        ("limits.uses=many", "limits.uses"),
        ("limits.quotas.day=-1", "limits.quotas.day"),
        ("limits.rate.requests=0&limits.rate.per=hour", "limits.rate.requests"),
        ("window-from=09:00", "windows"),
        ("window-day=1&window-from=10:00&window-until=10:00", "windows"),
    ] {
        let got = root.post("/tokens/new", &format!("name=x&owner=alice&{wrong}")).await;
        assert_eq!(got.status, 400, "{wrong}");
        let field = format!("<a href=\"#{place}\">");
        let beside = format!("id=\"{place}-wrong\"");
        assert!(got.text.contains(&field) && got.text.contains(&beside), "{wrong}: {}", got.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn w15_a_user_is_changed_and_what_stays_is_not_asked_again() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let revision = root.revision("/users/alice/edit").await;
    let body = format!(
        "name=Alice+M.&email=a%40example.com&company=acme&parent=bob&role=developer&more_roles=cashier\
         &ceiling=chosen&ceiling_flag=view&reason=moved&revision={revision}"
    );
    let done = root.post("/users/alice/edit", &body).await;
    assert_eq!(done.place(), "/users/alice?done=user-changed");
    let page = root.get("/users/alice").await.text;
    for part in ["Alice M.", "a@example.com", "acme", "/users/bob", "Developer", "cashier", "view"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(root.post("/users/alice/edit", &body).await.status, 409, "from another revision");
    let form = root.get("/users/alice/edit").await.text;
    for part in [
        "value=\"acme\"",
        "name=\"role\" value=\"developer\" checked",
        "name=\"more_roles\" value=\"cashier\"",
        "name=\"ceiling_flag\" value=\"view\" checked",
    ] {
        assert!(form.contains(part), "{part}");
    }
    let revision = root.revision("/users/alice/edit").await;
    let same = body.replace(&format!("revision={}", 2), &format!("revision={revision}"));
    let (head, _) = same.rsplit_once("&revision=").unwrap();
    let same = root.post("/users/alice/edit", &format!("{head}&revision={revision}")).await;
    assert_eq!(same.place(), "/users/alice?done=nothing");
    for (wrong, place) in [
        ("name=", "name"),
        ("name=Alice&email=nonsense", "email"),
        ("name=Alice&parent=nobody", "parent"),
        ("name=Alice&parent=alice", "parent"),
        ("name=Alice&company=A+B", "company"),
        ("name=Alice&ceiling=chosen&ceiling_flag=nonsense", "ceiling"),
    ] {
        let body = format!("{wrong}&revision={revision}");
        let got = root.post("/users/alice/edit", &body).await;
        let field = format!("<a href=\"#{place}\">");
        assert!(got.status == 400 && got.text.contains(&field), "{wrong}: {}", got.text);
    }
    face.token(json!({"owner": "alice", "name": "stays"})).await;
    let away = format!("{head}&revision={revision}").replace("company=acme", "company=other");
    assert_eq!(root.post("/users/alice/edit", &away).await.place(), "/users/alice?done=user-left");
    let bob = face.sign_in("bob").await;
    let text = bob.get("/users/alice").await.text;
    assert!(
        text.contains("Alice") && !text.contains("/edit"),
        "a superior sees, and is offered nothing"
    );
    assert_eq!(bob.post("/users/alice/edit", "name=x&revision=3").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn e9_the_list_is_narrowed_by_its_address() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    for name in ["nightly export", "Nightly import", "other"] {
        face.token(json!({"owner": "alice", "name": name, "company": "acme"})).await;
    }
    let (gone, _) = face.token(json!({"owner": "bob", "name": "nightly gone"})).await;
    face.world.service.revoke_token(&face.world.by, gone, "").await.unwrap();
    let rows = |text: &str| text.matches("role=\"rowheader\"").count();
    for (query, wanted) in [
        ("", 4),
        ("text=NIGHT", 3),
        ("text=night&state=revoked", 1),
        ("owner=alice&company=acme&never_used=yes", 3),
        ("state=active&context=stock", 3),
        ("flags=view", 0),
        ("created_before=2020-01-01", 0),
        ("created_from=2020-01-01&text=&state=&order=oldest", 4),
        ("last_used_before=2090-01-01", 4),
        ("expires_before=2020-01-01", 0),
        ("rotated=any", 0),
    ] {
        let got = root.get(&format!("/tokens?{query}")).await;
        assert_eq!((got.status, rows(&got.text)), (200, wanted), "{query}");
    }
    let page = root.get("/tokens?text=night&state=active").await.text;
    assert!(page.contains("name=\"text\" type=\"search\" value=\"night\""));
    assert!(page.contains("<option value=\"active\" selected>"));
    assert!(page.contains("href=\"/tokens?order=newest&#38;state=active\""), "{page}");
    assert!(root.get("/tokens?flags=view").await.text.contains("No matching tokens"));
    for (query, place) in [("created_from=soon", "created_from"), ("owner=nobody", "owner")] {
        let got = root.get(&format!("/tokens?{query}")).await;
        assert!(matches!(got.status, 400 | 404), "{query}");
        assert!(got.text.contains(&format!("<a href=\"#{place}\">")), "{query}");
    }
    assert_eq!(root.get("/tokens?after=nonsense").await.status, 400);
    // The next page stays with the filters.
    for nth in 0..60 {
        face.token(json!({"owner": "bob", "name": format!("many {nth}")})).await;
    }
    let page = root.get("/tokens?text=many&owner=bob").await.text;
    assert_eq!(rows(&page), 50);
    let next = page.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(next.contains("text=many") && next.contains("owner=bob"), "{next}");
    let next = next.replace("&#38;", "&").replace("&amp;", "&");
    assert_eq!(rows(&root.get(&next).await.text), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_rotated_and_the_new_secret_shown_once() {
    let face = Face::new().await;
    let alice = face.sign_in("alice").await;
    let (old, secret) = face.token(json!({"owner": "alice", "name": "ci"})).await;
    let path = format!("/tokens/{old}/rotate");
    assert!(alice.get(&path).await.text.contains("<option value=\"86400\" selected>1 day"));
    let wrong = alice.post(&path, "grace=soon").await;
    assert!(wrong.status == 400 && wrong.text.contains("grace-wrong"), "{}", wrong.text);
    let done = alice.post(&path, "grace=3600&after_use=300&reason=quarter").await;
    let place = done.place().to_owned();
    assert!(place.ends_with("/secret") && !place.contains(&old.to_string()));
    let shown = alice.get(&place).await.text;
    let new = shown.split("<code id=\"secret\">").nth(1).unwrap().split('<').next().unwrap();
    assert!(new.starts_with("tg_") && new != secret && shown.contains(&format!("/tokens/{old}")));
    assert!(!alice.get(&place).await.text.contains(new), "once");
    let page = alice.get(&format!("/tokens/{old}")).await.text;
    assert!(page.contains("was rotated") && !page.contains("/rotate\""), "{page}");
    assert_eq!(alice.post(&path, "").await.status, 409, "it has a successor");
    let bob = face.sign_in("bob").await;
    assert_eq!(bob.post(&path, "").await.status, 404);
}

/// Its people are signed out, cannot sign in, and do not come back by themselves.
#[tokio::test(flavor = "multi_thread")]
async fn the_people_of_a_blocked_company_are_signed_out() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    company(&face, json!({"id": "acme"})).await;
    let boss = json!({"id": "boss", "company": "acme", "roles": ["company-administrator"]});
    face.user(boss).await;
    let boss = face.sign_in("boss").await;
    let alice = face.sign_in("alice").await;
    assert_eq!(boss.get("/tokens").await.status, 200);
    root.post("/companies/acme/block", "").await;
    assert_eq!(boss.get("/tokens").await.place(), "/sign-in?next=%2Ftokens&done=sign-in-first");
    let body = format!("user=boss&password={}", GOOD.replace(' ', "+"));
    let again = face.ask("POST /sign-in", &[], &body).await;
    assert!(
        again.status == 401 && again.text.contains("Wrong user name or password."),
        "{}",
        again.text
    );
    assert_eq!(alice.get("/tokens").await.status, 200, "of no company");
    root.post("/companies/acme/unblock", "").await;
    assert_eq!(boss.get("/tokens").await.status, 303, "the old session is over");
    assert_eq!(face.sign_in("boss").await.get("/tokens").await.status, 200);
}
