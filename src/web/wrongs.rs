//! What is wrong with a form, said beside its fields and together above them.

use super::exact::{self, Exact};
use super::frame::Frame;
use crate::domain::secret;
use crate::service::{SECRET_HERE, ServiceError};

/// One mistake.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// The field that it is of; empty if of none.
    pub place: String,
    /// What would be right, in the reader's language.
    pub words: String,
    /// What exactly was found.
    pub exact: Option<Exact>,
}

/// All that is wrong.
#[derive(Clone, Debug, Default)]
pub struct Wrongs {
    /// In the order of the form.
    pub all: Vec<Wrong>,
}

impl Wrongs {
    /// One mistake that a page finds by itself.
    pub fn one(frame: &Frame, place: &str, key: &str) -> Self {
        let (place, words) = (place.to_owned(), frame.t(key));
        Self { all: vec![Wrong { place, words, exact: None }] }
    }

    /// What the service refuses. `place` tells which field of the form stands for one of the act.
    pub fn refused(
        frame: &Frame,
        error: &ServiceError,
        place: impl Fn(&str) -> Option<String>,
    ) -> Self {
        match error.at_field() {
            Some(field) => Self::field(frame, field, &error.to_string(), place),
            None => {
                let words = frame.of("problem", error.kind());
                let exact = Some(exact::told(frame, &secret::redact(&error.to_string())));
                Self { all: vec![Wrong { place: String::new(), words, exact }] }
            }
        }
    }

    /// The same of one field.
    pub fn field(
        frame: &Frame,
        field: &str,
        problem: &str,
        place: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let mut parts = field.split(['.', '[']);
        let first = parts.next().unwrap_or_default();
        let second = format!("{first}-{}", parts.next().unwrap_or_default());
        let known = [second.as_str(), first].into_iter().find(|name| frame.knows("wrong", name));
        let problem = problem.strip_prefix(&format!("`{field}`: ")).unwrap_or(problem);
        let words = match known {
            // However long it is.
            _ if problem == SECRET_HERE => frame.t("wrong-secret-here"),
            Some(name) => frame.of("wrong", name),
            None => frame.t("problem-bad-field"),
        };
        let place = place(field).unwrap_or_default();
        let exact = Some(exact::told(frame, &secret::redact(problem)));
        Self { all: vec![Wrong { place, words, exact }] }
    }

    /// The same in other words, where `key` has some for a place.
    #[must_use]
    pub fn worded(mut self, frame: &Frame, key: impl Fn(&str) -> Option<&'static str>) -> Self {
        let secret_here = frame.t("wrong-secret-here");
        for wrong in self.all.iter_mut().filter(|wrong| wrong.words != secret_here) {
            if let Some(key) = key(&wrong.place) {
                wrong.words = frame.t(key);
            }
        }
        self
    }

    /// What is wrong with a field.
    pub fn at(&self, place: &str) -> Option<&Wrong> {
        self.all.iter().find(|wrong| wrong.place == place)
    }

    /// The name of what describes a field besides its help, for `aria-describedby`.
    pub fn described(&self, place: &str) -> String {
        self.at(place).map_or_else(String::new, |_| format!(" {place}-wrong"))
    }
}
