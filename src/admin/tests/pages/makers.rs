//! What the forms for new tokens and new users begin with, what they offer to whom, and what they say at once.

use super::edits::{sent, view, with};
use super::*;

/// Whether there are fields with these ids.
fn has(page: &str, ids: &[&str]) -> Vec<bool> {
    ids.iter().map(|id| page.contains(&format!("id=\"{id}\""))).collect()
}

const ROLES: [&str; 4] =
    ["role-administrator", "role-company-administrator", "role-developer", "role-auditor"];

#[tokio::test(flavor = "multi_thread")]
async fn e1_the_form_for_a_user_offers_what_its_maker_may_give() {
    let face = Face::new().await;
    face.user(json!({"id": "boss", "roles": ["company-administrator", "till"], "company": "acme"}))
        .await;
    face.user(json!({"id": "dev", "roles": ["developer"], "company": "acme"})).await;
    face.user(json!({"id": "lost", "roles": ["company-administrator"]})).await;
    let (root, boss) = (face.sign_in("root").await, face.sign_in("boss").await);
    let dev = face.sign_in("dev").await;
    let page = root.get("/users/new").await.text;
    assert_eq!(has(&page, &ROLES), [true; 4]);
    assert!(page.contains("id=\"ceiling\" name=\"ceiling\" value=\"chosen\" checked"), "{page}");

    let page = boss.get("/users/new").await.text;
    assert_eq!(has(&page, &ROLES), [false, true, true, true]);
    assert_eq!(has(&page, &["kind-user", "more_roles"]), [true, true]);
    let company = "id=\"company\" name=\"company\" value=\"acme\" readonly";
    assert!(page.contains(company) && page.contains("those that you have: till"), "{page}");
    let made =
        boss.post("/users/new", "id=carol&company=acme&kind=user&role=auditor&more_roles=till");
    assert_eq!(made.await.place(), "/users/carol?done=user-created");

    let page = dev.get("/users/new").await.text;
    assert_eq!(has(&page, &ROLES), [false, false, true, false]);
    assert_eq!(has(&page, &["kind-user", "more_roles"]), [false, false]);
    assert!(page.contains(company), "{page}");
    for part in ["name=\"kind\" value=\"service\"", "name=\"parent\" value=\"dev\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let typed = "id=robot&company=acme&kind=service&parent=dev&ceiling=chosen";
    assert_eq!(dev.post("/users/new", typed).await.place(), "/users/robot?done=user-created");
    // What is refused all the same comes back with what was typed.
    for (who, typed, status, words) in [
        (
            &dev,
            typed.replace("robot", "other").replace("=service", "=user"),
            403,
            "may not make this user",
        ),
        (
            &dev,
            typed.replace("robot", "other").replace("parent=dev", "parent=root"),
            400,
            "no user `root`",
        ),
        (&boss, "id=other&company=zeta&kind=user".to_owned(), 403, "<a href=\"#company\">"),
        (&boss, "id=other&company=acme&role=administrator".to_owned(), 403, "<a href=\"#roles\">"),
    ] {
        let got = who.post("/users/new", &typed).await;
        assert_eq!(got.status, status, "{typed}: {}", got.text);
        assert!(
            got.text.contains("value=\"other\"") && got.text.contains(words),
            "{typed}: {}",
            got.text
        );
    }
    let lost = face.sign_in("lost").await;
    assert_eq!(lost.get("/users/new").await.status, 403, "an administrator of no company");
    // The form of one who is there keeps what its changer could not give.
    let page = dev.get("/users/robot/edit").await.text;
    assert!(page.contains(company) && !has(&page, &["more_roles"])[0], "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_offered_to_block_themselves() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    assert!(!root.get("/users/root").await.text.contains("/users/root/block"));
    assert!(root.get("/users/alice").await.text.contains("/users/alice/block"));
    assert_eq!(root.get("/users/root/block").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn w13_a_new_token_begins_small_and_fits_its_owner() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let page = root.get("/tokens/new").await.text;
    for part in [
        "<option value=\"90d\" selected>",
        "<option value=\"never\">",
        "id=\"contexts\" name=\"access\" value=\"chosen\" checked",
        "id=\"access-all\" name=\"access\" value=\"all\"><label",
        "formaction=\"/tokens/new#access\"",
        "id=\"access\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("name=\"flag\" value=\"view\" checked"));
    face.world.reload(|settings| settings.tokens.lifetime = "30d".parse().unwrap());
    let page = root.get("/tokens/new").await.text;
    assert!(page.contains("<option value=\"30d\" selected>"), "what is configured comes first");
    // Access levels follow the ceiling of the owner, with the contexts.
    let flags = ["flag-view", "flag-edit", "unlimited"];
    let page = root.get("/tokens/new?owner=alice").await.text;
    assert_eq!(has(&page, &flags), [true, true, true]);
    let low = input(json!({"ceiling": ["view"]}));
    face.world.service.update_owner(&face.world.by, &owner_id("alice"), &low).await.unwrap();
    let fit = root.post("/tokens/new", "name=x&owner=alice&fit=yes").await;
    assert_eq!(has(&fit.text, &flags), [true, false, false]);
    assert!(fit.text.contains("levels that alice may have"), "{}", fit.text);
    let (id, _) = face.token(json!({"owner": "alice", "name": "ci"})).await;
    let page = root.get(&format!("/tokens/{id}/edit")).await.text;
    assert_eq!(has(&page, &flags), [true, false, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_mistakes_are_told_at_once() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let typed = "name=&owner=alice&expiry=date&access=chosen&context=hub&items=a%2Fb&networks=10.0.0.1%2F8\
                 &params=%5B&limits.uses=0&limits.quotas.day=x&window-from=09:00&window-until=10:00";
    let got = root.post("/tokens/new", typed).await;
    assert_eq!(got.status, 400);
    for place in [
        "name",
        "expires_on",
        "param.hub.market",
        "items",
        "networks",
        "params",
        "limits.uses",
        "limits.quotas.day",
        "windows",
    ] {
        assert_eq!(
            got.text.matches(&format!("<a href=\"#{place}\">")).count(),
            1,
            "{place}: {}",
            got.text
        );
    }
    assert!(!root.get("/tokens").await.text.contains("alice"), "nothing was made");
    // Of what is wrong by the owner nothing can be said before there is one.
    let got = root.post("/tokens/new", "name=&owner=nobody&company=none&limits.uses=0").await;
    for (place, told) in [("name", 1), ("owner", 1), ("limits.uses", 1), ("company", 0)] {
        assert_eq!(got.text.matches(&format!("<a href=\"#{place}\">")).count(), told, "{place}");
    }
    let got = root.post("/users/new", "id=%21&email=x&parent=nobody&role=A%21&name=x").await;
    for place in ["id", "email", "parent", "roles"] {
        assert!(got.text.contains(&format!("<a href=\"#{place}\">")), "{place}: {}", got.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_may_go_on_over_midnight_and_to_the_end_of_the_day() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let typed = "name=night&owner=alice&window-day=5&window-from=22:00&window-until=6:00\
                 &window-day-1=1&window-from-1=18:00&window-until-1=24:00";
    let made = root.post("/tokens/new", typed).await.place().to_owned();
    let id: TokenId = made.split('/').nth(2).unwrap().parse().unwrap();
    let wanted = json!([
        {"days": [5], "from_minute": 1320, "until_minute": 360, "utc_offset_minutes": 0},
        {"days": [1], "from_minute": 1080, "until_minute": 1440, "utc_offset_minutes": 0},
    ]);
    let windows = serde_json::to_value(&view(&face, id).await.conditions.windows).unwrap();
    assert_eq!(windows, wanted);
    let page = root.get(&format!("/tokens/{id}")).await.text;
    assert!(
        page.contains("Fri · 22:00–06:00 · UTC") && page.contains("Mon · 18:00–24:00"),
        "{page}"
    );
    // The form shows them as they were typed, and sent again they are the same.
    let path = format!("/tokens/{id}/edit");
    let page = root.get(&path).await.text;
    let same = root.post(&path, &with(&sent(&page), &[])).await;
    assert_eq!(same.place(), format!("/tokens/{id}?done=nothing"));
    for (from, until) in
        [("22:00", "22:00"), ("24:00", "06:00"), ("22:00", "24:01"), ("22", "06:00")]
    {
        let typed =
            format!("name=x&owner=alice&window-day=5&window-from={from}&window-until={until}");
        let got = root.post("/tokens/new", &typed).await;
        assert!(got.status == 400 && got.text.contains("id=\"windows-wrong\""), "{from}-{until}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_a_company_that_is_not_on_record_is_asked_about_once() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let typed = "name=one&owner=alice&company=acmee";
    let made = root.post("/tokens/new", typed).await;
    assert!(made.place().ends_with("/secret"), "none is on record, so that none is missing");
    let acme = input(json!({"id": "acme"}));
    face.world.service.create_company(&face.world.by, acme).await.unwrap();
    let warning = "There is no company acmee here";
    let asked = root.post("/tokens/new", typed).await;
    assert!(asked.status == 200 && asked.text.contains(warning), "{}", asked.text);
    assert!(asked.text.contains("name=\"company_meant\" value=\"acmee\""));
    assert_eq!(root.get("/tokens").await.text.matches(">one<").count(), 1, "nothing was made yet");
    let other = root.post("/tokens/new", &format!("{typed}s&company_meant=acmee")).await;
    assert!(
        other.text.contains("There is no company acmees here"),
        "another one is asked about again"
    );
    let wrong = root.post("/tokens/new", &typed.replace("name=one", "name=")).await;
    assert!(wrong.status == 400 && wrong.text.contains(warning), "with the mistakes");
    let meant = root.post("/tokens/new", &format!("{typed}&company_meant=acmee")).await;
    assert!(meant.place().ends_with("/secret"));
    let known = root.post("/tokens/new", &typed.replace("acmee", "acme")).await;
    assert!(known.place().ends_with("/secret"));

    let asked = root.post("/users/new", "id=carol&company=acmee").await;
    assert!(asked.status == 200 && asked.text.contains(warning), "{}", asked.text);
    let meant = root.post("/users/new", "id=carol&company=acmee&company_meant=acmee").await;
    assert_eq!(meant.place(), "/users/carol?done=user-created");
    let stays = root.post("/users/carol/edit", "name=C&company=acmee").await;
    assert_eq!(stays.place(), "/users/carol?done=user-changed", "what stays is not asked about");
    let moves = root.post("/users/carol/edit", "name=C&company=zeta").await;
    assert!(moves.status == 200 && moves.text.contains("There is no company zeta here"));
}
