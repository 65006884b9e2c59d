//! What others are told of without asking: the closed set of notices.

use serde::{Deserialize, Serialize};

/// The kind of a notice, under the name that is written everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NoticeKind {
    /// A token's time will be over in some days.
    #[serde(rename = "token.expires_soon")]
    ExpiresSoon,
    /// A token will be over in some days unless it is used.
    #[serde(rename = "token.idles_out_soon")]
    IdlesOutSoon,
    /// A token was ended by somebody else than its owner.
    #[serde(rename = "token.revoked")]
    Revoked,
    /// A token was ended, since its secret is known to others.
    #[serde(rename = "token.leaked")]
    Leaked,
    /// The secret of a rotated token was shown after its end.
    #[serde(rename = "token.reused")]
    Reused,
    /// A token or an owner may do more than before.
    #[serde(rename = "rights.widened")]
    Widened,
    /// Somebody tries a webhook out.
    #[serde(rename = "test")]
    Test,
}

impl NoticeKind {
    /// Every kind that an event can lead to: all but the test.
    pub const OF_EVENTS: [Self; 6] = [
        Self::ExpiresSoon,
        Self::IdlesOutSoon,
        Self::Revoked,
        Self::Leaked,
        Self::Reused,
        Self::Widened,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExpiresSoon => "token.expires_soon",
            Self::IdlesOutSoon => "token.idles_out_soon",
            Self::Revoked => "token.revoked",
            Self::Leaked => "token.leaked",
            Self::Reused => "token.reused",
            Self::Widened => "rights.widened",
            Self::Test => "test",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_written_as_it_is_called() {
        for kind in NoticeKind::OF_EVENTS.into_iter().chain([NoticeKind::Test]) {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
