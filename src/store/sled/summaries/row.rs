//! One row: what filters ask of a token, in 96 bytes.
//!
//! | bytes | what |
//! | --- | --- |
//! | 0..4 | bits: that it is there, the end, a pause, an expiry, a time beyond 2106, long texts, all contexts, a limit of uses |
//! | 4..20 | the token's id |
//! | 20..28 | its owner: 64 bits of SHA-256 over the salt and the name |
//! | 28..36 | its company: the same, 0 for none |
//! | 36..56 | when it was made, begins and expires, how long it may lie unused, and when it ended, in seconds |
//! | 56..64 | its flags |
//! | 64..72 | its contexts: three bits for each, by its name, so that few sets seem to have one that they lack; all for all |
//! | 72..76, 76..80 | CRC-32C of its hint, and of its name in small letters |
//! | 80..88 | where its texts begin in the file of texts (six bytes), and how long they are |
//! | 88..92 | CRC-32C of the texts, mixed with the salt and the number of the row |
//! | 92..96 | when its successor was made, in seconds; 0 for none |
//!
//! Whatever is shortened here is so in one direction: a row never says "no" of a token whose record says
//! "yes". But for the 64 bits of owners and companies, of which no two are alike that anybody could find: the
//! salt is random.

use crate::domain::grant::Contexts;
use crate::domain::id::{Slug, TokenId};
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{Course, End, Life, Token};
use crate::store::glance::salted;
use crate::store::query::{folded, texts};

/// The size of a row.
pub(super) const ROW_BYTES: usize = 96;

/// How it ended, in two bits; zero for a token that did not.
const ENDED: u32 = 0b11;
const DISABLED: u32 = 1 << 2;
const EXPIRES: u32 = 1 << 3;
/// A time does not fit, so that the record must be asked.
const FAR: u32 = 1 << 4;
/// The texts do not fit into the file of texts.
const LONG: u32 = 1 << 5;

/// What stands between texts, and in none that is searched for (`check::line`).
const BORDER: char = '\u{1}';

/// It is there: no row is all zeros.
const PRESENT: u32 = 1 << 6;
/// It may use all contexts.
const GENERAL: u32 = 1 << 7;
/// It may be used so often and no more.
const USES: u32 = 1 << 8;

/// A row as it stands in a page that verified.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a>(&'a [u8; ROW_BYTES]);

/// Where the texts of a row are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) offset: u64,
    pub(super) length: u16,
    pub(super) checksum: u32,
}

/// All texts of a token as one, in small letters.
pub(super) fn text_of(token: &Token) -> String {
    let mut text = String::new();
    for (at, part) in texts(token).into_iter().enumerate() {
        if at > 0 {
            text.push(BORDER);
        }
        text.push_str(&folded(part));
    }
    text
}

/// The place of texts that are to stand at `offset`; of no length if they are too long.
pub(super) fn place(salt: u32, number: u64, offset: u64, text: &str) -> Texts {
    let length = u16::try_from(text.len()).unwrap_or_default();
    Texts { offset, length, checksum: text_checksum(salt, number, text.as_bytes()) }
}

