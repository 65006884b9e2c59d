//! `config/tollgate.toml` and `config/tollgate.schema.json` tell of every key, with its true default.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tollgate::config::settings::Upstream;
use tollgate::config::{self, Environment, Settings};

use super::environment;

fn reference() -> String {
    fs::read_to_string("config/tollgate.toml").unwrap()
}

/// The reference with each `#key = value` made real.
fn reference_with_all_keys() -> String {
    let shown = |line: &str| line.strip_prefix('#').is_some_and(|rest| !rest.starts_with(' '));
    let line = |line: &str| line[usize::from(shown(line))..].to_owned() + "\n";
    reference().lines().map(|one| if one == "#" { "\n".to_owned() } else { line(one) }).collect()
}

/// As a file in the working directory, to which its paths are then relative.
fn parse(text: &str) -> Settings {
    let parsed = config::parse(Path::new("tollgate.toml"), text.as_bytes(), &environment());
    parsed.unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn the_reference_loads_and_its_values_are_the_defaults() {
    let shown = parse(&reference());
    let defaults = Settings::defaults(&Environment::default()).unwrap();
    assert_eq!(shown.listen, defaults.listen);
    assert_eq!(shown.store, defaults.store);
    assert_eq!(shown.cache, defaults.cache);
    assert_eq!(shown.proxies, defaults.proxies);
    assert_eq!(shown.limits, defaults.limits);
    assert_eq!(shown.telemetry, defaults.telemetry);
    assert_eq!(shown.identity, defaults.identity);
    assert_eq!(shown.tokens, defaults.tokens);
    assert_eq!(shown.sessions, defaults.sessions);
    assert_eq!((&shown.egress, &shown.webhooks), (&defaults.egress, &defaults.webhooks));
    // What an API and a context have by default is told by ones that say nothing of it.
    let text = "[contexts.orders.params.shop]\n[[apis]]\nname = \"a\"\nupstream = \"http://b\"\n\
                [[apis.rules]]\npath = \"/{*rest}\"\n";
    let (bare, shown_api) = (&parse(text).apis[0], &shown.apis[0]);
    assert_eq!(shown_api.dialect, bare.dialect);
    assert_eq!(shown_api.host, bare.host);
    assert_eq!(shown_api.path, bare.path);
    let endpoint = bare.upstream.endpoints.clone();
    let shown_upstream = Upstream { endpoints: endpoint, ..shown_api.upstream.clone() };
    assert_eq!(shown_upstream, bare.upstream);
    assert_eq!(shown_api.keep_credential, bare.keep_credential);
    assert_eq!(shown_api.body_bytes, bare.body_bytes);
    assert_eq!(shown_api.keep, bare.keep);
    assert_eq!((&shown_api.cors, &bare.cors), (&None, &None));
    assert_eq!((&shown_api.token_places, &bare.token_places), (&None, &None));
    assert_eq!(shown_api.idle_ttl, bare.idle_ttl);
    let param = |settings: &Settings| {
        let context = settings.contexts.values().next().unwrap();
        let mut param = context.params.values().next().unwrap().clone();
        param.title = String::new();
        param
    };
    assert_eq!(param(&shown), param(&parse(text)));
}

#[test]
fn the_reference_shows_every_key() {
    let text = reference_with_all_keys();
    // In a folder that has what it names.
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for (name, pem) in [
        ("server.pem", made.cert.pem()),
        ("server.key", made.signing_key.serialize_pem()),
        ("clients.pem", made.cert.pem()),
        ("upstream-ca.pem", made.cert.pem()),
        ("gateway.pem", made.cert.pem()),
        ("gateway.key", made.signing_key.serialize_pem()),
    ] {
        fs::write(folder.path().join(name), pem).unwrap();
    }
    let path = folder.path().join("tollgate.toml");
    let secure = text.replace("http://127.0.0.1:9000", "https://127.0.0.1:9000");
    let parsed = config::parse(&path, secure.as_bytes(), &environment());
    parsed.unwrap_or_else(|report| panic!("{report}"));
    let document: toml::Table = text.parse().unwrap();
    let document = toml::Value::Table(document);
    for (table, keys) in config::known_keys() {
        for key in keys {
            let found = entries(&document, &table).iter().any(|one| one.get(key).is_some());
            assert!(found, "`{key}` of `{table}` is not in config/tollgate.toml");
        }
    }
}

/// They stand in remarks, since the table says something by being there.
#[test]
fn the_reference_shows_the_true_defaults_of_cors() {
    let text = reference_with_all_keys();
    let shown = text.split("[apis.cors]\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let shown: Vec<_> = shown.lines().filter(|line| !line.starts_with("methods")).collect();
    let cors = |lines: &str| {
        let api = "[[apis]]\nname = \"a\"\nupstream = \"http://b\"\n";
        let text = format!("{api}[apis.cors]\n{lines}\n[[apis.rules]]\npath = \"/{{*rest}}\"\n");
        parse(&text).apis[0].cors.clone().unwrap()
    };
    let origins = shown.iter().find(|line| line.starts_with("origins")).unwrap();
    assert_eq!(cors(&shown.join("\n")), cors(origins));
}

/// All tables of one kind: `apis.rules`, `contexts.NAME`.
fn entries<'a>(document: &'a toml::Value, kind: &str) -> Vec<&'a toml::Value> {
    let mut found = vec![document];
    for part in kind.split('.').filter(|part| !part.is_empty()) {
        let step = |one: &'a toml::Value| -> Vec<&'a toml::Value> {
            match (part, one) {
                ("NAME", toml::Value::Table(table)) => table.iter().map(|(_, one)| one).collect(),
                _ => match one.get(part) {
                    Some(toml::Value::Array(list)) => list.iter().collect(),
                    other => other.into_iter().collect(),
                },
            }
        };
        found = found.into_iter().flat_map(step).collect();
    }
    found
}

