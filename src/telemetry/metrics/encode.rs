//! The forms of a metric, written with the registry's encoder.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::super::durations::{Distribution, Durations};

/// Writes one family after the other.
pub(super) struct Families<'a>(DescriptorEncoder<'a>);

/// The label of a family that has one.
pub(super) type Label<'a> = [(&'static str, &'a str); 1];

/// The buckets of a histogram that are shown, by their places in [`Durations`]. Fewer than are
/// counted: each is a line for each scrape.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    first: usize,
    step: usize,
}

/// From a microsecond on, each four times the one before.
pub(super) const FROM_MICROSECONDS: Shown = Shown { first: 0, step: 2 };
/// From 128 microseconds on, each twice the one before.
pub(super) const FROM_NETWORK: Shown = Shown { first: 7, step: 1 };

impl<'a> Families<'a> {
    pub(super) const fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    /// A number that only grows.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        encoder.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// Numbers that only grow, told apart by labels.
    pub(super) fn counters<S: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (S, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            let mut one = family.encode_family(&labels)?;
            one.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    /// A number that goes up and down.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
    }

    /// Numbers that go up and down, told apart by labels.
    pub(super) fn gauges<S: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (S, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// The same in seconds.
    pub(super) fn seconds(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let (unit, kind) = (Some(&Unit::Seconds), MetricType::Gauge);
        self.0.encode_descriptor(name, help, unit, kind)?.encode_gauge(&value)
    }

    /// Several in seconds, told apart by a label.
    pub(super) fn seconds_each<'s, const LABELS: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = ([(&'static str, &'s str); LABELS], u64)>,
    ) -> fmt::Result {
        let (unit, kind) = (Some(&Unit::Seconds), MetricType::Gauge);
        let mut family = self.0.encode_descriptor(name, help, unit, kind)?;
        for (labels, value) in values {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// One of a closed set of states: 1 for the one that holds, 0 for the others.
    pub(super) fn state<'s>(
        &mut self,
        name: &str,
        help: &str,
        states: impl IntoIterator<Item = (Label<'s>, bool)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, holds) in states {
            family.encode_family(&labels)?.encode_gauge(&u64::from(holds))?;
        }
        Ok(())
    }

    /// Texts that do not change.
    pub(super) fn info(&mut self, name: &str, help: &str, labels: Label<'_>) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Info)?.encode_info(&labels)
    }

    /// Durations.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        shown: Shown,
        read: &Distribution,
    ) -> fmt::Result {
        let (unit, kind) = (Some(&Unit::Seconds), MetricType::Histogram);
        let mut encoder = self.0.encode_descriptor(name, help, unit, kind)?;
        let buckets = shown.of(read);
        encoder.encode_histogram::<NoLabelSet>(read.sum_seconds, read.count(), &buckets, None)
    }

    /// Durations, told apart by a label.
    pub(super) fn histograms<'s>(
        &mut self,
        name: &str,
        help: &str,
        shown: Shown,
        all: impl IntoIterator<Item = (Label<'s>, Distribution)>,
    ) -> fmt::Result {
        let (unit, kind) = (Some(&Unit::Seconds), MetricType::Histogram);
        let mut family = self.0.encode_descriptor(name, help, unit, kind)?;
        for (labels, read) in all {
            let buckets = shown.of(&read);
            family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
                read.sum_seconds,
                read.count(),
                &buckets,
                None,
            )?;
        }
        Ok(())
    }
}

impl Shown {
    /// Upper bounds and counts, with what lies between two of them in the upper one.
    fn of(self, read: &Distribution) -> Vec<(f64, u64)> {
        let mut buckets = Vec::new();
        let mut waiting = 0_u64;
        for (place, count) in read.counts.iter().enumerate() {
            waiting = waiting.saturating_add(*count);
            let on_step = place >= self.first && (place - self.first).is_multiple_of(self.step);
            if on_step || place + 1 == Durations::BUCKETS {
                buckets.push((Durations::upper_seconds(place), std::mem::take(&mut waiting)));
            }
        }
        buckets
    }
}
