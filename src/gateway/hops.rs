//! How far a request goes: whoever asks about the way to a server counts with `Max-Forwards` how often it may be passed on
//! (RFC 9110 section 7.6.2).

use http::header::MAX_FORWARDS;
use http::request::Parts;
use http::{HeaderValue, Method};

/// Counts this time, of a request for `OPTIONS`, and says whether it is one too many. Of other methods the field means
/// nothing to us; `TRACE` goes nowhere anyway.
pub(super) fn are_over(parts: &mut Parts) -> bool {
    if parts.method != Method::OPTIONS {
        return false;
    }
    let mut lines = parts.headers.get_all(MAX_FORWARDS).iter();
    let (line, second) = (lines.next(), lines.next());
    // What is no number says nothing, and goes on as it is.
    let Some(left) = line.filter(|_| second.is_none()).and_then(number) else { return false };
    let Some(left) = left.checked_sub(1) else { return true };
    parts.headers.insert(MAX_FORWARDS, HeaderValue::from(left));
    false
}

/// Digits alone; as many as we count to where there are more.
fn number(value: &HeaderValue) -> Option<u64> {
    let digits = value.to_str().ok()?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of these lines, and whether it goes on.
    fn counted(method: &Method, lines: &[&str]) -> (Vec<String>, bool) {
        let mut parts = http::Request::new(()).into_parts().0;
        parts.method = method.clone();
        for line in lines {
            parts.headers.append(MAX_FORWARDS, HeaderValue::from_str(line).unwrap());
        }
        let over = are_over(&mut parts);
        let left = parts.headers.get_all(MAX_FORWARDS).iter();
        (left.map(|line| line.to_str().unwrap().to_owned()).collect(), !over)
    }

    #[test]
    fn rfc9110_7_6_2_forwards_of_options_are_counted_down() {
        for (lines, left, goes_on) in [
            (&[][..], &[][..], true),
            (&["0"], &["0"], false),
            (&["000"], &["000"], false),
            (&["1"], &["0"], true),
            (&["010"], &["9"], true),
            (&["18446744073709551616"], &["18446744073709551614"], true),
            // None of these is a number.
            (&[""], &[""], true),
            (&["-1"], &["-1"], true),
            (&["+1"], &["+1"], true),
            (&["0x1"], &["0x1"], true),
            (&["0, 1"], &["0, 1"], true),
            (&["0", "0"], &["0", "0"], true),
        ] {
            let left: Vec<_> = left.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(counted(&Method::OPTIONS, lines), (left, goes_on), "{lines:?}");
        }
        for method in [Method::GET, Method::HEAD, Method::TRACE] {
            assert_eq!(counted(&method, &["0"]), (vec!["0".to_owned()], true), "{method}");
        }
    }
}
