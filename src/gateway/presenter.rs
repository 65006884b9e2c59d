//! Behind the second station: what an API asks of the connection. Nothing of it depends on a token, so that it is asked
//! first, on public rules too.

use crate::domain::refusal::Refusal;

use super::plan::ApiPlan;

/// Refuses a request without a client certificate where its API requires one, or where all do (`needed`) and the one that was
/// shown counts no more, or none was when none was needed yet. A client that asked for another host in its
/// handshake may have had no reason to show one: it is told to come by a connection of its own (sec-G2; RFC 9110 section
/// 15.5.20), as browsers do, which put requests for several hosts on one connection.
///
/// `asked` is the host of the handshake, if it named one.
///
/// # Errors
/// There is none.
pub(super) fn check(
    api: &ApiPlan,
    host: &str,
    (is_shown, asked): (bool, Option<&str>),
    needed: bool,
) -> Result<(), Refusal> {
    if is_shown || !(api.needs_certificate || needed) {
        return Ok(());
    }
    match asked {
        Some(asked) if asked != host => Err(Refusal::Misdirected),
        _ => Err(Refusal::CertificateMissing),
    }
}
