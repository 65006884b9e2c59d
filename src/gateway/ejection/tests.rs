//! Who is left out, for how long, and how they come back.

use super::*;

const LIMITS: Ejection = Ejection { after: 3, time: Duration::from_secs(10), on_errors: false };

impl Standing {
    /// What has just begun.
    pub(in crate::gateway) fn fails_now(&self, limits: &Ejection) -> Option<Duration> {
        self.fails(self.spells(), limits)
    }

    fn fails_at(&self, now_ms: u64, limits: &Ejection) -> Option<Duration> {
        self.goes_on(&self.failing, self.spells(), now_ms, limits)
    }
}

fn part(standing: &Standing, now_ms: u64) -> u32 {
    standing.share_at(now_ms).part
}

#[test]
fn it_takes_failures_in_a_row_and_within_the_window() {
    let standing = Standing::default();
    for round in 0..10 {
        assert_eq!(standing.fails_at(round, &LIMITS), None);
        assert_eq!(standing.fails_at(round, &LIMITS), None);
        standing.succeeds(standing.spells());
    }
    for round in 1..10 {
        // Two that are near, and the third is far away.
        let now_ms = round * 2 * (WINDOW_MS + 1);
        assert_eq!(standing.fails_at(now_ms, &LIMITS), None, "{round}");
        assert_eq!(standing.fails_at(now_ms + 1, &LIMITS), None, "{round}");
    }
    assert!(standing.is_whole());
    let now_ms = 30 * WINDOW_MS;
    let out: Vec<_> = (0..5).map(|_| standing.fails_at(now_ms, &LIMITS)).collect();
    assert_eq!(out, [None, None, Some(LIMITS.time), None, None]);
    assert!(!standing.is_whole());
    assert_eq!(standing.left_out(), 1);
    let never = Ejection { after: 0, ..LIMITS };
    let standing = Standing::default();
    assert!((0..100).all(|_| standing.fails_at(1, &never).is_none()) && standing.is_whole());
}

#[test]
fn answers_that_begin_well_and_break_off_are_failures_too() {
    let standing = Standing::default();
    let breaks = || {
        standing.succeeds(standing.spells());
        standing.breaks_off(standing.spells(), &LIMITS)
    };
    assert_eq!((breaks(), breaks()), (None, None));
    standing.ends_well();
    assert_eq!(standing.course(), Course::Up);
    assert_eq!([breaks(), breaks(), breaks()], [None, None, Some(LIMITS.time)]);
    assert_eq!((standing.is_whole(), standing.course()), (false, Course::LeftOut));
}

#[test]
fn it_comes_back_slowly_and_is_told_of_once() {
    let standing = Standing::default();
    (0..3).for_each(|_| _ = standing.fails_at(1, &LIMITS));
    assert_eq!(standing.share_at(10_000), Share { part: 0, is_back: false });
    assert_eq!(standing.share_at(10_001), Share { part: 1, is_back: true });
    standing.succeeds(standing.spells());
    let parts: Vec<_> = (0..5).map(|step| part(&standing, 10_001 + step * 2_500)).collect();
    assert_eq!(parts, [1, 16, 32, 48, 64]);
    assert!(standing.is_whole());
    assert!(!standing.share_at(30_000).is_back);
}

#[test]
fn whoever_fails_on_coming_back_is_out_for_twice_as_long_up_to_minutes() {
    let (standing, mut now_ms) = (Standing::default(), 1);
    (0..2).for_each(|_| _ = standing.fails_at(now_ms, &LIMITS));
    let mut times = Vec::new();
    for _ in 0..8 {
        let out = standing.fails_at(now_ms, &LIMITS).unwrap();
        times.push(out.as_secs());
        now_ms += u64::try_from(out.as_millis()).unwrap();
        assert!(part(&standing, now_ms) > 0);
    }
    assert_eq!(times, [10, 20, 40, 80, 160, 300, 300, 300]);
    // Once it has stood for as long as a return takes, and answered something, all is forgotten.
    standing.succeeds(standing.spells());
    now_ms += RETURN_MS;
    assert_eq!(part(&standing, now_ms), WHOLE);
    let out: Vec<_> = (0..3).map(|_| standing.fails_at(now_ms, &LIMITS)).collect();
    assert_eq!(out, [None, None, Some(LIMITS.time)]);
}

#[test]
fn what_began_before_it_was_out_does_not_put_it_out_again() {
    let standing = Standing::default();
    let long_ago = standing.spells();
    (0..3).for_each(|_| _ = standing.fails_at(1, &LIMITS));
    assert_eq!(part(&standing, 10_001), 1, "it is back");
    for row in [&standing.failing, &standing.breaking] {
        assert_eq!(standing.goes_on(row, long_ago, 10_002, &LIMITS), None);
    }
    assert_eq!(part(&standing, 12_501), 8);
    assert_eq!(standing.fails_at(12_501, &LIMITS), Some(2 * LIMITS.time));
    // Nor does what began while it was, for there was nobody else.
    let meanwhile = standing.spells();
    assert!(standing.share_at(32_502).is_back);
    assert_eq!(standing.goes_on(&standing.failing, meanwhile, 32_503, &LIMITS), None);
    assert!(standing.fails_at(32_503, &LIMITS).is_some());
    // Nor does what began before a check found it down.
    let standing = Standing::default();
    assert!(standing.is_found(false));
    let meanwhile = standing.spells();
    assert!(standing.is_found(true));
    for before in [long_ago, meanwhile] {
        assert_eq!(standing.fails(before, &LIMITS), None);
    }
    assert_eq!(standing.course(), Course::Returning);
    assert_eq!(standing.fails_now(&LIMITS), Some(LIMITS.time));
}

/// A request that hangs there takes longer to fail than a return does.
#[test]
fn one_that_answers_nothing_gets_little_for_as_long_as_that_lasts() {
    let standing = Standing::default();
    (0..3).for_each(|_| _ = standing.fails_at(1, &LIMITS));
    let before = standing.spells();
    assert!(standing.share_at(10_001).is_back);
    standing.succeeds(before);
    let parts = [10_002, 15_000, 20_001, 100_000].map(|now_ms| part(&standing, now_ms));
    assert_eq!(parts, [1, UNPROVEN, UNPROVEN, UNPROVEN], "that was no answer to what began since");
    assert_eq!(standing.course(), Course::Returning);
    assert_eq!(standing.fails_at(100_000, &LIMITS), Some(2 * LIMITS.time));
    assert!(standing.share_at(120_001).is_back);
    standing.succeeds(standing.spells());
    assert_eq!([125_000, 129_999].map(|now_ms| part(&standing, now_ms)), [32, 63]);
    assert_eq!(part(&standing, 130_000), WHOLE);
    assert!(standing.is_whole());
}

#[test]
fn one_that_a_check_finds_down_gets_nothing_until_it_is_found_well() {
    let standing = Standing::default();
    assert!(!standing.is_found(true) && standing.is_found(false) && !standing.is_found(false));
    assert!(!standing.is_whole());
    assert_eq!(standing.share(), Share { part: 0, is_back: false });
    assert_eq!(standing.course(), Course::Down);
    assert!(standing.is_found(true));
    assert_eq!(standing.course(), Course::Returning);
    let share = standing.share();
    assert!((1..WHOLE).contains(&share.part) && !share.is_back, "{share:?}");
}
