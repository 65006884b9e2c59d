//! Tokens: their list, one of them, and what is asked before one is revoked.

use askama::Template;

use super::chart::Chart;
use super::contexts::{HeldContext, titles};
use super::filters::Filters;
use super::history::{EventRow, Names, called};
use super::limits::{self, LimitRow};
use super::parts::{Ends, StateMark, TokenRow};
use crate::config::Settings;
use crate::domain::day::Day;
use crate::domain::grant::{Contexts, Items};
use crate::service::usage::{TokenUsage, USUAL_DAYS};
use crate::service::view::{ParamView, TokenView};
use crate::web::exact;
use crate::web::frame::{Frame, When};
use crate::web::wrongs::Wrongs;

/// The list.
#[derive(Template)]
#[template(path = "tokens.html")]
pub struct Tokens {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong with a filter.
    pub wrongs: Wrongs,
    /// What it is narrowed to.
    pub filters: Filters,
    /// Its rows.
    pub rows: Vec<TokenRow>,
    /// Where this page ends.
    pub next: Option<String>,
}

impl Tokens {
    /// Whose they are, if only somebody's are listed.
    pub fn owner(&self) -> Option<&str> {
        self.filters.typed.said("owner").filter(|_| self.wrongs.all.is_empty())
    }
}

/// The secret of a new token.
#[derive(Template)]
#[template(path = "secret.html")]
pub struct ShownOnce {
    /// What is around it.
    pub frame: Frame,
    /// The token.
    pub id: String,
    /// Its name.
    pub name: String,
    /// None if it was shown before.
    pub secret: Option<String>,
    /// Something to try it with; none if no rule lets it through.
    pub example: Option<Example>,
    /// Parameters without which some of its contexts stay closed.
    pub lacks: Vec<String>,
    /// The token that it succeeds, with its end.
    pub before: Option<(String, Ends)>,
}

/// A request that a token gets through, for curl.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// How curl is told of the method, with a space behind it; empty for `GET`.
    pub option: String,
    /// Where to.
    pub url: String,
}

/// Parameters of a context, as far as they are shown.
#[derive(Clone, Debug)]
pub struct HeldParam {
    /// What the context is called.
    pub context: String,
    /// What the parameter is called.
    pub title: String,
    /// Both by their names.
    pub name: String,
    /// None if it is secret.
    pub value: Option<String>,
}

/// One token.
#[derive(Template)]
#[template(path = "token.html")]
pub struct Token {
    /// What is around it.
    pub frame: Frame,
    /// All of it.
    pub token: TokenView,
    /// Its id as text.
    pub id: String,
    /// Its state.
    pub state: StateMark,
    /// When it was made.
    pub created: When,
    /// By whom.
    pub created_by: String,
    /// From when on it can be used, where that is later.
    pub not_before: Option<When>,
    /// When it was used last.
    pub last_use: Option<When>,
    /// When it ends.
    pub ends: Ends,
    /// By what they are called; none means all.
    pub contexts: Option<Vec<HeldContext>>,
    /// Access levels, each with what it allows, where that is configured.
    pub flags: Vec<(String, Option<String>)>,
    /// The token that it succeeds and the one that succeeds it: their ids, and what they are called.
    pub predecessor: Option<(String, String)>,
    /// The same of its successor.
    pub successor: Option<(String, String)>,
    /// None means all.
    pub items: Option<Vec<String>>,
    /// From where it may be presented; empty means anywhere.
    pub networks: Vec<String>,
    /// At which times of the week; empty means always.
    pub windows: Vec<String>,
    /// How much it may be used.
    pub limits: Vec<LimitRow>,
    /// What contexts define.
    pub params: Vec<HeldParam>,
    /// Since when, by whom and why it is paused or over.
    pub stopped: Option<Stopped>,
    /// Who is blocked, where that stops it.
    pub blocks: Blocks,
    /// Whether the reader may see to it.
    pub may_change: bool,
    /// Whether the reader may give it a successor.
    pub may_rotate: bool,
    /// Whether the reader may lift its pause.
    pub may_enable: bool,
    /// Its requests of the last days in a sentence.
    pub usage: String,
    /// The same by the day.
    pub chart: Chart,
    /// What happened to it, newest first.
    pub events: Vec<EventRow>,
    /// Where its older events are; none if there are none.
    pub older: Option<u64>,
}

/// Whose block stops a token.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    /// Whether its owner is blocked.
    pub owner: bool,
    /// Its company, if that is blocked, and whether the reader may look at it.
    pub company: Option<(String, bool)>,
}

