//! Tokens, users and events for people.

use crate::admin::tokens::TokenCreated;
use crate::cli::changes;
use crate::cli::output::{counted, day, fields, moment, relative, shown, table};
use crate::domain::conditions::Conditions;
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::Slug;
use crate::domain::owner::OwnerKind;
use crate::domain::time::Timestamp;
use crate::domain::token::{Act, State};
use crate::service::acts::{Gathered, gathered};
use crate::service::history::EventView;
use crate::service::view::{CompanyView, OwnerView, ParamView, TokenView};

/// The words for where in its life a token is.
fn state(token: &TokenView) -> String {
    let state = match token.state {
        State::Pending => "pending",
        State::Active => "active",
        State::Disabled => "disabled",
        State::Expired => "expired",
        State::IdleExpired => "expired (idle)",
        State::Revoked => "revoked",
    };
    if token.state.is_final() {
        return state.to_owned();
    }
    let used_up = if token.used_up { ", used up" } else { "" };
    let blocked = match token.blocked {
        true if token.company.is_some() => ", user or company blocked",
        true => ", user blocked",
        false => "",
    };
    format!("{state}{used_up}{blocked}")
}

/// When a token ends, by time or by idleness, or when it did.
fn ends(token: &TokenView, now: Timestamp) -> String {
    if let Some(ended) = &token.ended {
        return day(ended.act.at, now);
    }
    match token.end() {
        // It is over already, and nobody wrote it down yet.
        Some((idle, true)) if token.state == State::IdleExpired => day(idle, now),
        Some((idle, true)) => format!("{}, if unused{}", day(idle, now), after_use(token)),
        Some((end, false)) => format!("{}{}", day(end, now), after_use(token)),
        None => format!("never{}", after_use(token)),
    }
}

/// What may end a token before its time: its successor, once that is used.
pub fn after_use(token: &TokenView) -> String {
    match token.retire_after_use.filter(|_| !token.state.is_final()) {
        Some(after) if after.is_zero() => ", or with its successor's first use".to_owned(),
        Some(after) => format!(", or {after} after its successor's first use"),
        None => String::new(),
    }
}

/// When a token was last used. What is not known is not made up.
fn last_used(token: &TokenView, now: Timestamp) -> String {
    let last = token.last_use.as_ref().map(|last| {
        let (at, api) = (moment(last.at, now), shown(&last.api));
        format!("{at} from {} through {api}", last.address)
    });
    let presumed = token.counts_as_used_at.filter(|_| token.ended.is_none());
    let counts = presumed.map(|at| format!("counts as used since {}", moment(at, now)));
    match (last, counts) {
        (Some(last), Some(counts)) => format!("{last}; later uses are not known: {counts}"),
        (None, Some(counts)) => format!("unknown; {counts}"),
        (Some(last), None) => last,
        (None, None) if token.counts_as_used_at.is_some() => "unknown".to_owned(),
        (None, None) => "never".to_owned(),
    }
}

fn last_used_briefly(token: &TokenView, now: Timestamp) -> String {
    let last = token.last_use.as_ref().map(|last| relative(last.at, now));
    match (last, token.counts_as_used_at) {
        (Some(last), Some(_)) => format!("{last}, or later"),
        (Some(last), None) => last,
        (None, Some(_)) => "unknown".to_owned(),
        (None, None) => "never".to_owned(),
    }
}

/// A list of tokens.
pub fn tokens(tokens: &[TokenView], now: Timestamp) -> String {
    let row = |token: &TokenView| {
        vec![
            token.id.to_string(),
            shown(&token.name),
            token.owner.to_string(),
            state(token),
            ends(token, now),
            last_used_briefly(token, now),
            format!("…{}", shown(&token.hint)),
        ]
    };
    let rows: Vec<_> = tokens.iter().map(row).collect();
    table(&["ID", "NAME", "USER", "STATE", "ENDS", "LAST USED", "SECRET"], &rows)
}

/// A new token with its secret.
pub fn created(created: &TokenCreated, now: Timestamp) -> String {
    let secret = created.secret.as_ref().map(|secret| {
        format!(
            "{secret}\n\nThis secret is shown once. Keep it where only its user can read it.\n\n"
        )
    });
    format!("{}{}", secret.unwrap_or_default(), token(&created.token, now))
}

