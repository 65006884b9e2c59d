//! What somebody else made of a record while its form was filled in, beside what was typed. Both are read from the
//! fields of the form, so that they are said in the same words.

use std::collections::BTreeSet;

use super::windows;
use crate::domain::time::Span;
use crate::web::frame::Frame;
use crate::web::typed::Typed;

/// Fields of the form of a token that hold one text each.
const LIMITS: [&str; 6] = [
    "limits.quotas.hour",
    "limits.quotas.day",
    "limits.quotas.week",
    "limits.quotas.month",
    "limits.uses",
    "limits.concurrent",
];

/// All that differs.
#[derive(Clone, Debug)]
pub struct Clash {
    /// Where the record is shown as it is now.
    pub path: String,
    /// In the order of the form.
    pub rows: Vec<Differing>,
}

/// A part of the form that is not as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differing {
    /// The field that it is typed in.
    pub place: String,
    /// How it is called.
    pub label: String,
    /// What was typed.
    pub typed: String,
    /// What is on record.
    pub held: String,
}

/// What was typed, and the form of the record as it is now.
struct Sides<'a> {
    frame: &'a Frame,
    typed: &'a Typed,
    held: &'a Typed,
    rows: Vec<Differing>,
}

impl Sides<'_> {
    /// One part, in words that `said` finds in either form.
    fn part(&mut self, place: &str, label: String, said: impl Fn(&Typed) -> String) {
        let (typed, held) = (said(self.typed), said(self.held));
        if typed == held {
            return;
        }
        let nothing = |text: String| if text.is_empty() { self.frame.t("none") } else { text };
        let (typed, held) = (nothing(typed), nothing(held));
        self.rows.push(Differing { place: place.to_owned(), label, typed, held });
    }

    /// One that is a field by itself.
    fn field(&mut self, place: &str, label: String) {
        self.part(place, label, |form| form.one(place).trim().to_owned());
    }

    /// The same, if it stands in the form: not all do for everybody.
    fn field_if_there(&mut self, place: &str, label: String) {
        if self.typed.has(place) {
            self.field(place, label);
        }
    }
}

impl Clash {
    /// Of a company.
    pub fn company(frame: &Frame, path: String, typed: &Typed, held: &Typed) -> Self {
        let mut sides = Sides { frame, typed, held, rows: Vec::new() };
        sides.field("name", frame.t("user-name"));
        sides.part("contexts", frame.t("company-contexts"), |form| {
            chosen(form, ("access", "context"), &frame.t("company-all-contexts"))
        });
        Self { path, rows: sides.rows }
    }

    /// Of a user or a service.
    pub fn user(frame: &Frame, path: String, typed: &Typed, held: &Typed) -> Self {
        let mut sides = Sides { frame, typed, held, rows: Vec::new() };
        sides.field("name", frame.t("user-name"));
        sides.field("email", frame.t("user-email"));
        sides.field("company", frame.t("user-company"));
        sides.field("parent", frame.t("user-parent"));
        sides.part("roles", frame.t("user-roles"), |form| {
            let role = |role: &str| match frame.knows("role", role) {
                true => frame.of("role", role),
                false => role.to_owned(),
            };
            let roles: BTreeSet<_> = form.all("role").chain(form.words("more_roles")).collect();
            roles.into_iter().map(role).collect::<Vec<_>>().join(", ")
        });
        sides.part("ceiling", frame.t("user-ceiling"), |form| {
            chosen(form, ("ceiling", "ceiling_flag"), &frame.t("create-unlimited"))
        });
        Self { path, rows: sides.rows }
    }

    /// Of a token. `end` is when it ends, as it is on record; `params` are the fields that are shown of contexts'
    /// parameters, with their names.
    pub fn token(
        frame: &Frame,
        path: String,
        (typed, held): (&Typed, &Typed),
        end: &str,
        params: Vec<(String, String)>,
    ) -> Self {
        let mut sides = Sides { frame, typed, held, rows: Vec::new() };
        sides.field("name", frame.t("token-name"));
        sides.field("app", frame.t("token-app"));
        sides.field("description", frame.t("token-description"));
        sides.part("expiry", frame.t("create-expiry"), |form| match form.one("expiry") {
            "" | "keep" => end.to_owned(),
            "never" => frame.t("create-never"),
            "date" => form.one("expires_on").to_owned(),
            length => said_length(frame, length),
        });
        sides.field_if_there("not_before", frame.t("token-begins"));
        sides.part("idle", frame.t("create-idle"), |form| said_length(frame, form.one("idle")));
        if typed.has("access") {
            sides.part("contexts", frame.t("create-access"), |form| {
                chosen(form, ("access", "context"), &frame.t("create-access-all"))
            });
        }
        for (field, name) in params {
            sides.field_if_there(&field, name);
        }
        sides.part("flags", frame.t("token-flags"), |form| match form.has("unlimited") {
            true => frame.t("create-unlimited"),
            false => sorted(form.all("flag")),
        });
        for (field, label) in
            [("items", frame.t("token-items")), ("networks", frame.t("token-networks"))]
        {
            sides.part(field, label, |form| sorted(form.words(field).into_iter()));
        }
        sides.field_if_there("params", frame.t("token-params"));
        sides.field_if_there("certificate", frame.t("token-certificate"));
        sides.part("windows", frame.t("token-windows"), |form| windows::said(frame, form));
        sides.part("limits.rate.requests", frame.t("create-rate"), |form| rate(frame, form));
        for field in LIMITS {
            sides.field(field, frame.of("create", field));
        }
        Self { path, rows: sides.rows }
    }
}

/// All, or those that are ticked.
fn chosen(form: &Typed, (access, field): (&str, &str), all: &str) -> String {
    if form.one(access) == "chosen" { sorted(form.all(field)) } else { all.to_owned() }
}

fn sorted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

fn said_length(frame: &Frame, text: &str) -> String {
    match text.parse::<Span>() {
        Ok(span) if span.is_zero() => frame.t("create-never"),
        Ok(span) => frame.length(span),
        Err(_) => text.to_owned(),
    }
}

/// `600 in each minute, at once after a pause 20`.
fn rate(frame: &Frame, form: &Typed) -> String {
    let Some(requests) = form.said("limits.rate.requests") else { return String::new() };
    let per = form.said("limits.rate.per").unwrap_or("second");
    let mut text = format!("{requests} / {}", frame.of("create-per", per));
    if let Some(burst) = form.said("limits.rate.burst") {
        text.push_str(&format!(" · {}: {burst}", frame.t("create-burst")));
    }
    text
}
