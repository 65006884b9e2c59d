//! What a rule asks of a token.

use super::flags::Flags;
use super::id::Slug;

/// All that a request needs; every part must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    /// The area that the token must reach.
    pub context: Option<Slug>,
    /// Bits that the token must have under its owner's ceiling.
    pub flags: Flags,
    /// Roles that the owner must have, all of them.
    pub roles: Box<[Slug]>,
    /// Whose client certificate must be shown, any one of them (RFC 4514, in one spelling); empty asks for none.
    pub subjects: Box<[Box<str>]>,
    /// The company that the token must belong to.
    pub company: Option<Slug>,
    /// Whether the token must belong to some company, whichever: its upstream serves nobody else
    /// (row F6).
    pub of_a_company: bool,
    /// What a token that is limited to some items may do here.
    pub items: ItemRule,
    /// Contexts and flags in their OAuth spelling, for the `scope` of a challenge.
    pub scope: Box<str>,
}

/// What a token that is limited to some items may do under a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ItemRule {
    /// Nothing: the rule does not say where the item stands, so the limit could not be kept.
    #[default]
    Closed,
    /// Touch the item that the request names, if it is one of them.
    Named,
    /// Pass: the upstream filters by the identity header (row W16).
    Upstream,
}
