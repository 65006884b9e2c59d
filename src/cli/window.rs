//! Times of the week as people write them: `mon-fri 09:00-18:00 +03:00`.

use crate::domain::conditions::Window;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads days, hours and an optional distance from UTC.
///
/// # Errors
/// Text that is not a window.
pub fn parse(text: &str) -> Result<Window, String> {
    let bad = || format!("`{text}` is not a time of the week such as `mon-fri 09:00-18:00 +03:00`");
    let mut parts = text.split_whitespace();
    let (Some(days), Some(hours)) = (parts.next(), parts.next()) else { return Err(bad()) };
    let offset = match (parts.next(), parts.next()) {
        (None, _) => 0,
        (Some(offset), None) => offset_minutes(offset).ok_or_else(bad)?,
        (Some(_), Some(_)) => return Err(bad()),
    };
    let (from, until) = hours.split_once('-').ok_or_else(bad)?;
    let from = minute(from).ok_or_else(bad)?;
    let until = minute(until).ok_or_else(bad)?;
    let mut numbers = Vec::new();
    for range in days.split(',') {
        numbers.extend(day_range(range).ok_or_else(bad)?);
    }
    Window::new(numbers, from, until, offset).map_err(|error| error.to_string())
}

fn day_range(text: &str) -> Option<std::ops::RangeInclusive<u8>> {
    let day = |name: &str| {
        let at = DAYS.iter().position(|day| day.eq_ignore_ascii_case(name))?;
        u8::try_from(at + 1).ok()
    };
    match text.split_once('-') {
        Some((first, last)) => Some(day(first)?..=day(last)?).filter(|range| !range.is_empty()),
        None => day(text).map(|day| day..=day),
    }
}

/// Minutes of `HH:MM`, up to 24:00.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits =
        |part: &str| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_digit());
    if !two_digits(hours) || !two_digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= 1_440).then_some(minute)
}

fn offset_minutes(text: &str) -> Option<i16> {
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    i16::try_from(minute(rest)?).ok().map(|minutes| sign * minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_as_people_write_them() {
        for (text, window) in [
            ("mon-fri 09:00-18:00 +03:00", Window::new(vec![1, 2, 3, 4, 5], 540, 1_080, 180)),
            ("sat,SUN 00:00-24:00", Window::new(vec![6, 7], 0, 1_440, 0)),
            ("mon,wed-thu 23:59-24:00 -09:30", Window::new(vec![1, 3, 4], 1_439, 1_440, -570)),
        ] {
            assert_eq!(parse(text), Ok(window.unwrap()), "{text}");
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "mon",
            "mon 9-18",
            "mon 9:00-18:00",
            "mon 18:00-09:00",
            "fri-mon 09:00-18:00",
            "mon 09:00-24:01",
            "mon 09:60-10:00",
            "day 09:00-18:00",
            "mon 09:00-18:00 3",
            "mon 09:00-18:00 +15:00",
            "mon 09:00-18:00 +03:00 x",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
