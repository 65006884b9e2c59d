//! Single values as the parser gives them: texts with their references, numbers, and what is said
//! of a value of the wrong kind. `table` calls these for each key.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeValue};

use super::environment::BadReference;
use super::mistake::Mistake;
use super::reading::{Placed, Reading, Reported, Text, did_you_mean};

/// A list of texts.
pub(super) fn texts(
    key: String,
    span: Range<usize>,
    list: DeArray<'_>,
    reading: &Reading<'_>,
) -> Result<Placed<Vec<Placed<Text>>>, Reported> {
    let all: Vec<_> = list.into_iter().map(|one| text(&key, one, reading)).collect();
    let value = all.into_iter().collect::<Result<_, _>>()?;
    Ok(Placed { value, key, span })
}

/// Text, with its references replaced.
pub(super) fn text(
    key: &str,
    value: Spanned<DeValue<'_>>,
    reading: &Reading<'_>,
) -> Result<Placed<Text>, Reported> {
    let span = value.span();
    let shown = match value.into_inner() {
        DeValue::String(text) => text.into_owned(),
        other => return Err(wrong_kind(key, "text", &other, &span, reading)),
    };
    let (span, raw) = reading.inside_quotes(&span);
    match reading.environment.expand(&shown) {
        Ok(value) => Ok(Placed { value: Text { value, shown }, key: key.to_owned(), span }),
        Err(bad) => {
            // Escapes in the text would move the reference: then all of it is marked.
            let literal = raw == shown;
            let narrow = |place: Range<usize>| {
                if literal {
                    span.start + place.start..span.start + place.end
                } else {
                    span.clone()
                }
            };
            Err(match bad {
                BadReference::NoVariable(name, place) => {
                    let known = reading.environment.names();
                    let otherwise = "set the variable, or write `$${` where `${` itself is meant";
                    let hint = did_you_mean(&name, known, otherwise);
                    reading.mistake(&narrow(place), Mistake::NoVariable(name), hint)
                }
                BadReference::Malformed(place) => reading.mistake(
                    &narrow(place),
                    Mistake::BadReference(key.to_owned()),
                    "a reference is `${NAME}`; write `$${` where `${` itself is meant",
                ),
            })
        }
    }
}

/// A whole number, however large.
pub(super) fn number(
    key: String,
    value: &Spanned<DeValue<'_>>,
    wanted: &'static str,
    reading: &Reading<'_>,
) -> Result<Placed<i128>, Reported> {
    let span = value.span();
    let DeValue::Integer(written) = value.get_ref() else {
        return Err(wrong_kind(&key, wanted, value.get_ref(), &span, reading));
    };
    match i128::from_str_radix(written.as_str(), written.radix()) {
        Ok(value) => Ok(Placed { value, key, span }),
        Err(_) => {
            let (least, most) = (i64::MIN.to_string(), i64::MAX.to_string());
            let shown = written.to_string();
            let mistake = Mistake::OutOfRange { key, least, most, shown };
            Err(reading.mistake(&span, mistake, "no key takes a number of this size"))
        }
    }
}

/// Reports a value of another kind than its key takes.
pub(super) fn wrong_kind(
    key: &str,
    wanted: &'static str,
    found: &DeValue<'_>,
    span: &Range<usize>,
    reading: &Reading<'_>,
) -> Reported {
    let found = match found {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(true) => "true",
        DeValue::Boolean(false) => "false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    let hint = match (wanted, found) {
        ("text", "a whole number" | "a fraction" | "true" | "false" | "a date") => {
            "put it between quotes"
        }
        ("true or false" | "a whole number" | "a number such as 0x100", "text") => {
            "leave out the quotes"
        }
        ("a list of texts", "text") => "put it between brackets",
        ("a length of time such as \"10s\"", "a whole number") => {
            "put it between quotes, with a unit: ms, s, m, h, d or w"
        }
        ("a list of tables", _) => "write `[[...]]` with two brackets, once for each",
        ("a table", _) => "write a `[...]` header of its own",
        _ => "see config/tollgate.toml for each key and its form",
    };
    let mistake = Mistake::WrongKind { key: key.to_owned(), wanted, found };
    reading.mistake(span, mistake, hint)
}
