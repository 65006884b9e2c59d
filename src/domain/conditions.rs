//! Circumstances under which a token may be used: from where, when, and by which certificate.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::secret::Digest;
use super::time::Timestamp;

const MINUTES_PER_DAY: u64 = 1_440;
const MINUTES_PER_WEEK: u64 = 7 * MINUTES_PER_DAY;

/// All that must hold for a token to be used, beside what it grants. Empty lists ask nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// Networks that the client's address must be in, any one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<IpNet>,
    /// Times of the week, any one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// SHA-256 thumbprint of the client certificate (RFC 8705 section 3.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Digest>,
}

impl Conditions {
    /// No condition at all.
    pub const NONE: Self = Self { networks: Vec::new(), windows: Vec::new(), certificate: None };

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.windows.is_empty() && self.certificate.is_none()
    }

    /// Whether `address` is in one of the networks. An IPv4 address that came over an IPv6 socket
    /// is compared as IPv4.
    pub fn allow_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.is_empty() || self.networks.iter().any(|net| net.contains(&address))
    }

    /// Whether whatever meets these meets `bound` too: networks within its networks, windows within its
    /// windows, and the same certificate.
    pub fn within(&self, bound: &Self) -> bool {
        let certificate = bound.certificate.is_none() || self.certificate == bound.certificate;
        certificate && self.networks_within(bound) && self.windows_within(bound)
    }

    fn networks_within(&self, bound: &Self) -> bool {
        // Two halves of a network allow all of it.
        let whole = IpNet::aggregate(&bound.networks);
        let inside = |net: &IpNet| whole.iter().any(|bound| bound.contains(net));
        bound.networks.is_empty() || (!self.networks.is_empty() && self.networks.iter().all(inside))
    }

    fn windows_within(&self, bound: &Self) -> bool {
        if bound.windows.is_empty() {
            return true;
        }
        let (own, bound) = (week(&self.windows), week(&bound.windows));
        !self.windows.is_empty() && own.iter().zip(&bound).all(|(own, bound)| !own || *bound)
    }

    /// Whether `now` is in one of the windows.
    pub fn allow_time(&self, now: Timestamp) -> bool {
        self.windows.is_empty() || self.windows.iter().any(|window| window.contains(now))
    }
}

/// Of each minute of a week, whether it is in one of the windows.
fn week(windows: &[Window]) -> Vec<bool> {
    let mut week = vec![false; MINUTES_PER_WEEK as usize];
    for Window(window) in windows {
        let (from, until) = (u64::from(window.from_minute), u64::from(window.until_minute));
        let length = if from < until { until - from } else { MINUTES_PER_DAY + until - from };
        for day in &window.days {
            // A week later, so that no distance from UTC leads to before the first one.
            let local = MINUTES_PER_WEEK + u64::from(*day) * MINUTES_PER_DAY + from;
            let begin = local.saturating_add_signed(-i64::from(window.utc_offset_minutes));
            for minute in begin..begin + length {
                if let Some(inside) = week.get_mut((minute % MINUTES_PER_WEEK) as usize) {
                    *inside = true;
                }
            }
        }
    }
    week
}

/// Minutes of a day, on some days of the week, at a fixed distance from UTC. One that ends earlier than it begins
/// goes on over midnight: its days are those on which it begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "WrittenWindow", into = "WrittenWindow")]
pub struct Window(WrittenWindow);

/// The written form, as yet unchecked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWindow {
    /// 1 is Monday, 7 is Sunday (ISO 8601).
    days: Vec<u8>,
    from_minute: u16,
    until_minute: u16,
    #[serde(default)]
    utc_offset_minutes: i16,
}

/// A window that no time could fall into, or that has no one meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadWindow {
    /// A day outside 1 to 7, or none.
    #[error("the days of a window are 1 (Monday) to 7 (Sunday), at least one")]
    Days,
    /// A minute past the end of the day, or an end that is the beginning.
    #[error(
        "a window begins at minute 0 to 1439 and ends at another one, at most 1440; one that ends earlier than it begins ends on the day after"
    )]
    Minutes,
    /// More than 14 hours from UTC.
    #[error("the distance from UTC is at most 840 minutes")]
    Offset,
}

impl Window {
    /// From `from_minute` up to, and not with, `until_minute` (0 to 1440) of each of `days` (1 is
    /// Monday), or of the day after where that is earlier. The day is that of a clock `utc_offset_minutes` east of
    /// UTC.
    ///
    /// # Errors
    /// Bounds that no time could meet.
    pub fn new(
        days: Vec<u8>,
        from_minute: u16,
        until_minute: u16,
        utc_offset_minutes: i16,
    ) -> Result<Self, BadWindow> {
        WrittenWindow { days, from_minute, until_minute, utc_offset_minutes }.try_into()
    }

