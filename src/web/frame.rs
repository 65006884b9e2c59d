//! What every page has around it: who reads it, in which language and light, and where they are.

use fluent_bundle::FluentValue;

use super::assets::{self, Asset};
use super::language::Language;
use super::texts::Texts;
use crate::domain::day::Day;
use crate::domain::event::Actor;
use crate::domain::time::{Span, Timestamp};

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system of whoever reads has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Its word in forms, cookies and the stylesheet.
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The one with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.word() == word)
    }
}

/// Who reads a page.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Their one name.
    pub id: String,
    /// How people call them.
    pub name: String,
    /// Whether the whole history is theirs to see.
    pub watches: bool,
    /// Whether there are companies that they may see.
    pub sees_companies: bool,
    /// Whether they make users.
    pub makes_users: bool,
    /// Whether they may do everything.
    pub administers: bool,
    /// Whether there is somebody whose tokens they make.
    pub makes_tokens: bool,
    /// Whether there may be tokens that they end.
    pub ends_tokens: bool,
    /// What their forms send back (sec-W1).
    pub csrf: String,
}

/// The frame of a page.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The language that it is in.
    pub language: Language,
    /// Its light.
    pub theme: Theme,
    /// None before they have signed in.
    pub reader: Option<Reader>,
    /// The path of the page, without a query.
    pub path: String,
    /// The query of a page that was asked for by its address, such as the filters of a list.
    pub query: String,
    /// Whether it shows a form again that was sent, with what was typed in it.
    pub is_form: bool,
    /// The act that has just been done, of a closed set.
    pub done: Option<&'static str>,
    /// The moment by which things are "ago" and "in".
    pub now: Timestamp,
}

/// The acts that a page can say are done; each has a text `done-…`.
pub const DONE: [&str; 27] = [
    "token-changed",
    "token-disabled",
    "token-enabled",
    "token-revoked",
    "tokens-revoked",
    "nothing",
    "user-created",
    "user-changed",
    "user-left",
    "user-blocked",
    "user-unblocked",
    "user-password",
    "company-created",
    "company-changed",
    "company-blocked",
    "company-unblocked",
    "webhook-took",
    "own-password",
    "signed-out",
    "sign-in-first",
    "sign-in-kept",
    "sign-in-lost",
    "form-kept",
    "form-again",
    "secret-away",
    "secret-found",
    "secret-unknown",
];

/// Those that say that something is left to do.
const WARNINGS: [&str; 6] =
    ["sign-in-kept", "sign-in-lost", "form-kept", "form-again", "secret-away", "secret-unknown"];

impl Frame {
    /// A text.
    pub fn t(&self, key: &str) -> String {
        Texts::of(self.language).get(key)
    }

    /// A text with a number in it, as `$count`.
    pub fn n(&self, key: &str, count: impl std::borrow::Borrow<u64>) -> String {
        Texts::of(self.language).with(key, &[("count", FluentValue::from(*count.borrow()))])
    }

    /// A text with a word in it, as `$name`.
    pub fn s(&self, key: &str, name: impl std::fmt::Display) -> String {
        let name = name.to_string();
        Texts::of(self.language).with(key, &[("name", FluentValue::from(name))])
    }

    /// The text of one of a family of keys, by its word: `state-` and `idle_expired`.
    pub fn of(&self, family: &str, word: &str) -> String {
        self.t(&format!("{family}-{}", word.replace([' ', '_', '.'], "-")))
    }

    /// Whether a family has a text for this word.
    pub fn knows(&self, family: &str, word: &str) -> bool {
        let key = format!("{family}-{}", word.replace([' ', '_', '.'], "-"));
        Texts::of(self.language).has(&key)
    }

    /// A point in time, as people read it.
    pub fn when(&self, at: Timestamp) -> When {
        When::new(self, at)
    }

    /// The stylesheet.
    pub fn style(&self) -> &'static Asset {
        &assets::STYLE
    }

    /// The script.
    pub fn script(&self) -> &'static Asset {
        &assets::SCRIPT
    }

    /// The icon.
    pub fn icon(&self) -> &'static Asset {
        &assets::ICON
    }

    /// What forms send back; empty before somebody has signed in.
    pub fn csrf(&self) -> &str {
        self.reader.as_ref().map_or("", |reader| &reader.csrf)
    }

    /// Whether what is said to be done is that nothing is done yet.
    pub fn warns(&self) -> bool {
        self.done.is_some_and(|done| WARNINGS.contains(&done))
    }

    /// Who fills in a form, so that it is given back to nobody else; empty before somebody has signed in.
    pub fn user(&self) -> &str {
        self.reader.as_ref().map_or("", |reader| &reader.id)
    }

    /// Whether whoever reads may do everything.
    pub fn administers(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.administers)
    }

    /// Whether whoever reads may make tokens.
    pub fn makes_tokens(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.makes_tokens)
    }

    /// Whether whoever reads may end tokens.
    pub fn ends_tokens(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.ends_tokens)
    }

    /// Where switches lead back to.
    pub fn back(&self) -> String {
        let joint = if self.query.is_empty() { "" } else { "?" };
        format!("{}{joint}{}", self.path, self.query)
    }

    /// Whether a place of the navigation is the one where the reader is.
    pub fn is_in(&self, place: &str) -> bool {
        self.path == place || (place != "/" && self.path.starts_with(&format!("{place}/")))
    }
}

