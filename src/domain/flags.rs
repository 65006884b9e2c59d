//! Access levels as bits, and the catalogue of their names.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A set of access-level bits. Bits are independent of one another; -1 is unlimited: it holds every
/// bit, known or not, and alone may manage tokens (rows W12 and W14).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Flags(i64);

/// A negative number other than -1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("flags are a sum of bits or -1 for unlimited, not {0}")]
pub struct BadFlags(i64);

impl Flags {
    /// No bit at all.
    pub const NONE: Self = Self(0);
    /// Every bit; the only value that may manage tokens.
    pub const UNLIMITED: Self = Self(-1);

    /// From a sum of bits, or -1.
    ///
    /// # Errors
    /// Any other negative number.
    pub const fn from_bits(bits: i64) -> Result<Self, BadFlags> {
        if bits < -1 { Err(BadFlags(bits)) } else { Ok(Self(bits)) }
    }

    /// The sum of bits, or -1.
    pub const fn bits(self) -> i64 {
        self.0
    }

    /// Whether this is -1.
    pub const fn is_unlimited(self) -> bool {
        self.0 == -1
    }

    /// Whether every bit of `wanted` is here. Only unlimited contains unlimited.
    pub const fn contains(self, wanted: Self) -> bool {
        self.0 & wanted.0 == wanted.0
    }

    /// The bits that both have: a token's flags under its owner's ceiling (row W13).
    #[must_use]
    pub const fn within(self, ceiling: Self) -> Self {
        Self(self.0 & ceiling.0)
    }

    /// The bits of both together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl TryFrom<i64> for Flags {
    type Error = BadFlags;

    fn try_from(bits: i64) -> Result<Self, BadFlags> {
        Self::from_bits(bits)
    }
}

impl From<Flags> for i64 {
    fn from(flags: Flags) -> Self {
        flags.0
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_unlimited() { f.write_str("-1") } else { write!(f, "{:#x}", self.0) }
    }
}

/// What a configured name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Its bits.
    pub bits: Flags,
    /// What it allows, in the words of people; none if nobody said.
    pub title: Option<String>,
}

/// The configured names of bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagCatalog(BTreeMap<String, Flag>);

impl FlagCatalog {
    /// From names and what they stand for.
    pub const fn new(names: BTreeMap<String, Flag>) -> Self {
        Self(names)
    }

    /// The bits of one name.
    pub fn bits(&self, name: &str) -> Option<Flags> {
        self.0.get(name).map(|flag| flag.bits)
    }

    /// What one name allows, in the words of people, if that is configured.
    pub fn title(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.title.as_deref()
    }

    /// All names with their bits, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Flags)> {
        self.0.iter().map(|(name, flag)| (name.as_str(), flag.bits))
    }

    /// The names whose bits `flags` holds, and what is left without a name as hexadecimal; `-1` for
    /// unlimited. The order is that of the bits.
    pub fn describe(&self, flags: Flags) -> Vec<String> {
        if flags.is_unlimited() {
            return vec!["-1".to_owned()];
        }
        let mut named: Vec<_> =
            self.iter().filter(|(_, bits)| bits.bits() > 0 && flags.contains(*bits)).collect();
        named.sort_by_key(|(_, bits)| bits.bits());
        let covered = named.iter().fold(0, |sum, (_, bits)| sum | bits.bits());
        let rest = flags.bits() & !covered;
        let mut names: Vec<_> = named.into_iter().map(|(name, _)| name.to_owned()).collect();
        if rest != 0 {
            names.push(format!("{rest:#x}"));
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(bits: i64) -> Flags {
        Flags::from_bits(bits).unwrap()
    }

    #[test]
    fn w12_bits_are_independent() {
        assert!(!flags(0x1000).contains(flags(0x100)));
        assert!(flags(0x1100).contains(flags(0x100)));
        assert!(flags(0).contains(Flags::NONE));
    }

    #[test]
    fn unlimited_holds_everything_and_nothing_else_holds_it() {
        assert!(Flags::UNLIMITED.contains(flags(i64::MAX)));
        assert!(Flags::UNLIMITED.contains(Flags::UNLIMITED));
        assert!(!flags(i64::MAX).contains(Flags::UNLIMITED));
    }

    #[test]
    fn w13_a_ceiling_takes_bits_away() {
        assert_eq!(Flags::UNLIMITED.within(flags(0x300)), flags(0x300));
        assert_eq!(flags(0x100).within(Flags::UNLIMITED), flags(0x100));
    }

    #[test]
    fn other_negative_numbers_are_refused() {
        assert_eq!(Flags::from_bits(-2), Err(BadFlags(-2)));
        assert!(serde_json::from_str::<Flags>("-7").is_err());
    }

    #[test]
    fn names_are_found_and_the_rest_is_shown_as_bits() {
        let flag = |bits| Flag { bits: flags(bits), title: None };
        let names = [("view".to_owned(), flag(0x200)), ("online".to_owned(), flag(0x100))];
        let catalog = FlagCatalog::new(names.into());
        assert_eq!(catalog.describe(flags(0x1300)), ["online", "view", "0x1000"]);
        assert_eq!(catalog.describe(Flags::UNLIMITED), ["-1"]);
    }
}