/// Why a token or a user is stopped.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// When.
    pub when: When,
    /// By whom.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
}

impl Stopped {
    /// By an act.
    pub fn by(frame: &Frame, act: &crate::domain::token::Act) -> Self {
        Self {
            when: frame.when(act.at),
            by: frame.actor(&act.by),
            reason: exact::reason(frame, &act.reason),
        }
    }
}

impl Token {
    /// What is shown of `token`.
    pub fn new(
        frame: Frame,
        token: TokenView,
        (may_change, may_rotate, may_enable): (bool, bool, bool),
        (blocks, used, settings, names): (Blocks, &TokenUsage, &Settings, &Names),
        (events, older): (Vec<EventRow>, Option<u64>),
    ) -> Self {
        let act = token.ended.as_ref().map(|ended| &ended.act).or(token.disabled.as_ref());
        Self {
            id: token.id.to_string(),
            state: StateMark::of(&token),
            created: frame.when(token.created_at),
            created_by: frame.actor(&token.created_by),
            not_before: Some(token.not_before)
                .filter(|at| *at > token.created_at)
                .map(|at| frame.when(at)),
            last_use: token.last_use.as_ref().map(|last| frame.when(last.at)),
            ends: Ends::of(&frame, &token),
            contexts: match &token.contexts {
                Contexts::All => None,
                Contexts::Set(held) => Some(titles(settings, held)),
            },
            flags: token
                .flag_names
                .iter()
                .map(|name| (name.clone(), settings.flags.title(name).map(str::to_owned)))
                .collect(),
            predecessor: token.rotated_from.map(|id| (id.to_string(), called(names, &id))),
            successor: token.rotated_to.map(|id| (id.to_string(), called(names, &id))),
            items: match &token.items {
                Items::All => None,
                Items::Set(ids) => Some(ids.iter().map(|id| id.to_string()).collect()),
            },
            networks: token.conditions.networks.iter().map(ToString::to_string).collect(),
            windows: token
                .conditions
                .windows
                .iter()
                .map(|window| limits::window(&frame, window))
                .collect(),
            limits: limits::limits(&frame, &token),
            params: held_params(settings, &token),
            stopped: act.map(|act| Stopped::by(&frame, act)),
            blocks,
            may_change,
            may_rotate,
            may_enable,
            usage: usage(&frame, used),
            chart: Chart::new(&frame, by_day(&frame, used)),
            events,
            older,
            frame,
            token,
        }
    }
}

fn usage(frame: &Frame, used: &TokenUsage) -> String {
    if used.permitted + used.refused == 0 {
        return frame.t("usage-none");
    }
    let [permitted, refused] = [used.permitted, used.refused].map(|count| frame.number(count));
    let (permitted, refused) =
        (frame.s("chart-permitted-n", permitted), frame.s("chart-refused-n", refused));
    format!("{}: {permitted} · {refused}", frame.t("usage-days"))
}

/// All days that are asked for, also those before the token was made: a bar is a day, and not a fortnight.
fn by_day(frame: &Frame, used: &TokenUsage) -> Vec<(String, u64, u64)> {
    let today = used.days.last().map_or(Day::of(frame.now), |day| day.day);
    let of = |day: Day| {
        let known = used.days.iter().find(|known| known.day == day);
        known.map_or((0, 0), |known| (known.permitted, known.refused))
    };
    let row = |day: Day| {
        let (permitted, refused) = of(day);
        (frame.day(day), permitted.into(), refused.into())
    };
    today.back(USUAL_DAYS - 1).to(today).map(row).collect()
}

fn held_params(settings: &Settings, token: &TokenView) -> Vec<HeldParam> {
    let mut held = Vec::new();
    for (context, params) in &token.context_params {
        let known = settings.contexts.get(context);
        for (name, value) in params {
            let value = match value {
                ParamView::Value(text) => Some(text.clone()),
                ParamView::Sealed(_) => None,
            };
            let param = known.and_then(|known| known.params.get(name));
            held.push(HeldParam {
                context: known.map_or_else(|| context.to_string(), |known| known.title.clone()),
                title: param.map_or_else(|| name.clone(), |param| param.title.clone()),
                name: format!("{context}.{name}"),
                value,
            });
        }
    }
    held
}

/// The question before it is revoked.
#[derive(Template)]
#[template(path = "token_revoke.html")]
pub struct Revoke {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong.
    pub wrongs: Wrongs,
    /// The token.
    pub row: TokenRow,
    /// The reason that was typed.
    pub reason: String,
}
