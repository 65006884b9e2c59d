//! The first page: what there is, what ends soon, what happened.

use askama::Template;

use super::history::EventRow;
use super::live::Live;
use super::parts::{Ends, TokenRow};
use crate::service::overview::Tally;
use crate::web::frame::{Frame, When};

/// How many tokens are in which state.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    /// All of them.
    pub all: u64,
    /// That can be used, or will be able to.
    pub active: u64,
    /// That are paused, or stopped with their owner.
    pub paused: u64,
    /// That were never used, of those that can be.
    pub unused: u64,
    /// That are over.
    pub over: u64,
}

impl Counted {
    /// As they were counted.
    pub fn of(tally: &Tally) -> Self {
        let counts = &tally.counts;
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Self {
            all: number(counts.all),
            active: number(counts.active + counts.pending),
            paused: number(counts.disabled + counts.blocked),
            unused: number(tally.usable_unused),
            over: number(counts.expired + counts.idle_expired + counts.revoked),
        }
    }
}

/// The page.
#[derive(Template)]
#[template(path = "overview.html")]
pub struct Overview {
    /// What is around it.
    pub frame: Frame,
    /// Tokens by their state.
    pub counted: Counted,
    /// Tokens that end soon, the soonest first.
    pub rows: Vec<TokenRow>,
    /// The day before which all of them end.
    pub soon_until: String,
    /// The ends of the reader's own tokens that leaked of late.
    pub leaked: Vec<EventRow>,
    /// What goes on just now; none for whoever does not see that.
    pub live: Option<Live>,
    /// What happened last.
    pub events: Vec<EventRow>,
    /// `ready`, `read-only` or `broken`; none for whoever does not see that.
    pub store: Option<&'static str>,
    /// Since when the gateway runs.
    pub running: Option<When>,
    /// Which program it is.
    pub version: &'static str,
}

impl Overview {
    /// How many they are.
    pub fn leaks(&self) -> u64 {
        let tokens = |event: &EventRow| event.more + u64::try_from(event.tokens.len()).unwrap_or(0);
        self.leaked.iter().map(tokens).sum()
    }

    /// Whether nothing was made yet by somebody who could.
    pub fn is_new(&self) -> bool {
        self.counted.all == 0 && self.frame.makes_tokens()
    }
}
