//! What the form of a user says, as the bodies of the acts in `/api/v1/users`, and a user as its form shows them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::domain::role::Role;
use crate::service::view::OwnerView;
use crate::web::typed::Typed;

/// The field of the form that stands for one of the act.
pub(super) fn place(field: &str) -> Option<String> {
    field.split(['.', '[']).next().map(str::to_owned)
}

/// What was typed, as the body of the act in `/api/v1/users`.
pub(super) fn user(typed: &Typed) -> Value {
    let mut body = Map::new();
    for field in ["id", "name", "email", "company", "parent", "kind"] {
        if let Some(text) = typed.said(field) {
            body.insert(field.to_owned(), json!(text));
        }
    }
    body.insert("roles".to_owned(), json!(roles(typed)));
    if let Some(ceiling) = ceiling(typed) {
        body.insert("ceiling".to_owned(), ceiling);
    }
    Value::Object(body)
}

fn roles(typed: &Typed) -> BTreeSet<&str> {
    typed.all("role").chain(typed.words("more_roles")).collect()
}

fn ceiling(typed: &Typed) -> Option<Value> {
    match typed.one("ceiling") {
        "all" => Some(json!(-1)),
        "chosen" => Some(json!(typed.all("ceiling_flag").collect::<Vec<_>>())),
        _ => None,
    }
}

/// The form of a user as they are.
pub(super) fn as_typed(held: &OwnerView) -> Typed {
    let mut typed = Typed::default()
        .with("revision", held.revision.0.to_string())
        .with("name", held.name.clone())
        .with("email", held.email.clone().unwrap_or_default())
        .with("company", held.company.as_ref().map(ToString::to_string).unwrap_or_default())
        .with("parent", held.parent.as_ref().map(ToString::to_string).unwrap_or_default());
    let mut more = Vec::new();
    for role in &held.roles {
        match Role::named(role) {
            Some(_) => typed = typed.with("role", role.to_string()),
            None => more.push(role.to_string()),
        }
    }
    typed = typed.with("more_roles", more.join(" "));
    if held.ceiling.is_unlimited() {
        return typed.with("ceiling", "all");
    }
    let flags = held.ceiling_names.iter();
    flags.fold(typed.with("ceiling", "chosen"), |typed, flag| typed.with("ceiling_flag", flag))
}

/// What was typed and is not so already, as the body of the act in `/api/v1/users/{id}`: what stays is not
/// checked again, and need not be the changer's to give.
pub(super) fn changes(typed: &Typed, held: &OwnerView) -> Value {
    let mut body = Map::new();
    body.insert("revision".to_owned(), json!(typed.one("revision").parse::<u64>().ok()));
    body.insert("reason".to_owned(), json!(typed.one("reason").trim()));
    let before = as_typed(held);
    for field in ["name", "email", "company", "parent"] {
        if typed.said(field) != before.said(field) {
            // A name cannot be cleared, which the act says best.
            let empty = (field == "name").then_some("");
            body.insert(field.to_owned(), json!(typed.said(field).or(empty)));
        }
    }
    if roles(typed) != roles(&before) {
        body.insert("roles".to_owned(), json!(roles(typed)));
    }
    let flags = |typed: &Typed| match typed.one("ceiling") {
        "chosen" => Some(typed.all("ceiling_flag").map(str::to_owned).collect::<BTreeSet<_>>()),
        _ => None,
    };
    if flags(typed) != flags(&before)
        && let Some(ceiling) = ceiling(typed)
    {
        body.insert("ceiling".to_owned(), ceiling);
    }
    Value::Object(body)
}

/// The form without one of its mistakes, so that the others come to light.
pub(super) fn neutral(typed: Typed, place: &str) -> Option<Typed> {
    Some(match place {
        "" => return None,
        // Nobody has a name like this.
        "id" => typed.instead("id", "x-x-x-x-x-x-x-x"),
        "ceiling" => typed.instead("ceiling", "chosen").only(|name| name != "ceiling_flag"),
        "roles" => typed.only(|name| !matches!(name, "role" | "more_roles")),
        place => typed.only(|name| name != place),
    })
}
