//! Signing in.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::wrongs::Wrongs;

/// The form.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong.
    pub wrongs: Wrongs,
    /// Who it was, the time before.
    pub user: String,
    /// Where to go then.
    pub next: String,
    /// The form that was sent without a session, sealed; empty if there is none.
    pub kept: String,
}
