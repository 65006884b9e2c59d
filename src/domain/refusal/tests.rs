//! Reasons, and what clients are told of them.

use super::*;
use std::collections::HashSet;

#[test]
fn every_reason_has_a_name_of_its_own() {
    let names: HashSet<_> = Refusal::ALL.iter().map(|refusal| refusal.reason()).collect();
    assert_eq!(names.len(), Refusal::ALL.len());
}

/// One that is left out would be answered without a text, and counted nowhere.
#[test]
fn every_reason_is_listed() {
    let listed: HashSet<_> = Refusal::ALL.iter().map(|refusal| refusal.reason()).collect();
    let source = [include_str!("../refusal.rs"), include_str!("bad_request.rs")].concat();
    let named = source.lines().filter_map(|line| {
        let (_, rest) = line.trim().strip_prefix("Self::")?.split_once(" => \"")?;
        let name = rest.strip_suffix("\",")?;
        name.chars().all(|one| one == '_' || one.is_ascii_lowercase()).then_some(name)
    });
    assert_eq!(named.collect::<HashSet<_>>(), listed);
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
