//! Rows E8, E9 and F5: a token is changed with the form that makes one, and what is left alone stays.

use super::*;
use crate::domain::time::Span;
use crate::service::view::TokenView;

/// The form as a browser sends it: every field that stands in it, with the value that it has.
pub(super) fn sent(page: &str) -> Vec<(String, String)> {
    let form = page.split("<form method=\"post\" action=\"/tokens/").nth(1).unwrap();
    let form = form.split("</form>").next().unwrap();
    let attribute = |tag: &str, name: &str| {
        let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
        Some(rest.split('"').next()?.to_owned())
    };
    let mut fields = Vec::new();
    for piece in form.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or((piece, ""));
        let name = attribute(tag, "name").filter(|_| !tag.starts_with("button"));
        let Some(name) = name.filter(|name| name != "csrf") else {
            if tag.starts_with("option") && tag.contains(" selected") {
                let value = attribute(tag, "value").unwrap_or_else(|| text.to_owned());
                fields.last_mut().map(|(_, held)| *held = value).unwrap();
            }
            continue;
        };
        let ticked = tag.contains("type=\"checkbox\"") || tag.contains("type=\"radio\"");
        if ticked && !tag.contains(" checked") {
            continue;
        }
        // The first line end of such a field is not of its text (HTML section 13.2.6.4.7).
        let lines = text.strip_prefix('\n').unwrap_or(text);
        let value = if tag.starts_with("textarea") { lines } else { "" };
        let value = attribute(tag, "value").unwrap_or_else(|| value.to_owned());
        fields.push((name, value.replace("&#34;", "\"").replace("&#38;", "&")));
    }
    fields
}

pub(super) fn body(fields: &[(String, String)]) -> String {
    let escaped = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// The same with other values; a value that is empty takes the box away.
pub(super) fn with(fields: &[(String, String)], changes: &[(&str, &str)]) -> String {
    let mut fields = fields.to_vec();
    for (name, value) in changes {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some(field) => field.1 = (*value).to_owned(),
            None => fields.push(((*name).to_owned(), (*value).to_owned())),
        }
    }
    body(&fields)
}

pub(super) async fn view(face: &Face, id: TokenId) -> TokenView {
    face.world.service.token(&face.world.by, id).await.unwrap()
}

/// A token with something in each field, also what the form for a new one could not say.
async fn full(face: &Face) -> TokenId {
    face.token(json!({
        "owner": "alice", "name": "ci", "app": "jenkins", "description": "one\ntwo",
        "lifetime": "30d", "idle_ttl": "36h", "flags": 0x1200, "contexts": ["hub", "stock"],
        "context_params": {"hub": {"market": "north"}}, "items": ["a;b", "10"],
        "params": {"shop": 7},
        "conditions": {
            "networks": ["10.0.0.0/8", "192.0.2.7/32"], "certificate": "ab".repeat(32),
            "windows": [
                {"days": [1, 5], "from_minute": 540, "until_minute": 1440, "utc_offset_minutes": 330},
                {"days": [7], "from_minute": 0, "until_minute": 60},
            ],
        },
        "limits": {"rate": {"requests": 60, "per": "minute"}, "quotas": {"day": 1000, "month": 9000},
            "uses": 2500, "concurrent": 4},
    }))
    .await
    .0
}

#[tokio::test(flavor = "multi_thread")]
async fn e8_what_is_left_alone_stays() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let id = full(&face).await;
    let (path, before) = (format!("/tokens/{id}/edit"), view(&face, id).await);
    let page = root.get(&path).await.text;
    for part in ["as it is:", "36 hours", "UTC+05:30", "value=\"0x1000\" checked", "2,500 left"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let fields = sent(&page);
    let same = root.post(&path, &body(&fields)).await;
    assert_eq!(same.place(), format!("/tokens/{id}?done=nothing"));
    let renamed = root.post(&path, &with(&fields, &[("name", "nightly"), ("reason", "why")])).await;
    assert_eq!(renamed.place(), format!("/tokens/{id}?done=token-changed"));
    let after = view(&face, id).await;
    let expected =
        TokenView { name: "nightly".to_owned(), revision: before.revision.next(), ..before };
    assert_eq!(after, expected);
    assert!(root.get(&format!("/tokens/{id}")).await.text.contains("why"));
    let stale = root.post(&path, &with(&fields, &[("name", "late")])).await;
    assert!(stale.status == 409 && stale.text.contains("Somebody changed it in the meantime"));
}

