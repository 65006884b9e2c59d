//! Fields for times of the week: a group for each, and how they are called in the form.

use super::choices::Pick;
use super::limits;
use crate::domain::conditions::Window;
use crate::web::frame::Frame;
use crate::web::typed::Typed;

/// The most groups that a form has: as many as a token may have.
const MOST: usize = 100;

/// The fields of one time of the week.
#[derive(Clone, Debug)]
pub struct WindowFields {
    /// Which one it is, the first is 0.
    pub nth: usize,
    /// Whether each day from Monday on is ticked.
    pub days: Vec<(String, bool)>,
    /// `09:30`, or empty.
    pub from: String,
    /// `18:00`, or empty.
    pub until: String,
    /// Distances from UTC that are offered.
    pub offsets: Vec<Pick>,
}

impl WindowFields {
    /// How a part of this one is called in the form.
    pub fn name(&self, part: &str) -> String {
        field(part, self.nth)
    }

    /// The field of a day, which is one of several of the same name.
    pub fn day_id(&self, day: &str) -> String {
        if self.nth == 0 { format!("day-{day}") } else { format!("day-{day}-{}", self.nth) }
    }

    /// Whether there is something in it.
    pub fn says_something(&self) -> bool {
        let ticked = self.days.iter().any(|(_, ticked)| *ticked);
        ticked || !self.from.is_empty() || !self.until.is_empty()
    }
}

/// How a part of a time of the week is called in the form.
pub fn field(part: &str, nth: usize) -> String {
    if nth == 0 { format!("window-{part}") } else { format!("window-{part}-{nth}") }
}

/// How many there are in what was typed, at least one.
pub fn count(typed: &Typed) -> usize {
    (0..MOST).take_while(|nth| typed.has(&field("from", *nth))).count().max(1)
}

/// The groups of a form.
pub fn fields(typed: &Typed) -> Vec<WindowFields> {
    let group = |nth| {
        let is_ticked = |day: &String| typed.all(&field("day", nth)).any(|chosen| chosen == day);
        let days = (1..=7_u8).map(|day| day.to_string());
        WindowFields {
            nth,
            days: days.map(|day| (day.clone(), is_ticked(&day))).collect(),
            from: typed.one(&field("from", nth)).to_owned(),
            until: typed.one(&field("until", nth)).to_owned(),
            offsets: offsets(typed.said(&field("offset", nth)).unwrap_or("0")),
        }
    };
    (0..count(typed)).map(group).collect()
}

/// What stands in the groups of a token's times, and one that is empty.
#[must_use]
pub fn as_typed(mut typed: Typed, windows: &[Window]) -> Typed {
    for (nth, window) in windows.iter().enumerate() {
        for day in window.days() {
            typed = typed.with(&field("day", nth), day.to_string());
        }
        let (from, until) = window.minutes();
        typed = typed
            .with(&field("from", nth), limits::clock(from))
            .with(&field("until", nth), limits::clock(until))
            .with(&field("offset", nth), window.utc_offset_minutes().to_string());
    }
    if windows.len() < MOST { typed.with(&field("from", windows.len()), "") } else { typed }
}

/// All of them in the reader's language, in their order.
pub fn said(frame: &Frame, typed: &Typed) -> String {
    let one = |window: &WindowFields| {
        let days = window.days.iter().filter(|(_, ticked)| *ticked);
        let days: Vec<_> = days.map(|(day, _)| frame.of("day", day)).collect();
        let offset = window.offsets.iter().find(|offset| offset.chosen);
        let offset = offset.map_or("UTC", |offset| offset.text.as_str());
        let or = |time: &String, usual: &str| match time.is_empty() {
            true => usual.to_owned(),
            false => time.clone(),
        };
        let (from, until) = (or(&window.from, "00:00"), or(&window.until, "24:00"));
        format!("{} · {from}–{until} · {offset}", days.join(", "))
    };
    let fields = fields(typed);
    let said = fields.iter().filter(|window| window.says_something());
    said.map(one).collect::<Vec<_>>().join("; ")
}

/// Whole hours around the world, and the distance that is chosen.
fn offsets(chosen: &str) -> Vec<Pick> {
    let mut all: Vec<i16> = (-12..=14).map(|hours| hours * 60).collect();
    if let Some(odd) = chosen.parse().ok().filter(|odd| !all.contains(odd)) {
        all.push(odd);
        all.sort_unstable();
    }
    let pick = |minutes: i16| {
        let value = minutes.to_string();
        Pick { chosen: value == chosen, text: limits::offset(minutes), value }
    };
    all.into_iter().map(pick).collect()
}
