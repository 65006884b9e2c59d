//! One reading of every path: what is checked is byte for byte what is passed on.

use std::borrow::Cow;

use crate::domain::refusal::BadRequest;

/// A path in its one normal form, and the spellings in it that only some APIs take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalPath<'a> {
    /// The path: escapes of what may stand for itself resolved, others in upper case.
    pub path: Cow<'a, str>,
    /// What it holds that has two readings, so that an API has to ask for it.
    pub ambiguities: Ambiguities,
}

/// Spellings with two readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ambiguities {
    /// `%2F`.
    pub encoded_slash: bool,
    /// `//`.
    pub empty_segment: bool,
    /// `;`.
    pub path_parameter: bool,
}

/// Normalises the path of a request target.
///
/// # Errors
/// A path that two servers could read in two ways (sec-P1 to sec-P5, sec-P10).
pub fn normalize(raw: &str) -> Result<NormalPath<'_>, BadRequest> {
    if !raw.starts_with('/') {
        return Err(BadRequest::Target);
    }
    let mut ambiguities = Ambiguities::default();
    let (mut plain, mut dotted) = (true, false);
    let mut before = 0;
    for byte in raw.bytes() {
        match byte {
            b'/' if before == b'/' => ambiguities.empty_segment = true,
            b'.' if before == b'/' => dotted = true,
            b';' => ambiguities.path_parameter = true,
            b'\\' => return Err(BadRequest::Slash),
            0..=b' ' | 0x7f.. | b'#' | b'?' => return Err(BadRequest::Encoding),
            b'%' => plain = false,
            _ => {}
        }
        before = byte;
    }
    let path = if plain {
        Cow::Borrowed(raw)
    } else {
        Cow::Owned(resolve_escapes(raw, &mut ambiguities)?)
    };
    // Without an escape, only a dot right behind a slash begins such a segment.
    if (dotted || !plain) && has_dot_segment(&path) {
        return Err(BadRequest::DotSegment);
    }
    Ok(NormalPath { path, ambiguities })
}

/// Resolves escapes of what may also stand for itself (RFC 3986 sections 3.3 and 6.2.2), once, and
/// writes the others in upper case. A rule names `:`, `@` and their like as they are, so their
/// escapes must not lead past it to a wider one; only `;` is left to [`Ambiguities`]. The result is
/// ASCII: what stands for itself only in an escape stays escaped.
fn resolve_escapes(raw: &str, ambiguities: &mut Ambiguities) -> Result<String, BadRequest> {
    let mut path = String::with_capacity(raw.len());
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            path.push(char::from(*byte));
            decoded.push(*byte);
            continue;
        }
        let ([high, low], after) = rest.split_first_chunk().ok_or(BadRequest::Encoding)?;
        rest = after;
        let value = hex(*high)? << 4 | hex(*low)?;
        decoded.push(value);
        match value {
            0..=0x1f | 0x7f => return Err(BadRequest::Encoding),
            b'\\' => return Err(BadRequest::Slash),
            b'/' => ambiguities.encoded_slash = true,
            b';' => ambiguities.path_parameter = true,
            _ => {}
        }
        if value.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&value) {
            path.push(char::from(value));
        } else {
            path.push('%');
            path.push(char::from(high.to_ascii_uppercase()));
            path.push(char::from(low.to_ascii_uppercase()));
        }
    }
    // Overlong and broken forms are how a slash or a dot hides from one of two readers.
    std::str::from_utf8(&decoded).map_err(|_| BadRequest::Encoding)?;
    Ok(path)
}

/// What a segment of a normal path says: its last escapes are resolved too.
pub fn decode(segment: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy()
}

/// How other servers may read a normal path: with `%2F` as a slash, without path parameters, with
/// several slashes as one, or all of that in any combination.
pub fn other_readings(path: &str) -> impl Iterator<Item = String> {
    (1..8_u8).map(move |ways| {
        let mut path = path.to_owned();
        if ways & 1 != 0 {
            path = path.replace("%2F", "/");
        }
        if ways & 2 != 0 {
            let names = path.split('/').map(before_parameter);
            path = names.collect::<Vec<_>>().join("/");
        }
        if ways & 4 != 0 {
            while path.contains("//") {
                path = path.replace("//", "/");
            }
        }
        path
    })
}

fn hex(digit: u8) -> Result<u8, BadRequest> {
    let value = char::from(digit).to_digit(16).ok_or(BadRequest::Encoding)?;
    u8::try_from(value).map_err(|_| BadRequest::Encoding)
}

/// What stands before the first parameter of a segment, whichever way its `;` is written.
fn before_parameter(segment: &str) -> &str {
    let first = [segment.find(';'), segment.find("%3B")].into_iter().flatten().min();
    first.and_then(|at| segment.get(..at)).unwrap_or(segment)
}