/// Everything about a token.
pub fn token(token: &TokenView, now: Timestamp) -> String {
    let text = |text: &str| (!text.is_empty()).then(|| lines(text));
    let at = |at: Timestamp| moment(at, now);
    let ended = token.ended.as_ref().map(|ended| act(&ended.act, now));
    let idle = token.idle_at.map(|idle| format!("{} if it is not used", at(idle)));
    fields(&[
        ("id", Some(token.id.to_string())),
        ("name", text(&token.name)),
        ("app", text(&token.app)),
        ("description", text(&token.description)),
        ("user", Some(token.owner.to_string())),
        ("company", token.company.as_ref().map(Slug::to_string)),
        ("state", Some(state(token))),
        ("ended", ended),
        ("disabled", token.disabled.as_ref().map(|disabled| act(disabled, now))),
        ("secret", Some(format!("…{}", shown(&token.hint)))),
        ("created", Some(format!("{} by {}", at(token.created_at), token.created_by))),
        ("begins", Some(at(token.not_before))),
        ("ends", Some(token.expires_at.map_or_else(|| "never".to_owned(), at) + &after_use(token))),
        ("idle end", idle),
        ("last used", Some(last_used(token, now))),
        ("flags", Some(flags(token.flags.bits(), &token.flag_names))),
        ("contexts", Some(contexts(&token.contexts) + &absent(&token.absent_contexts))),
        ("items", Some(items(&token.items))),
        ("parameters", token.params.as_ref().map(|params| shown(params.text()))),
        ("of contexts", context_params(token)),
        ("lacks", (!token.lacks.is_empty()).then(|| token.lacks.join(", "))),
        ("conditions", conditions(&token.conditions)),
        ("limits", limits(token)),
        ("succeeds", token.rotated_from.map(|id| id.to_string())),
        ("succeeded by", token.rotated_to.map(|id| id.to_string())),
        ("revision", Some(token.revision.0.to_string())),
    ])
}

/// How a token ended: who did it, when and why.
pub fn ending(token: &TokenView, now: Timestamp) -> Option<String> {
    token.ended.as_ref().map(|ended| format!("{} {}", state(token), act(&ended.act, now)))
}

fn lines(text: &str) -> String {
    text.lines().map(shown).collect::<Vec<_>>().join("\n")
}

fn act(act: &Act, now: Timestamp) -> String {
    let reason = if act.reason.is_empty() { String::new() } else { format!(": {}", act.reason) };
    format!("{} by {}{}", moment(act.at, now), act.by, shown(&reason))
}

fn flags(bits: i64, names: &[String]) -> String {
    match bits {
        0 => "none".to_owned(),
        -1 => "unlimited".to_owned(),
        bits => format!("{} ({bits:#x})", names.join(", ")),
    }
}

fn contexts(contexts: &Contexts) -> String {
    match contexts {
        Contexts::All => "all".to_owned(),
        Contexts::Set(names) if names.is_empty() => "none".to_owned(),
        Contexts::Set(names) => names.iter().map(Slug::as_str).collect::<Vec<_>>().join(", "),
    }
}

/// Which of them open nothing at present.
fn absent(names: &[Slug]) -> String {
    let names: Vec<_> = names.iter().map(Slug::as_str).collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!(
            "\nnot in the configuration, opens nothing until it is back: {}",
            names.join(", ")
        ),
    }
}

fn items(items: &Items) -> String {
    match items {
        Items::All => "all".to_owned(),
        Items::Set(ids) => ids.join(", "),
    }
}

