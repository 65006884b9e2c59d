//! The checked names of the headers that tell an upstream who is calling, and which header is taken
//! for what. Each default stands here, and in `config/tollgate.toml`.

use std::collections::BTreeMap;
use std::ops::Range;

use http::HeaderName;

use super::file::IdentityTable;
use super::header::{flat, header};
use super::mistake::Mistake;
use super::reading::{Field, Placed, Reading, Reported, Text};
use super::settings::{Dialect, IdentityHeaders};

/// Which header is taken for what, and where that is written, so that no header gets two values.
pub(super) type TakenHeaders = BTreeMap<String, (String, Option<Placed<Text>>)>;

pub(super) fn identity(
    table: &IdentityTable,
    own_fields: impl Iterator<Item = (&'static str, Dialect)>,
    reading: &Reading<'_>,
) -> (Result<IdentityHeaders, Reported>, TakenHeaders) {
    let by_dialect = |(field, dialect): (&str, Dialect)| {
        (field.to_owned(), (format!("dialect = \"{}\"", dialect.name()), None))
    };
    let mut taken: TakenHeaders = own_fields.map(by_dialect).collect();
    let mut name = |field: &Field<Option<Text>>, key: &str, default: &'static str| {
        identity_header(field, key, default, &mut taken, reading)
    };
    let owner = name(&table.owner, "owner", "x-tollgate-owner");
    let company = name(&table.company, "company", "x-tollgate-company");
    let token = name(&table.token_id, "token_id", "x-tollgate-token-id");
    let token_name = name(&table.token_name, "token_name", "x-tollgate-token-name");
    let flags = name(&table.flags, "flags", "x-tollgate-flags");
    let contexts = name(&table.contexts, "contexts", "x-tollgate-contexts");
    let items = name(&table.items, "items", "x-tollgate-items");
    let params = name(&table.params, "params", "x-tollgate-params");
    let request = name(&table.request_id, "request_id", "x-tollgate-request-id");
    let certificate = name(&table.certificate, "certificate", "x-tollgate-certificate");
    let subject =
        name(&table.certificate_subject, "certificate_subject", "x-tollgate-certificate-subject");
    let combine = || {
        Ok(IdentityHeaders {
            owner: owner?,
            company: company?,
            token: token?,
            token_name: token_name?,
            flags: flags?,
            contexts: contexts?,
            items: items?,
            params: params?,
            request: request?,
            certificate: certificate?,
            subject: subject?,
        })
    };
    (combine(), taken)
}

fn identity_header(
    field: &Field<Option<Text>>,
    key: &str,
    default: &'static str,
    taken: &mut TakenHeaders,
    reading: &Reading<'_>,
) -> Result<Option<HeaderName>, Reported> {
    let key = format!("identity.{key}");
    let (name, written) = match field {
        None => (HeaderName::from_static(default), None),
        Some(given) => {
            let given = given.as_ref().map_err(|reported| *reported)?;
            let Some(text) = given.value.clone().filter(|text| !text.value.is_empty()) else {
                return Ok(None);
            };
            let text = Placed { value: text, key: given.key.clone(), span: given.span.clone() };
            (header(&text, reading)?, Some(text))
        }
    };
    take_header(name, key, written.as_ref(), taken, reading).map(Some)
}

/// Notes that a header has a use; a second use of it is a mistake.
pub(super) fn take_header(
    name: HeaderName,
    key: String,
    written: Option<&Placed<Text>>,
    taken: &mut TakenHeaders,
    reading: &Reading<'_>,
) -> Result<HeaderName, Reported> {
    let Some((first, first_written)) = taken.get(&flat(&name)) else {
        taken.insert(flat(&name), (key, written.cloned()));
        return Ok(name);
    };
    let hint = match first.starts_with("dialect") {
        true => format!("choose another name for `{key}`: clients of that API send this field"),
        false => format!("choose another name for `{key}` or for `{first}`"),
    };
    // A default is not written: then it is the one that was written which took its name.
    let (written, other) = match written {
        Some(written) => (Some(written), first.clone()),
        None => (first_written.as_ref(), key),
    };
    let (span, name) = written.map_or_else(
        || (Range::default(), name.to_string()),
        |text| (text.span.clone(), text.value.shown.clone()),
    );
    Err(reading.mistake(&span, Mistake::HeaderTwice { name, other }, hint))
}
