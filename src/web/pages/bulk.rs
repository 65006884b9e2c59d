//! What is shown before many tokens are ended at once.

use askama::Template;

use super::filters::Filters;
use super::parts::{Ends, TokenRow};
use crate::service::bulk::{BulkDone, BulkPlan};
use crate::web::frame::Frame;
use crate::web::wrongs::Wrongs;

/// The question before the tokens of a list are ended, and how far that has come.
#[derive(Template)]
#[template(path = "bulk.html")]
pub struct Bulk {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong.
    pub wrongs: Wrongs,
    /// What the list is narrowed to.
    pub filters: Filters,
    /// The reason that was typed.
    pub reason: String,
    /// What would end; none where that cannot be said.
    pub plan: Option<Plan>,
    /// What has ended, where some are left.
    pub underway: Option<Underway>,
}

/// Which tokens would end.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many.
    pub tokens: u64,
    /// How many fit and stay.
    pub not_yours: u64,
    /// Of whom, with how many of each.
    pub owners: Vec<(String, u64)>,
    /// How many are of others than these.
    pub of_others: u64,
    /// The oldest of them.
    pub rows: Vec<TokenRow>,
    /// The word of what is shown.
    pub confirm: String,
}

/// How far an act on more tokens than one call ends has come.
#[derive(Clone, Debug)]
pub struct Underway {
    /// How many have ended in this call.
    pub revoked: u64,
    /// How many are left.
    pub left: u64,
    /// The word of what was shown.
    pub confirm: String,
}

impl Plan {
    /// Of what the service would do.
    pub fn of(frame: &Frame, plan: &BulkPlan) -> Self {
        let owners = plan.owners.iter().map(|it| (it.owner.to_string(), count(it.tokens)));
        Self {
            tokens: count(plan.tokens),
            not_yours: count(plan.not_yours),
            owners: owners.collect(),
            of_others: count(plan.of_others),
            rows: plan.first.iter().map(|token| TokenRow::of(frame, token)).collect(),
            confirm: plan.confirm.clone(),
        }
    }
}

impl Underway {
    /// Of what the service did, of what was shown under this word.
    pub fn of(done: BulkDone, confirm: &str) -> Self {
        let (revoked, left) = (count(done.revoked), count(done.left));
        Self { revoked, left, confirm: confirm.to_owned() }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
