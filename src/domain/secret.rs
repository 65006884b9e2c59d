//! The secret text of a token, and the digest that stands for it everywhere else.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, Zeroizing};

/// How every secret of our own form begins.
pub const PREFIX: &str = "tg_";
const RANDOM_CHARS: usize = 30;
const CHECK_CHARS: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The fewest and the most bytes that a presented secret may have. Imported secrets of other
/// systems have 32 to 72; a shorter text could be guessed.
pub const SECRET_BYTES: std::ops::RangeInclusive<usize> = 16..=512;

/// The text of a token. Shown once, never stored, logged or returned again.
/// There is no `==`: secrets are compared by their digests, which takes the same time for all.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes text that a person or a client gave.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Makes a secret of our own form: `tg_`, 30 random base62 characters (178 bits), and 6 base62
    /// characters of the CRC-32 of those 30, so that garbage is refused before any lookup and
    /// secret scanners find leaks.
    ///
    /// `fill` must put unpredictable bytes into the buffer it is given; its error is passed on.
    ///
    /// # Errors
    /// What `fill` reports.
    pub fn issue<E>(mut fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let capacity = PREFIX.len() + RANDOM_CHARS + CHECK_CHARS;
        let mut text = Zeroizing::new(String::with_capacity(capacity));
        text.push_str(PREFIX);
        let mut buffer = [0_u8; 64];
        while text.len() < PREFIX.len() + RANDOM_CHARS {
            fill(&mut buffer)?;
            // Bytes of 248 and above would favour the first characters: they are thrown away.
            let fair = buffer.iter().filter_map(|b| {
                (*b < 248).then(|| BASE62.get(usize::from(*b % 62)).copied()).flatten()
            });
            let missing = PREFIX.len() + RANDOM_CHARS - text.len();
            text.extend(fair.take(missing).map(char::from));
        }
        buffer.zeroize();
        let check = check_chars(text.as_bytes().get(PREFIX.len()..).unwrap_or_default());
        text.extend(check.iter().copied().map(char::from));
        Ok(Self(text))
    }

    /// The text itself. Every caller must have a reason to hold it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The only form that is stored, and the lookup key.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// The last four characters, by which people recognise a token in a list.
    pub fn hint(&self) -> String {
        let skip = self.0.chars().count().saturating_sub(4);
        self.0.chars().skip(skip).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Whether a presented text can be a token at all. Text that begins like our own tokens must carry
/// the right check characters; other forms are those of imported tokens, of which only the length
/// and the alphabet (RFC 6750 section 2.1, `b64token`) are known.
pub fn is_plausible(text: &[u8]) -> bool {
    if !SECRET_BYTES.contains(&text.len()) {
        return false;
    }
    match text.strip_prefix(PREFIX.as_bytes()) {
        Some(rest) => rest.split_at_checked(RANDOM_CHARS).is_some_and(|(random, check)| {
            check == check_chars(random) && random.iter().all(u8::is_ascii_alphanumeric)
        }),
        None => is_b64token(text),
    }
}

/// Whether a secret of our own form stands in `text` with the `_` of its beginning at `at`.
pub fn ends_prefix_of_own(text: &[u8], at: usize) -> bool {
    let from = (at + 1).checked_sub(PREFIX.len());
    let own =
        from.and_then(|from| text.get(from..)?.get(..PREFIX.len() + RANDOM_CHARS + CHECK_CHARS));
    own.is_some_and(|own| own.starts_with(PREFIX.as_bytes()) && is_plausible(own))
}

/// The secrets of our own form in a text, such as a line of a log.
pub fn own_in(text: &str) -> impl Iterator<Item = &str> {
    let own = |(at, _)| text.get(at..)?.get(..PREFIX.len() + RANDOM_CHARS + CHECK_CHARS);
    text.match_indices(PREFIX).filter_map(own).filter(|own| is_plausible(own.as_bytes()))
}

/// RFC 6750 section 2.1: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
pub fn is_b64token(text: &[u8]) -> bool {
    let body = text.iter().rposition(|b| *b != b'=').map_or(0, |last| last + 1);
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(b);
    body > 0 && text.get(..body).is_some_and(|body| body.iter().all(allowed))
}

/// The text with every secret of our own form in it, also a damaged one, replaced.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(PREFIX) {
        let word = after.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let after_word = after.get(word..).unwrap_or_default();
        kept.push_str(before);
        kept.push_str(PREFIX);
        if word >= RANDOM_CHARS {
            kept.push_str("[redacted]");
            rest = after_word;
        } else {
            rest = after;
        }
    }
    if kept.is_empty() {
        return Cow::Borrowed(text);
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

fn check_chars(random: &[u8]) -> [u8; CHECK_CHARS] {
    let mut crc = crc32fast::hash(random);
    let mut chars = [b'0'; CHECK_CHARS];
    for slot in chars.iter_mut().rev() {
        *slot = BASE62.get((crc % 62) as usize).copied().unwrap_or(b'0');
        crc /= 62;
    }
    chars
}

/// SHA-256 of a secret. 178 random bits need no slow hash: there is no list of likely secrets that
/// an attacker who holds the database could try.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Hashes the bytes of a presented secret.
    pub fn of(secret: &[u8]) -> Self {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret);
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }

    /// From bytes that were a digest before.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 16 of the bytes.
    pub fn half(&self) -> &[u8] {
        self.0.split_at(16).0
    }

    /// From 64 hexadecimal digits, as other gateways export their keys.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok()?;
            *byte = u8::from_str_radix(pair, 16).ok().filter(|_| !pair.starts_with('+'))?;
        }
        Some(Self(bytes))
    }

    /// 64 lower-case hexadecimal digits.
    pub fn to_hex(self) -> String {
        let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
        self.0.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
    }
}

