//! Companies: their list, one of them, and the form for one.

use askama::Template;

use super::clash::Clash;
use super::contexts::{HeldContext, titles};
use super::history::EventRow;
use super::tokens::Stopped;
use crate::config::Settings;
use crate::domain::grant::Contexts;
use crate::domain::id::Slug;
use crate::service::view::CompanyView;
use crate::web::frame::{Frame, When};
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// A company in a list.
#[derive(Clone, Debug)]
pub struct CompanyRow {
    /// Its one name.
    pub id: String,
    /// How people call it.
    pub name: String,
    /// What it is licensed for, by what that is called; none means all.
    pub contexts: Option<Vec<HeldContext>>,
    /// Whether it is blocked.
    pub blocked: bool,
    /// When it was put on record.
    pub created: When,
}

impl CompanyRow {
    /// Of a company.
    pub fn of(frame: &Frame, settings: &Settings, company: &CompanyView) -> Self {
        let contexts = match &company.contexts {
            Contexts::All => None,
            Contexts::Set(held) => Some(titles(settings, held)),
        };
        Self {
            id: company.id.to_string(),
            name: company.name.clone(),
            contexts,
            blocked: company.blocked.is_some(),
            created: frame.when(company.created_at),
        }
    }
}

/// The list.
#[derive(Template)]
#[template(path = "companies.html")]
pub struct Companies {
    /// What is around it.
    pub frame: Frame,
    /// In alphabetical order.
    pub rows: Vec<CompanyRow>,
    /// Why there may be none.
    pub sees: Sees,
    /// Whether the reader may put one on record.
    pub may_make: bool,
    /// Behind which it begins.
    pub after: Option<String>,
    /// Behind which it goes on.
    pub next: Option<String>,
}

/// Which companies a reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    /// All.
    All,
    /// Their own.
    Own,
    /// None.
    None,
}

/// One of them.
#[derive(Template)]
#[template(path = "company.html")]
pub struct Company {
    /// What is around it.
    pub frame: Frame,
    /// In short.
    pub row: CompanyRow,
    /// Who put it on record.
    pub created_by: String,
    /// Since when, by whom and why it is blocked.
    pub stopped: Option<Stopped>,
    /// Whether the reader may change it.
    pub may_change: bool,
    /// What happened to it, newest first.
    pub events: Vec<EventRow>,
    /// Where older events are.
    pub older: Option<u64>,
}

impl Company {
    /// What is shown of `company`.
    pub fn new(
        frame: Frame,
        (company, settings): (&CompanyView, &Settings),
        may_change: bool,
        (events, older): (Vec<EventRow>, Option<u64>),
    ) -> Self {
        Self {
            row: CompanyRow::of(&frame, settings, company),
            created_by: frame.actor(&company.created_by),
            stopped: company.blocked.as_ref().map(|act| Stopped::by(&frame, act)),
            frame,
            may_change,
            events,
            older,
        }
    }
}

/// The form for a new one, or for one that there is.
#[derive(Template)]
#[template(path = "company_form.html")]
pub struct CompanyForm {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong.
    pub wrongs: Wrongs,
    /// What somebody else made of it meanwhile.
    pub clash: Option<Clash>,
    /// What was typed.
    pub typed: Typed,
    /// The one that is changed, by its one name and by how people call it.
    pub held: Option<(String, String)>,
    /// Contexts that there are, and those that the company has.
    pub contexts: Vec<HeldContext>,
}

impl CompanyForm {
    /// The form by the settings.
    pub fn new(
        frame: Frame,
        (typed, wrongs): (Typed, Wrongs),
        company: Option<&CompanyView>,
        settings: &Settings,
    ) -> Self {
        let mut offered: Vec<Slug> = settings.contexts.keys().cloned().collect();
        // Those that left the configuration stay chosen until somebody takes them away.
        offered.extend(company.iter().flat_map(|company| company.absent_contexts.iter().cloned()));
        let contexts = titles(settings, &offered);
        let held = company.map(|company| (company.id.to_string(), company.name.clone()));
        Self { frame, wrongs, clash: None, typed, held, contexts }
    }

    /// Whether it is licensed for chosen contexts alone.
    pub fn chooses(&self) -> bool {
        self.typed.one("access") == "chosen"
    }

    /// Whether a context is chosen.
    pub fn has(&self, context: &str) -> bool {
        self.typed.all("context").any(|chosen| chosen == context)
    }
}
