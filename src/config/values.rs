//! From a single value of the file to a checked one: numbers, sizes, lengths of time, addresses
//! and names.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;

use super::mistake::Mistake;
use super::reading::{Field, Placed, Reading, Reported, Text, did_you_mean, listed};
use super::table::Size;
use super::units::{parse_duration, parse_size, write_size};
use crate::domain::id::{MAX_NAME, Slug};
use crate::domain::time::Span;

/// The longest length of time that can be set: a century, which no clock overflows.
const LONGEST_DAYS: u64 = 36_500;

/// A whole number within bounds.
pub(super) fn number<T: TryFrom<i128>>(
    field: &Field<i128>,
    bounds: RangeInclusive<i128>,
    default: T,
    reading: &Reading<'_>,
) -> Result<T, Reported> {
    let Some(number) = field else { return Ok(default) };
    let number = number.as_ref().map_err(|reported| *reported)?;
    let value = T::try_from(number.value).ok().filter(|_| bounds.contains(&number.value));
    value.ok_or_else(|| {
        let (least, most) = (bounds.start().to_string(), bounds.end().to_string());
        out_of_range(number, least, most, number.value.to_string(), reading)
    })
}

/// A number of bytes within bounds.
pub(super) fn size(
    field: &Field<Size>,
    bounds: RangeInclusive<u64>,
    reading: &Reading<'_>,
) -> Result<Option<u64>, Reported> {
    let Some(size) = field else { return Ok(None) };
    let size = size.as_ref().map_err(|reported| *reported)?;
    let (bytes, shown) = match &size.value {
        Size::Number(bytes) => (u64::try_from(*bytes).ok(), bytes.to_string()),
        Size::Text(text) => {
            let Some(bytes) = parse_size(&text.value) else {
                let mistake = Mistake::BadSize { key: size.key.clone(), text: text.shown.clone() };
                let hint = "a size is a number with `B`, `KiB`, `MiB`, `GiB` or `TiB`";
                return Err(reading.mistake(&size.span, mistake, hint));
            };
            (Some(bytes), format!("`{}`", text.shown))
        }
    };
    if let Some(bytes) = bytes.filter(|bytes| bounds.contains(bytes)) {
        return Ok(Some(bytes));
    }
    let (least, most) = (write_size(*bounds.start()), write_size(*bounds.end()));
    Err(out_of_range(size, least, most, shown, reading))
}

/// A length of time between a millisecond and `most`.
pub(super) fn duration(
    field: &Field<Text>,
    most: Duration,
    default: Duration,
    reading: &Reading<'_>,
) -> Result<Duration, Reported> {
    let Some(text) = field else { return Ok(default) };
    let text = text.as_ref().map_err(|reported| *reported)?;
    let value = parse_duration(&text.value.value).ok_or_else(|| bad_duration(text, reading))?;
    if value.is_zero() || value > most {
        let shown = format!("`{}`", text.value.shown);
        let most = Span::from_seconds(most.as_secs()).to_string();
        return Err(out_of_range(text, "1ms".to_owned(), most, shown, reading));
    }
    Ok(value)
}

/// A length of time up to `most`, if one is given; zero is for ever, which is [`Duration::MAX`].
pub(super) fn duration_or_never(
    field: &Field<Text>,
    most: Duration,
    reading: &Reading<'_>,
) -> Result<Option<Duration>, Reported> {
    let given = duration_from_zero(field, most, reading)?;
    Ok(given.map(|value| if value.is_zero() { Duration::MAX } else { value }))
}

