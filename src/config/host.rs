//! Names of hosts: an API's, and those of the administrative address.

use super::endpoint::is_host;
use super::mistake::Mistake;
use super::reading::{Field, Placed, Reading, Reported, Text};
use super::values::list;

/// A host in its one spelling: lower case, no trailing dot (sec-P7, sec-P12). `wildcard` says what
/// to do instead of one.
pub(super) fn host(
    given: &Placed<Text>,
    wildcard: &str,
    reading: &Reading<'_>,
) -> Result<String, Reported> {
    let lower = given.value.value.to_ascii_lowercase();
    let host = lower.strip_suffix('.').unwrap_or(&lower);
    if is_host(host) {
        return Ok(host.to_owned());
    }
    let hint = match host {
        _ if host.contains('*') => wildcard,
        _ if host.contains("://") || host.contains('/') => {
            "write the name alone, such as `api.example.com`"
        }
        _ if host.contains(':') => "leave out the port: any port is meant",
        _ if !host.is_ascii() => "write it in its ASCII form, `xn--...`",
        _ => "a host is a name such as `api.example.com`, or an IPv4 address",
    };
    Err(reading.mistake(&given.span, Mistake::BadHost(given.value.shown.clone()), hint))
}

/// A list of hosts, each in its one spelling; none where nothing is written.
pub(super) fn hosts(
    field: &Field<Vec<Placed<Text>>>,
    reading: &Reading<'_>,
) -> Result<Vec<String>, Reported> {
    let given = list(field, reading)?;
    let all: Vec<_> = given
        .iter()
        .map(|one| host(one, "there are no wildcards; name each host", reading))
        .collect();
    all.into_iter().collect()
}