    /// Its days: 1 is Monday, 7 is Sunday.
    pub fn days(&self) -> &[u8] {
        &self.0.days
    }

    /// From which minute of these days up to which, and not with it.
    pub const fn minutes(&self) -> (u16, u16) {
        (self.0.from_minute, self.0.until_minute)
    }

    /// How far east of UTC its clock is, in minutes.
    pub const fn utc_offset_minutes(&self) -> i16 {
        self.0.utc_offset_minutes
    }

    /// Whether `at` falls into it.
    pub fn contains(&self, at: Timestamp) -> bool {
        let Self(window) = self;
        let offset = i64::from(window.utc_offset_minutes);
        let minutes = (at.unix() / 60).saturating_add_signed(offset);
        let minute = minutes % MINUTES_PER_DAY;
        // 1970-01-01 was a Thursday, the fourth day.
        let day = (minutes / MINUTES_PER_DAY + 3) % 7 + 1;
        let (from, until) = (u64::from(window.from_minute), u64::from(window.until_minute));
        let on = |day: u64| window.days.iter().any(|allowed| u64::from(*allowed) == day);
        if from < until {
            return (from..until).contains(&minute) && on(day);
        }
        // Over midnight; the day before Monday is Sunday.
        (minute >= from && on(day)) || (minute < until && on((day + 5) % 7 + 1))
    }
}

impl TryFrom<WrittenWindow> for Window {
    type Error = BadWindow;

    fn try_from(mut window: WrittenWindow) -> Result<Self, BadWindow> {
        if window.days.is_empty() || window.days.iter().any(|day| !(1..=7).contains(day)) {
            return Err(BadWindow::Days);
        }
        // A set, however often and in whatever order they are written: also in records of before.
        window.days.sort_unstable();
        window.days.dedup();
        window.days.shrink_to_fit();
        let (from, until) = (window.from_minute, window.until_minute);
        // Until minute 0 of the day after is until 1440, which is the one way to say it.
        if until > 1_440 || from >= 1_440 || from == until || until == 0 {
            return Err(BadWindow::Minutes);
        }
        if window.utc_offset_minutes.unsigned_abs() > 840 {
            return Err(BadWindow::Offset);
        }
        Ok(Self(window))
    }
}

