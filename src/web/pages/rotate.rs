//! The form by which a token gets a successor.

use askama::Template;

use super::choices::Pick;
use super::parts::{Ends, TokenRow};
use crate::domain::time::Span;
use crate::web::frame::Frame;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// For how long both may work, in seconds.
const GRACES: [u64; 5] = [0, HOUR, DAY, 7 * DAY, 30 * DAY];

/// How long the old one may work once the new one was used.
const AFTER_USES: [u64; 4] = [300, HOUR, DAY, 7 * DAY];

/// The form.
#[derive(Template)]
#[template(path = "token_rotate.html")]
pub struct Rotate {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong.
    pub wrongs: Wrongs,
    /// The token.
    pub row: TokenRow,
    /// What was typed.
    pub typed: Typed,
    /// For how long both work.
    pub graces: Vec<Pick>,
    /// How long the old one works once the new one was used.
    pub after_uses: Vec<Pick>,
}

impl Rotate {
    /// The form for a token.
    pub fn new(frame: Frame, (typed, wrongs): (Typed, Wrongs), row: TokenRow) -> Self {
        let option = |seconds: u64, chosen: &str| {
            let value = seconds.to_string();
            let text = match seconds {
                0 => frame.t("rotate-at-once"),
                _ => frame.length(Span::from_seconds(seconds)),
            };
            Pick { chosen: value == chosen, value, text }
        };
        let usual = DAY.to_string();
        let grace = typed.said("grace").unwrap_or(&usual);
        let graces = GRACES.into_iter().map(|seconds| option(seconds, grace)).collect();
        let after = typed.one("after_use");
        let none = Pick {
            chosen: after.is_empty(),
            value: String::new(),
            text: frame.t("rotate-not-sooner"),
        };
        let options = AFTER_USES.into_iter().map(|seconds| option(seconds, after));
        let after_uses = std::iter::once(none).chain(options).collect();
        Self { frame, wrongs, row, typed, graces, after_uses }
    }
}
