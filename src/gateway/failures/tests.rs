//! Who is answered late, who is refused, and who is remembered.

use super::*;
use crate::domain::time::{Span, Timestamp};

const LIMITS: FailureLimits = FailureLimits {
    slow_after: 4,
    longest_delay: Duration::from_millis(800),
    refuse_after: 12,
    refuse_for: Duration::from_secs(90),
};

const AT_ONCE: Fate = Fate::Late(Duration::ZERO);

struct World {
    failures: Failures,
    clock: Clock,
}

impl World {
    fn new() -> Self {
        Self { failures: Failures::default(), clock: Clock::held(Timestamp::from_unix(1)) }
    }

    /// One that nobody has tried before.
    fn guess(&self, from: &str, number: u32) -> Fate {
        self.tries(from, number, &LIMITS)
    }

    fn tries(&self, from: &str, number: u32, limits: &FailureLimits) -> Fate {
        let digest = Digest::of(&number.to_be_bytes());
        self.failures.note(from.parse().unwrap(), &digest, limits, &self.clock)
    }

    fn refuses(&self, from: &str) -> bool {
        self.failures.refused_for(from.parse().unwrap(), &self.clock).is_some()
    }

    fn shut_out(&self, from: &str) {
        let fates: Vec<_> = (0..13).map(|number| self.guess(from, number)).collect();
        assert_eq!(fates[12], Fate::ShutOut(LIMITS.refuse_for), "{from}: {fates:?}");
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Span::from_seconds(seconds));
    }

    fn remembered(&self) -> usize {
        self.failures.lines.iter().map(|line| line.lock().unwrap().len()).sum()
    }
}

fn late(ms: u64) -> Fate {
    Fate::Late(Duration::from_millis(ms))
}

#[test]
fn answers_come_ever_later_and_then_none_for_a_while() {
    let world = World::new();
    let fates: Vec<_> = (0..12).map(|number| world.guess("192.0.2.1", number)).collect();
    let free = [AT_ONCE; 4];
    let slow = [200, 400, 600, 800, 800, 800, 800, 800].map(late);
    assert_eq!(fates, [&free[..], &slow].concat());
    assert!(!world.refuses("192.0.2.1"));
    assert_eq!(world.guess("192.0.2.1", 12), Fate::ShutOut(LIMITS.refuse_for));
    assert!(world.refuses("192.0.2.1") && !world.refuses("192.0.2.2"));
    assert_eq!(world.guess("192.0.2.2", 0), AT_ONCE, "others are none of this");
    world.wait(30);
    assert_eq!(world.guess("192.0.2.1", 13), Fate::Refused(Duration::from_secs(60)));
    world.wait(60);
    assert!(!world.refuses("192.0.2.1"));
    // Six of twelve were forgotten meanwhile.
    assert_eq!(world.guess("192.0.2.1", 14), late(600));
    world.wait(120);
    assert_eq!(world.guess("192.0.2.1", 15), AT_ONCE);
}

#[test]
fn failures_that_come_slowly_are_forgotten() {
    let world = World::new();
    for number in 0..1_000 {
        assert_eq!(world.guess("192.0.2.1", number), AT_ONCE);
        world.wait(15);
    }
}

#[test]
fn what_was_tried_before_is_slowed_and_shuts_nobody_out() {
    let world = World::new();
    // As many programs as are known again, each with a secret of its own that is none.
    let fates: Vec<_> = (0..1_000).map(|turn| world.guess("192.0.2.1", turn % 11)).collect();
    assert_eq!(fates[3..6], [AT_ONCE, late(200), late(400)]);
    assert!(fates[8..].iter().all(|fate| *fate == late(800)));
    assert!(!world.refuses("192.0.2.1"));
    // Alone, one is slowed as much.
    let fates: Vec<_> = (0..1_000).map(|_| world.guess("192.0.2.2", 7)).collect();
    assert_eq!((fates[3], fates[4], fates[999]), (AT_ONCE, late(200), late(800)));
    world.shut_out("192.0.2.3");
}

#[test]
fn either_measure_can_be_switched_off() {
    let world = World::new();
    let never = FailureLimits { refuse_after: 0, ..LIMITS };
    let fates: Vec<_> = (0..10_000).map(|n| world.tries("192.0.2.1", n, &never)).collect();
    assert_eq!((fates[0], fates[9_999]), (AT_ONCE, late(800)));
    let at_once = FailureLimits { slow_after: 0, ..LIMITS };
    let fates: Vec<_> = (0..13).map(|n| world.tries("192.0.2.2", n, &at_once)).collect();
    assert!(fates[..12].iter().all(|fate| *fate == AT_ONCE));
    assert_eq!(fates[12], Fate::ShutOut(LIMITS.refuse_for));
    let fates: Vec<_> = (0..1_000).map(|_| world.tries("192.0.2.3", 7, &at_once)).collect();
    assert!(fates.iter().all(|fate| *fate == AT_ONCE));
}

#[test]
fn a_network_of_ipv6_is_one_address() {
    let world = World::new();
    for number in 0..12 {
        world.guess(&format!("2001:db8::{number:x}"), number);
    }
    assert_eq!(world.guess("2001:db8::ffff", 99), Fate::ShutOut(LIMITS.refuse_for));
    assert!(world.refuses("2001:db8::1") && !world.refuses("2001:db8:0:1::1"));
    world.shut_out("192.0.2.1");
    assert!(world.refuses("::ffff:192.0.2.1"), "another spelling");
}

/// Whoever has many addresses fills no memory, and frees nobody who is refused.
#[test]
fn memory_is_bounded_and_who_is_refused_stays_so() {
    let world = World::new();
    for nth in 0..50 {
        world.shut_out(&format!("192.0.2.{nth}"));
    }
    for nth in 0..300_000_u32 {
        let address = std::net::Ipv4Addr::from_bits(0x0b00_0000 + nth);
        world.guess(&address.to_string(), nth);
    }
    assert_eq!(world.remembered(), LINES * WAYS);
    assert!(size_of::<Failing>() <= 120, "{}", size_of::<Failing>());
    assert!((0..50).all(|nth| world.refuses(&format!("192.0.2.{nth}"))));
}