fn context_params(token: &TokenView) -> Option<String> {
    let mut lines = Vec::new();
    for (context, params) in &token.context_params {
        for (name, value) in params {
            let value = match value {
                ParamView::Value(text) => shown(text),
                ParamView::Sealed(_) => "(secret)".to_owned(),
            };
            lines.push(format!("{context}.{name} = {value}"));
        }
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn conditions(conditions: &Conditions) -> Option<String> {
    let parts = changes::conditions(conditions).into_iter().filter(|(_, words)| words != "any");
    let lines: Vec<_> = parts.map(|(name, words)| format!("{name} {words}")).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The limits, with what is left of them.
fn limits(token: &TokenView) -> Option<String> {
    let lines = token.left.clone().unwrap_or_default().words(&token.limits);
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A list of users.
pub fn users(users: &[OwnerView]) -> String {
    let row = |user: &OwnerView| {
        vec![
            user.id.to_string(),
            shown(&user.name),
            kind(user.kind).to_owned(),
            user.company.as_ref().map_or_else(String::new, Slug::to_string),
            if user.blocked.is_some() { "blocked" } else { "active" }.to_owned(),
        ]
    };
    let rows: Vec<_> = users.iter().map(row).collect();
    table(&["ID", "NAME", "KIND", "COMPANY", "STATE"], &rows)
}

const fn kind(kind: OwnerKind) -> &'static str {
    match kind {
        OwnerKind::User => "user",
        OwnerKind::Service => "service",
    }
}

/// Everything about a user.
pub fn user(user: &OwnerView, now: Timestamp) -> String {
    let roles: Vec<_> = user.roles.iter().map(Slug::as_str).collect();
    let created = format!("{} by {}", moment(user.created_at, now), user.created_by);
    fields(&[
        ("id", Some(user.id.to_string())),
        ("name", Some(shown(&user.name))),
        ("kind", Some(kind(user.kind).to_owned())),
        ("email", user.email.as_deref().map(shown)),
        ("company", user.company.as_ref().map(Slug::to_string)),
        ("parent", user.parent.as_ref().map(ToString::to_string)),
        ("roles", (!roles.is_empty()).then(|| roles.join(", "))),
        ("ceiling", Some(flags(user.ceiling.bits(), &user.ceiling_names))),
        ("blocked", user.blocked.as_ref().map(|blocked| act(blocked, now))),
        ("created", Some(created)),
        ("revision", Some(user.revision.0.to_string())),
    ])
}

/// A list of companies.
pub fn companies(companies: &[CompanyView]) -> String {
    let row = |company: &CompanyView| {
        vec![
            company.id.to_string(),
            shown(&company.name),
            if company.blocked.is_some() { "blocked" } else { "active" }.to_owned(),
            contexts(&company.contexts),
        ]
    };
    let rows: Vec<_> = companies.iter().map(row).collect();
    table(&["ID", "NAME", "STATE", "LICENSED FOR"], &rows)
}

/// Everything about a company.
pub fn company(company: &CompanyView, now: Timestamp) -> String {
    let created = format!("{} by {}", moment(company.created_at, now), company.created_by);
    fields(&[
        ("id", Some(company.id.to_string())),
        ("name", Some(shown(&company.name))),
        ("licensed for", Some(contexts(&company.contexts) + &absent(&company.absent_contexts))),
        ("blocked", company.blocked.as_ref().map(|blocked| act(blocked, now))),
        ("created", Some(created)),
        ("revision", Some(company.revision.0.to_string())),
    ])
}

/// The reason, and what an update changed.
fn why(view: &EventView) -> String {
    let changes = view.changes.iter().flat_map(changes::words);
    let reason = (!view.event.reason.is_empty()).then(|| shown(&view.event.reason));
    let many = view.event.many.as_ref().map(|many| {
        let filter = many.filter.iter().map(|(name, text)| match text.as_str() {
            "true" => format!("--{}", name.replace('_', "-")),
            text => format!("--{} {}", name.replace('_', "-"), shown(text)),
        });
        let filter: Vec<_> = filter.collect();
        format!("of {} with {}", counted(many.tokens, "token"), filter.join(" "))
    });
    reason.into_iter().chain(many).chain(changes).collect::<Vec<_>>().join("; ")
}

/// How many tokens an event names one by one.
const NAMED: usize = 3;

/// The tokens of an event: a few of them, and how many more there are.
fn tokens_of(view: &EventView) -> String {
    some_of(&view.tokens, "more token")
}

/// Its users likewise.
fn users_of(view: &EventView) -> String {
    some_of(&view.users, "more user")
}

fn some_of(all: &[impl ToString], more: &str) -> String {
    let mut words: Vec<_> = all.iter().take(NAMED).map(ToString::to_string).collect();
    if all.len() > NAMED {
        words.push(format!("and {}", counted(all.len() - NAMED, more)));
    }
    words.join(" ")
}

/// What happened; the parts of an act on many tokens in one line.
pub fn events(events: &[EventView]) -> String {
    let row = |act: &Gathered| {
        let (view, event) = (&act.view, &act.view.event);
        let tokens = Some(tokens_of(view)).filter(|tokens| !tokens.is_empty()).into_iter();
        let users = Some(users_of(view)).filter(|users| !users.is_empty()).into_iter();
        let companies = view.companies.iter().map(|id| format!("company {id}"));
        vec![
            match act.oldest == view.position {
                true => view.position.to_string(),
                false => format!("{}-{}", act.oldest, view.position),
            },
            event.at.to_string(),
            event.actor.to_string(),
            event.kind.as_str().to_owned(),
            tokens.chain(users).chain(companies).collect::<Vec<_>>().join(" "),
            why(view),
        ]
    };
    let rows: Vec<_> = gathered(events.iter().cloned()).iter().map(row).collect();
    table(&["NO", "AT", "BY", "WHAT", "WHOM", "WHY"], &rows)
}
