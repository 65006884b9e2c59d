//! Language and light.

use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::address::own_path;
use super::reader::{LANGUAGE, THEME};
use super::seen_at;
use super::visit::Form;
use crate::web::frame::Theme;
use crate::web::language::Language;

/// How long the choice is kept, in seconds: a year.
const KEPT: u64 = 31_536_000;

pub(super) async fn choose(Form(typed): Form) -> Response {
    let mut response = seen_at(own_path(typed.one("back")).unwrap_or("/"), None);
    let language = Language::tagged(typed.one("language")).map(Language::tag);
    let theme = Theme::of_word(typed.one("theme")).map(Theme::word);
    for (name, value) in [(LANGUAGE, language), (THEME, theme)] {
        let line = value.map(|value| {
            format!("{name}={value}; Path=/; Max-Age={KEPT}; Secure; HttpOnly; SameSite=Strict")
        });
        if let Some(line) = line.and_then(|line| HeaderValue::try_from(line).ok()) {
            response.headers_mut().append(header::SET_COOKIE, line);
        }
    }
    response
}
