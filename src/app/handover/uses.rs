//! Uses of tokens that a gateway notes while it finishes what it has: its successor writes them down.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::store::{LastUse, NotedUse, UseKey, UseSlot};

/// One of them, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Use {
    token: TokenId,
    #[serde(default)]
    slot: Option<u64>,
    at: Timestamp,
    address: IpAddr,
    api: String,
    /// Whether it was the first of all.
    #[serde(default)]
    first: bool,
}

impl From<NotedUse> for Use {
    fn from(NotedUse { of, last, first }: NotedUse) -> Self {
        let LastUse { at, address, api } = last;
        let slot = of.slot.map(UseSlot::number);
        Self { token: of.token, slot, at, address, api: api.to_string(), first }
    }
}

impl From<Use> for NotedUse {
    fn from(Use { token, slot, at, address, api, first }: Use) -> Self {
        let of = UseKey { token, slot: slot.map(UseSlot::new) };
        Self { of, last: LastUse { at, address, api: api.into() }, first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;

    #[test]
    fn a_use_is_heard_as_it_was_noted() {
        let of = UseKey { token: sample::token(1, "alice").id, slot: Some(UseSlot::new(7)) };
        let noted = NotedUse { first: true, ..sample::noted(of, 3) };
        let text = serde_json::to_string(&Use::from(noted.clone())).unwrap();
        let heard: Use = serde_json::from_str(&text).unwrap();
        assert_eq!(NotedUse::from(heard), noted);
    }
}
