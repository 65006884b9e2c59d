//! Lengths of time and sizes as they are written, with their units.

use std::time::Duration;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
/// A number and its unit. What no number holds is the largest one, which is too large for any key,
/// so that its limit is told.
fn split_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).filter(|(number, _)| !number.is_empty())?;
    Some((number.parse().unwrap_or(u64::MAX), unit.strip_prefix(' ').unwrap_or(unit)))
}

/// A length of time.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let ms = match unit {
        "" if number == 0 => 0,
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.saturating_mul(ms)))
}

/// A number of bytes.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    let bytes = match unit {
        "" | "B" => 1,
        "KiB" => KIB,
        "MiB" => MIB,
        "GiB" => GIB,
        "TiB" => TIB,
        _ => return None,
    };
    Some(number.saturating_mul(bytes))
}

/// The same as text.
pub(super) fn write_size(bytes: u64) -> String {
    let units = [(TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")];
    let fits = |(size, _): &&(u64, &str)| bytes != 0 && bytes.is_multiple_of(*size);
    units
        .iter()
        .find(fits)
        .map_or_else(|| format!("{bytes}B"), |(size, unit)| format!("{}{unit}", bytes / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_units() {
        let cases =
            [("0", 0), ("500ms", 500), ("10s", 10_000), ("2 m", 120_000), ("1w", 604_800_000)];
        for (text, ms) in cases {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "10", "s", "-1s", "1.5h", "10  s", "1y"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        for text in ["1000000000000d", "99999999999999999999ms"] {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(u64::MAX)), "{text}");
        }
    }

    #[test]
    fn sizes_have_binary_units() {
        for (text, bytes) in [("0", 0), ("17", 17), ("64KiB", 65_536), ("10 MiB", 10 * MIB)] {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
            assert_eq!(parse_size(&write_size(bytes)), Some(bytes), "{text}");
        }
        for text in ["", "KiB", "10MB", "10k", "-1"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
        assert_eq!(parse_size("20000000TiB"), Some(u64::MAX));
    }
}
