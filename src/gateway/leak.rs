//! A secret that stands in the target of a request. It would go on to the upstream and into logs, so
//! such a request is refused (sec-A3; RFC 6750 section 2, RFC 9700 section 4.3.2).

use std::borrow::Cow;

use memchr::{memchr_iter, memmem};
use percent_encoding::percent_decode;

use crate::domain::refusal::Refusal;
use crate::domain::secret::{self, is_plausible};

/// Refuses a target that holds the `credential` of its own request or any secret of our own form, as
/// it is or in escapes.
///
/// # Errors
/// There is one.
pub(super) fn check_target(target: &str, credential: Option<&[u8]>) -> Result<(), Refusal> {
    let target = target.as_bytes();
    if holds(target, credential) || holds_escaped(target, credential) {
        return Err(Refusal::CredentialInTarget);
    }
    Ok(())
}

fn holds(target: &[u8], credential: Option<&[u8]>) -> bool {
    // One search finds all of our own form, whosever they are.
    if memchr_iter(b'_', target).any(|at| secret::ends_prefix_of_own(target, at)) {
        return true;
    }
    let foreign = credential.filter(|text| !text.starts_with(secret::PREFIX.as_bytes()));
    foreign.is_some_and(|text| {
        text.len() < target.len() && memmem::find(target, text).is_some() && is_plausible(text)
    })
}

/// The same where characters are escaped that a secret may have; most escapes are of others.
fn holds_escaped(target: &[u8], credential: Option<&[u8]>) -> bool {
    let hides = |at: usize| {
        let escape = target.get(at..target.len().min(at + 3)).unwrap_or_default();
        let text: Cow<'_, [u8]> = percent_decode(escape).into();
        matches!(*text, [byte] if byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
    };
    memchr_iter(b'%', target).any(hides) && holds(&Cow::from(percent_decode(target)), credential)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "tg_0000000000000000000000000000003Cbbpz";

    #[test]
    fn sec_a3_a_secret_in_a_target_is_found_in_any_spelling() {
        let own = secret::Secret::issue(|bytes| {
            bytes.fill(b'7');
            Ok::<_, ()>(())
        });
        let own = own.unwrap().expose().to_owned();
        let foreign = "0f8fad5b-d9cb-469f+a165/70867728950e==";
        for (target, credential) in [
            (format!("/x?t={own}"), None),
            (format!("/{own}"), Some(OWN)),
            (format!("/a_b?t_x=_&t={own}&u"), Some(foreign)),
            (format!("/x?t=%74g_{}", &own[3..]), Some(&*own)),
            (format!("/x?t=t%67%5F{}", &own[3..]), None),
            (format!("/x?t={foreign}"), Some(foreign)),
            (format!("/x?t={}", foreign.replace('+', "%2b").replace('/', "%2F")), Some(foreign)),
            (format!("/x?t={}&%", foreign.replace('=', "%3d")), Some(foreign)),
        ] {
            let found = check_target(&target, credential.map(str::as_bytes));
            assert_eq!(found, Err(Refusal::CredentialInTarget), "{target}");
        }
        for (target, credential) in [
            (format!("/x?t={foreign}"), None),
            (format!("/x?t={foreign}"), Some(&*own)),
            (format!("/x?t={}", &own[..own.len() - 1]), None),
            ("/tg_/_tg?tg_=%20%7C&%&%4&%zz&a_=tg".to_owned(), Some("short")),
            ("/short".to_owned(), Some("short")),
        ] {
            assert_eq!(check_target(&target, credential.map(str::as_bytes)), Ok(()), "{target}");
        }
    }
}
