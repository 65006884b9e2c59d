//! The checked settings of what browsers need: scripts on pages of other origins, and other places for tokens. Each default stands here, and in
//! `config/tollgate.toml`.

use http::{HeaderName, Method};

use super::file::{ApiTable, CorsTable};
use super::header::name;
use super::method::method;
use super::mistake::Mistake;
use super::reading::{Field, Placed, Reading, Reported, Text};
use super::settings::{Cors, Dialect, TokenPlaces};
use super::values::{boolean, list, span_within, text};
use crate::domain::time::Span;
use crate::wire::origins::{Origin, Origins};

/// Fields that clients of APIs send, and that browsers ask for.
const HEADERS: [HeaderName; 8] = [
    HeaderName::from_static("authorization"),
    HeaderName::from_static("content-type"),
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("if-match"),
    HeaderName::from_static("if-none-match"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("range"),
    HeaderName::from_static("x-requested-with"),
];

/// What scripts are told by the gateway itself, and by many an API.
const EXPOSED: [HeaderName; 8] = [
    HeaderName::from_static("content-disposition"),
    HeaderName::from_static("etag"),
    HeaderName::from_static("link"),
    HeaderName::from_static("location"),
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("retry-after"),
    HeaderName::from_static("www-authenticate"),
];

/// The longest that a browser may rely on an answer; none does for longer.
const LONGEST: Span = Span::from_days(1);

/// Scripts of other origins as the file lets them in; none where it does not speak of them.
pub(super) fn cors(
    table: &CorsTable,
    dialect: Dialect,
    reading: &Reading<'_>,
) -> Result<Option<Cors>, Reported> {
    if !table.is_there {
        return Ok(None);
    }
    let credentials = boolean(&table.credentials, false);
    let origins = origins(table, credentials.unwrap_or(false), reading);
    let methods = methods(&table.methods, reading);
    let headers = names(&table.headers, reading);
    let expose = names(&table.expose, reading);
    let max_age = span_within(&table.max_age, Span::ZERO..=LONGEST, reading);
    let own = dialect.own_field().map(HeaderName::from_static);
    Ok(Some(Cors {
        origins: origins?,
        methods: methods?,
        headers: headers?.unwrap_or_else(|| HEADERS.into_iter().chain(own).collect()),
        expose: expose?.unwrap_or_else(|| EXPOSED.into()),
        max_age: max_age?.unwrap_or(Span::from_seconds(600)),
        credentials: credentials?,
    }))
}

/// Where a token may stand beside a field of its own; none where the file does not say.
pub(super) fn token_places(
    table: &ApiTable,
    reading: &Reading<'_>,
) -> Result<Option<TokenPlaces>, Reported> {
    let (cookie, query) = (place(&table.token_cookie, reading), place(&table.token_query, reading));
    let (cookie, query) = (cookie?, query?);
    Ok((cookie.is_some() || query.is_some()).then_some(TokenPlaces { cookie, query }))
}

/// A name that stands in a cookie (RFC 6265 section 4.1.1) and in a query without escapes.
fn place(field: &Field<Text>, reading: &Reading<'_>) -> Result<Option<String>, Reported> {
    let Some(given) = text(field, reading)? else { return Ok(None) };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if given.value.value.bytes().all(plain) {
        return Ok(Some(given.value.value.clone()));
    }
    let (key, name) = (given.key.clone(), given.value.shown.clone());
    let hint = "a name is made of letters, digits, `-`, `.`, `_` and `~`, such as `access_token`";
    Err(reading.mistake(&given.span, Mistake::BadTokenPlace { key, name }, hint))
}

fn origins(
    table: &CorsTable,
    credentials: bool,
    reading: &Reading<'_>,
) -> Result<Origins, Reported> {
    let hint =
        "name those whose scripts may use it, such as `origins = [\"https://app.example.com\"]`";
    reading.required(&table.origins, &table.span, ("`[apis.cors]`", "origins"), hint)?;
    let given = list(&table.origins, reading)?;
    let is_all = |text: &&Placed<Text>| text.value.value == "*";
    let read: Vec<_> =
        given.iter().filter(|text| !is_all(text)).map(|text| origin(text, reading)).collect();
    let listed = read.into_iter().collect::<Result<_, _>>().map(Origins::Listed);
    let Some(all) = given.iter().find(is_all) else { return listed };
    let every = |what, hint| reading.mistake(&all.span, Mistake::EveryOrigin(what), hint);
    if credentials {
        let hint = "name the origins, or leave out `credentials`: tokens in a header need it not";
        return Err(every("and with `credentials` each could act as whoever visits it", hint));
    }
    if given.len() > 1 {
        return Err(every("also those beside it", "leave out `*`, or the others"));
    }
    Ok(Origins::All)
}

fn origin(text: &Placed<Text>, reading: &Reading<'_>) -> Result<Origin, Reported> {
    Origin::parse(&text.value.value).map_err(|hint| {
        let mistake = Mistake::BadOrigin(text.value.shown.clone());
        reading.mistake(&text.span, mistake, hint)
    })
}

fn methods(
    field: &Field<Vec<Placed<Text>>>,
    reading: &Reading<'_>,
) -> Result<Vec<Method>, Reported> {
    let given = list(field, reading)?;
    let all: Vec<_> =
        given.iter().map(|text| method(text, "`apis.cors.methods`", reading)).collect();
    all.into_iter().collect()
}

/// Names of fields; none where the file does not say.
fn names(
    field: &Field<Vec<Placed<Text>>>,
    reading: &Reading<'_>,
) -> Result<Option<Vec<HeaderName>>, Reported> {
    let all: Vec<_> = list(field, reading)?
        .iter()
        .map(|text| match text.value.value.as_str() {
            "*" => {
                let mistake = Mistake::BadHeader(text.value.shown.clone());
                let hint = "name them one by one: to browsers `*` is not all of them, and never `authorization`";
                Err(reading.mistake(&text.span, mistake, hint))
            }
            _ => name(text, reading),
        })
        .collect();
    let all: Vec<_> = all.into_iter().collect::<Result<_, _>>()?;
    Ok(Some(all).filter(|all| !all.is_empty()))
}