fn schema() -> Value {
    let text = fs::read_to_string("config/tollgate.schema.json").unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The part of the schema that describes tables of one kind.
fn described<'a>(schema: &'a Value, kind: &str) -> &'a Value {
    kind.split('.').filter(|part| !part.is_empty()).fold(schema, |found, part| {
        let inner = match part {
            "NAME" => &found["additionalProperties"],
            _ => &found["properties"][part],
        };
        match inner.get("anyOf").unwrap_or(&inner["items"]["anyOf"]) {
            // A text or a number, or a table that says more.
            Value::Array(kinds) => kinds.iter().find(|kind| kind["type"] == "object").unwrap(),
            _ if inner["type"] == "array" => &inner["items"],
            _ => inner,
        }
    })
}

/// A property with what it refers to.
fn resolved(schema: &Value, property: &Value) -> BTreeMap<String, Value> {
    let own = property.as_object().unwrap().clone();
    let name = property["$ref"].as_str().and_then(|name| name.strip_prefix("#/$defs/"));
    let base = name.map(|name| schema["$defs"][name].as_object().unwrap().clone());
    base.unwrap_or_default().into_iter().chain(own).collect()
}

#[test]
fn the_schema_has_the_keys_of_the_file_and_no_others() {
    let schema = schema();
    for (table, keys) in config::known_keys() {
        let described = described(&schema, &table);
        assert_eq!(described["additionalProperties"], false, "`{table}`");
        let mut named: Vec<_> =
            described["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        named.sort_unstable();
        let mut keys = keys;
        keys.sort_unstable();
        assert_eq!(named, keys, "`{table}`");
        for (key, property) in described["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "`{key}` of `{table}` is not described");
        }
    }
}

#[test]
fn the_schema_tells_the_true_defaults() {
    let schema = schema();
    let document = toml::Value::Table(reference().parse().unwrap());
    let mut compared = 0;
    for (table, keys) in config::known_keys() {
        for key in keys {
            let property = resolved(&schema, &described(&schema, &table)["properties"][key]);
            let shown: Vec<_> =
                entries(&document, &table).iter().filter_map(|one| one.get(key)).collect();
            let Some(default) = property.get("default") else { continue };
            compared += 1;
            // `public` is shown with the other value, where it is the point.
            if key != "public" || table != "apis.rules" {
                let json = serde_json::to_value(shown[0]).unwrap();
                assert_eq!(&json, default, "`{key}` of `{table}`");
            }
        }
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn the_schema_and_the_file_take_values_of_the_same_kinds() {
    let schema = schema();
    let samples = [
        ("string", "\"x\""),
        ("integer", "7"),
        ("boolean", "false"),
        ("array", "[\"x\"]"),
        ("number", "1.5"),
    ];
    for (table, keys) in config::known_keys() {
        for key in keys {
            let property = resolved(&schema, &described(&schema, &table)["properties"][key]);
            let kinds = match &property["type"] {
                Value::Array(kinds) => kinds.clone(),
                one => vec![one.clone()],
            };
            // Tables are looked into by themselves.
            if kinds.contains(&"object".into())
                || ["apis", "rules", "webhooks", "certificates"].contains(&key)
            {
                continue;
            }
            for (kind, sample) in samples {
                let text = in_table(&table, &format!("{key} = {sample}\n"));
                let wrong = has_wrong_kind(&text);
                let taken = kinds.contains(&kind.into());
                assert_ne!(wrong, taken, "{text}: the schema says {kinds:?}");
            }
        }
    }
}

/// A file in which one line stands in a table of one kind.
fn in_table(kind: &str, line: &str) -> String {
    match kind {
        "" => line.to_owned(),
        "apis" | "webhooks" | "tls.certificates" => format!("[[{kind}]]\n{line}"),
        "apis.health" | "apis.cors" => format!("[[apis]]\n[{kind}]\n{line}"),
        "apis.upstream" => format!("[[apis]]\nupstream = [{{ {} }}]\n", line.trim()),
        "apis.rules" => format!("[[apis]]\n[[apis.rules]]\n{line}"),
        _ => format!("[{}]\n{line}", kind.replace("NAME", "a")),
    }
}

fn has_wrong_kind(text: &str) -> bool {
    let parsed = config::parse(Path::new("t.toml"), text.as_bytes(), &environment());
    parsed.is_err_and(|report| report.entries().any(|entry| entry.kind == "WrongKind"))
}
