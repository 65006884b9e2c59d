//! Circumstances under which a token may be used: from where, when, and by which certificate.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::secret::Digest;
use super::time::Timestamp;

const MINUTES_PER_DAY: u64 = 1_440;

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

    /// Whether `now` is in one of the windows.
    pub fn allow_time(&self, now: Timestamp) -> bool {
        self.windows.is_empty() || self.windows.iter().any(|window| window.contains(now))
    }
}

/// Minutes of a day, on some days of the week, at a fixed distance from UTC.
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
    /// A minute past the end of the day, or an end before the beginning.
    #[error("a window runs from minute 0 to at most minute 1440 and ends after it begins")]
    Minutes,
    /// More than 14 hours from UTC.
    #[error("the distance from UTC is at most 840 minutes")]
    Offset,
}

impl Window {
    /// From `from_minute` up to, and not with, `until_minute` (0 to 1440) of each of `days` (1 is
    /// Monday), where the day is that of a clock `utc_offset_minutes` east of UTC.
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
        let hours = u64::from(window.from_minute)..u64::from(window.until_minute);
        hours.contains(&minute) && window.days.iter().any(|allowed| u64::from(*allowed) == day)
    }
}

impl TryFrom<WrittenWindow> for Window {
    type Error = BadWindow;

    fn try_from(window: WrittenWindow) -> Result<Self, BadWindow> {
        if window.days.is_empty() || window.days.iter().any(|day| !(1..=7).contains(day)) {
            return Err(BadWindow::Days);
        }
        if window.until_minute > 1_440 || window.from_minute >= window.until_minute {
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
    fn windows_without_meaning_are_refused() {
        assert_eq!(Window::new(vec![], 0, 60, 0), Err(BadWindow::Days));
        assert_eq!(Window::new(vec![8], 0, 60, 0), Err(BadWindow::Days));
        assert_eq!(Window::new(vec![1], 60, 60, 0), Err(BadWindow::Minutes));
        assert_eq!(Window::new(vec![1], 0, 1_441, 0), Err(BadWindow::Minutes));
        assert_eq!(Window::new(vec![1], 0, 60, 841), Err(BadWindow::Offset));
    }
}
