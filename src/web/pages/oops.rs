//! What cannot be shown or done.

use askama::Template;

use crate::web::exact::{self, Exact};
use crate::web::frame::Frame;

/// A page about that.
#[derive(Template)]
#[template(path = "oops.html")]
pub struct Oops {
    /// What is around it.
    pub frame: Frame,
    /// What it is.
    pub title: String,
    /// What to do.
    pub help: String,
    /// What exactly was found.
    pub exact: Option<Exact>,
}

impl Oops {
    /// A problem of this kind (the last part of its type).
    pub fn new(frame: Frame, kind: &str, exact: Option<&str>) -> Self {
        let kind = if frame.knows("problem", kind) { kind } else { "unavailable" };
        let (title, help) = (frame.of("problem", kind), frame.of("help", kind));
        let exact = exact.map(|exact| exact::told(&frame, exact));
        Self { frame, title, help, exact }
    }
}
