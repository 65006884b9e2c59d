//! What several pages show: states, ends, rows of tokens and of events.

use std::collections::BTreeMap;

use crate::domain::id::TokenId;
use crate::domain::token::State;
use crate::service::view::TokenView;
use crate::web::frame::{Frame, When};

/// A state in a word and a sign, which the stylesheet colours.
#[derive(Clone, Copy, Debug)]
pub struct StateMark {
    /// The last part of its text's key.
    pub word: &'static str,
    /// Its sign.
    pub icon: &'static str,
}

impl StateMark {
    /// Of a token. A blocked owner or company stops one that could be used otherwise, and so does a limit that
    /// no time lifts.
    pub const fn of(token: &TokenView) -> Self {
        let state = token.state;
        if token.blocked && !state.is_final() {
            return Self { word: "blocked", icon: "lock" };
        }
        if token.used_up && matches!(state, State::Active) {
            return Self { word: "used-up", icon: "pause" };
        }
        let icon = match state {
            State::Active => "check",
            State::Disabled => "pause",
            State::Pending | State::Expired => "clock",
            State::IdleExpired => "moon",
            State::Revoked => "cross",
        };
        Self { word: state.as_str(), icon }
    }
}

/// When a token ends, by time or by idleness, whichever is sooner.
#[derive(Clone, Debug)]
pub enum Ends {
    /// Then, unless it is changed, or used before.
    At {
        /// When.
        when: When,
        /// Whether a use puts it off.
        by_idleness: bool,
        /// That it ends with the use of its successor, if that is sooner.
        after_use: Option<String>,
    },
    /// Never by time.
    Never {
        /// The same.
        after_use: Option<String>,
    },
    /// It has ended.
    Over {
        /// When.
        when: When,
    },
}

impl Ends {
    /// Of a token.
    pub fn of(frame: &Frame, token: &TokenView) -> Self {
        let over = |at| Self::Over { when: frame.when(at) };
        if let Some(ended) = &token.ended {
            return over(ended.act.at);
        }
        let after_use = token.retire_after_use.map(|after| match after.is_zero() {
            true => frame.t("ends-after-use-now"),
            false => frame.s("ends-after-use", frame.length(after)),
        });
        match token.end() {
            None => Self::Never { after_use },
            Some((at, _)) if token.state.is_final() => over(at),
            Some((at, by_idleness)) => Self::At { when: frame.when(at), by_idleness, after_use },
        }
    }
}

/// When the tokens that a list names end.
pub type Ending = BTreeMap<TokenId, Ends>;

/// A token in a list.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// Its id.
    pub id: String,
    /// The last characters of its secret.
    pub hint: String,
    /// Its name.
    pub name: String,
    /// Its application.
    pub app: String,
    /// Whom it acts for.
    pub owner: String,
    /// Its state.
    pub state: StateMark,
    /// When it was used last.
    pub last_use: Option<When>,
    /// When it ends.
    pub ends: Ends,
}

impl TokenRow {
    /// Of a token.
    pub fn of(frame: &Frame, token: &TokenView) -> Self {
        Self {
            id: token.id.to_string(),
            hint: token.hint.clone(),
            name: token.name.clone(),
            app: token.app.clone(),
            owner: token.owner.to_string(),
            state: StateMark::of(token),
            last_use: token.last_use.as_ref().map(|last| frame.when(last.at)),
            ends: Ends::of(frame, token),
        }
    }
}
