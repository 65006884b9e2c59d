//! Paths of requests.

use percent_encoding::percent_decode_str;

use crate::gateway::path::{NormalPath, normalize, other_readings};

/// Normalises a path: what is checked is what goes on, to whoever reads it.
pub fn path(bytes: &[u8]) -> bool {
    let Ok(raw) = std::str::from_utf8(bytes) else { return false };
    let Ok(normal) = normalize(raw) else { return false };
    check(raw, &normal);
    for reading in other_readings(&normal.path) {
        assert!(!has_dots(&reading), "{raw:?} may be read as {reading:?}");
    }
    true
}

fn check(raw: &str, normal: &NormalPath<'_>) {
    let path = &*normal.path;
    assert_eq!(normalize(path).as_ref(), Ok(normal), "{raw:?}: twice is another than once");
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\\?#".contains(&byte);
    assert!(path.starts_with('/') && path.bytes().all(plain), "{raw:?} is {path:?}");
    // Escapes are resolved once, so that they say what they said.
    let meant: Vec<u8> = percent_decode_str(path).collect();
    assert!(percent_decode_str(raw).eq(meant.iter().copied()), "{raw:?} is {path:?}");
    let meant = String::from_utf8(meant).unwrap();
    assert!(!meant.contains(|c: char| c.is_ascii_control() || c == '\\'), "{raw:?} is {path:?}");
    assert!(!has_dots(&meant), "{raw:?} is {path:?}");
    let told = normal.ambiguities;
    assert_eq!(told.encoded_slash, path.contains("%2F"), "{raw:?}");
    assert_eq!(told.encoded_slash, meant.matches('/').count() > path.matches('/').count());
    assert_eq!(told.empty_segment, path.contains("//"), "{raw:?}");
    assert_eq!(told.path_parameter, meant.contains(';'), "{raw:?}");
}

/// Whether a segment is `.` or `..` to the widest of all readers.
fn has_dots(text: &str) -> bool {
    let mut names = text.split(['/', '\\']).map(|segment| segment.split(';').next().unwrap_or(""));
    names.any(|name| matches!(name, "." | ".."))
}
