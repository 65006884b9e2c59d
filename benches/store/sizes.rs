//! Whether the store slows as it grows: two stores, one with ten times as many tokens as the other, take the
//! same work in alternating rounds. What both do alike, such as the sync of the history, what sled tidies up
//! and what else the machine does, falls on both; what is left is the size.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tollgate::store::Store;

use super::{OWNERS, create, lookups, open, owned, page, records, resident_mb};

/// The larger store has as many tokens as it is asked for, the smaller one a tenth.
const SMALLER: u64 = 10;
const ROUNDS: usize = 11;
/// Tokens that a round makes in each store.
const MADE: u64 = 10_000;
/// Tokens that a commit makes before the rounds.
const TOGETHER: u64 = 500;
/// Between two rounds, so that none pays for what the one before left to be written.
const REST: Duration = Duration::from_millis(1_000);

/// What is measured, and in which order: each by itself, as the reads would push what the creations need from memory.
const WHAT: [&str; 4] = ["a durable creation", "a lookup", "a page of 100", "an owner's first 100"];

struct Sized {
    store: Arc<dyn Store>,
    tokens: u64,
}

pub(super) async fn sizes(folder: &Path, tokens: u64) {
    std::fs::create_dir(folder).unwrap();
    let mut both = Vec::new();
    for tokens in [tokens / SMALLER, tokens] {
        both.push(Sized { store: filled(&folder.join(tokens.to_string()), tokens).await, tokens });
    }
    println!("filled; {} MB resident", resident_mb());
    for (part, what) in WHAT.iter().enumerate() {
        let mut took = [Vec::new(), Vec::new()];
        // The first round warms both.
        for round in 0..=ROUNDS {
            for turn in 0..2 {
                let of = (round + turn) % 2;
                tokio::time::sleep(REST).await;
                let micros = both[of].micros(part).await;
                if round > 0 {
                    took[of].push(micros);
                }
            }
        }
        let ratios = took[0].iter().zip(&took[1]).map(|(few, many)| many / few);
        let ratios = sorted(ratios.collect());
        let [few, many] = took.map(|took| middle(&sorted(took)));
        println!(
            "{what}: {few:.1} us with {}, {many:.1} us with {}; ratio {:.2} ({:.2} to {:.2})",
            both[0].tokens,
            both[1].tokens,
            middle(&ratios),
            ratios[ratios.len() / 4],
            ratios[ratios.len() * 3 / 4],
        );
    }
    for one in both {
        one.store.close().await.unwrap();
    }
}

async fn filled(folder: &Path, tokens: u64) -> Arc<dyn Store> {
    let store = open(folder).await;
    for n in 0..OWNERS {
        store.commit(records::owner(n)).await.unwrap();
    }
    let creation = |n: u64| records::creation(records::token(n, &records::owner_name(n % OWNERS)));
    for from in (0..tokens).step_by(usize::try_from(TOGETHER).unwrap()) {
        let mut commit = creation(from);
        for n in from + 1..tokens.min(from + TOGETHER) {
            commit.changes.extend(creation(n).changes);
        }
        store.commit(commit).await.unwrap();
    }
    store
}

impl Sized {
    async fn micros(&mut self, part: usize) -> f64 {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        match part {
            0 => {
                let (rate, ..) = create(&self.store, self.tokens, self.tokens + MADE).await;
                self.tokens += MADE;
                1e6 / rate
            }
            1 => micros(lookups(&self.store, self.tokens).await),
            2 => micros(page(&self.store, self.tokens).await),
            _ => micros(owned(&self.store).await),
        }
    }
}

fn sorted(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers
}

fn middle(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
