//! Reasons, and what clients are told of them.

use super::*;
use std::collections::HashSet;

#[test]
fn every_reason_has_a_name_of_its_own() {
    let names: HashSet<_> = Refusal::ALL.iter().map(|refusal| refusal.reason()).collect();
    assert_eq!(names.len(), Refusal::ALL.len());
}

#[test]
fn x1_a_dead_secret_reads_like_an_unknown_one() {
    for refusal in [
        Refusal::Revoked,
        Refusal::Disabled,
        Refusal::OwnerBlocked,
        Refusal::CompanyBlocked,
        Refusal::NotYetActive,
    ] {
        assert_eq!(refusal.detail(), Refusal::Unknown.detail());
        assert_eq!(refusal.status(), Refusal::Unknown.status());
        assert_eq!(refusal.challenge_error(), Refusal::Unknown.challenge_error());
    }
}

#[test]
fn x7_what_cannot_be_decided_is_never_401() {
    assert_eq!(Refusal::CannotDecide.status(), 503);
    assert_eq!(Refusal::CannotDecide.fault(), Fault::Gateway);
}