/// A length of time up to `most`, if one is given; zero is none at all.
pub(super) fn duration_from_zero(
    field: &Field<Text>,
    most: Duration,
    reading: &Reading<'_>,
) -> Result<Option<Duration>, Reported> {
    let Some(text) = field else { return Ok(None) };
    let text = text.as_ref().map_err(|reported| *reported)?;
    let value = parse_duration(&text.value.value).ok_or_else(|| bad_duration(text, reading))?;
    if value > most {
        let shown = format!("`{}`", text.value.shown);
        let (least, most) = (Span::ZERO, Span::from_seconds(most.as_secs()));
        return Err(out_of_range(text, least.to_string(), most.to_string(), shown, reading));
    }
    Ok(Some(value))
}

/// A length of time in whole seconds, for tokens; zero is for ever.
pub(super) fn span(field: &Field<Text>, reading: &Reading<'_>) -> Result<Option<Span>, Reported> {
    let Some(text) = field else { return Ok(None) };
    let text = text.as_ref().map_err(|reported| *reported)?;
    let value = parse_duration(&text.value.value).ok_or_else(|| bad_duration(text, reading))?;
    let (key, shown) = (text.key.clone(), text.value.shown.clone());
    let most = Span::from_days(LONGEST_DAYS);
    if value.as_secs() > most.seconds() {
        let (least, most) = (Span::ZERO.to_string(), most.to_string());
        return Err(out_of_range(text, least, most, format!("`{shown}`"), reading));
    }
    if value.subsec_millis() != 0 {
        let mistake = Mistake::PartOfASecond { key, text: shown };
        return Err(reading.mistake(&text.span, mistake, "round it to seconds"));
    }
    Ok(Some(Span::from_seconds(value.as_secs())))
}

/// The same within bounds, neither of which is zero.
pub(super) fn span_within(
    field: &Field<Text>,
    bounds: RangeInclusive<Span>,
    reading: &Reading<'_>,
) -> Result<Option<Span>, Reported> {
    let (Some(value), Some(Ok(text))) = (span(field, reading)?, field) else { return Ok(None) };
    if bounds.contains(&value) {
        return Ok(Some(value));
    }
    let (least, most) = (bounds.start().to_string(), bounds.end().to_string());
    Err(out_of_range(text, least, most, format!("`{}`", text.value.shown), reading))
}

/// `true` or `false`, or what stands for nothing said.
pub(super) fn boolean(field: &Field<bool>, default: bool) -> Result<bool, Reported> {
    field.as_ref().map_or(Ok(default), |given| match given {
        Ok(given) => Ok(given.value),
        Err(reported) => Err(*reported),
    })
}

/// Text of some length, or nothing.
pub(super) fn text<'a>(
    field: &'a Field<Text>,
    reading: &Reading<'_>,
) -> Result<Option<&'a Placed<Text>>, Reported> {
    let Some(text) = field else { return Ok(None) };
    let text = text.as_ref().map_err(|reported| *reported)?;
    if text.value.value.trim().is_empty() {
        let mistake = Mistake::EmptyText(text.key.clone());
        return Err(reading.mistake(&text.span, mistake, "fill it in, or leave the key out"));
    }
    Ok(Some(text))
}

/// A list that is not empty and names nothing twice, or nothing.
pub(super) fn list<'a>(
    field: &'a Field<Vec<Placed<Text>>>,
    reading: &Reading<'_>,
) -> Result<&'a [Placed<Text>], Reported> {
    let Some(list) = field else { return Ok(&[]) };
    let list = list.as_ref().map_err(|reported| *reported)?;
    if list.value.is_empty() {
        let mistake = Mistake::EmptyList(list.key.clone());
        return Err(reading.mistake(&list.span, mistake, "fill it in, or leave the key out"));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut outcome = Ok(list.value.as_slice());
    for one in &list.value {
        if !seen.insert(&one.value.value) {
            let (key, value) = (one.key.clone(), one.value.shown.clone());
            let mistake = Mistake::Repeated { key, value };
            outcome = Err(reading.mistake(&one.span, mistake, "take out one of the two"));
        }
    }
    outcome
}

