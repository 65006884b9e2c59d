//! A use that waits to be written, in forty bytes: under a load that is spread over many tokens there are
//! some hundred thousand of them, each read and written by a processor that has other work.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::store::{LastUse, NotedUse, UseKey, UseSlot};

use super::spread;

/// How many slots a run has: 64 KiB of the store's file, which are read and written together.
pub(super) const RUN: u64 = 1 << PLACE_BITS;

/// Runs that stand for no slots but for tokens whose slot is not known, by their ids.
const UNPLACED: u64 = 1 << 63;
/// How many of those there are, a power of two.
const UNPLACED_RUNS: u64 = 512;

// What shares a word, from its high bits on: the place in the run, when, the API, and two flags.
const PLACE_BITS: u32 = 10;
const AT_BITS: u32 = 38;
const API_BITS: u32 = 14;
const API_SHIFT: u32 = 2;
const AT_SHIFT: u32 = API_SHIFT + API_BITS;
const PLACE_SHIFT: u32 = AT_SHIFT + AT_BITS;
const FIRST: u64 = 0b10;
const V4: u64 = 0b01;
const _: () =
    assert!(PLACE_SHIFT + PLACE_BITS == u64::BITS && Timestamp::MAX.unix() < 1 << AT_BITS);

/// The number of an API's name in memory, by which its uses wait: cores that note uses of the same API share
/// no count of its references.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiNumber(u16);

/// The names behind the numbers. Only added to; zero is a name that is not known.
#[derive(Debug)]
pub(super) struct ApiNames(Vec<Arc<str>>);

/// A use that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    token: TokenId,
    address: [u8; 16],
    word: u64,
}

const _: () = assert!(size_of::<Waiting>() == 40);

impl ApiNames {
    pub(super) fn new() -> Self {
        Self(vec!["".into()])
    }

    /// The number of a name; that of none, once so many names came that no more have room.
    pub(super) fn number(&mut self, name: &Arc<str>) -> ApiNumber {
        let at = self.0.iter().position(|known| known == name).unwrap_or_else(|| {
            let next = self.0.len();
            if next >= 1 << API_BITS {
                return 0;
            }
            self.0.push(Arc::clone(name));
            next
        });
        ApiNumber(u16::try_from(at).unwrap_or_default())
    }
}

impl Waiting {
    pub(super) fn new(
        of: UseKey,
        (at, address): (Timestamp, IpAddr),
        api: ApiNumber,
        first: bool,
    ) -> Self {
        let (address, v4) = match address {
            IpAddr::V4(address) => (address.to_ipv6_mapped().octets(), V4),
            IpAddr::V6(address) => (address.octets(), 0),
        };
        let place = of.slot.map_or(0, |slot| slot.number() % RUN);
        let first = if first { FIRST } else { 0 };
        let api = u64::from(api.0) << API_SHIFT;
        let word = place << PLACE_SHIFT | at.unix() << AT_SHIFT | api | first | v4;
        Self { token: of.token, address, word }
    }

    pub(super) fn at(&self) -> Timestamp {
        Timestamp::from_unix(self.word >> AT_SHIFT & ((1 << AT_BITS) - 1))
    }

    /// The number of its slot, in the list of a run.
    pub(super) const fn slot(&self, run: u64) -> u64 {
        run.wrapping_mul(RUN) | self.word >> PLACE_SHIFT
    }

    /// By place, and of the same place the newest first.
    const fn order(&self) -> u64 {
        (self.word >> AT_SHIFT) ^ ((1 << AT_BITS) - 1)
    }

    pub(super) const fn is_first(&self) -> bool {
        self.word & FIRST != 0
    }

    pub(super) fn is_of(&self, token: TokenId) -> bool {
        self.token == token
    }

