//! What a request met on its way, for the answer and for those who watch.

use http::HeaderValue;

use crate::domain::refusal::Refusal;
use crate::telemetry::counters::Outcome;

use super::route::Matched;

/// What a request met on its way, for the answer and for those who watch.
#[derive(Debug, Default)]
pub(super) struct Trail<'s> {
    pub(super) matched: Option<Matched<'s>>,
}

impl Trail<'_> {
    /// The challenge that goes with a refusal, in the name of the API that the request met.
    pub(super) fn challenge(&self, refusal: Refusal) -> Option<HeaderValue> {
        let matched = self.matched.as_ref()?;
        match matched.rule {
            Some(rule) if refusal.status() == 403 => Some(rule.insufficient.clone()),
            _ => matched.api.challenges.of(refusal).cloned(),
        }
    }

    /// Counts the request for the rule that it met, on `core`.
    pub(super) fn count(&self, core: usize, outcome: Outcome) {
        let Some(matched) = &self.matched else { return };
        let counters = matched.rule.map_or(&matched.api.unmatched, |rule| &rule.counters);
        counters.add(core, outcome);
    }
}
