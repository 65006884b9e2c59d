//! One row: what filters ask of a token, in 88 bytes.
//!
//! | bytes | what |
//! | --- | --- |
//! | 0..4 | CRC-32C over the salt of the file, the number of the row, and bytes 4..88 |
//! | 4..8 | bits: the end, a pause, an expiry, a time beyond 2106 |
//! | 8..24 | the token's id |
//! | 24..32 | its owner: 64 bits of SHA-256 over the salt and the name |
//! | 32..36 | its company: CRC-32C of the name, 0 for none |
//! | 36..52 | when it was made, begins and expires, and how long it may lie unused, in seconds |
//! | 52..60 | its flags |
//! | 60..64 | its contexts: a bit for each, by the CRC-32C of the name; all bits for all |
//! | 64..68, 68..72 | CRC-32C of its hint, and of its name in small letters |
//! | 72..80 | where its texts begin in the file of texts (six bytes), and how long they are |
//! | 80..84 | CRC-32C over the salt, the number of the row, and the texts |
//! | 84..88 | zeros |
//!
//! Whatever is shortened here is so in one direction: a row never says "no" of a token whose record says
//! "yes". But for the owner's 64 bits, of which no two are alike that anybody could find: the salt is random.

use crate::domain::grant::Contexts;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::secret::Digest;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{End, Life, State, Token};
use crate::store::query::{folded, texts};

/// The size of a row.
pub(super) const ROW_BYTES: usize = 88;

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

/// A row as it stands in the file, which verified.
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
    crc32c::crc32c_append(crc32c::crc32c_append(!salt, &number.to_le_bytes()), text)
}

/// The row of a token.
pub(super) fn encode(token: &Token, salt: u32, number: u64, texts: Texts) -> [u8; ROW_BYTES] {
    let Life { created_at, not_before, expires_at, idle_ttl } = token.life();
    let mut bits = match token.ended.as_ref().map(|ended| ended.how) {
        None => 0,
        Some(End::Revoked) => 1,
        Some(End::Expired) => 2,
        Some(End::IdleExpired) => 3,
    };
    let times = [
        created_at.unix(),
        not_before.unix(),
        expires_at.unwrap_or_default().unix(),
        idle_ttl.seconds(),
    ];
    for (holds, bit) in [
        (token.disabled.is_some(), DISABLED),
        (expires_at.is_some(), EXPIRES),
        (times.iter().any(|time| u32::try_from(*time).is_err()), FAR),
        (texts.length == 0, LONG),
    ] {
        bits |= if holds { bit } else { 0 };
    }
    let mut bytes = [0; ROW_BYTES];
    let mut at = 4;
    let mut put = |some: &[u8]| {
        if let Some(to) = bytes.get_mut(at..at + some.len()) {
            to.copy_from_slice(some);
        }
        at += some.len();
    };
    put(&bits.to_le_bytes());
    put(token.id.as_bytes());
    put(&owner_hash(salt, &token.owner).to_le_bytes());
    put(&token.company.as_ref().map_or(0, company_hash).to_le_bytes());
    times.iter().for_each(|time| put(&short(*time).to_le_bytes()));
    put(&token.flags.bits().to_le_bytes());
    put(&context_bits(&token.contexts).to_le_bytes());
    put(&crc32c::crc32c(token.hint.as_bytes()).to_le_bytes());
    put(&name_hash(&token.name).to_le_bytes());
    put(texts.offset.to_le_bytes().get(..6).unwrap_or_default());
    put(&texts.length.to_le_bytes());
    put(&texts.checksum.to_le_bytes());
    let stated = checksum(&bytes, salt, number).to_le_bytes();
    bytes[..4].copy_from_slice(&stated);
    bytes
}

fn checksum(bytes: &[u8; ROW_BYTES], salt: u32, number: u64) -> u32 {
    let seed = crc32c::crc32c_append(salt, &number.to_le_bytes());
    crc32c::crc32c_append(seed, &bytes[4..])
}

