//! The history, and whether its chain holds.

use std::collections::BTreeMap;

use askama::Template;

use super::changes::{self, ChangeRow};
use super::filters;
use crate::config::Settings;
use crate::domain::event::EventKind;
use crate::domain::id::TokenId;
use crate::service::acts::Gathered;
use crate::service::history::{HeadView, VerifiedView};
use crate::service::sight::TokenName;
use crate::web::exact::{self, Exact};
use crate::web::frame::{Frame, When};
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// How many tokens of an event are named.
pub const NAMED: usize = 3;

/// What tokens are called, by their ids.
pub type Names = BTreeMap<TokenId, TokenName>;

/// An event.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Its number; of the parts of an act the first and the last.
    pub position: String,
    /// What happened, in the reader's language.
    pub what: String,
    /// The kind of it, for its colour: the last word of its name.
    pub kind: String,
    /// When.
    pub when: When,
    /// Who did it; none of what was only noticed, which no actor of the history has done.
    pub actor: Option<String>,
    /// Why.
    pub reason: String,
    /// The tokens that it is about, as far as they are named: their ids, and what they are called.
    pub tokens: Vec<(String, String)>,
    /// How many more there are.
    pub more: u64,
    /// Of an act on many tokens, how many it was for, and what they had in common.
    pub many: Option<(u64, Vec<(String, String)>)>,
    /// The user that it is about.
    pub user: Option<String>,
    /// How many more there are.
    pub more_users: u64,
    /// The company that it is about.
    pub company: Option<String>,
    /// Whether that company is on record.
    pub company_known: bool,
    /// What was changed.
    pub changes: Vec<ChangeRow>,
}

impl EventRow {
    /// Of an event, or of the events of one act.
    pub fn of(frame: &Frame, settings: &Settings, names: &Names, act: &Gathered) -> Self {
        let view = &act.view;
        let kind = view.event.kind.as_str();
        let changes = view.changes.iter().flat_map(|change| changes::rows(frame, settings, change));
        let many = view.event.many.as_ref().map(|many| {
            let said =
                |(field, text): (&String, &String)| filters::said(frame, settings, field, text);
            (count(many.tokens), many.filter.iter().map(said).collect())
        });
        Self {
            position: match act.oldest == view.position {
                true => view.position.to_string(),
                false => format!("{}–{}", act.oldest, view.position),
            },
            what: frame.of("event", kind),
            kind: kind.split('.').next_back().unwrap_or_default().to_owned(),
            when: frame.when(view.event.at),
            actor: (view.event.kind != EventKind::TokenFirstUsed)
                .then(|| frame.actor(&view.event.actor)),
            reason: exact::reason(frame, &view.event.reason),
            tokens: view
                .tokens
                .iter()
                .take(NAMED)
                .map(|id| (id.to_string(), called(names, id)))
                .collect(),
            more: count(view.tokens.len().saturating_sub(NAMED)),
            many,
            user: view.users.first().map(ToString::to_string),
            more_users: count(view.users.len().saturating_sub(1)),
            company: view.companies.first().map(ToString::to_string),
            company_known: kind.starts_with("company."),
            changes: changes.collect(),
        }
    }
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

/// What a token is called; by the end of its id, if there is none of it any more.
pub(super) fn called(names: &Names, id: &TokenId) -> String {
    match names.get(id) {
        Some(token) if token.name.trim().is_empty() => format!("…{}", token.hint),
        Some(token) => token.name.clone(),
        None => id.to_string().get(24..).unwrap_or_default().to_owned(),
    }
}

/// The list.
#[derive(Template)]
#[template(path = "history.html")]
pub struct History {
    /// What is around it.
    pub frame: Frame,
    /// Newest first.
    pub events: Vec<EventRow>,
    /// Of which token alone: its id, and what it is called.
    pub token: Option<(String, String)>,
    /// Of which user alone.
    pub user: Option<String>,
    /// Of which company alone.
    pub company: Option<String>,
    /// Before which event it begins.
    pub before: Option<u64>,
    /// Before which event it goes on.
    pub next: Option<u64>,
    /// Whether those were not looked at yet: this page has fewer than fit on it.
    pub searches_on: bool,
    /// Where it ends; none for whoever does not see all of it.
    pub head: Option<HeadView>,
    /// What is wrong with a filter.
    pub wrongs: Wrongs,
    /// What it is narrowed to.
    pub typed: Typed,
}

/// Filters, which are those of `/api/v1/history`.
const FILTERS: [&str; 7] = ["token", "user", "company", "kind", "by", "since", "until"];

/// What kinds of events are about.
const FAMILIES: [&str; 3] = ["token", "owner", "company"];

impl History {
    /// What stands in links that stay with the same events.
    pub fn which(&self) -> String {
        let filters =
            FILTERS.into_iter().filter_map(|field| Some((field, self.typed.said(field)?)));
        let text =
            |text| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
        filters.map(|(name, value)| format!("&{name}={}", text(value))).collect()
    }

