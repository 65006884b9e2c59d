//! Parameters as they are kept and shown.

use super::*;

fn free_of(json: &str) -> Result<String, ServiceError> {
    free(&RawValue::from_string(json.to_owned()).unwrap())
}

#[test]
fn w17_free_parameters_are_kept_byte_for_byte() {
    for text in ["{}", r#"{ "a" :1.0,"a":2e3 }"#, r#"[{"b":"é"},{}]"#, "[]"] {
        assert_eq!(free_of(text).unwrap(), text);
        assert_eq!(free_of(&serde_json::to_string(text).unwrap()).unwrap(), text);
    }
    for bad in ["1", "null", r#""x""#, "[1]", r#"[{},"a"]"#, r#""{""#, r#""""#] {
        assert!(free_of(bad).is_err(), "{bad}");
    }
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(HEADER_BYTES));
    assert!(free_of(&long).unwrap_err().to_string().contains("at most 4096 bytes"));
}

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn catalog() -> BTreeMap<Slug, Context> {
    let param = |secret, required, choices: &[&str]| ContextParam {
        title: String::new(),
        secret,
        required,
        choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
        header: None,
    };
    let telegram = [("bot_token".to_owned(), param(true, true, &[]))];
    let hub = [("market".to_owned(), param(false, false, &["north", "south"]))];
    let header = Some(http::HeaderName::from_static("x-shop"));
    let shop = ContextParam { header, ..param(false, false, &[]) };
    let shop = [("id".to_owned(), shop), ("note".to_owned(), param(false, false, &[]))];
    let context = |params: BTreeMap<_, _>| Context { title: String::new(), params };
    [
        (slug("telegram"), context(telegram.into())),
        (slug("hub"), context(hub.into())),
        (slug("stock"), context(BTreeMap::new())),
        (slug("shop"), context(shop.into())),
    ]
    .into()
}

fn merge(held: &ContextParams, changes: &str, contexts: &str) -> Result<ContextParams, String> {
    let changes: ContextValues = serde_json::from_str(changes).unwrap();
    let contexts: Contexts = serde_json::from_str(contexts).unwrap();
    let seal =
        |context: &Slug, name: &str, text: &str| Ok(format!("{context}/{name}/{}", text.len()));
    merged(held, &changes, &contexts, &catalog(), seal).map_err(|error| error.to_string())
}

#[test]
fn f7_parameters_go_only_with_their_context() {
    let none = ContextParams::new();
    let given = r#"{"telegram":{"bot_token":"123:abc"}}"#;
    let held = merge(&none, given, r#"["telegram"]"#).unwrap();
    let sealed = ParamValue::Sealed("telegram/bot_token/7".to_owned());
    assert_eq!(held[&slug("telegram")]["bot_token"], sealed);

    assert!(merge(&none, given, r#"["hub"]"#).unwrap_err().contains("does not reach"));
    assert!(merge(&none, r#"{"sales":{}}"#, r#""all""#).unwrap_err().contains("no such context"));
    let unknown = merge(&none, r#"{"hub":{"x":"1"}}"#, r#"["hub"]"#).unwrap_err();
    assert_eq!(unknown, "`context_params.hub.x`: the context defines only `market`");
}

#[test]
fn f7_required_ones_and_choices_are_enforced() {
    let none = ContextParams::new();
    let missing = merge(&none, "{}", r#"["telegram"]"#).unwrap_err();
    assert!(missing.starts_with("`context_params.telegram.bot_token`: the context `telegram`"));
    assert!(merge(&none, "{}", r#""all""#).is_ok());
    let choice = merge(&none, r#"{"hub":{"market":"west"}}"#, r#"["hub"]"#).unwrap_err();
    assert_eq!(choice, "`context_params.hub.market`: it must be one of `north`, `south`");
    assert!(merge(&none, r#"{"hub":{"market":"north"}}"#, r#"["hub"]"#).is_ok());
}

#[test]
fn sec_h6_a_value_fits_a_header_and_is_not_repeated() {
    let none = ContextParams::new();
    for bad in ["", r"pass\r\nX: 1", &"p".repeat(VALUE_BYTES + 1)] {
        let changes = format!(r#"{{"telegram":{{"bot_token":"{bad}"}}}}"#);
        let error = merge(&none, &changes, r#"["telegram"]"#).unwrap_err();
        assert!(!error.contains('p') || !error.contains("pass"), "{error}");
    }
}

#[test]
fn sec_h6_what_a_header_cannot_carry_is_refused() {
    let none = ContextParams::new();
    let give = |name: &str, value: &str| {
        let changes = serde_json::json!({ "shop": { name: value } }).to_string();
        merge(&none, &changes, r#"["shop"]"#)
    };
    assert!(give("id", "north 1").is_ok());
    for bad in ["caf\u{e9}", " 1", "1 ", "\u{2003}1"] {
        let error = give("id", bad).unwrap_err();
        let wanted = "`context_params.shop.id`: the header `x-shop` takes it to the upstream";
        assert!(error.starts_with(wanted), "{error}");
        assert!(give("note", bad).is_ok(), "{bad:?} goes nowhere");
    }
    assert!(give("id", "a\tb").unwrap_err().contains("control characters"));
}

#[test]
fn a_change_merges_and_a_lost_context_takes_its_parameters_along() {
    let both = r#"["telegram","hub"]"#;
    let given = r#"{"telegram":{"bot_token":"1"},"hub":{"market":"north"}}"#;
    let held = merge(&ContextParams::new(), given, both).unwrap();
    assert_eq!(merge(&held, "{}", both).unwrap(), held);
    assert_eq!(merge(&held, "{}", r#"["hub"]"#).unwrap().len(), 1);
    assert!(merge(&held, r#"{"telegram":null}"#, both).unwrap_err().contains("requires"));
    let south = merge(&held, r#"{"hub":{"market":null}}"#, both).unwrap();
    assert!(!south.contains_key(&slug("hub")) && south.contains_key(&slug("telegram")));
}
