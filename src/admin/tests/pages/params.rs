//! Rows F5, F7 and W17: what a token tells its upstreams, through the forms.

use super::edits::{body, sent, view, with};
use super::*;
use crate::config::settings::{ContextParam, SecretSource};
use crate::store::sealed::MasterKey;

/// A new token by the form.
async fn made(person: &Person<'_>, fields: &str) -> TokenId {
    let fields = format!("name=ci&owner=alice&{fields}");
    let place = person.post("/tokens/new", &fields).await.place().to_owned();
    place.split('/').nth(2).unwrap().parse().unwrap()
}

async fn param_values(face: &Face, id: TokenId) -> serde_json::Value {
    serde_json::to_value(view(face, id).await.context_params).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn f7_general_access_takes_parameters_and_needs_none() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let bare = made(&root, "access=all&param.hub.market=").await;
    assert_eq!(
        param_values(&face, bare).await,
        json!({}),
        "though `hub` wants one of its own tokens"
    );
    let id = made(&root, "access=all&param.hub.market=north").await;
    let north = json!({"hub": {"market": {"value": "north"}}});
    assert_eq!(param_values(&face, id).await, north);
    let path = format!("/tokens/{id}/edit");
    let fields = sent(&root.get(&path).await.text);
    assert!(fields.contains(&("param.hub.market".to_owned(), "north".to_owned())), "{fields:?}");
    let same = root.post(&path, &body(&fields)).await;
    assert_eq!(same.place(), format!("/tokens/{id}?done=nothing"));
    let wrong = root.post(&path, &with(&fields, &[("param.hub.market", "west")])).await;
    assert!(wrong.status == 400 && wrong.text.contains("<a href=\"#param.hub.market\">"));
    // Without a field for it, as of a company that is not licensed for `hub`, it stays.
    let mut without = fields.clone();
    without.retain(|(name, _)| !name.starts_with("param."));
    root.post(&path, &with(&without, &[("name", "other")])).await;
    assert_eq!(param_values(&face, id).await, north);
    let fields = sent(&root.get(&path).await.text);
    let away = root.post(&path, &with(&fields, &[("param.hub.market", "")])).await;
    assert_eq!(away.place(), format!("/tokens/{id}?done=token-changed"));
    assert_eq!(param_values(&face, id).await, json!({}));
    let page = root.get(&path).await.text;
    assert!(page.contains("With general access, none of it is required"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn w17_free_parameters_are_typed_and_stay_as_they_were() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let bare = made(&root, "params=+").await;
    assert!(view(&face, bare).await.params.is_none());
    let id = made(&root, "params=%7B%22a%22+%3A1.0,%0D%0A%22b%22:%22%26lt;%22%7D").await;
    let text = async || view(&face, id).await.params.map(|params| params.text().to_owned());
    assert_eq!(text().await.unwrap(), "{\"a\" :1.0,\n\"b\":\"&lt;\"}");
    let page = root.get(&format!("/tokens/{id}")).await.text;
    assert!(page.contains("Free parameters") && page.contains("&#38;lt;"), "{page}");
    let path = format!("/tokens/{id}/edit");
    let page = root.get(&path).await.text;
    assert!(
        page.contains("<details class=\"card bounds\" open>"),
        "what it has is not folded away"
    );
    let fields = sent(&page);
    assert_eq!(
        root.post(&path, &body(&fields)).await.place(),
        format!("/tokens/{id}?done=nothing")
    );
    for bad in ["[1]", "{", "7", "\"x\""] {
        let got = root.post(&path, &with(&fields, &[("params", bad)])).await;
        let told = got.text.contains("<a href=\"#params\">") && got.text.contains("params-wrong");
        assert!(got.status == 400 && told, "{bad}: {}", got.text);
    }
    let wrong = root.post("/tokens/new", "name=x&owner=alice&params=%5B1%5D").await;
    assert!(wrong.status == 400 && wrong.text.contains("<a href=\"#params\">"));
    root.post(&path, &with(&fields, &[("params", " [{\"c\":2e3}] ")])).await;
    assert_eq!(text().await.unwrap(), "[{\"c\":2e3}]");
    let fields = sent(&root.get(&path).await.text);
    root.post(&path, &with(&fields, &[("params", "")])).await;
    assert_eq!(text().await, None);
}

/// Whatever was given another way, with line ends that no form sends and a line end before all, is not changed by
/// a form that leaves it alone.
#[tokio::test(flavor = "multi_thread")]
async fn w17_a_form_does_not_touch_what_it_cannot_say() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let odd = "\n\r\n{\"a\":\r\n1}\t";
    let (id, _) = face.token(json!({"owner": "alice", "name": "ci", "params": odd})).await;
    let path = format!("/tokens/{id}/edit");
    let fields = sent(&root.get(&path).await.text);
    root.post(&path, &with(&fields, &[("name", "other")])).await;
    let after = view(&face, id).await;
    assert_eq!((after.name.as_str(), after.params.unwrap().text()), ("other", odd));
}

/// Row F1, too: what is sealed is never shown, stays where nothing is typed, and goes by a tick.
#[tokio::test(flavor = "multi_thread")]
async fn f7_a_sealed_parameter_is_taken_away() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let key = face.world.service.settings().store.path.with_file_name("key");
    MasterKey::create(&key).unwrap();
    face.world.reload(|settings| {
        settings.store.master_key = SecretSource::File(key);
        let param = |required| ContextParam {
            title: "Bot token".to_owned(),
            secret: true,
            required,
            choices: Vec::new(),
            header: None,
        };
        let hub = settings.contexts.get_mut(&"hub".parse().unwrap()).unwrap();
        hub.params = [("bot".to_owned(), param(false)), ("must".to_owned(), param(true))].into();
    });
    let sealed = |names: &[&str]| {
        let of = names.iter().map(|name| (*name, json!({"sealed": true})));
        json!({"hub": of.collect::<std::collections::BTreeMap<_, _>>()})
    };
    let values = "param.hub.bot=123:bot-secret&param.hub.must=456:must-secret";
    let id = made(&root, &format!("access=chosen&context=hub&{values}")).await;
    assert_eq!(param_values(&face, id).await, sealed(&["bot", "must"]));
    let path = format!("/tokens/{id}/edit");
    let page = root.get(&path).await.text;
    assert!(!page.contains("-secret") && page.contains("id=\"away.param.hub.bot\""), "{page}");
    assert!(!page.contains("id=\"away.param.hub.must\""), "`hub` cannot do without it");
    let fields = sent(&page);
    assert_eq!(
        root.post(&path, &body(&fields)).await.place(),
        format!("/tokens/{id}?done=nothing")
    );
    let refused = root.post(&path, &with(&fields, &[("away.param.hub.must", "yes")])).await;
    assert!(refused.status == 400 && refused.text.contains("<a href=\"#param.hub.must\">"));
    let gone = with(&fields, &[("away.param.hub.bot", "yes"), ("reason", "moved")]);
    assert_eq!(root.post(&path, &gone).await.place(), format!("/tokens/{id}?done=token-changed"));
    assert_eq!(param_values(&face, id).await, sealed(&["must"]));
    assert!(
        !root.get(&path).await.text.contains("id=\"away.param.hub.bot\""),
        "nothing to take away"
    );
    // A new value wins over the tick.
    let fields = sent(&root.get(&path).await.text);
    let anew = [("param.hub.bot", "789:new-secret"), ("away.param.hub.bot", "yes")];
    root.post(&path, &with(&fields, &anew)).await;
    assert_eq!(param_values(&face, id).await, sealed(&["bot", "must"]));
    // With general access it can do without either.
    root.post(&path, &with(&sent(&root.get(&path).await.text), &[("access", "all")])).await;
    let fields = sent(&root.get(&path).await.text);
    let both = [("away.param.hub.must", "yes"), ("away.param.hub.bot", "yes")];
    root.post(&path, &with(&fields, &both)).await;
    assert_eq!(param_values(&face, id).await, json!({}));
    let history = root.get(&format!("/history?token={id}")).await.text;
    assert!(history.contains("moved") && !history.contains("-secret") && !history.contains("v1."));
}