impl From<Window> for WrittenWindow {
    fn from(window: Window) -> Self {
        window.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_must_be_in_one_of_the_networks() {
        let conditions = Conditions {
            networks: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
            ..Conditions::default()
        };
        for (address, allowed) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("11.0.0.1", false),
            ("2001:db8::1", true),
            ("::1", false),
        ] {
            assert_eq!(conditions.allow_address(address.parse().unwrap()), allowed, "{address}");
        }
        assert!(Conditions::default().allow_address("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn a_window_is_weekly_and_ends_before_its_last_minute() {
        // Monday to Friday, 09:00 to 18:00, three hours east of UTC.
        let window = Window::new(vec![1, 2, 3, 4, 5], 540, 1_080, 180).unwrap();
        for (at, inside) in [
            ("2026-11-20T06:00:00Z", true),  // Friday 09:00
            ("2026-11-20T05:59:59Z", false), // Friday 08:59:59
            ("2026-11-20T14:59:59Z", true),
            ("2026-11-20T15:00:00Z", false),
            ("2026-11-21T08:00:00Z", false), // Saturday
        ] {
            assert_eq!(window.contains(at.parse().unwrap()), inside, "{at}");
        }
    }

    #[test]
    fn a_window_over_midnight_is_of_the_day_on_which_it_begins() {
        // Friday and Sunday, 22:00 to 06:00, an hour east of UTC.
        let window = Window::new(vec![5, 7], 1_320, 360, 60).unwrap();
        for (at, inside) in [
            ("2026-11-20T20:59:59Z", false), // Friday 21:59:59
            ("2026-11-20T21:00:00Z", true),
            ("2026-11-21T04:59:59Z", true),  // Saturday 05:59:59
            ("2026-11-21T05:00:00Z", false), // Saturday 06:00
            ("2026-11-21T22:00:00Z", false), // Saturday 23:00
            ("2026-11-22T04:00:00Z", false), // Sunday 05:00
            ("2026-11-22T21:00:00Z", true),  // Sunday 22:00
            ("2026-11-23T04:00:00Z", true),  // Monday 05:00
            ("2026-11-20T04:00:00Z", false), // Friday 05:00
        ] {
            assert_eq!(window.contains(at.parse().unwrap()), inside, "{at}");
        }
        // The same in two halves asks as much, and no less.
        let conditions = |windows| Conditions { windows, ..Conditions::NONE };
        let halves = vec![
            Window::new(vec![5, 7], 1_320, 1_440, 60).unwrap(),
            Window::new(vec![6, 1], 0, 360, 60).unwrap(),
        ];
        let (whole, halves) = (conditions(vec![window]), conditions(halves));
        assert!(whole.within(&halves) && halves.within(&whole));
    }

    #[test]
    fn w15_what_is_within_asks_at_least_as_much() {
        let conditions = |text: &str| serde_json::from_str::<Conditions>(text).unwrap();
        let bound = conditions(
            r#"{"networks":["10.0.0.0/9","10.128.0.0/9","2001:db8::/32"],
                "windows":[{"days":[1,2],"from_minute":540,"until_minute":1080},
                           {"days":[1],"from_minute":1080,"until_minute":1200}]}"#,
        );
        let networks = r#""networks":["10.0.0.0/8"]"#;
        let windows = r#""windows":[{"days":[1],"from_minute":600,"until_minute":1200}]"#;
        // The same minutes of the same days, by another clock.
        let east = r#""windows":[{"days":[1,2],"from_minute":660,"until_minute":1080,
                                  "utc_offset_minutes":120}]"#;
        let far = r#""windows":[{"days":[1,2],"from_minute":600,"until_minute":1080,
                                 "utc_offset_minutes":120}]"#;
        let late = r#""windows":[{"days":[2],"from_minute":600,"until_minute":1081}]"#;
        for (text, within) in [
            (format!("{{{networks},{windows}}}"), true),
            (format!("{{{networks},{east}}}"), true),
            (format!("{{{networks},{far}}}"), false),
            (format!("{{{networks},{late}}}"), false),
            (format!("{{{networks}}}"), false),
            (format!("{{{windows}}}"), false),
            (format!(r#"{{"networks":["10.0.0.0/7"],{windows}}}"#), false),
            (format!(r#"{{"networks":["10.1.0.0/16","11.0.0.1/32"],{windows}}}"#), false),
            (format!(r#"{{"networks":["0.0.0.0/0"],{windows}}}"#), false),
            ("{}".to_owned(), false),
        ] {
            assert_eq!(conditions(&text).within(&bound), within, "{text}");
            assert!(conditions(&text).within(&Conditions::default()));
        }
        let bound = Conditions { certificate: Some(Digest::of(b"one")), ..Conditions::default() };
        let other = Conditions { certificate: Some(Digest::of(b"two")), ..Conditions::default() };
        assert!(bound.within(&bound) && !other.within(&bound));
        assert!(!Conditions::default().within(&bound));
    }

    #[test]
    fn the_days_of_a_window_are_a_set_however_many_are_written() {
        let days: Vec<u8> = [7, 2, 1].into_iter().cycle().take(80_000).collect();
        let text =
            serde_json::json!({"days": days, "from_minute": 0, "until_minute": 60}).to_string();
        let window: Window = serde_json::from_str(&text).unwrap();
        assert_eq!(window.days(), [1, 2, 7]);
        assert_eq!(window, Window::new(vec![1, 2, 7], 0, 60, 0).unwrap());
        assert!(serde_json::to_string(&window).unwrap().contains(r#""days":[1,2,7]"#));
    }

    #[test]
    fn the_minutes_of_a_week_are_those_that_a_window_contains() {
        for (days, from, until, offset) in [
            (vec![1, 2, 3], 540, 1_080, 180),
            (vec![5, 7], 1_320, 360, 60),
            (vec![7], 1_320, 360, -840),
            (vec![1], 0, 1_440, 840),
            (vec![1, 4, 7], 1_439, 1_438, -1),
        ] {
            let window = Window::new(days, from, until, offset).unwrap();
            let week = week(std::slice::from_ref(&window));
            // 1970-01-12 was a Monday, and a day is counted from 1 on.
            for (minute, inside) in week.iter().enumerate() {
                let at = Timestamp::from_unix((10 * MINUTES_PER_DAY + minute as u64) * 60);
                assert_eq!(*inside, window.contains(at), "{window:?} {minute}");
            }
        }
    }

    #[test]
    fn windows_without_meaning_are_refused() {
        assert_eq!(Window::new(vec![], 0, 60, 0), Err(BadWindow::Days));
        assert_eq!(Window::new(vec![8], 0, 60, 0), Err(BadWindow::Days));
        assert_eq!(Window::new(vec![1], 60, 60, 0), Err(BadWindow::Minutes));
        assert_eq!(Window::new(vec![1], 0, 1_441, 0), Err(BadWindow::Minutes));
        assert_eq!(Window::new(vec![1], 1_440, 60, 0), Err(BadWindow::Minutes));
        assert_eq!(Window::new(vec![1], 60, 0, 0), Err(BadWindow::Minutes));
        assert_eq!(Window::new(vec![1], 0, 60, 841), Err(BadWindow::Offset));
    }
}