impl std::hash::Hash for Digest {
    /// The first eight bytes are as random as a hash could make them.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let (head, _) = self.0.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        state.write_u64(u64::from_le_bytes(*head));
    }
}

impl fmt::Debug for Digest {
    /// Eight digits are enough to tell two digests apart and too few to look one up elsewhere.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{:.8}…", self.to_hex())
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_hex(&text)
            .ok_or_else(|| serde::de::Error::custom("a digest has 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued() -> Secret {
        let mut state = 0_u8;
        Secret::issue(|buffer| {
            for byte in buffer {
                state = state.wrapping_mul(181).wrapping_add(101);
                *byte = state;
            }
            Ok::<(), std::convert::Infallible>(())
        })
        .unwrap()
    }

    #[test]
    fn sec_l1_secrets_are_taken_out_of_texts() {
        let secret = issued();
        let text = format!("/a/{0}/tg_short/{0}x", secret.expose());
        assert_eq!(redact(&text), "/a/tg_[redacted]/tg_short/tg_[redacted]");
        assert!(matches!(redact("/a/b"), Cow::Borrowed("/a/b")));
    }

    #[test]
    fn an_issued_secret_is_plausible_and_a_changed_one_is_not() {
        let secret = issued();
        let text = secret.expose();
        assert_eq!(text.len(), 39);
        assert!(text.starts_with("tg_") && is_plausible(text.as_bytes()));
        for at in 3..39 {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            assert!(!is_plausible(&changed), "a change at {at} went unnoticed");
        }
        assert!(!is_plausible(&text.as_bytes()[..38]));
    }

    #[test]
    fn imported_forms_are_plausible() {
        assert!(is_plausible(b"0f8fad5b-d9cb-469f-a165-70867728950e"));
        assert!(is_plausible(&[b'A'; 72]));
        assert!(is_plausible(b"bnVtYmVyIG9uZSB0b2tlbg=="));
        for bad in [&b"short"[..], b"with space in it....", b"====================", &[b'a'; 513]] {
            assert!(!is_plausible(bad));
        }
    }

    #[test]
    fn nothing_prints_a_secret() {
        let secret = issued();
        assert_eq!(format!("{secret:?}"), "[redacted]");
        assert_eq!(secret.hint(), secret.expose()[35..]);
        assert!(!format!("{:?}", secret.digest()).contains(&secret.digest().to_hex()[8..]));
    }

    #[test]
    fn a_digest_is_sha_256_in_hexadecimal() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").to_hex(), hex);
        assert_eq!(Digest::from_hex(&hex.to_uppercase()), Some(Digest::of(b"abc")));
        assert_eq!(Digest::from_hex(&hex[1..]), None);
        assert_eq!(Digest::from_hex(&hex.replacen("ba", "+a", 1)), None);
    }
}
