//! Names of the subjects of certificates as text (RFC 4514), in one spelling: without blanks between parts, the parts of one
//! RDN in order, and everything but visible ASCII in escapes, so that it fits into a header and compares byte for byte.

use x509_parser::prelude::{AttributeTypeAndValue, X509Name};

/// Types that have names (RFC 4514 section 3, RFC 4519, PKCS #9).
const TYPES: [(&str, &str); 14] = [
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("C", "2.5.4.6"),
    ("STREET", "2.5.4.9"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("SN", "2.5.4.4"),
    ("serialNumber", "2.5.4.5"),
    ("title", "2.5.4.12"),
    ("givenName", "2.5.4.42"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
];

/// The name of a subject; empty if it has none.
pub(super) fn written(name: &X509Name<'_>) -> String {
    let mut all: Vec<_> = name.iter_rdn().map(|rdn| rdn_of(rdn.iter().map(attribute))).collect();
    // The last comes first (section 2.1).
    all.reverse();
    all.join(",")
}

/// A name that somebody wrote, in the one spelling; none if it is no such name.
pub fn normal(text: &str) -> Option<String> {
    let rdns = parts(text, b',').into_iter().map(|rdn| {
        let all = parts(rdn, b'+').into_iter().map(|one| {
            let (kind, value) = one.split_once('=')?;
            Some(format!("{}={}", kind_of(kind.trim())?, value_of(trimmed(value))?))
        });
        all.collect::<Option<Vec<_>>>().map(|all| rdn_of(all.into_iter()))
    });
    let all: Vec<_> = rdns.collect::<Option<_>>()?;
    Some(all.join(","))
}

fn rdn_of(attributes: impl Iterator<Item = String>) -> String {
    let mut all: Vec<_> = attributes.collect();
    // They are a set.
    all.sort_unstable();
    all.join("+")
}

fn attribute(one: &AttributeTypeAndValue<'_>) -> String {
    let oid = one.attr_type().to_id_string();
    match (TYPES.iter().find(|(_, known)| *known == oid), one.as_str()) {
        (Some((name, _)), Ok(text)) => format!("{name}={}", escaped(text.as_bytes())),
        (named, _) => {
            let kind = named.map_or(&*oid, |(name, _)| name);
            let (tag, data) = (one.attr_value().tag().0, one.as_slice());
            format!("{kind}=#{}", hex(&der(tag, data)))
        }
    }
}

/// A value in its encoding (X.690 section 8.1).
fn der(tag: u32, data: &[u8]) -> Vec<u8> {
    let length = data.len().to_be_bytes();
    let long: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut all = vec![u8::try_from(tag).unwrap_or_default()];
    match (u8::try_from(data.len()), u8::try_from(long.len())) {
        (Ok(short), _) if short < 0x80 => all.push(short),
        (_, count) => {
            all.push(0x80 | count.unwrap_or_default());
            all.extend(long);
        }
    }
    all.extend_from_slice(data);
    all
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// What section 2.4 has, and an escape for each byte that is not visible ASCII.
fn escaped(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    for (place, byte) in value.iter().enumerate() {
        let at_end = place == 0 || place + 1 == value.len();
        match byte {
            b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' => text.push('\\'),
            b'#' if place == 0 => text.push('\\'),
            b' ' if at_end => text.push('\\'),
            b' ' => {}
            _ if !byte.is_ascii_graphic() => {
                text.push_str(&format!("\\{byte:02X}"));
                continue;
            }
            _ => {}
        }
        text.push(char::from(*byte));
    }
    text
}

fn kind_of(written: &str) -> Option<String> {
    let named = |(name, oid): &&(&str, &str)| name.eq_ignore_ascii_case(written) || *oid == written;
    if let Some((name, _)) = TYPES.iter().find(named) {
        return Some((*name).to_owned());
    }
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (written.contains('.') && written.split('.').all(number)).then(|| written.to_owned())
}

fn value_of(written: &str) -> Option<String> {
    if let Some(digits) = written.strip_prefix('#') {
        let is_hex = !digits.is_empty()
            && digits.len().is_multiple_of(2)
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        return is_hex.then(|| format!("#{}", digits.to_ascii_uppercase()));
    }
    let (mut value, mut rest) = (Vec::new(), written.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let (byte, more) = match (first, after) {
            (b'\\', [high, low, more @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let pair = [*high, *low];
                (u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?, more)
            }
            (b'\\', [special, more @ ..]) => (*special, more),
            (b'\\', []) | (b'"' | b';' | b'<' | b'>', _) => return None,
            (plain, more) => (*plain, more),
        };
        value.push(byte);
        rest = more;
    }
    (!value.is_empty()).then(|| escaped(&value))
}

/// Without the blanks around it that are not escaped.
fn trimmed(value: &str) -> &str {
    let value = value.trim_start_matches(' ');
    let end = value.trim_end_matches(' ');
    let slashes = end.bytes().rev().take_while(|byte| *byte == b'\\').count();
    if slashes % 2 == 1 && end.len() < value.len() {
        value.get(..end.len() + 1).unwrap_or(value)
    } else {
        end
    }
}

/// A text between separators that are not escaped.
fn parts(text: &str, separator: u8) -> Vec<&str> {
    let (mut found, mut begin, mut escaped) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        if byte == separator && !escaped {
            found.push(text.get(begin..at).unwrap_or_default());
            begin = at + 1;
        }
        escaped = byte == b'\\' && !escaped;
    }
    found.push(text.get(begin..).unwrap_or_default());
    found
}
