//! The reader's own account.

use askama::Template;

use super::users::UserRow;
use crate::web::frame::Frame;
use crate::web::wrongs::Wrongs;

/// Who they are, and the form for another password.
#[derive(Template)]
#[template(path = "account.html")]
pub struct Account {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong.
    pub wrongs: Wrongs,
    /// Who they are.
    pub row: UserRow,
}
