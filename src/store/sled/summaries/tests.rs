//! Rows and what is asked of them.

use super::marks::Marks;
use super::page::{self, PAGE_BYTES, PAGE_ROWS};
use super::row::{self, Row, Texts};
use crate::domain::event::Actor;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{Act, End, Ended, Token};
use crate::store::query::{Rotated, Standing, TokenFilter};
use crate::store::sample::{NOW, token};

fn act() -> Act {
    Act { at: NOW, by: Actor::Local(0), reason: String::new() }
}

/// Tokens whose rows differ in every bit that a state rests on.
fn samples() -> Vec<Token> {
    let made = token(7, "alice");
    let ended = |how| Token { ended: Some(Ended { how, act: act() }), ..made.clone() };
    vec![
        made.clone(),
        Token { disabled: Some(act()), ..made.clone() },
        Token { not_before: NOW.plus(Span::from_days(3)), ..made.clone() },
        Token { expires_at: Some(NOW.plus(Span::from_days(5))), ..made.clone() },
        Token { idle_ttl: Span::ZERO, expires_at: None, ..made.clone() },
        ended(End::Revoked),
        ended(End::Expired),
        ended(End::IdleExpired),
    ]
}

#[test]
fn a_row_tells_the_state_of_its_token_at_every_moment() {
    let place = Texts { offset: 99, length: 5, checksum: 3 };
    for token in samples() {
        let bytes = row::encode(&token, 5, place);
        let row = Row::read(&bytes).unwrap();
        assert_eq!((row.id(), row.course(), row.texts()), (token.id, token.course(), Some(place)));
        assert_eq!(row.has_ended(), token.ended.is_some());
        assert_eq!(row.ended_at(), token.ended.as_ref().map(|ended| ended.act.at));
        for days in [0, 1, 2, 3, 4, 5, 99, 100, 101, 200] {
            let now = NOW.plus(Span::from_days(days));
            for used in [None, Some(NOW), Some(NOW.plus(Span::from_days(50)))] {
                assert_eq!(
                    row.course().state(used, now),
                    token.state(used, now),
                    "{days} {used:?}"
                );
            }
        }
    }
    let far = Token { expires_at: Some(Timestamp::MAX), ..token(7, "alice") };
    assert!(Row::read(&row::encode(&far, 5, place)).unwrap().is_far());
}

/// Everything that a filter can ask of one moment.
fn filters() -> Vec<TokenFilter> {
    let names = "pending active disabled blocked used_up expired idle_expired revoked";
    let open = TokenFilter::default;
    let standing =
        |name: &str| std::collections::BTreeSet::from([name.parse::<Standing>().unwrap()]);
    let times = [0, 1, 3, 5, 6, 100, 101].map(|days| NOW.plus(Span::from_days(days)));
    let mut all = vec![open(), TokenFilter { rotated: Some(Rotated::Any), ..open() }];
    all.extend(
        names.split(' ').map(|name| TokenFilter { standings: Some(standing(name)), ..open() }),
    );
    all.extend([0x100, 0x8000, 0].map(|bits| TokenFilter {
        flags: crate::domain::flags::Flags::from_bits(bits).unwrap(),
        ..open()
    }));
    for time in times {
        all.push(TokenFilter { ends_before: Some(time), ..open() });
        all.push(TokenFilter { expires_before: Some(time), ..open() });
        all.push(TokenFilter { created_before: Some(time), ..open() });
        all.push(TokenFilter { created_from: Some(time), ..open() });
    }
    all
}

#[test]
fn what_a_block_has_leaves_out_no_token_that_is_asked_for() {
    let successor = crate::domain::id::TokenId::new(NOW.unix() * 1_000 + 5_000, [7; 10]);
    let uses =
        crate::domain::limits::Limits { uses: Some(7), ..crate::domain::limits::Limits::NONE };
    let made = token(7, "alice");
    let mut tokens = samples();
    tokens.push(Token { rotated_to: Some(successor), ..made.clone() });
    tokens.push(Token { limits: uses, ..made.clone() });
    tokens.push(Token { not_before: Timestamp::MAX, ..made });
    let (filters, mut left_out) = (filters(), 0);
    for token in &tokens {
        let bytes = row::encode(token, 5, Texts::default());
        let mut marks = Marks::none();
        marks.add(Row::read(&bytes).unwrap());
        for (filter, blocked) in filters.iter().flat_map(|one| [(one, false), (one, true)]) {
            let flags = filter.flags.bits().cast_unsigned();
            for now in [0, 2, 4, 5, 99, 100, 101].map(|days| NOW.plus(Span::from_days(days))) {
                let may = marks.may_have(filter, (flags, 0), (now, blocked));
                left_out += usize::from(!may);
                for used in [None, Some(NOW), Some(NOW.plus(Span::from_days(50)))] {
                    let fits = filter.matches(token, used, blocked, now);
                    assert!(may || !fits, "{filter:?} at {now} of {token:?} used {used:?}");
                }
            }
        }
    }
    assert!(left_out > 1_000, "most are left out: {left_out}");
}

#[test]
fn a_changed_bit_another_place_another_file_and_zeros_are_noticed() {
    let place = Texts { offset: u64::MAX >> 16, length: u16::MAX, checksum: 3 };
    let mut bytes = [0; PAGE_BYTES];
    for (at, token) in samples().iter().enumerate() {
        page::put(&mut bytes, at, &row::encode(token, 5, place));
    }
    page::seal(&mut bytes, 5, 3);
    let rows = page::open(&bytes, 5, 3).unwrap();
    assert_eq!((rows.len(), page::tokens(&bytes)), (PAGE_ROWS, samples().len()));
    assert!(rows.iter().filter_map(Row::read).all(|row| row.texts() == Some(place)));
    assert!(page::open(&bytes, 5, 4).is_none() && page::open(&bytes, 6, 3).is_none());
    for at in 0..PAGE_BYTES {
        let mut changed = bytes;
        changed[at] ^= 1 << (at % 8);
        assert!(page::open(&changed, 5, 3).is_none(), "byte {at}");
    }
    assert!((0..1_000).all(|number| page::open(&[0; PAGE_BYTES], 5, number).is_none()));
    let sum = |salt, number, text: &[u8]| row::text_checksum(salt, number, text);
    let others = [sum(5, 4, b"text"), sum(6, 3, b"text"), sum(5, 3, b"tex"), sum(5, 3, b"uext")];
    assert!(!others.contains(&sum(5, 3, b"text")));
}
