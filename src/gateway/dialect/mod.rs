//! How clients carry tokens and expect refusals: one file for each dialect. What differs between
//! them is asked here, so that the stations know none of them by name.

use std::sync::LazyLock;

use http::header::HeaderMap;

use crate::config::settings::Dialect;
use crate::domain::id::Slug;
use crate::domain::refusal::Refusal;

mod bearer;
mod elma365;
mod focco;
mod refusals;

pub(super) use refusals::Refusals;

/// What a request tells the gateway alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Carried<'r> {
    /// The secret; none if there is no credential.
    pub(super) secret: Option<&'r [u8]>,
    /// The company that it is for; none if it names none.
    pub(super) company: Option<&'r str>,
}

/// Reads what a request tells the gateway, as the dialect of its API has it.
///
/// # Errors
/// A credential or a company that can be read in two ways, or not at all (sec-A1, sec-A2, sec-X5).
pub(super) fn read(dialect: Dialect, headers: &HeaderMap) -> Result<Carried<'_>, Refusal> {
    let (secret, company) = match dialect {
        Dialect::Bearer => (bearer::credential(headers)?, None),
        Dialect::Elma365 => (elma365::credential(headers)?, None),
        Dialect::Focco => (bearer::credential(headers)?, focco::company(headers)?),
    };
    Ok(Carried { secret, company })
}

/// Whether a field of a client, in lower case, is the dialect's own and does not reach the
/// upstream, in any spelling that could be taken for it (sec-H2). `Authorization`, which all
/// dialects have, is not among them.
pub(super) fn withholds(dialect: Dialect, name: &str, keep_credential: bool) -> bool {
    match dialect {
        Dialect::Bearer => false,
        Dialect::Elma365 => elma365::withholds(name, keep_credential),
        Dialect::Focco => focco::withholds(name),
    }
}

/// The field in which clients of a dialect name a company, if they can.
pub(super) const fn company_field(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::Bearer | Dialect::Elma365 => None,
        Dialect::Focco => dialect.own_field(),
    }
}

/// Whether every token needs a company.
pub(super) const fn needs_company(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Focco)
}

/// Writes the lines by which a dialect's upstreams know for whom a request is.
pub(super) fn tell(lines: &mut Vec<u8>, dialect: Dialect, company: Option<&Slug>) {
    match dialect {
        Dialect::Bearer | Dialect::Elma365 => {}
        Dialect::Focco => focco::tell(lines, company),
    }
}

/// What clients of a dialect are told of refusals.
pub(super) fn refusals(dialect: Dialect) -> &'static Refusals {
    static BEARER: LazyLock<Refusals> =
        LazyLock::new(|| Refusals::new(bearer::CONTENT_TYPE, bearer::document));
    static ELMA365: LazyLock<Refusals> =
        LazyLock::new(|| Refusals::new(elma365::CONTENT_TYPE, elma365::document));
    match dialect {
        Dialect::Bearer | Dialect::Focco => &BEARER,
        Dialect::Elma365 => &ELMA365,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::wire;

    #[test]
    fn sec_h2_a_dialects_own_field_is_withheld_in_every_spelling() {
        for dialect in Dialect::ALL {
            let Some(own) = dialect.own_field() else { continue };
            for name in [own.to_owned(), own.replace('-', "_"), own.replacen('-', ".", 1)] {
                assert!(wire::is_alias(&name, own) && withholds(dialect, &name, false), "{name}");
                assert!(!withholds(Dialect::Bearer, &name, false), "{name}");
            }
            for name in ["x-tokens", "x-empr", "x-empr-id-2", "token", "accept"] {
                assert!(!withholds(dialect, name, false), "{name}");
            }
        }
    }
}