    /// When and where.
    pub(super) fn last(&self, names: &ApiNames) -> LastUse {
        let address = Ipv6Addr::from(self.address);
        let v4 = address.to_ipv4_mapped().filter(|_| self.word & V4 != 0);
        let address = v4.map_or(IpAddr::V6(address), |v4: Ipv4Addr| IpAddr::V4(v4));
        let number = self.word >> API_SHIFT & ((1 << API_BITS) - 1);
        let api = usize::try_from(number).ok().and_then(|number| names.0.get(number));
        LastUse { at: self.at(), address, api: api.map(Arc::clone).unwrap_or_default() }
    }

    /// As the store is told of it, from the list of a run.
    pub(super) fn noted(&self, run: u64, names: &ApiNames) -> NotedUse {
        let slot = (run < UNPLACED).then(|| UseSlot::new(self.slot(run)));
        let of = UseKey { token: self.token, slot };
        NotedUse { of, last: self.last(names), first: self.is_first() }
    }
}

/// The run whose list a use of a token belongs to.
pub(super) fn run_of(of: UseKey) -> u64 {
    if let Some(slot) = of.slot {
        return slot.number() / RUN;
    }
    let half = |part: Option<&[u8; 8]>| part.map_or(0, |half| u64::from_le_bytes(*half));
    let bytes = of.token.as_bytes();
    let both = half(bytes.first_chunk()).rotate_left(29) ^ half(bytes.last_chunk());
    UNPLACED | spread(both) >> (u64::BITS - UNPLACED_RUNS.trailing_zeros())
}

/// Leaves one use of each token, the newest, in the order of their slots; it is the first of all if any of
/// them was.
pub(super) fn keep_newest(run: u64, uses: &mut Vec<Waiting>) {
    if run < UNPLACED {
        uses.sort_unstable_by_key(Waiting::order);
    } else {
        uses.sort_unstable_by_key(|waiting| (waiting.token, waiting.order()));
    }
    uses.dedup_by(|older, newest| {
        let same = older.token == newest.token;
        if same {
            newest.word |= older.word & FIRST;
        }
        same
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;

    #[test]
    fn what_waits_is_told_to_the_store_as_it_was_noted() {
        let mut names = ApiNames::new();
        let addresses = ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "::", "0.0.0.0"];
        let moments = [Timestamp::EPOCH, sample::NOW, Timestamp::MAX];
        let slots =
            [0, 1, RUN - 1, RUN, 1_000_000, u64::MAX / 2].map(|slot| Some(UseSlot::new(slot)));
        let token = sample::token(7, "alice").id;
        for slot in slots.into_iter().chain([None]) {
            for (at, address) in
                moments.iter().flat_map(|at| addresses.map(|address| (*at, address)))
            {
                for (api, first) in [("", false), ("erp", true), ("shop", false)] {
                    let (of, api) = (UseKey { token, slot }, Arc::from(api));
                    let address = address.parse().unwrap();
                    let waiting = Waiting::new(of, (at, address), names.number(&api), first);
                    let last = LastUse { at, address, api };
                    assert_eq!(waiting.noted(run_of(of), &names), NotedUse { of, last, first });
                }
            }
        }
    }

    #[test]
    fn a_name_has_one_number_and_more_names_than_have_room_are_not_known() {
        let mut names = ApiNames::new();
        let numbers: Vec<_> = (0..20_000).map(|n| names.number(&n.to_string().into())).collect();
        assert_eq!(names.0.len(), 1 << API_BITS);
        assert_eq!(numbers[19_999], ApiNumber(0));
        assert_eq!(names.number(&"5".into()), numbers[5]);
        assert_eq!(&*names.0[usize::from(numbers[5].0)], "5");
    }

    #[test]
    fn tokens_without_slots_spread_over_all_their_runs() {
        let mut uses = [0_u32; UNPLACED_RUNS as usize];
        for token in 0..51_200 {
            uses[(run_of(sample::token(token, "alice").id.into()) - UNPLACED) as usize] += 1;
        }
        assert!(uses.iter().all(|uses| (25..400).contains(uses)), "{uses:?}");
    }
}
