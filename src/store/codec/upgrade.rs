//! The way from older written forms of records to the present one, a step for each version.
//!
//! Version 0 was never released: it stands for the form before the first, so that the way is walked by
//! tests from the first day.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{CodecError, RECORD_VERSION};

/// A record written by version `from`, as this program writes it.
pub(super) fn record(from: u8, token: bool, json: &str) -> Result<Cow<'_, str>, CodecError> {
    match from {
        RECORD_VERSION => Ok(Cow::Borrowed(json)),
        0 => {
            let mut record: Map<String, Value> = serde_json::from_str(json)?;
            if token {
                token_from_0(&mut record);
            }
            Ok(Cow::Owned(serde_json::to_string(&record)?))
        }
        newer => Err(CodecError::Version(newer)),
    }
}

/// Version 0 knew idle limits in whole days alone.
fn token_from_0(record: &mut Map<String, Value>) {
    if let Some(days) = record.remove("idle_days").as_ref().and_then(Value::as_u64) {
        record.insert("idle_ttl".to_owned(), days.saturating_mul(86_400).into());
    }
}
