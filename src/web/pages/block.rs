//! The question before a user or a company is blocked or unblocked.

use askama::Template;

use crate::service::view::{CompanyView, OwnerView};
use crate::web::frame::Frame;
use crate::web::wrongs::Wrongs;

/// The question.
#[derive(Template)]
#[template(path = "block.html")]
pub struct Block {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong.
    pub wrongs: Wrongs,
    /// The path of the list that it is of.
    pub list: &'static str,
    /// How that list is called.
    pub title: String,
    /// What the act means.
    pub lead: String,
    /// Its one name.
    pub id: String,
    /// How people call it.
    pub name: String,
    /// Whether it is blocked, so that this would be lifted.
    pub blocked: bool,
    /// How often its record was changed.
    pub revision: u64,
    /// How many tokens stop, or go on.
    pub stopping: u64,
    /// The reason that was typed.
    pub reason: String,
}

impl Block {
    /// Of a user.
    pub fn user(
        frame: Frame,
        (wrongs, reason): (Wrongs, &str),
        user: &OwnerView,
        stopping: u64,
    ) -> Self {
        let blocked = user.blocked.is_some();
        Self {
            list: "users",
            title: frame.t("users-title"),
            lead: if blocked { frame.t("unblock-lead") } else { frame.t("block-lead") },
            id: user.id.to_string(),
            name: user.name.clone(),
            blocked,
            revision: user.revision.0,
            stopping,
            reason: reason.to_owned(),
            frame,
            wrongs,
        }
    }

    /// Of a company.
    pub fn company(
        frame: Frame,
        (wrongs, reason): (Wrongs, &str),
        company: &CompanyView,
        stopping: u64,
    ) -> Self {
        let blocked = company.blocked.is_some();
        let lead = match blocked {
            true => frame.t("company-unblock-lead"),
            false => frame.t("company-block-lead"),
        };
        Self {
            list: "companies",
            title: frame.t("companies-title"),
            lead,
            id: company.id.to_string(),
            name: company.name.clone(),
            blocked,
            revision: company.revision.0,
            stopping,
            reason: reason.to_owned(),
            frame,
            wrongs,
        }
    }
}
