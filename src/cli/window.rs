//! Times of the week as people write them: `mon-fri 09:00-18:00 +03:00`.

use crate::domain::conditions::Window;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The minutes of a day.
const DAY: u16 = 1_440;

/// Reads days, hours and an optional distance from UTC. Hours that go on past midnight are of the day on which
/// they begin.
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
    let (Some(from), Some(until)) = (minute(from), minute(until)) else { return Err(bad()) };
    if from == until || from == DAY {
        return Err(format!("`{text}` begins when it ends; a whole day is `00:00-24:00`"));
    }
    let mut numbers = Vec::new();
    for range in days.split(',') {
        numbers.extend(day_range(range).ok_or_else(bad)?);
    }
    // Midnight is the end of the day.
    let until = if until == 0 { DAY } else { until };
    Window::new(numbers, from, until, offset).map_err(|error| format!("`{text}`: {error}"))
}

/// A window as [`parse`] reads it.
pub fn written(window: &Window) -> String {
    let (from, until) = window.minutes();
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let offset = match window.utc_offset_minutes() {
        0 => String::new(),
        east => {
            let sign = if east < 0 { '-' } else { '+' };
            format!(" {sign}{}", clock(east.unsigned_abs()))
        }
    };
    format!("{} {}-{}{offset}", written_days(window.days()), clock(from), clock(until))
}

/// Days with each run of them as one.
fn written_days(days: &[u8]) -> String {
    let name = |day: u8| DAYS.get(usize::from(day) - 1).copied().unwrap_or_default();
    let mut runs: Vec<(u8, u8)> = Vec::new();
    for day in days.iter().copied() {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == day => *last = day,
            _ => runs.push((day, day)),
        }
    }
    let run = |(first, last): (u8, u8)| match first == last {
        true => name(first).to_owned(),
        false => format!("{}-{}", name(first), name(last)),
    };
    runs.into_iter().map(run).collect::<Vec<_>>().join(",")
}

/// The days of `mon`, `mon-fri` or, over the end of the week, `fri-mon`.
fn day_range(text: &str) -> Option<Vec<u8>> {
    let day = |name: &str| {
        let at = DAYS.iter().position(|day| day.eq_ignore_ascii_case(name))?;
        u8::try_from(at + 1).ok()
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (day(first)?, day(last)?);
    let last = if last < first { last + 7 } else { last };
    Some((first..=last).map(|day| (day - 1) % 7 + 1).collect())
}

/// Minutes of `HH:MM` or `H:MM`, up to 24:00.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
    if !matches!(hours.len(), 1..=2) || minutes.len() != 2 || !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= DAY).then_some(minute)
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

    fn window(days: &[u8], from: u16, until: u16, offset: i16) -> Window {
        Window::new(days.to_vec(), from, until, offset).unwrap()
    }

    #[test]
    fn windows_are_read_as_people_write_them() {
        for (text, window) in [
            ("mon-fri 09:00-18:00 +03:00", window(&[1, 2, 3, 4, 5], 540, 1_080, 180)),
            ("sat,SUN 00:00-24:00", window(&[6, 7], 0, 1_440, 0)),
            ("mon,wed-thu 23:59-24:00 -09:30", window(&[1, 3, 4], 1_439, 1_440, -570)),
            ("mon 9:00-18:00", window(&[1], 540, 1_080, 0)),
            ("fri-mon 09:00-18:00", window(&[5, 6, 7, 1], 540, 1_080, 0)),
            ("sat-sun 22:00-6:00 +01:00", window(&[6, 7], 1_320, 360, 60)),
            ("mon 22:00-00:00", window(&[1], 1_320, 1_440, 0)),
        ] {
            assert_eq!(parse(&written(&window)), Ok(window.clone()), "{text}");
            assert_eq!(parse(text), Ok(window), "{text}");
        }
    }

    #[test]
    fn other_text_is_refused_and_quoted() {
        for text in [
            "",
            "mon",
            "mon 9-18",
            "mon 009:00-18:00",
            "mon 09:00-09:00",
            "mon 24:00-06:00",
            "mon 09:00-24:01",
            "mon 09:60-10:00",
            "day 09:00-18:00",
            "mon-day 09:00-18:00",
            "mon 09:00-18:00 3",
            "mon 09:00-18:00 +15:00",
            "mon 09:00-18:00 +03:00 x",
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(&format!("`{text}`")), "{error}");
        }
    }
}