pub(super) fn text_checksum(salt: u32, number: u64, text: &[u8]) -> u32 {
    let place = (u64::from(salt) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    crc32c::crc32c(text) ^ (place >> 32) as u32
}

/// The row of a token.
pub(super) fn encode(token: &Token, salt: u32, texts: Texts) -> [u8; ROW_BYTES] {
    let Life { created_at, not_before, expires_at, idle_ttl } = token.life();
    let mut bits = match token.ended.as_ref().map(|ended| ended.how) {
        None => PRESENT,
        Some(End::Revoked | End::Leaked) => PRESENT | 1,
        Some(End::Expired) => PRESENT | 2,
        Some(End::IdleExpired) => PRESENT | 3,
    };
    let times = [
        created_at.unix(),
        not_before.unix(),
        expires_at.unwrap_or_default().unix(),
        idle_ttl.seconds(),
        token.ended.as_ref().map_or(0, |ended| ended.act.at.unix()),
    ];
    let succeeded = token.succeeded_at().map_or(0, Timestamp::unix);
    for (holds, bit) in [
        (token.disabled.is_some(), DISABLED),
        (expires_at.is_some(), EXPIRES),
        (times.iter().chain([&succeeded]).any(|time| short(*time) == u32::MAX), FAR),
        (texts.length == 0, LONG),
        (token.contexts == Contexts::All, GENERAL),
        (token.limits.uses.is_some(), USES),
    ] {
        bits |= if holds { bit } else { 0 };
    }
    let mut bytes = [0; ROW_BYTES];
    let mut at = 0;
    let mut put = |some: &[u8]| {
        if let Some(to) = bytes.get_mut(at..at + some.len()) {
            to.copy_from_slice(some);
        }
        at += some.len();
    };
    put(&bits.to_le_bytes());
    put(token.id.as_bytes());
    put(&salted(salt, token.owner.as_str()).to_le_bytes());
    let company = token.company.as_ref().map_or(0, |company| salted(salt, company.as_str()));
    put(&company.to_le_bytes());
    times.iter().for_each(|time| put(&short(*time).to_le_bytes()));
    put(&token.flags.bits().to_le_bytes());
    put(&all_context_bits(&token.contexts).to_le_bytes());
    put(&crc32c::crc32c(token.hint.as_bytes()).to_le_bytes());
    put(&name_hash(&token.name).to_le_bytes());
    put(texts.offset.to_le_bytes().get(..6).unwrap_or_default());
    put(&texts.length.to_le_bytes());
    put(&texts.checksum.to_le_bytes());
    put(&short(succeeded).to_le_bytes());
    bytes
}

/// Seconds that may not fit; what does not is marked.
fn short(seconds: u64) -> u32 {
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

pub(super) fn name_hash(name: &str) -> u32 {
    crc32c::crc32c(folded(name).as_bytes())
}

pub(super) fn context_bits(context: &Slug) -> u64 {
    let hash = crc32c::crc32c(context.as_str().as_bytes());
    [0, 6, 12].iter().fold(0, |bits, shift| bits | 1 << (hash >> shift & 63))
}

fn all_context_bits(contexts: &Contexts) -> u64 {
    match contexts {
        Contexts::All => u64::MAX,
        Contexts::Set(names) => names.iter().fold(0, |bits, name| bits | context_bits(name)),
    }
}

impl<'a> Row<'a> {
    /// A row of a page that verified; none where there is no token.
    pub(super) fn read(bytes: &'a [u8; ROW_BYTES]) -> Option<Self> {
        let row = Self(bytes);
        (row.word(0) & PRESENT != 0).then_some(row)
    }

    fn word(&self, at: usize) -> u32 {
        self.0.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    fn long(&self, at: usize) -> u64 {
        self.0.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    pub(super) fn id(&self) -> TokenId {
        let id = self.0.get(4..).and_then(<[u8]>::first_chunk);
        TokenId::from_bytes(id.copied().unwrap_or_default())
    }

    pub(super) fn owner(&self) -> u64 {
        self.long(20)
    }

    pub(super) fn company(&self) -> u64 {
        self.long(28)
    }

    pub(super) fn flags(&self) -> u64 {
        self.long(56)
    }

    pub(super) fn contexts(&self) -> u64 {
        self.long(64)
    }

    /// Whether these are all there are.
    pub(super) fn is_general(&self) -> bool {
        self.word(0) & GENERAL != 0
    }

    pub(super) fn hint(&self) -> u32 {
        self.word(72)
    }

    pub(super) fn name(&self) -> u32 {
        self.word(76)
    }

    /// Where its texts are; none if the record must be asked for them.
    pub(super) fn texts(&self) -> Option<Texts> {
        let (place, checksum) = (self.long(80), self.word(88));
        let texts =
            Texts { offset: place & (u64::MAX >> 16), length: (place >> 48) as u16, checksum };
        (self.word(0) & LONG == 0).then_some(texts)
    }

    /// Whether nothing can be said of its times.
    pub(super) fn is_far(&self) -> bool {
        self.word(0) & FAR != 0
    }

    pub(super) fn has_ended(&self) -> bool {
        self.word(0) & ENDED != 0
    }

    /// When it ended, if it is not far.
    pub(super) fn ended_at(&self) -> Option<Timestamp> {
        self.has_ended().then(|| self.time(52))
    }

    /// The limits on its life in time, if it is not far.
    pub(super) fn life(&self) -> Life {
        let expires = self.word(0) & EXPIRES != 0;
        Life {
            created_at: self.time(36),
            not_before: self.time(40),
            expires_at: expires.then(|| self.time(44)),
            idle_ttl: Span::from_seconds(self.word(48).into()),
        }
    }

    fn time(&self, at: usize) -> Timestamp {
        Timestamp::from_unix(self.word(at).into())
    }

    /// What says where in its life it is, if it is not far. A leak was a revocation.
    pub(super) fn course(&self) -> Course {
        let bits = self.word(0);
        let ended = match bits & ENDED {
            1 => Some(End::Revoked),
            2 => Some(End::Expired),
            3 => Some(End::IdleExpired),
            _ => None,
        };
        let succeeded = Some(self.word(92)).filter(|second| *second > 0);
        let succeeded_at = succeeded.map(|second| Timestamp::from_unix(second.into()));
        let (disabled, may_be_used_up) = (bits & DISABLED != 0, bits & USES != 0);
        Course { life: self.life(), ended, disabled, succeeded_at, may_be_used_up }
    }
}
