//! How long things take, counted in buckets that double.

use std::time::Duration;

use super::count::Count;

/// How long something took, in buckets that double.
#[derive(Debug, Default)]
pub struct Durations {
    buckets: [Count; Durations::BUCKETS],
    sum_nanos: Count,
}

impl Durations {
    /// The number of buckets; the last has no upper bound.
    pub const BUCKETS: usize = 28;

    /// Upper bound of a bucket in seconds: 1 microsecond, then doubling up to 67 seconds.
    pub fn upper_seconds(bucket: usize) -> f64 {
        if bucket + 1 >= Self::BUCKETS {
            return f64::INFINITY;
        }
        // Divided, so that the bound is the number that a person would write.
        f64::from(1_u32 << bucket.min(31)) / 1e6
    }

    /// Counts one duration. Only the owning core calls this.
    pub fn observe(&self, took: Duration) {
        let (bucket, nanos) = Self::place(took);
        if let Some(count) = self.buckets.get(bucket) {
            count.add(1);
        }
        self.sum_nanos.add(nanos);
    }

    /// Counts one duration of what several threads do.
    pub fn observe_shared(&self, took: Duration) {
        let (bucket, nanos) = Self::place(took);
        if let Some(count) = self.buckets.get(bucket) {
            count.add_shared(1);
        }
        self.sum_nanos.add_shared(nanos);
    }

    fn place(took: Duration) -> (usize, u64) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let micros = nanos.div_ceil(1_000).max(1);
        let bucket = micros.checked_next_power_of_two().map_or(64, u64::trailing_zeros) as usize;
        (bucket.min(Self::BUCKETS - 1), nanos)
    }

    /// What was counted so far.
    pub fn read(&self) -> Distribution {
        let mut read = Distribution::default();
        for (to, from) in read.counts.iter_mut().zip(&self.buckets) {
            *to = from.value();
        }
        read.sum_seconds = self.sum_nanos.value() as f64 / 1e9;
        read
    }
}

/// What [`Durations`] had counted at some moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    /// The count of each bucket.
    pub counts: [u64; Durations::BUCKETS],
    /// All durations together.
    pub sum_seconds: f64,
}

impl Distribution {
    /// Adds what another core counted.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.counts.iter_mut().zip(other.counts) {
            *sum = sum.saturating_add(count);
        }
        self.sum_seconds += other.sum_seconds;
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_doubling_buckets() {
        let durations = Durations::default();
        for micros in [0, 1, 2, 3, 1_000, 100_000_000] {
            durations.observe(Duration::from_micros(micros));
        }
        durations.observe_shared(Duration::from_micros(1_000));
        let read = durations.read();
        let counts = read.counts;
        assert_eq!((counts[0], counts[1], counts[2], counts[10], counts[27]), (2, 1, 1, 2, 1));
        assert!((read.sum_seconds - 100.002_006).abs() < 1e-9);
        assert_eq!(read.count(), 7);
        assert_eq!(Durations::upper_seconds(10).to_string(), "0.001024");
        durations.observe(Duration::MAX);
        assert_eq!(durations.read().counts[27], 2);
    }
}
