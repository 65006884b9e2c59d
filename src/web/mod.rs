//! What people meet in a browser: their sessions, and the pages with their languages and their look.
//!
//! Called by `admin`, which serves it on the administrative address.

use crate::config::settings::SessionSettings;
use crate::domain::time::Timestamp;

pub mod assets;
pub mod carried;
pub mod drafts;
pub mod exact;
pub mod frame;
pub mod language;
pub mod once;
pub mod pages;
pub mod sessions;
pub mod texts;
pub mod throttle;
pub mod reports;
pub mod typed;
pub mod wrongs;
#[cfg(test)]
mod tests;

/// People who use the pages.
#[derive(Debug, Default)]
pub struct People {
    /// Who is signed in.
    pub sessions: sessions::Sessions,
    /// Who failed at signing in.
    pub throttle: throttle::Throttle,
    /// How often strangers reported leaked secrets.
    pub reports: reports::Reports,
    /// Secrets of new tokens, until their one page is asked for.
    pub once: once::Once,
    /// What was tried and may be sent for good.
    pub drafts: drafts::Drafts,
    /// Forms that came without their session, for their pages.
    pub forms: drafts::Drafts,
    /// Brings these through signing in.
    pub carrier: carried::Carrier,
}

impl People {
    /// Lets go of sessions that are over, and of secrets that nobody came for. Nobody who comes with one of them
    /// is let in before that either.
    pub fn sweep(&self, lasting: &SessionSettings, now: Timestamp) {
        self.sessions.sweep(lasting, now);
        self.once.sweep(now);
        self.drafts.sweep(now);
        self.forms.sweep(now);
    }
}
