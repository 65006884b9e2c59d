//! What somebody would not see if no page told it: a context that left the configuration, an end that a successor brings,
//! a name that is nobody's, a filter that cannot be.

use super::edits::{body, sent, view, with};
use super::*;
use crate::domain::grant::Contexts;
use crate::service::view::CompanyView;

async fn licences(face: &Face) -> Contexts {
    let acme = "acme".parse().unwrap();
    face.world.service.company(&face.world.by, &acme).await.unwrap().contexts
}

/// Takes `hub` out of the configuration, and the names of both contexts.
fn without_hub(face: &Face) -> (Contexts, Contexts) {
    face.world.reload(|settings| settings.contexts.retain(|name, _| name.as_str() != "hub"));
    let [hub, stock] = ["hub", "stock"].map(|name| name.parse().unwrap());
    (Contexts::set([hub]), Contexts::set([stock]))
}

/// Row F5: what comes back with the configuration is not lost meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn f5_a_licence_for_a_context_that_is_not_there_stays_until_it_is_taken_away() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let acme = input(json!({"id": "acme", "contexts": ["hub", "stock"]}));
    let made: CompanyView = face.world.service.create_company(&face.world.by, acme).await.unwrap();
    let (_, stock) = without_hub(&face);
    let gone = "not configured at present: opens nothing until it is back";
    for path in ["/companies/acme", "/companies/acme/edit", "/companies"] {
        let page = root.get(path).await.text;
        assert_eq!(page.matches(gone).count(), 1, "{path}: {page}");
    }
    let russian = root.get_in("/companies/acme", "ru").await.text;
    assert!(russian.contains("сейчас нет в конфигурации"));
    let form = root.get("/companies/acme/edit").await.text;
    assert!(form.contains("name=\"context\" value=\"hub\" checked"), "{form}");
    let change =
        |contexts: &str| format!("name=Acme&access=chosen{contexts}&revision={}", made.revision.0);
    let other = root.post("/companies/acme/edit", &change("&context=hub&context=stock")).await;
    assert_eq!(other.place(), "/companies/acme?done=company-changed");
    assert_eq!(licences(&face).await, made.contexts);
    let away = change("&context=stock").replace("revision=1", "revision=2");
    assert_eq!(root.post("/companies/acme/edit", &away).await.status, 303);
    assert_eq!(licences(&face).await, stock);
    let back = change("&context=stock&context=hub").replace("revision=1", "revision=3");
    let refused = root.post("/companies/acme/edit", &back).await;
    assert_eq!(refused.status, 400, "nobody is given what there is not");
}

/// The same of a token.
#[tokio::test(flavor = "multi_thread")]
async fn f5_a_token_keeps_a_context_that_is_not_there() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let params = json!({"hub": {"market": "north"}});
    let contexts = json!(["hub"]);
    let token =
        json!({"owner": "alice", "name": "ci", "contexts": contexts, "context_params": params});
    let (id, _) = face.token(token).await;
    without_hub(&face);
    let (page, edit) = (format!("/tokens/{id}"), format!("/tokens/{id}/edit"));
    for path in [&page, &edit] {
        assert!(root.get(path).await.text.contains("not configured at present"), "{path}");
    }
    assert_eq!(view(&face, id).await.absent_contexts[0].as_str(), "hub");
    let fields = sent(&root.get(&edit).await.text);
    let more = format!("{}&context=stock", body(&fields));
    let done = root.post(&edit, &more).await;
    assert_eq!(done.place(), format!("{page}?done=token-changed"));
    let held = serde_json::to_value(view(&face, id).await.contexts).unwrap();
    assert_eq!(held, json!(["hub", "stock"]), "another one beside it");
}

/// The "every list shows the date on which a token will end".
#[tokio::test(flavor = "multi_thread")]
async fn an_end_by_the_use_of_the_successor_is_shown_with_the_others() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let (id, _) = face.token(json!({"owner": "alice", "name": "ci"})).await;
    let rotation = input(json!({"grace": "1h", "after_use": "3s"}));
    face.world.service.rotate_token(&face.world.by, id, rotation).await.unwrap();
    let told = "or 3 seconds after the first use of its successor";
    for path in [format!("/tokens/{id}"), "/tokens".to_owned()] {
        assert!(root.get(&path).await.text.contains(told), "{path}");
    }
    for (language, words) in [
        ("ru", "или когда после первого использования преемника пройдёт 3 секунды"),
        ("pt-BR", "ou 3 segundos após o primeiro uso do sucessor"),
    ] {
        assert!(root.get_in(&format!("/tokens/{id}"), language).await.text.contains(words));
    }
    let token = serde_json::to_value(view(&face, id).await).unwrap();
    assert_eq!(token["retire_after_use"], 3);
}

