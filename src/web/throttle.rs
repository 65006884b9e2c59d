//! Signing in is answered ever later to whoever fails at it, by address and by name: guessing takes years,
//! and an honest person who mistypes waits for seconds.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::domain::network::of_one_client as network;
use crate::domain::time::{Span, Timestamp};

/// After so many failures, each further one makes whoever comes from the same address wait.
const FREE_OF_ADDRESS: u32 = 10;

/// The same for one name, from anywhere. The wait is short: it is meant for many addresses that guess at one
/// name, and must not keep its owner out.
const FREE_OF_NAME: u32 = 20;

/// The longest waits.
const LONGEST_OF_ADDRESS: Span = Span::from_seconds(900);
const LONGEST_OF_NAME: Span = Span::from_seconds(30);

/// How long failures are remembered after the last of them.
const MEMORY: Span = Span::from_seconds(3_600);

/// How long it is remembered that a name has signed in at an address.
const KNOWN: Span = Span::from_days(30);

/// The most addresses, the most names, and the most of both together that are remembered.
const REMEMBERED: usize = 20_000;

/// Failures at signing in.
#[derive(Debug, Default)]
pub struct Throttle {
    by_address: Mutex<HashMap<IpAddr, Failures>>,
    by_name: Mutex<HashMap<String, Failures>>,
    /// Who signed in where, and when last. Behind a proxy all come from one address, and whoever guesses there
    /// must not keep those out who come every day.
    known: Mutex<HashMap<(IpAddr, String), Timestamp>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Timestamp,
    until: Timestamp,
}

impl Throttle {
    /// How long somebody has to wait before they may try again; none if they may now.
    pub fn wait(&self, address: IpAddr, name: &str, now: Timestamp) -> Option<Span> {
        let longer =
            |failures: Option<Failures>| failures.map(|failures| failures.until.since(now));
        let of_name = longer(get(&self.by_name, &name.to_owned()));
        let of_address = match self.is_known(address, name, now) {
            true => None,
            false => longer(get(&self.by_address, &network(address))),
        };
        of_address.max(of_name).filter(|wait| !wait.is_zero())
    }