/// Seconds that may not fit; what does not is marked.
pub(super) fn short(seconds: u64) -> u32 {
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

pub(super) fn owner_hash(salt: u32, owner: &OwnerId) -> u64 {
    let digest = Digest::of(&[&salt.to_le_bytes()[..], owner.as_str().as_bytes()].concat());
    digest.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

pub(super) fn company_hash(company: &Slug) -> u32 {
    crc32c::crc32c(company.as_str().as_bytes()).max(1)
}

pub(super) fn name_hash(name: &str) -> u32 {
    crc32c::crc32c(folded(name).as_bytes())
}

pub(super) fn context_bit(context: &Slug) -> u32 {
    1 << (crc32c::crc32c(context.as_str().as_bytes()) % 32)
}

fn context_bits(contexts: &Contexts) -> u32 {
    match contexts {
        Contexts::All => u32::MAX,
        Contexts::Set(names) => names.iter().fold(0, |bits, name| bits | context_bit(name)),
    }
}

impl<'a> Row<'a> {
    /// A row of the file; none when it does not verify.
    pub(super) fn read(bytes: &'a [u8; ROW_BYTES], salt: u32, number: u64) -> Option<Self> {
        let row = Self(bytes);
        (row.word(0) == checksum(bytes, salt, number)).then_some(row)
    }

    /// The same once more.
    pub(super) const fn known(bytes: &'a [u8; ROW_BYTES]) -> Self {
        Self(bytes)
    }

    fn word(&self, at: usize) -> u32 {
        self.0.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    fn long(&self, at: usize) -> u64 {
        self.0.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    pub(super) fn id(&self) -> TokenId {
        let id = self.0.get(8..).and_then(<[u8]>::first_chunk);
        TokenId::from_bytes(id.copied().unwrap_or_default())
    }

    pub(super) fn owner(&self) -> u64 {
        self.long(24)
    }

    pub(super) fn company(&self) -> u32 {
        self.word(32)
    }

    pub(super) fn created(&self) -> u32 {
        self.word(36)
    }

    /// When it expires; none for never.
    pub(super) fn expires(&self) -> Option<u32> {
        (self.word(4) & EXPIRES != 0).then(|| self.word(44))
    }

    pub(super) fn flags(&self) -> u64 {
        self.long(52)
    }

    pub(super) fn contexts(&self) -> u32 {
        self.word(60)
    }

    pub(super) fn hint(&self) -> u32 {
        self.word(64)
    }

    pub(super) fn name(&self) -> u32 {
        self.word(68)
    }

    /// Where its texts are; none if the record must be asked for them.
    pub(super) fn texts(&self) -> Option<Texts> {
        let (place, checksum) = (self.long(72), self.word(80));
        let texts =
            Texts { offset: place & (u64::MAX >> 16), length: (place >> 48) as u16, checksum };
        (self.word(4) & LONG == 0).then_some(texts)
    }

    /// Whether nothing can be said of its times.
    pub(super) fn is_far(&self) -> bool {
        self.word(4) & FAR != 0
    }

    pub(super) fn has_ended(&self) -> bool {
        self.word(4) & ENDED != 0
    }

    /// The limits on its life in time, if it is not far.
    pub(super) fn life(&self) -> Life {
        let at = |at: usize| Timestamp::from_unix(self.word(at).into());
        Life {
            created_at: at(36),
            not_before: at(40),
            expires_at: self.expires().map(|expiry| Timestamp::from_unix(expiry.into())),
            idle_ttl: Span::from_seconds(self.word(48).into()),
        }
    }

    /// Where in its life the token is, as [`Token::state`] says it.
    pub(super) fn state(&self, used: Option<Timestamp>, now: Timestamp) -> State {
        let (life, bits) = (self.life(), self.word(4));
        match bits & ENDED {
            1 => State::Revoked,
            2 => State::Expired,
            3 => State::IdleExpired,
            _ if life.expires_at.is_some_and(|expiry| now >= expiry) => State::Expired,
            _ if life.idle_deadline(used).is_some_and(|end| now >= end) => State::IdleExpired,
            _ if bits & DISABLED != 0 => State::Disabled,
            _ if now < life.not_before => State::Pending,
            _ => State::Active,
        }
    }
}