/// Row E6: a slip is not told as an end of nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_nobodys_is_said_where_it_was_typed() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let ask = root.get("/tokens/revoke?owner=alcie").await;
    assert!(ask.status == 404 && !ask.text.contains("class=\"count\""), "{}", ask.text);
    for (path, status, words) in [
        ("/history?user=alcie", 404, "Choose an existing user, by the user name."),
        ("/history?company=acmee", 404, "A company is named by its short name"),
        ("/history?token=0190b6f2-5c1e-7abc-8def-0123456789ab", 404, "Not found"),
        ("/users?company=Bad+Co", 400, "A company is named by its short name"),
        ("/tokens?company=Bad+Co", 400, "A company is named by its short name"),
        ("/tokens?flags=zzz", 400, "Choose one from the list."),
        ("/tokens?hint=toolong", 400, "Enter the last four characters of a secret, or fewer."),
        ("/tokens?created_from=soon", 400, "Enter a date."),
    ] {
        let got = root.get(path).await;
        assert_eq!(got.status, status, "{path}");
        assert!(
            got.text.contains("class=\"field-wrong\"") && got.text.contains(words),
            "{path}: {}",
            got.text
        );
    }
    let (_, secret) = face.token(json!({"owner": "alice", "name": "ci"})).await;
    let described = format!("name=x&owner=alice&description=it+is+{secret}");
    let got = root.post("/tokens/new", &described).await;
    let words = "Take the secret of a token out of this text";
    assert!(got.status == 400 && got.text.contains(words), "{}", got.text);
    assert!(!got.text.contains("at most 2,000"), "{}", got.text);
    let got = root.post("/companies/new", "id=Bad+Co").await;
    assert!(got.status == 400 && got.text.contains("A company is named by its short name"));
    assert!(!got.text.contains("user name of small letters"), "{}", got.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_id_is_refused_in_the_readers_language_and_a_pasted_line_is_read() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let cookie = format!("{}; tollgate-language=ru", root.cookie);
    let fields = [("cookie", cookie.as_str()), ("origin", "https://desk.example")];
    let asked = format!("csrf={}&method=GET&url=%2Fx&token=0190", root.csrf);
    let got = face.ask("POST /explain", &fields, &asked).await;
    assert_eq!(got.status, 400);
    assert!(!got.text.contains("UUID") && got.text.contains("36 символов"), "{}", got.text);
    let pasted = "method=GET&url=POST+localhost%2Fhub%2Fx";
    let got = root.post("/explain", pasted).await;
    assert!(got.status == 200 && got.text.contains("<option selected>POST"), "{}", got.text);
    assert!(got.text.contains("value=\"http://localhost/hub/x\""));
}

/// Row E2's beginning, by the form.
#[tokio::test(flavor = "multi_thread")]
async fn a_beginning_is_set_and_changed_with_the_form() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let made = "name=ci&owner=alice&expiry=30d&not_before=2030-01-31T12:00";
    let place = root.post("/tokens/new", made).await.place().to_owned();
    let id: TokenId = place.split('/').nth(2).unwrap().parse().unwrap();
    let begin = async || view(&face, id).await.not_before.to_string();
    assert_eq!(begin().await, "2030-01-31T12:00:00Z");
    let edit = format!("/tokens/{id}/edit");
    let fields = sent(&root.get(&edit).await.text);
    assert!(fields.contains(&("not_before".to_owned(), "2030-01-31 12:00".to_owned())));
    let same = root.post(&edit, &body(&fields)).await;
    assert_eq!(same.place(), format!("/tokens/{id}?done=nothing"));
    root.post(&edit, &with(&fields, &[("not_before", "2030-02-01 00:30")])).await;
    assert_eq!(begin().await, "2030-02-01T00:30:00Z");
    let fields = sent(&root.get(&edit).await.text);
    let late = root.post(&edit, &with(&fields, &[("not_before", "2031-01-01T00:00")])).await;
    assert!(late.status == 400 && late.text.contains("<a href=\"#not_before\">"), "{}", late.text);
    root.post(&edit, &with(&fields, &[("not_before", "")])).await;
    assert_eq!(begin().await, face.world.clock.now().to_string(), "at once");
}

/// What was only noticed has no actor, and a user's page tells what there is of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_users_page_tells_of_a_password_and_leads_to_the_company() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let acme = input(json!({"id": "acme"}));
    face.world.service.create_company(&face.world.by, acme).await.unwrap();
    for body in [json!({"id": "carol", "company": "acme"}), json!({"id": "dan", "company": "none"})]
    {
        face.world.service.create_owner(&face.world.by, input(body)).await.unwrap();
    }
    let carol = root.get("/users/carol").await.text;
    assert!(carol.contains("nobody can sign in as this user"), "{carol}");
    assert!(carol.contains("<a href=\"/companies/acme\">acme</a>"));
    assert!(!root.get("/users/dan").await.text.contains("href=\"/companies/none\""));
    assert!(!root.get("/users/alice").await.text.contains("nobody can sign in"));
}