/// An address with a port.
pub(super) fn address(
    field: &Field<Text>,
    default: SocketAddr,
    reading: &Reading<'_>,
) -> Result<SocketAddr, Reported> {
    let Some(text) = field else { return Ok(default) };
    let text = text.as_ref().map_err(|reported| *reported)?;
    text.value.value.parse().map_err(|_| {
        let mistake = Mistake::BadAddress { key: text.key.clone(), text: text.value.shown.clone() };
        let hint = "write an IP address and a port, such as `127.0.0.1:8080` or `[::]:8080`";
        reading.mistake(&text.span, mistake, hint)
    })
}

/// A network, or one address. One that has bits beyond its length was meant to be another.
pub(super) fn network(text: &Placed<Text>, reading: &Reading<'_>) -> Result<IpNet, Reported> {
    let written = &text.value.value;
    let network = written.parse().or_else(|_| written.parse::<IpAddr>().map(IpNet::from));
    network.ok().filter(|network| network.trunc() == *network).ok_or_else(|| {
        let mistake = Mistake::BadNetwork { key: text.key.clone(), text: text.value.shown.clone() };
        let hint = "write an address and how many of its bits count, such as `10.0.0.0/8`";
        reading.mistake(&text.span, mistake, hint)
    })
}

/// One word of a small set.
pub(super) fn word<T: Copy>(
    text: &Placed<Text>,
    words: &[(&'static str, T)],
    reading: &Reading<'_>,
) -> Result<T, Reported> {
    let known = || words.iter().map(|(word, _)| *word);
    let found = words.iter().find(|(word, _)| *word == text.value.value);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let shown = &text.value.shown;
        let mistake = Mistake::UnknownWord { key: text.key.clone(), word: shown.clone() };
        let all = format!("it can be {}", listed(known(), "or"));
        reading.mistake(&text.span, mistake, did_you_mean(shown, known(), &all))
    })
}

/// A name of `what`.
pub(super) fn name(
    text: &Placed<Text>,
    what: &'static str,
    reading: &Reading<'_>,
) -> Result<Slug, Reported> {
    text.value.value.parse().map_err(|_| {
        let shown = text.value.shown.clone();
        let better = slug_like(&shown);
        let rule = format!(
            "a name has 1 to {MAX_NAME} of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or \
             digit"
        );
        let hint = if better.is_empty() { rule } else { format!("{rule}, such as `{better}`") };
        reading.mistake(&text.span, Mistake::BadName { what, name: shown }, hint)
    })
}

/// A name that the operator wrote as a key.
pub(super) fn key_name(
    key: &Placed<String>,
    what: &'static str,
    reading: &Reading<'_>,
) -> Result<Slug, Reported> {
    let text = Text { value: key.value.clone(), shown: key.value.clone() };
    name(&Placed { value: text, key: key.key.clone(), span: key.span.clone() }, what, reading)
}

fn out_of_range<T>(
    place: &Placed<T>,
    least: String,
    most: String,
    shown: String,
    reading: &Reading<'_>,
) -> Reported {
    let hint = format!("leave `{}` out for the default", last_part(&place.key));
    let mistake = Mistake::OutOfRange { key: place.key.clone(), least, most, shown };
    reading.mistake(&place.span, mistake, hint)
}

fn bad_duration(text: &Placed<Text>, reading: &Reading<'_>) -> Reported {
    let mistake = Mistake::BadDuration { key: text.key.clone(), text: text.value.shown.clone() };
    let hint = "a length of time is a whole number with `ms`, `s`, `m`, `h`, `d` or `w`";
    reading.mistake(&text.span, mistake, hint)
}

fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// What somebody may have meant who wrote a name with capitals and spaces.
fn slug_like(text: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let lower = text.to_lowercase();
    let words: Vec<_> = lower.split(|c| !plain(c)).filter(|word| !word.is_empty()).collect();
    let joined = words.join("-");
    joined.trim_matches(['-', '.', '_']).chars().take(MAX_NAME).collect()
}
