//! From the secret to the decision: form, digest, `decide`.

use std::hint::black_box;

use criterion::Criterion;
use tollgate::domain::decision::{self, Case, Facts, OwnerTerms, Standing, Terms};
use tollgate::domain::flags::Flags;
use tollgate::domain::rule::Requirement;
use tollgate::domain::secret::{Digest, Secret, is_plausible};
use tollgate::domain::time::{Span, Timestamp};

use crate::records::token;

fn secret() -> Secret {
    Secret::issue(aws_lc_rs::rand::fill).unwrap()
}

/// The lookup key of a token.
pub(crate) fn digest(criterion: &mut Criterion) {
    let secret = secret();
    let text = secret.expose().as_bytes();
    criterion.bench_function("digest", |bencher| bencher.iter(|| Digest::of(black_box(text))));
}

/// What is looked at before any lookup.
pub(crate) fn plausible(criterion: &mut Criterion) {
    let secret = secret();
    let text = secret.expose().as_bytes();
    criterion.bench_function("form and checksum of a secret", |bencher| {
        bencher.iter(|| is_plausible(black_box(text)));
    });
}

/// All checks of a permitted request.
pub(crate) fn decide(criterion: &mut Criterion) {
    let token = token(0);
    let (standing, terms) = (Standing::from(&token), Terms::from(&token));
    let owner = OwnerTerms {
        blocked: false,
        ceiling: Flags::UNLIMITED,
        roles: ["clerk".parse().unwrap()].into(),
    };
    let rule = Requirement {
        context: Some("stock".parse().unwrap()),
        flags: Flags::from_bits(0x200).unwrap(),
        roles: ["clerk".parse().unwrap()].into(),
        ..Requirement::default()
    };
    let now = token.created_at.plus(Span::from_seconds(5));
    let facts = Facts {
        address: "10.0.0.1".parse().unwrap(),
        certificate: None,
        subject: None,
        last_use: Some(Timestamp::from_unix(now.unix() - 1)),
        item: None,
        company: None,
        lacks: None,
    };
    let case = Case {
        standing,
        terms: &terms,
        owner: &owner,
        company: None,
        rule: Some(&rule),
        facts,
        now,
    };
    assert_eq!(decision::decide(&case), Ok(()));
    criterion
        .bench_function("decide", |bencher| bencher.iter(|| decision::decide(black_box(&case))));
}
