//! Contexts: what there is to open, what a token carries for it, and what it opens.

use askama::Template;

use crate::config::Settings;
use crate::domain::id::Slug;
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

/// What contexts are called, behind their names. One that left the configuration is called by its name.
pub fn titles(settings: &Settings, held: &[Slug]) -> Vec<(String, String)> {
    let called = |name: &Slug| {
        let known = settings.contexts.get(name);
        (name.to_string(), known.map_or_else(|| name.to_string(), |known| known.title.clone()))
    };
    held.iter().map(called).collect()
}
