//! Limits: what they must be, and how a change is merged into them.

use crate::domain::limits::Limits;
use crate::service::error::ServiceError;
use crate::service::input::{LimitsChange, Patch};

/// The most requests of a rate and of a burst.
const RATE: u64 = 1_000_000;
/// The most requests of a quota, and of all uses: a number that every reader of JSON and of the
/// RateLimit fields can hold (RFC 9651 section 3.3.1).
const REQUESTS: u64 = 1_000_000_000_000;
/// The most requests at once.
const CONCURRENT: u64 = 100_000;

/// Whether limits let something through and can be counted.
pub(super) fn check(limits: &Limits) -> Result<(), ServiceError> {
    if let Some(rate) = limits.rate {
        number("limits.rate.requests", u64::from(rate.requests), RATE)?;
        number("limits.rate.burst", u64::from(rate.burst()), RATE)?;
    }
    for (period, most) in &limits.quotas {
        number(&format!("limits.quotas.{period}"), *most, REQUESTS)?;
    }
    if let Some(uses) = limits.uses {
        number("limits.uses", uses, REQUESTS)?;
    }
    if let Some(concurrent) = limits.concurrent {
        number("limits.concurrent", u64::from(concurrent), CONCURRENT)?;
    }
    Ok(())
}

fn number(field: &str, value: u64, most: u64) -> Result<(), ServiceError> {
    if value == 0 {
        let problem = "0 would let nothing through: disable the token for that, or leave this out";
        return Err(ServiceError::field(field, problem));
    }
    if value > most {
        return Err(ServiceError::field(field, format_args!("at most {most}, not {value}")));
    }
    Ok(())
}

/// Puts a change into limits; false if it says nothing.
pub(super) fn merge(limits: &mut Limits, change: &Patch<LimitsChange>) -> bool {
    let change = match change {
        Patch::Keep => return false,
        Patch::Clear => {
            *limits = Limits::NONE;
            return true;
        }
        Patch::Set(change) => change,
    };
    put(&mut limits.rate, &change.rate);
    put(&mut limits.uses, &change.uses);
    put(&mut limits.concurrent, &change.concurrent);
    match &change.quotas {
        Patch::Keep => {}
        Patch::Clear => limits.quotas.clear(),
        Patch::Set(quotas) => {
            for (period, most) in quotas {
                match most {
                    Some(most) => limits.quotas.insert(*period, *most),
                    None => limits.quotas.remove(period),
                };
            }
        }
    }
    true
}

fn put<T: Copy>(place: &mut Option<T>, patch: &Patch<T>) {
    match patch {
        Patch::Keep => {}
        Patch::Clear => *place = None,
        Patch::Set(value) => *place = Some(*value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> Limits {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn limits_let_something_through_and_can_be_counted() {
        for good in [
            r#"{"rate":{"requests":1000000,"per":"second","burst":1}}"#,
            r#"{"quotas":{"hour":1,"month":1000000000000},"uses":1,"concurrent":100000}"#,
            "{}",
        ] {
            check(&limits(good)).unwrap();
        }
        for (bad, field) in [
            (r#"{"rate":{"requests":0,"per":"second"}}"#, "limits.rate.requests"),
            (r#"{"rate":{"requests":5,"per":"second","burst":0}}"#, "limits.rate.burst"),
            (r#"{"rate":{"requests":1000001,"per":"hour"}}"#, "limits.rate.requests"),
            (r#"{"quotas":{"week":0}}"#, "limits.quotas.week"),
            (r#"{"quotas":{"day":1000000000001}}"#, "limits.quotas.day"),
            (r#"{"uses":0}"#, "limits.uses"),
            (r#"{"concurrent":100001}"#, "limits.concurrent"),
        ] {
            let error = check(&limits(bad)).unwrap_err();
            assert!(error.to_string().contains(field), "{bad}: {error}");
        }
        for unread in
            [r#"{"rates":{}}"#, r#"{"quotas":{"year":1}}"#, r#"{"uses":-1}"#, r#"{"uses":1.5}"#]
        {
            assert!(serde_json::from_str::<Limits>(unread).is_err(), "{unread}");
        }
    }

    #[test]
    fn a_change_is_merged_part_by_part() {
        let before =
            r#"{"rate":{"requests":5,"per":"second"},"quotas":{"hour":1,"day":2},"uses":7}"#;
        for (change, after) in [
            ("{}", before),
            (r#"{"limits":null}"#, "{}"),
            (r#"{"limits":{"rate":null,"uses":9}}"#, r#"{"quotas":{"hour":1,"day":2},"uses":9}"#),
            (
                r#"{"limits":{"quotas":{"hour":null,"week":3},"concurrent":4,"rate":null,"uses":null}}"#,
                r#"{"quotas":{"day":2,"week":3},"concurrent":4}"#,
            ),
            (r#"{"limits":{"quotas":null}}"#, r#"{"rate":{"requests":5,"per":"second"},"uses":7}"#),
        ] {
            let mut merged = limits(before);
            let asked: crate::service::input::TokenChange = serde_json::from_str(change).unwrap();
            assert_eq!(merge(&mut merged, &asked.limits), change != "{}");
            assert_eq!(merged, limits(after), "{change}");
        }
    }
}