/// A point in time: for machines, with all its digits, and as a distance from now.
#[derive(Clone, Debug)]
pub struct When {
    /// RFC 3339.
    pub machine: String,
    /// As it is written in the reader's language, in UTC.
    pub exact: String,
    /// `in 3 days`.
    pub distance: String,
}

/// Distances by their unit: how many seconds one has, from how many seconds on it is used.
const UNITS: [(&str, u64); 5] =
    [("year", 31_557_600), ("month", 2_629_800), ("day", 86_400), ("hour", 3_600), ("minute", 60)];

impl When {
    fn new(frame: &Frame, at: Timestamp) -> Self {
        let machine = at.to_string();
        let exact = written(frame.language, &machine).unwrap_or_else(|| machine.clone());
        let (ahead, behind) = (at.since(frame.now).seconds(), frame.now.since(at).seconds());
        let seconds = ahead.max(behind);
        let way = if ahead > 0 { "in" } else { "ago" };
        // Two of a unit at least, so that "in 1 month" is not said of 45 days.
        let unit = UNITS.into_iter().find(|(name, size)| {
            seconds >= size * if matches!(*name, "year" | "month") { 2 } else { 1 }
        });
        let distance = match unit {
            None => frame.t("when-now"),
            // 90 days are 3 months, though not quite.
            Some((name, size)) => {
                let half = if matches!(name, "year" | "month") { size / 2 } else { 0 };
                frame.n(&format!("when-{way}-{name}"), (seconds + half) / size)
            }
        };
        Self { machine, exact, distance }
    }
}

fn written(language: Language, machine: &str) -> Option<String> {
    let (date, time) = machine.split_once('T')?;
    let [year, month, day] = parts(date)?;
    Some(language.moment(year, month, day, time.get(..5)?))
}

fn parts(date: &str) -> Option<[&str; 3]> {
    let mut parts = date.split('-');
    Some([parts.next()?, parts.next()?, parts.next()?])
}

impl Frame {
    /// A whole number, as it is written in the reader's language.
    pub fn number(&self, number: impl std::borrow::Borrow<u64>) -> String {
        self.language.number(*number.borrow())
    }

    /// A day, as it is written in the reader's language.
    pub fn day(&self, day: Day) -> String {
        let machine = day.to_string();
        let written = parts(&machine).map(|[year, month, day]| self.language.day(year, month, day));
        written.unwrap_or(machine)
    }

    /// A length of time.
    pub fn length(&self, span: Span) -> String {
        match span.seconds() {
            seconds if seconds.is_multiple_of(86_400) => self.n("span-days", seconds / 86_400),
            seconds if seconds.is_multiple_of(3_600) => self.n("span-hours", seconds / 3_600),
            seconds if seconds.is_multiple_of(60) => self.n("span-minutes", seconds / 60),
            seconds => self.n("span-seconds", seconds),
        }
    }

    /// Who did something, as people call them.
    pub fn actor(&self, actor: &Actor) -> String {
        let frame = self;
        match actor {
            Actor::Local(_) => frame.t("actor-machine"),
            Actor::Owner(id) => id.to_string(),
            Actor::System => frame.t("actor-system"),
        }
    }

    /// The languages that can be chosen.
    pub fn languages(&self) -> &'static [Language] {
        &Language::ALL
    }

    /// The lights that can be chosen.
    pub fn themes(&self) -> &'static [Theme] {
        &Theme::ALL
    }
}

impl Reader {
    /// What stands for their face.
    pub fn initial(&self) -> String {
        self.name.chars().next().map(|c| c.to_uppercase().to_string()).unwrap_or_default()
    }
}

#[cfg(test)]
pub(crate) mod sample {
    use super::*;

    /// A frame in a language.
    pub(crate) fn frame(language: Language) -> Frame {
        Frame {
            language,
            theme: Theme::System,
            reader: None,
            path: "/".to_owned(),
            query: String::new(),
            is_form: false,
            done: None,
            now: Timestamp::from_unix(1_800_000_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_to_do_is_not_said_to_be_done() {
        for warning in WARNINGS {
            assert!(DONE.contains(&warning), "nothing says {warning}");
        }
        let of = |done| Frame { done, ..sample::frame(Language::English) };
        assert!(of(Some("sign-in-lost")).warns() && of(Some("form-kept")).warns());
        assert!(!of(Some("token-changed")).warns() && !of(None).warns());
    }
}
