//! The words for a single mistake of syntax, and what they must not show.

use toml::de::Error;

use super::mistake::Mistake;
use super::reading::Reading;
use super::table::is_secret;

/// Where a secret may stand in a text of which nothing else is known.
pub(super) fn conceal_likely_secrets(source: &str, reading: &Reading<'_>) {
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        let url = line.contains("://") && line.contains('@');
        let likely = |key: &str| url || is_secret(key) || line.contains("master_key");
        if let Some((key, _)) = line.split_once('=').filter(|(key, _)| likely(key)) {
            reading.conceal(start + key.len() + 1..start + line.len());
        }
        start += line.len();
    }
}

/// The parser's words where they help, and ours for the slips that people make most.
pub(super) fn tell(error: &Error, source: &str, reading: &Reading<'_>) {
    let span = error.span().unwrap_or_default();
    let at = source.get(span.clone()).unwrap_or_default();
    let (what, expected) = error.message().split_once(", expected ").map_or(
        (error.message(), "see https://toml.io for what a file may hold".to_owned()),
        |(what, expected)| (what, format!("expected {expected}")),
    );
    let quoted = "text stands between quotes, such as `\"127.0.0.1:8080\"`";
    let (what, hint) = match what {
        "duplicate key" => ("this stands here twice", "join the two, or take out one of them"),
        "string values must be quoted" if at.trim().is_empty() => {
            ("this key has no value", "write `KEY = VALUE`")
        }
        "string values must be quoted" => ("this text has no quotes", quoted),
        "invalid float" | "invalid integer" => ("this is no number", quoted),
        "invalid datetime" => ("this is no date", quoted),
        "invalid basic string" if expected.starts_with("expected `\"`") => {
            ("this text does not end", "end it with a `\"` on the same line")
        }
        "invalid literal string" if expected.starts_with("expected `'`") => {
            ("this text does not end", "end it with a `'` on the same line")
        }
        _ => (what, expected.as_str()),
    };
    reading.mistake(&span, Mistake::Syntax(what.to_owned()), hint);
}
