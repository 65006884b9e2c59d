//! The form of one line: `{"seq":N,"prev":"<hash of the line before>",BODY,"crc":"<checksum>"}`.
//!
//! The body is made and read by `store`. Called by everything in this room.

use super::Head;

const SEQ: &str = "{\"seq\":";
const PREV: &str = ",\"prev\":\"";
const CRC: &str = ",\"crc\":\"";
/// From the comma before `"crc"` to the closing brace.
const TAIL_BYTES: usize = CRC.len() + 8 + 2;

/// SHA-256 of a line without its newline.
pub fn hash_of(line: &[u8]) -> [u8; 32] {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, line);
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    bytes
}

/// Appends the line that follows `head` and carries `body` to `out`, with its newline; answers with
/// the new head.
pub(super) fn seal(head: &Head, body: &str, out: &mut Vec<u8>) -> Head {
    let start = out.len();
    let seq = head.seq.saturating_add(1);
    out.extend_from_slice(format!("{SEQ}{seq}{PREV}{}\",", to_hex(&head.hash)).as_bytes());
    out.extend_from_slice(body.as_bytes());
    let crc = crc32c::crc32c(out.get(start..).unwrap_or_default());
    out.extend_from_slice(format!("{CRC}{crc:08x}\"}}").as_bytes());
    let hash = hash_of(out.get(start..).unwrap_or_default());
    out.push(b'\n');
    Head { seq, hash }
}

/// A line whose checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked<'a> {
    /// Its number.
    pub seq: u64,
    /// The hash of the line before it.
    pub prev: [u8; 32],
    /// What stands between: members of an object, without its braces.
    pub body: &'a str,
}

/// Checks a line without its newline, apart from its place in the chain.
///
/// # Errors
/// Says what does not verify.
pub fn check(line: &[u8]) -> Result<Checked<'_>, &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "it is not UTF-8")?;
    let at = line.len().checked_sub(TAIL_BYTES).ok_or("it is too short")?;
    let (guarded, tail) = line.split_at_checked(at).ok_or("it has no checksum")?;
    let stated = tail
        .strip_prefix(CRC)
        .and_then(|rest| rest.strip_suffix("\"}"))
        .filter(|digits| digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .ok_or("it has no checksum")?;
    if crc32c::crc32c(guarded.as_bytes()) != stated {
        return Err("its checksum does not match");
    }
    let bad = "it does not begin with its number and the hash of the line before";
    let rest = guarded.strip_prefix(SEQ).ok_or(bad)?;
    let (seq, rest) = rest.split_once(PREV).ok_or(bad)?;
    let (prev, body) = rest.split_once("\",").ok_or(bad)?;
    let seq = seq.parse().map_err(|_| bad)?;
    let prev = from_hex(prev).ok_or(bad)?;
    Ok(Checked { seq, prev, body })
}

pub(super) fn to_hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

/// Only the lower-case form is read: a line has one spelling.
fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0_u8; 32];
    if text.len() != 64 {
        return None;
    }
    let value = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_line_checks_and_its_hash_is_the_next_ones_prev() {
        let mut out = Vec::new();
        let first = seal(&Head::EMPTY, r#""a":1"#, &mut out);
        let second = seal(&first, r#""a":"é\n""#, &mut out);
        let lines: Vec<_> = out.strip_suffix(b"\n").unwrap().split(|b| *b == b'\n').collect();
        let checked: Vec<_> = lines.iter().map(|line| check(line).unwrap()).collect();
        assert_eq!((checked[0].seq, checked[0].prev, checked[0].body), (1, [0; 32], r#""a":1"#));
        assert_eq!((checked[1].seq, checked[1].prev), (2, first.hash));
        assert_eq!((second.seq, second.hash), (2, hash_of(lines[1])));
        for line in lines {
            serde_json::from_slice::<serde_json::Value>(line).unwrap();
        }
    }

    #[test]
    fn any_changed_bit_is_noticed() {
        let mut out = Vec::new();
        seal(&Head::EMPTY, r#""reason":"why""#, &mut out);
        out.pop();
        for at in 0..out.len() {
            for bit in 0..8 {
                let mut changed = out.clone();
                changed[at] ^= 1 << bit;
                assert!(check(&changed).is_err(), "bit {bit} of byte {at} went unnoticed");
            }
            assert!(check(&out[..at]).is_err(), "a cut at {at} went unnoticed");
        }
    }
}
