//! Contexts: what there is to open, what a token carries for it, and what it opens.

use askama::Template;

use crate::service::contexts::{ContextParamView, ContextView};
use crate::web::frame::Frame;

/// The page.
#[derive(Template)]
#[template(path = "contexts.html")]
pub struct Contexts {
    /// What is around it.
    pub frame: Frame,
    /// All of them, by their names.
    pub contexts: Vec<ContextView>,
}

impl Contexts {
    /// What kind of value a parameter takes.
    pub fn kind(&self, param: &ContextParamView) -> String {
        match (param.secret, param.choices.is_empty()) {
            (true, _) => self.frame.t("contexts-secret"),
            (false, true) => self.frame.t("contexts-text"),
            (false, false) => param.choices.join(" · "),
        }
    }
}
