//! A change of something that somebody else changed meanwhile: nothing that was typed is lost, both are shown, and
//! the second time it is a change of what is on record.

use super::edits::{sent, view, with};
use super::*;

/// What the page says of a part that differs: what was typed, and what is on record.
fn differs(page: &str, place: &str) -> Option<(String, String)> {
    let row = page.split(&format!("<th scope=\"row\"><a href=\"#{place}\">")).nth(1)?;
    let mut cells = row.split("<bdi>").skip(1).map(|cell| cell.split("</bdi>").next().unwrap());
    Some((cells.next()?.to_owned(), cells.next()?.to_owned()))
}

fn pair(typed: &str, held: &str) -> Option<(String, String)> {
    Some((typed.to_owned(), held.to_owned()))
}

fn revision(page: &str) -> u64 {
    let rest = page.split("name=\"revision\" value=\"").nth(1).unwrap();
    rest.split('"').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn e9_a_change_that_came_late_is_shown_beside_what_is_on_record() {
    let face = Face::new().await;
    let (service, by) = (&face.world.service, &face.world.by);
    let root = face.sign_in("root").await;
    let made = json!({"owner": "alice", "name": "ci", "contexts": ["stock"], "flags": 0x200});
    let (id, _) = face.token(made).await;
    let path = format!("/tokens/{id}/edit");
    let fields = sent(&root.get(&path).await.text);
    let theirs = input(json!({
        "name": "nightly", "contexts": "all", "limits": {"uses": 5}, "expires_at": null,
        "conditions": {"windows": [{"days": [5], "from_minute": 1320, "until_minute": 360}]},
    }));
    service.update_token(by, id, &theirs).await.unwrap();
    let mine = [
        ("name", "deploy"),
        ("description", "by me"),
        ("reason", "as I said"),
        ("limits.uses", "9"),
        ("expiry", "7d"),
        ("items", "7"),
    ];
    let late = root.post(&path, &with(&fields, &mine)).await;
    assert_eq!(late.status, 409, "{}", late.text);
    let page = &late.text;
    for (place, expected) in [
        ("name", pair("deploy", "nightly")),
        ("description", pair("by me", "none")),
        ("contexts", pair("stock", "General access")),
        ("limits.uses", pair("9", "5")),
        ("items", pair("7", "none")),
        ("expiry", pair("7 days", "never")),
        ("windows", pair("none", "Fri · 22:00–06:00 · UTC")),
        ("flags", None),
        ("app", None),
        ("networks", None),
    ] {
        assert_eq!(differs(page, place), expected, "{place}: {page}");
    }
    assert!(page.contains(&format!("<a href=\"/tokens/{id}\" target=\"_blank\">")), "{page}");
    assert!(page.contains("value=\"deploy\"") && page.contains("as I said"), "{page}");
    assert_eq!(view(&face, id).await.name, "nightly", "nothing was done yet");
    let again = root.post(&path, &with(&sent(page), &[])).await;
    assert_eq!(again.place(), format!("/tokens/{id}?done=token-changed"));
    let after = view(&face, id).await;
    assert_eq!((after.name.as_str(), after.limits.uses), ("deploy", Some(9)));
    // A token that is over is not changed any more, whoever ended it.
    let fields = sent(&root.get(&path).await.text);
    service.revoke_token(by, id, "").await.unwrap();
    let late = root.post(&path, &with(&fields, &mine)).await;
    assert!(late.status == 409 && !late.text.contains("name=\"revision\""), "{}", late.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_companies_that_changed_meanwhile_are_shown_so_too() {
    let face = Face::new().await;
    let (service, by) = (&face.world.service, &face.world.by);
    let root = face.sign_in("root").await;
    let before = revision(&root.get("/users/alice/edit").await.text);
    let theirs = input(json!({"name": "Alice M.", "roles": ["developer"]}));
    service.update_owner(by, &owner_id("alice"), &theirs).await.unwrap();
    let mine = format!(
        "name=Alice&email=a%40example.com&role=auditor&more_roles=x&ceiling=chosen&revision={before}"
    );
    let late = root.post("/users/alice/edit", &mine).await;
    assert_eq!(late.status, 409, "{}", late.text);
    for (place, expected) in [
        ("name", pair("Alice", "Alice M.")),
        ("email", pair("a@example.com", "none")),
        ("roles", pair("Auditor, x", "Developer")),
        ("ceiling", pair("none", "Unlimited")),
        ("company", None),
    ] {
        assert_eq!(differs(&late.text, place), expected, "{place}: {}", late.text);
    }
    let now = revision(&late.text);
    let again = mine.replace(&format!("revision={before}"), &format!("revision={now}"));
    let done = root.post("/users/alice/edit", &again).await;
    assert_eq!(done.place(), "/users/alice?done=user-changed");

    let acme = input(json!({"id": "acme", "name": "Acme"}));
    service.create_company(by, acme).await.unwrap();
    let before = revision(&root.get("/companies/acme/edit").await.text);
    let theirs = input(json!({"contexts": ["stock"]}));
    service.update_company(by, &"acme".parse().unwrap(), &theirs).await.unwrap();
    let mine = format!("name=Acme+Ltda&access=chosen&context=hub&reason=why&revision={before}");
    let late = root.post("/companies/acme/edit", &mine).await;
    assert_eq!(late.status, 409, "{}", late.text);
    assert_eq!(differs(&late.text, "name"), pair("Acme Ltda", "Acme"));
    assert_eq!(differs(&late.text, "contexts"), pair("hub", "stock"), "{}", late.text);
    assert!(late.text.contains("href=\"/companies/acme\" target=\"_blank\""), "{}", late.text);
    let now = revision(&late.text);
    let again = mine.replace(&format!("revision={before}"), &format!("revision={now}"));
    assert_eq!(
        root.post("/companies/acme/edit", &again).await.place(),
        "/companies/acme?done=company-changed"
    );
    // Two who typed the same: nothing differs, and that is said.
    let late = root.post("/companies/acme/edit", &mine).await;
    assert!(late.status == 409 && late.text.contains("just what you typed"), "{}", late.text);
}
