//! How the endpoints of an upstream share its requests, and what is done about those that fail.

use std::time::Duration;

use super::file::ApiTable;
use super::mistake::Mistake;
use super::reading::{Reading, Reported};
use super::settings::{Concurrency, Ejection, Retry};
use super::values::{boolean, duration, number, text, word};

/// The largest weight of an endpoint.
const MOST_WEIGHT: i128 = 1_000;

const HOUR: Duration = Duration::from_secs(3_600);

/// The most requests at a time, and the most that wait: more is no bound.
const MOST_REQUESTS: i128 = 1_000_000;

/// How many wait where the file does not say.
const QUEUE: usize = 100;

impl Default for Ejection {
    fn default() -> Self {
        Self { after: 5, time: Duration::from_secs(10), on_errors: false }
    }
}

/// The weights of all endpoints.
pub(super) fn weights(table: &ApiTable, reading: &Reading<'_>) -> Result<Vec<u16>, Reported> {
    let all = table.weights.iter().map(|weight| number(weight, 0..=MOST_WEIGHT, 1, reading));
    // All mistakes are told, and not the first alone.
    let all: Vec<Result<u16, Reported>> = all.collect();
    let all = all.into_iter().collect::<Result<Vec<_>, _>>()?;
    match &table.upstream {
        Some(Ok(list)) if !all.is_empty() && all.iter().all(|weight| *weight == 0) => {
            let hint = "leave `weight` out for at least one, which is the weight 1";
            Err(reading.mistake(&list.span, Mistake::NoWeight(list.key.clone()), hint))
        }
        _ => Ok(all),
    }
}

/// When an endpoint is left out.
pub(super) fn ejection(table: &ApiTable, reading: &Reading<'_>) -> Result<Ejection, Reported> {
    let default = Ejection::default();
    let after = number(&table.upstream_eject_after, 0..=1_000, default.after, reading);
    let time = duration(&table.upstream_eject_time, HOUR, default.time, reading);
    let on_errors = boolean(&table.upstream_eject_on_errors, default.on_errors);
    Ok(Ejection { after: after?, time: time?, on_errors: on_errors? })
}

/// What is sent a second time.
pub(super) fn retry(table: &ApiTable, reading: &Reading<'_>) -> Result<Retry, Reported> {
    let words = [("never", Retry::Never), ("safe", Retry::Safe), ("idempotent", Retry::Idempotent)];
    let given = text(&table.upstream_retry, reading)?;
    given.map_or(Ok(Retry::default()), |given| word(given, &words, reading))
}

/// How many requests at a time.
pub(super) fn concurrency(
    table: &ApiTable,
    reading: &Reading<'_>,
) -> Result<Option<Concurrency>, Reported> {
    let requests = number(&table.upstream_concurrency, 1..=MOST_REQUESTS, 0, reading);
    let queue = number(&table.upstream_queue, 0..=MOST_REQUESTS, QUEUE, reading);
    let timeout = &table.upstream_queue_timeout;
    let queue_timeout = duration(timeout, HOUR, Duration::from_secs(1), reading);
    let (requests, queue, queue_timeout) = (requests?, queue?, queue_timeout?);
    if requests > 0 {
        return Ok(Some(Concurrency { requests, queue, queue_timeout }));
    }
    let queue = table.upstream_queue.as_ref().and_then(|given| given.as_ref().ok());
    let queue = queue.map(|given| given.span.clone());
    let timeout = timeout.as_ref().and_then(|given| given.as_ref().ok());
    match queue.or_else(|| timeout.map(|given| given.span.clone())) {
        None => Ok(None),
        Some(span) => {
            let mistake = Mistake::Missing { what: "this API", key: "upstream_concurrency" };
            let hint = "say how many requests its upstream gets at a time; the others wait";
            Err(reading.mistake(&span, mistake, hint))
        }
    }
}
