//! Methods, as rules and what browsers are told name them.

use http::Method;

use super::mistake::Mistake;
use super::reading::{Placed, Reading, Reported, Text, did_you_mean, listed};

/// A method that can reach an upstream; `place` is what names it.
pub(super) fn method(
    text: &Placed<Text>,
    place: &str,
    reading: &Reading<'_>,
) -> Result<Method, Reported> {
    let (place, method) = (place.to_owned(), text.value.shown.clone());
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    match text.value.value.parse::<Method>() {
        Ok(Method::CONNECT | Method::TRACE) => {
            let hint = "take it out: neither CONNECT nor TRACE ever reaches an upstream";
            Err(reading.mistake(&text.span, Mistake::MethodRefused { place, method }, hint))
        }
        // Methods are told apart by case, and a registered one is never written small.
        Ok(parsed) if !parsed.as_str().bytes().any(|b| b.is_ascii_lowercase()) => Ok(parsed),
        _ => {
            let all = format!("methods are written in capitals, such as {}", listed(known, "and"));
            let hint = did_you_mean(&method, known, &all);
            Err(reading.mistake(&text.span, Mistake::BadMethod { place, method }, hint))
        }
    }
}