#[tokio::test(flavor = "multi_thread")]
async fn e9_each_part_is_changed_by_itself() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let id = full(&face).await;
    let path = format!("/tokens/{id}/edit");
    let mut before = view(&face, id).await;
    // What is typed, and what alone is another then.
    type Change = fn(&mut TokenView);
    let plain: [(&[(&str, &str)], Change); 8] = [
        (&[("description", ""), ("app", "gitlab")], |it| {
            it.description.clear();
            it.app = "gitlab".to_owned();
        }),
        (&[("items", "7\r\n8,9")], |it| it.items = input(json!(["7", "8", "9"]))),
        (&[("items", "")], |it| it.items = input(json!("all"))),
        (&[("networks", "203.0.113.9")], |it| {
            it.conditions.networks = vec!["203.0.113.9/32".parse().unwrap()];
        }),
        (&[("unlimited", "yes")], |it| {
            it.flags = input(json!(-1));
            it.flag_names = vec!["-1".to_owned()];
        }),
        (&[("access", "all")], |it| it.contexts = input(json!("all"))),
        (&[("expiry", "never")], |it| it.expires_at = None),
        (&[("idle", "0")], |it| {
            it.idle_ttl = Span::ZERO;
            it.idle_at = None;
        }),
    ];
    for (changes, expected) in plain {
        let fields = sent(&root.get(&path).await.text);
        let done = root.post(&path, &with(&fields, changes)).await;
        assert_eq!(done.place(), format!("/tokens/{id}?done=token-changed"), "{changes:?}");
        expected(&mut before);
        before.revision = before.revision.next();
        assert_eq!(view(&face, id).await, before, "{changes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e9_limits_and_times_are_changed_one_by_one() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let id = full(&face).await;
    let path = format!("/tokens/{id}/edit");
    let fields = sent(&root.get(&path).await.text);
    root.post(&path, &with(&fields, &[("expiry", "7d"), ("limits.uses", "")])).await;
    let fields = sent(&root.get(&path).await.text);
    let changes = [
        ("limits.rate.requests", ""),
        ("limits.quotas.day", ""),
        ("limits.quotas.week", "70"),
        ("limits.quotas.month", "90"),
    ];
    root.post(&path, &with(&fields, &changes)).await;
    let after = view(&face, id).await;
    let end = face.world.service.now().plus(Span::from_days(7));
    assert_eq!(after.expires_at, Some(end), "from now on");
    let wanted = input(json!({"quotas": {"week": 70, "month": 90}, "concurrent": 4}));
    assert_eq!(after.limits, wanted);
    // One time goes, the other moves, and one comes.
    let fields = sent(&root.get(&path).await.text);
    let gone = fields.iter().filter(|(name, _)| name != "window-day").cloned().collect::<Vec<_>>();
    let changes = [
        ("window-from", ""),
        ("window-until", ""),
        ("window-until-1", "02:30"),
        ("window-day-2", "3"),
        ("window-from-2", "08:00"),
    ];
    root.post(&path, &with(&gone, &changes)).await;
    let windows = serde_json::to_value(&view(&face, id).await.conditions.windows).unwrap();
    let wanted = json!([
        {"days": [7], "from_minute": 0, "until_minute": 150, "utc_offset_minutes": 0},
        {"days": [3], "from_minute": 480, "until_minute": 1440, "utc_offset_minutes": 0},
    ]);
    assert_eq!(windows, wanted);
    assert!(view(&face, id).await.conditions.certificate.is_some() && after.params.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_wrong_is_told_beside_its_field() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let id = full(&face).await;
    let path = format!("/tokens/{id}/edit");
    for (changes, place) in [
        (&[("name", "")][..], "name"),
        (&[("networks", "10.0.0.1/8")], "networks"),
        (&[("limits.quotas.day", "0")], "limits.quotas.day"),
        (&[("expiry", "date"), ("expires_on", "2001-01-01")], "expires_on"),
        (&[("expiry", "date")], "expires_on"),
        (&[("expiry", "soon")], "expiry"),
        (&[("idle", "soon")], "idle"),
        (&[("reason", "\u{7}")], "reason"),
    ] {
        let fields = sent(&root.get(&path).await.text);
        let got = root.post(&path, &with(&fields, changes)).await;
        let link = format!("<a href=\"#{place}\">");
        assert!(got.status == 400 && got.text.contains(&link), "{changes:?}: {}", got.text);
        assert!(got.text.contains(&format!("action=\"/tokens/{id}/edit\"")));
    }
}

/// Rows F1 and F5: a secret parameter is not shown, stays where nothing is typed, and is taken away by a tick.
#[tokio::test(flavor = "multi_thread")]
async fn f5_contexts_and_their_parameters_are_changed() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let (id, _) = face.token(json!({"owner": "alice", "name": "ci", "contexts": ["stock"]})).await;
    let path = format!("/tokens/{id}/edit");
    let fields = sent(&root.get(&path).await.text);
    let mut more = fields.clone();
    more.push(("context".to_owned(), "hub".to_owned()));
    let got = root.post(&path, &body(&more)).await;
    assert!(got.text.contains("<a href=\"#param.hub.market\">"), "{}", got.text);
    root.post(&path, &with(&more, &[("param.hub.market", "north")])).await;
    let token = view(&face, id).await;
    assert_eq!(serde_json::to_value(&token.contexts).unwrap(), json!(["hub", "stock"]));
    assert_eq!(
        serde_json::to_value(&token.context_params).unwrap()["hub"],
        json!({"market": {"value": "north"}})
    );
    let fields = sent(&root.get(&path).await.text);
    let without: Vec<_> = fields.into_iter().filter(|(_, value)| value != "hub").collect();
    root.post(&path, &body(&without)).await;
    let token = view(&face, id).await;
    assert_eq!(serde_json::to_value(&token.contexts).unwrap(), json!(["stock"]));
    assert!(token.context_params.is_empty());
}

/// Row E1: what a role may not do is neither shown nor done, and nobody gives more than they have.
#[tokio::test(flavor = "multi_thread")]
async fn e1_nobody_changes_what_is_not_theirs() {
    let face = Face::new().await;
    let service = &face.world.service;
    face.user(json!({"id": "watcher", "roles": ["auditor"]})).await;
    let by = &face.world.by;
    let (id, _) = face.token(json!({"owner": "alice", "name": "ci", "flags": 0x200})).await;
    let path = format!("/tokens/{id}/edit");
    let alice = face.sign_in("alice").await;
    let fields = sent(&alice.get(&path).await.text);
    let changed = with(&fields, &[("name", "theirs")]);
    for (who, shows, does) in [("watcher", 403, 403), ("bob", 404, 404)] {
        let person = face.sign_in(who).await;
        assert_eq!(person.get(&path).await.status, shows, "{who}");
        assert_eq!(person.post(&path, &changed).await.status, does, "{who}");
        let page = person.get(&format!("/tokens/{id}")).await.text;
        assert!(!page.contains(&path), "{who}");
        for act in ["rotate", "revoke"] {
            let form = person.get(&format!("/tokens/{id}/{act}")).await;
            assert_eq!(form.status, shows, "{who} {act}");
        }
    }
    assert_eq!(view(&face, id).await.name, "ci");
    // Under her ceiling nothing wider is offered; what the token has may be taken away.
    let ceiling = input(json!({"ceiling": 0}));
    service.update_owner(by, &owner_id("alice"), &ceiling).await.unwrap();
    let page = alice.get(&path).await.text;
    assert!(page.contains("id=\"flag-view\"") && !page.contains("id=\"flag-edit\""), "{page}");
    assert!(!page.contains("id=\"unlimited\""));
    for wider in [("flag", "edit"), ("unlimited", "yes")] {
        let got = alice.post(&path, &with(&sent(&page), &[wider])).await;
        assert!(got.status == 403 && got.text.contains("<a href=\"#flags\">"), "{wider:?}");
    }
    let less: Vec<_> = sent(&page).into_iter().filter(|(name, _)| name != "flag").collect();
    assert_eq!(alice.post(&path, &body(&less)).await.status, 303);
    assert_eq!(view(&face, id).await.flags.bits(), 0);
    service.revoke_token(by, id, "").await.unwrap();
    assert_eq!(alice.get(&path).await.status, 409, "an end is final");
}

/// Row E1: where nobody serves themselves, pages offer what remains.
#[tokio::test(flavor = "multi_thread")]
async fn e1_without_self_service_pages_offer_what_remains() {
    let face = Face::new().await;
    let id = full(&face).await;
    let at = |rest: &str| format!("/tokens/{id}{rest}");
    let (alice, root) = (face.sign_in("alice").await, face.sign_in("root").await);
    let offers = async |person: &Person<'_>| {
        let page = person.get(&at("")).await.text;
        let mut offered = [at("/edit"), at("/disable"), at("/revoke"), at("/rotate")]
            .map(|path| page.contains(&path))
            .to_vec();
        for path in ["/", "/tokens", "/users/alice"] {
            offered.push(person.get(path).await.text.contains("\"/tokens/new"));
        }
        offered
    };
    assert_eq!(offers(&alice).await, [true; 7]);
    face.world.reload(|settings| settings.tokens.self_service = false);
    assert_eq!(offers(&root).await, [true; 7]);
    assert_eq!(offers(&alice).await, [true, true, true, false, false, false, false]);
    assert!(alice.get("/users/alice").await.text.contains("/tokens/revoke?owner=alice"));
    for path in ["/tokens/new".to_owned(), at("/rotate")] {
        assert_eq!(alice.get(&path).await.status, 403, "{path}");
        assert_eq!(alice.post(&path, "name=x&owner=alice").await.status, 403, "{path}");
    }
    // Its form has what it has, and no more of it.
    let page = alice.get(&at("/edit")).await.text;
    assert!(page.contains("only administrators give a token more"), "{page}");
    for part in ["value=\"90d\"", "value=\"never\"", "id=\"flag-edit\"", "param.hub.market"] {
        assert!(!page.contains(part), "{part}: {page}");
    }
    for part in ["value=\"7d\"", "id=\"flag-view\"", "id=\"context-hub\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let fields = sent(&page);
    let before = view(&face, id).await;
    for wider in [("items", "7"), ("unlimited", "yes"), ("expiry", "never"), ("limits.uses", "")] {
        assert_eq!(
            alice.post(&at("/edit"), &with(&fields, &[wider])).await.status,
            403,
            "{wider:?}"
        );
    }
    assert_eq!(view(&face, id).await, before);
    let less = with(&fields, &[("items", "10"), ("expiry", "7d"), ("name", "mine")]);
    assert_eq!(alice.post(&at("/edit"), &less).await.place(), at("?done=token-changed"));
    let after = view(&face, id).await;
    assert_eq!((after.name.as_str(), after.context_params), ("mine", before.context_params));
    assert_eq!(alice.post(&at("/revoke"), "reason=done").await.status, 303);
}
