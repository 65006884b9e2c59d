//! Who asks for an act, and the most that they may hand out.

use crate::domain::event::Actor;
use crate::domain::flags::Flags;
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::Slug;
use crate::domain::limits::Limits;
use crate::domain::time::Timestamp;

/// Somebody who asks for an act.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    /// Who it is, for the history.
    pub actor: Actor,
    /// The most that a token of their making may have.
    pub grants: Grants,
}

/// Bounds of what can be handed out: nobody grants more than they have.
#[derive(Clone, Debug, PartialEq)]
pub struct Grants {
    /// Access level.
    pub flags: Flags,
    /// Areas.
    pub contexts: Contexts,
    /// Objects.
    pub items: Items,
    /// The only tenant; none means any.
    pub company: Option<Slug>,
    /// The latest end; none means never.
    pub until: Option<Timestamp>,
    /// How much they may be used at the most.
    pub limits: Limits,
}

impl Caller {
    /// Whoever reaches the local socket or may open the folder: the administrator of the machine,
    /// who may hand out everything.
    pub const fn local(uid: u32) -> Self {
        Self {
            actor: Actor::Local(uid),
            grants: Grants {
                flags: Flags::UNLIMITED,
                contexts: Contexts::All,
                items: Items::All,
                company: None,
                until: None,
                limits: Limits::NONE,
            },
        }
    }
}