/// Whether a segment is `.` or `..`, also before a parameter or an encoded slash.
fn has_dot_segment(path: &str) -> bool {
    path.split('/')
        .flat_map(|segment| segment.split("%2F"))
        .any(|segment| matches!(before_parameter(segment), "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_paths_stay_as_they_are() {
        for path in ["/", "/a/b", "/a.b/.c/d..e/...", "/a/b/", "/a:b@c!$&'()*+,=~-_"] {
            let normal = normalize(path).unwrap();
            assert!(matches!(normal.path, Cow::Borrowed(same) if same == path));
            assert_eq!(normal.ambiguities, Ambiguities::default());
        }
    }

    #[test]
    fn escapes_are_resolved_once() {
        for (raw, normal) in [
            ("/%61%2Db", "/a-b"),
            ("/%c3%a9", "/%C3%A9"),
            ("/a%20b", "/a%20b"),
            ("/%252e%252e%252fadmin", "/%252e%252e%252fadmin"), // sec-P4
            ("/%3f%23", "/%3F%23"),
            // What a rule can name has one spelling.
            ("/5%3aexport", "/5:export"),
            ("/%40admin", "/@admin"),
            ("/%21%24%26%27%28%29%2A%2B%2C%3D%3A%40", "/!$&'()*+,=:@"),
        ] {
            assert_eq!(normalize(raw).unwrap().path, normal, "{raw}");
        }
    }

    #[test]
    fn sec_p1_to_p5_and_p10_two_readings_are_refused() {
        for (raw, bad) in [
            ("/public/../admin", BadRequest::DotSegment),
            ("/..", BadRequest::DotSegment),
            ("/./a", BadRequest::DotSegment),
            ("/a/.", BadRequest::DotSegment),
            ("/public/%2e%2e/admin", BadRequest::DotSegment),
            ("/public/.%2E/admin", BadRequest::DotSegment),
            ("/public/..;/admin", BadRequest::DotSegment),
            ("/public/..%3bx/admin", BadRequest::DotSegment),
            ("/public/..%3B;/admin", BadRequest::DotSegment),
            ("/public/.%3ba;b/admin", BadRequest::DotSegment),
            ("/public/..%2fadmin", BadRequest::DotSegment),
            ("/public%2f..%2fadmin", BadRequest::DotSegment),
            ("/public/..%5cadmin", BadRequest::Slash),
            ("/public/\\..\\admin", BadRequest::Slash),
            ("/admin%00.css", BadRequest::Encoding),
            ("/a%0d%0aX", BadRequest::Encoding),
            ("/a%zz", BadRequest::Encoding),
            ("/a%2", BadRequest::Encoding),
            ("/a%", BadRequest::Encoding),
            ("/%c0%ae", BadRequest::Encoding),
            ("/%ff", BadRequest::Encoding),
            ("/é", BadRequest::Encoding),
            ("*", BadRequest::Target),
            ("", BadRequest::Target),
            ("a", BadRequest::Target),
        ] {
            assert_eq!(normalize(raw), Err(bad), "{raw}");
        }
    }

    #[test]
    fn odd_spellings_are_noted() {
        assert!(normalize("//admin").unwrap().ambiguities.empty_segment);
        assert!(normalize("/a//b").unwrap().ambiguities.empty_segment);
        assert!(normalize("/a%2fb").unwrap().ambiguities.encoded_slash);
        assert!(normalize("/a;b/c").unwrap().ambiguities.path_parameter);
        assert!(normalize("/a%3bb").unwrap().ambiguities.path_parameter);
    }

    #[test]
    fn a_decoded_segment_is_what_it_says() {
        for (segment, text) in [("7", "7"), ("50%25", "50%"), ("a%7Cb", "a|b"), ("%C3%A9", "é")] {
            assert_eq!(decode(segment), text);
        }
    }

    #[test]
    fn sec_p6_what_other_servers_read_is_known() {
        let read = |path| other_readings(path).collect::<Vec<_>>();
        for (path, other) in [
            ("//admin", "/admin"),
            ("///admin//x", "/admin/x"),
            ("/admin;a/x", "/admin/x"),
            ("/;/admin", "/admin"),
            ("/admin%3Ba;b/x", "/admin/x"),
            ("/admin%2Fx", "/admin/x"),
            ("/%2Fadmin", "/admin"),
            ("/%3Ba%2F/admin%3Bb", "/admin"),
            ("/a/b%2F%2Fc", "/a/b//c"),
        ] {
            assert!(read(path).contains(&other.to_owned()), "{path}: {:?}", read(path));
        }
    }

    proptest! {
        #[test]
        fn a_normal_path_is_its_own_normal_form(raw in "/[a-zA-Z0-9%./;~:@+é-]{0,24}") {
            if let Ok(normal) = normalize(&raw) {
                let again = normalize(&normal.path).unwrap();
                prop_assert_eq!(&again.path, &normal.path);
                prop_assert_eq!(again.ambiguities, normal.ambiguities);
            }
        }

        #[test]
        fn nothing_panics(raw in "\\PC{0,40}") {
            let _ = normalize(&raw);
        }
    }
}