    /// Whether some are left out by a filter.
    pub fn narrowed(&self) -> bool {
        FILTERS.iter().any(|field| self.typed.said(field).is_some())
    }

    /// Whether by one that is folded away otherwise.
    pub fn narrowed_by_more(&self) -> bool {
        FILTERS.iter().any(|field| *field != "kind" && self.typed.said(field).is_some())
    }

    /// What kinds are about, to ask for all of one.
    pub fn families(&self) -> &'static [&'static str] {
        &FAMILIES
    }

    /// All kinds.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        EventKind::ALL.into_iter().map(EventKind::as_str)
    }

    /// Whether this kind is asked for.
    pub fn is_kind(&self, kind: &str) -> bool {
        self.typed.said("kind") == Some(kind)
    }
}

/// What a check of the whole chain found.
#[derive(Template)]
#[template(path = "history_check.html")]
pub struct Checked {
    /// What is around it.
    pub frame: Frame,
    /// What was found.
    pub found: VerifiedView,
    /// Its newest hash.
    pub hash: String,
}

/// What a check of a chain found that is not whole.
#[derive(Template)]
#[template(path = "history_broken.html")]
pub struct Broken {
    /// What is around it.
    pub frame: Frame,
    /// The file, or the folder.
    pub place: String,
    /// What is wrong there.
    pub what: Exact,
}

impl Broken {
    /// Whose line at a place does not verify.
    pub fn at(frame: Frame, place: String, what: &str) -> Self {
        let what = exact::told(&frame, what);
        Self { frame, place, what }
    }

    /// Of which later events are known than the last that is left.
    pub fn cut(frame: Frame, place: String, (known, left): (u64, u64)) -> Self {
        let what = format!("it ends at event {left}, but event {known} was written");
        Self::at(frame, place, &what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;
    use crate::web::frame::Theme;
    use crate::web::language::Language;

    #[test]
    fn a_page_that_found_little_so_far_offers_to_search_on() {
        for (language, on) in [
            (Language::English, "Search older events"),
            (Language::Russian, "Искать дальше"),
            (Language::Portuguese, "Continuar a busca"),
        ] {
            let page = |searches_on| {
                let frame = Frame {
                    language,
                    theme: Theme::System,
                    reader: None,
                    path: "/history".to_owned(),
                    query: String::new(),
                    is_form: false,
                    done: None,
                    now: Timestamp::from_unix(1_800_000_000),
                };
                let shown = History {
                    frame,
                    events: Vec::new(),
                    token: None,
                    user: None,
                    company: None,
                    before: None,
                    next: Some(7),
                    searches_on,
                    head: None,
                    wrongs: Wrongs::default(),
                    typed: Typed::default(),
                };
                shown.render().unwrap()
            };
            assert!(page(true).contains(on) && !page(false).contains(on), "{on}");
        }
    }
}