    fn is_known(&self, address: IpAddr, name: &str, now: Timestamp) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let at = known.get(&(network(address), name.to_owned()));
        at.is_some_and(|at| now < at.plus(KNOWN))
    }

    /// The same whatever the name.
    pub fn wait_of(&self, address: IpAddr, now: Timestamp) -> Option<Span> {
        let failures = get(&self.by_address, &network(address));
        failures.map(|failures| failures.until.since(now)).filter(|wait| !wait.is_zero())
    }

    /// How long one name has to wait, wherever it comes from.
    pub fn wait_of_name(&self, name: &str, now: Timestamp) -> Option<Span> {
        let failures = get(&self.by_name, &name.to_owned());
        failures.map(|failures| failures.until.since(now)).filter(|wait| !wait.is_zero())
    }

    /// Notes something of an address alone.
    pub fn count(&self, address: IpAddr, now: Timestamp) {
        note(&self.by_address, network(address), now, FREE_OF_ADDRESS, LONGEST_OF_ADDRESS);
    }

    /// Notes that somebody failed.
    pub fn failed(&self, address: IpAddr, name: &str, now: Timestamp) {
        note(&self.by_address, network(address), now, FREE_OF_ADDRESS, LONGEST_OF_ADDRESS);
        self.failed_as(name, now);
    }

    /// Notes a failure of one name alone.
    pub fn failed_as(&self, name: &str, now: Timestamp) {
        // Nobody has a longer name.
        if name.len() <= crate::domain::id::MAX_NAME {
            note(&self.by_name, name.to_owned(), now, FREE_OF_NAME, LONGEST_OF_NAME);
        }
    }

    /// Forgets what failed of a name that has signed in, and takes back what was noted of this attempt. What
    /// else failed at the address stays: it may have been at the names of others.
    pub fn succeeded(&self, address: IpAddr, name: &str, now: Timestamp) {
        self.knows(address, name, now);
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failures) = by_address.get_mut(&network(address)) {
            failures.count = failures.count.saturating_sub(1);
            let pause = pause(failures.count, FREE_OF_ADDRESS, LONGEST_OF_ADDRESS);
            failures.until = failures.last.plus(pause);
        }
        drop(by_address);
        self.forget(name);
    }

    fn knows(&self, address: IpAddr, name: &str, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = (network(address), name.to_owned());
        if known.len() >= REMEMBERED && !known.contains_key(&pair) {
            let oldest = known.iter().min_by_key(|(_, at)| **at).map(|(pair, _)| pair.clone());
            oldest.map(|oldest| known.remove(&oldest));
        }
        known.insert(pair, now);
    }

    /// Forgets what failed of one name.
    pub fn forget(&self, name: &str) {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

fn get<K: Hash + Eq>(of: &Mutex<HashMap<K, Failures>>, key: &K) -> Option<Failures> {
    of.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
}

fn note<K: Hash + Eq + Clone>(
    of: &Mutex<HashMap<K, Failures>>,
    key: K,
    now: Timestamp,
    free: u32,
    longest: Span,
) {
    let mut all = of.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= REMEMBERED && !all.contains_key(&key) {
        all.retain(|_, failures| now < failures.last.plus(MEMORY));
        // Whoever has many addresses pushes out the oldest, not those who wait.
        if all.len() >= REMEMBERED
            && let Some((oldest, _)) = all.iter().min_by_key(|(_, failures)| failures.until)
        {
            let oldest = oldest.clone();
            all.remove(&oldest);
        }
    }
    let failures = all.entry(key).or_insert(Failures { count: 0, last: now, until: now });
    if now >= failures.last.plus(MEMORY) {
        failures.count = 0;
    }
    failures.count = failures.count.saturating_add(1);
    failures.last = now;
    failures.until = now.plus(pause(failures.count, free, longest));
}

/// The wait behind so many failures: one second, then two, four, and so on.
fn pause(count: u32, free: u32, longest: Span) -> Span {
    let seconds = match count.checked_sub(free) {
        None | Some(0) => 0,
        Some(beyond) => 1_u64.checked_shl(beyond - 1).unwrap_or(u64::MAX).min(longest.seconds()),
    };
    Span::from_seconds(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    fn from(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn whoever_fails_waits_longer_each_time_and_others_do_not() {
        let throttle = Throttle::default();
        let (guesser, other) = (from("192.0.2.1"), from("192.0.2.2"));
        for _ in 0..FREE_OF_ADDRESS {
            throttle.failed(guesser, "root", at(0));
        }
        assert_eq!(throttle.wait(guesser, "root", at(0)), None);
        for (nth, wait) in [1, 2, 4, 8].into_iter().enumerate() {
            throttle.failed(guesser, &format!("name-{nth}"), at(0));
            assert_eq!(throttle.wait(guesser, "root", at(0)), Some(Span::from_seconds(wait)));
        }
        assert_eq!(throttle.wait(other, "root", at(0)), None);
        assert_eq!(throttle.wait(guesser, "root", at(8)), None);
        for _ in 0..80 {
            throttle.failed(guesser, "root", at(0));
        }
        assert_eq!(throttle.wait(guesser, "x", at(0)), Some(LONGEST_OF_ADDRESS));
        assert_eq!(throttle.wait(other, "root", at(0)), Some(LONGEST_OF_NAME), "by name too");
        throttle.succeeded(other, "root", at(0));
        assert_eq!(throttle.wait(other, "root", at(0)), None, "the name is let in again");
        throttle.failed(other, "root", at(0));
        throttle.failed(guesser, "root", at(MEMORY.seconds()));
        assert_eq!(throttle.wait(guesser, "root", at(MEMORY.seconds())), None);
    }

    #[test]
    fn whoever_signs_in_between_guesses_at_others_waits_all_the_same() {
        let throttle = Throttle::default();
        let guesser = from("192.0.2.1");
        for nth in 0..FREE_OF_ADDRESS {
            throttle.failed(guesser, &format!("name-{nth}"), at(0));
            throttle.failed(guesser, "own", at(0));
            throttle.succeeded(guesser, "own", at(0));
        }
        assert_eq!(throttle.wait(guesser, "root", at(0)), None, "ten are free");
        throttle.failed(guesser, "root", at(0));
        assert_eq!(throttle.wait(guesser, "root", at(0)), Some(Span::from_seconds(1)));
        assert_eq!(throttle.wait(guesser, "own", at(0)), None, "who came before is let in");
        throttle.failed(guesser, "own", at(1));
        throttle.succeeded(guesser, "own", at(0));
        throttle.failed(guesser, "root", at(2));
        assert_eq!(throttle.wait(guesser, "root", at(2)), Some(Span::from_seconds(2)));
        let later = at(2).plus(KNOWN);
        throttle.failed(guesser, "root", later);
        for nth in 0..FREE_OF_ADDRESS {
            throttle.failed(guesser, &format!("name-{nth}"), later);
        }
        assert!(throttle.wait(guesser, "own", later).is_some(), "not for ever");
        let office = from("192.0.2.9");
        for nth in 0..100 {
            throttle.failed(office, &format!("colleague-{nth}"), at(0));
            throttle.succeeded(office, &format!("colleague-{nth}"), at(0));
        }
        assert_eq!(throttle.wait(office, "late", at(0)), None, "who signs in is no failure");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_memory_is_bounded() {
        let throttle = Throttle::default();
        for nth in 0..=FREE_OF_ADDRESS {
            throttle.failed(from(&format!("2001:db8::{nth:x}")), &format!("n{nth}"), at(0));
        }
        assert!(throttle.wait(from("2001:db8::ffff"), "x", at(0)).is_some());
        assert!(throttle.wait(from("2001:db8:0:1::1"), "x", at(0)).is_none());
        for nth in 0..REMEMBERED as u32 + 10 {
            throttle.failed(std::net::Ipv4Addr::from_bits(nth).into(), &nth.to_string(), at(1));
        }
        assert!(throttle.by_address.lock().unwrap().len() <= REMEMBERED);
        assert!(throttle.wait(from("2001:db8::ffff"), "x", at(0)).is_some(), "those who wait stay");
    }
}
