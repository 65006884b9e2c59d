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

/// A context that somebody has.
#[derive(Clone, Debug)]
pub struct HeldContext {
    /// Its name.
    pub name: String,
    /// How people call it: by its name, if it left the configuration.
    pub title: String,
    /// Whether it is not in the configuration at present.
    pub absent: bool,
}

/// What contexts are called.
pub fn titles(settings: &Settings, held: &[Slug]) -> Vec<HeldContext> {
    let called = |name: &Slug| {
        let known = settings.contexts.get(name);
        HeldContext {
            title: known.map_or_else(|| name.to_string(), |known| known.title.clone()),
            name: name.to_string(),
            absent: known.is_none(),
        }
    };
    held.iter().map(called).collect()
}
