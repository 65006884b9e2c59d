//! The checked upstream of an API.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use super::endpoint::{Place, SELF, URL, is_host, own_listener, place};
use super::file::ApiTable;
use super::health::health;
use super::mistake::Mistake;
use super::named::Named;
use super::pattern::api_path;
use super::reading::{Placed, Reading, Reported, Text};
use super::settings::{Ejection, Endpoint, Listen, Retry, Upstream};
use super::tries::{concurrency, ejection, retry, weights};
use super::values::{boolean, duration, duration_or_never, list, text};
use crate::tls::{Caller, Fault, Files, Trust, faults};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

impl Upstream {
    /// Endpoints with the default timeouts. Idle connections are given up sooner than most
    /// upstreams do it, so that a request rarely meets one that is just being closed.
    pub(super) fn with_defaults(endpoints: Vec<Endpoint>) -> Self {
        Self {
            weights: vec![1; endpoints.len()],
            endpoints,
            path: None,
            host: None,
            connect_timeout: Duration::from_secs(5),
            response_timeout: MINUTE,
            idle_timeout: Duration::from_secs(30),
            stall_timeout: None,
            tunnel_timeout: Duration::from_secs(3_600),
            timeout: None,
            // Names are looked up anew at least as often.
            lifetime: MINUTE * 5,
            ejection: Ejection::default(),
            retry: Retry::default(),
            concurrency: None,
        }
    }
}

pub(super) fn upstream(
    table: &ApiTable,
    label: &str,
    listen: Option<&Listen>,
    reading: &Reading<'_>,
) -> Result<Upstream, Reported> {
    let default = Upstream::with_defaults(Vec::new());
    let hint = "say where its requests go, such as `upstream = \"http://127.0.0.1:9000\"`";
    let given = reading.required(&table.upstream, &table.span, ("this API", "upstream"), hint);
    let places = given.and_then(|_| {
        let all: Vec<_> = list(&table.upstream, reading)?
            .iter()
            .map(|text| checked(text, label, listen, reading))
            .collect();
        all.into_iter().collect::<Result<Vec<_>, _>>()
    });
    let secure = places.as_ref().is_ok_and(|places| places.iter().any(|place| place.tls));
    let name = text(&table.upstream_name, reading);
    let caller = caller(table, name, (secure, places.is_ok()), reading);
    let endpoints = places.and_then(|places| endpoints(places, name, caller, table, reading));
    let (path, named) = (path(table, reading), named(table, reading));
    let host = named.as_ref().ok().and_then(Option::as_deref);
    let health = health(&table.health, host, reading);
    let endpoints = endpoints.and_then(|all| all_different(all, table, reading));
    let endpoints = endpoints.and_then(|mut all| {
        let health = health?;
        all.iter_mut().for_each(|endpoint| endpoint.health.clone_from(&health));
        Ok(all)
    });
    let connect = &table.upstream_connect_timeout;
    let connect = duration(connect, MINUTE * 5, default.connect_timeout, reading);
    let response = &table.upstream_response_timeout;
    let response = duration(response, DAY, default.response_timeout, reading);
    let idle = duration(&table.upstream_idle_timeout, DAY, default.idle_timeout, reading);
    let stall = duration_or_never(&table.upstream_stall_timeout, DAY, reading);
    let tunnel = duration_or_never(&table.upstream_tunnel_timeout, DAY, reading);
    let whole = duration_or_never(&table.upstream_timeout, DAY, reading);
    let lifetime = duration(&table.upstream_lifetime, DAY, default.lifetime, reading);
    let (ejection, retry) = (ejection(table, reading), retry(table, reading));
    let (weights, concurrency) = (weights(table, reading), concurrency(table, reading));
    Ok(Upstream {
        endpoints: endpoints?,
        weights: weights?,
        path: path?,
        host: named?,
        connect_timeout: connect?,
        response_timeout: response?,
        idle_timeout: idle?,
        stall_timeout: stall?,
        tunnel_timeout: tunnel?.unwrap_or(default.tunnel_timeout),
        timeout: whole?.filter(|whole| *whole != Duration::MAX),
        lifetime: lifetime?,
        ejection: ejection?,
        retry: retry?,
        concurrency: concurrency?,
    })
}

/// The path under which it is there.
fn path(table: &ApiTable, reading: &Reading<'_>) -> Result<Option<String>, Reported> {
    let Some(given) = text(&table.upstream_path, reading)? else { return Ok(None) };
    api_path(&given.value.value).map(Some).map_err(|fault| {
        let mistake = Mistake::BadPath { path: given.value.shown.clone(), fault };
        let hint = "it looks like `/` or `/v1`, and stands in place of the API's `path`";
        reading.mistake(&given.span, mistake, hint)
    })
}

/// The host that it gets, perhaps with a port.
fn named(table: &ApiTable, reading: &Reading<'_>) -> Result<Option<String>, Reported> {
    let Some(given) = text(&table.upstream_host, reading)? else { return Ok(None) };
    let value = given.value.value.to_ascii_lowercase();
    let (name, port) = value.split_once(':').unwrap_or((&value, "80"));
    if is_host(name)
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok()
    {
        return Ok(Some(value));
    }
    let hint =
        "write the name that it knows itself by, such as `shop.internal` or `shop.internal:8080`";
    Err(reading.mistake(&given.span, Mistake::BadHost(given.value.shown.clone()), hint))
}

/// Places as endpoints.
fn endpoints(
    places: Vec<Place>,
    name: Result<Option<&Placed<Text>>, Reported>,
    caller: Result<Option<Caller>, Reported>,
    table: &ApiTable,
    reading: &Reading<'_>,
) -> Result<Vec<Endpoint>, Reported> {
    let given = name?;
    let name = given.map(|name| name.value.value.as_str());
    let wrong = |name| {
        let hint = "name the server as its certificate does, in `upstream_name`";
        reading.mistake_at(given.map(|name| name.span.clone()), Mistake::BadHost(name), hint)
    };
    // Files that cannot be used hide no name that is none.
    let names: Result<Vec<_>, _> = places.iter().map(|place| place.server(name)).collect();
    names.map_err(wrong)?;
    let (caller, http2) = (caller?, boolean(&table.upstream_http2, false)?);
    let all = places.into_iter().map(|place| place.endpoint(caller.as_ref(), (name, http2)));
    all.collect::<Result<_, _>>().map_err(wrong)
}

/// What handshakes with the upstreams of an API are made with; none where none of them speaks TLS.
fn caller(
    table: &ApiTable,
    name: Result<Option<&Placed<Text>>, Reported>,
    (secure, known): (bool, bool),
    reading: &Reading<'_>,
) -> Result<Option<Caller>, Reported> {
    let fields = [&table.upstream_ca, &table.upstream_certificate, &table.upstream_key];
    let [ca, chain, key] = fields.map(|field| text(field, reading));
    if !secure && known {
        let given = [ca, name, chain, key];
        let of_tls = given.iter().flat_map(|given| given.ok().flatten()).next();
        return match of_tls {
            None => given.into_iter().try_for_each(|given| given.map(drop)).map(|()| None),
            Some(text) => {
                let mistake = Mistake::UpstreamTls(text.key.clone());
                Err(reading.mistake(&text.span, mistake, "write `https://` before its upstream"))
            }
        };
    }
    let mut named = Named::default();
    let [ca, chain, key] = [ca, chain, key].map(|given| {
        given.map(|given| given.map(|text| (named.path(text, reading), text.span.clone())))
    });
    let identity = match (&chain, &key) {
        (Ok(None), Ok(None)) => Ok(None),
        (Ok(Some((chain, _))), Ok(Some((key, _)))) => {
            Ok(Some(Files { chain: chain.clone(), key: key.clone() }))
        }
        (Ok(Some((_, place))), Ok(None)) => Err(half("upstream_key", place, reading)),
        (Ok(None), Ok(Some((_, place)))) => Err(half("upstream_certificate", place, reading)),
        (Err(reported), _) | (_, Err(reported)) => Err(*reported),
    };
    let path = |given: &Result<Option<(PathBuf, _)>, Reported>| {
        given.as_ref().ok().and_then(Option::as_ref).map(|(path, _)| path.clone())
    };
    let wrong = |faults: Vec<Fault>| named.wrong(&faults, &table.span, reading);
    match (secure, &ca, name, identity) {
        (true, Ok(_), Ok(_), Ok(identity)) => {
            Caller::load(Trust { ca: path(&ca), identity }).map(Some).map_err(wrong)
        }
        // Whatever else is wrong hides no file that cannot be used.
        (_, _, name, identity) => {
            let mut faults = faults(path(&chain).as_deref(), path(&key).as_deref());
            faults.extend(path(&ca).as_deref().and_then(Trust::fault));
            if !faults.is_empty() {
                return Err(wrong(faults));
            }
            ca.and(name).and(identity).map(|_| None)
        }
    }
}

/// Of a certificate and its key one is missing.
fn half(missing: &'static str, place: &Range<usize>, reading: &Reading<'_>) -> Reported {
    let mistake = Mistake::Missing { what: "this API", key: missing };
    reading.mistake(place, mistake, "name both files, or none")
}

/// The same upstream in two spellings: `list` has found those of one spelling.
fn all_different(
    endpoints: Vec<Endpoint>,
    table: &ApiTable,
    reading: &Reading<'_>,
) -> Result<Vec<Endpoint>, Reported> {
    // TLS is the same for all of them, as far as it is spoken.
    let mut seen = std::collections::HashSet::new();
    for (endpoint, text) in endpoints.iter().zip(list(&table.upstream, reading)?) {
        if !seen.insert((&endpoint.at, endpoint.tls.is_some())) {
            let (key, value) = (text.key.clone(), text.value.shown.clone());
            let hint = "take out one of the two";
            return Err(reading.mistake(&text.span, Mistake::Repeated { key, value }, hint));
        }
    }
    Ok(endpoints)
}

fn checked(
    text: &Placed<Text>,
    label: &str,
    listen: Option<&Listen>,
    reading: &Reading<'_>,
) -> Result<Place, Reported> {
    let place = place(&text.value.value).map_err(|fault| {
        if fault.1 {
            reading.conceal(text.span.clone());
        }
        reading.mistake(&text.span, Mistake::BadUpstream(fault.0), URL)
    })?;
    let place = place.beside(reading);
    let own = listen.and_then(|listen| own_listener(&place, listen));
    if let Some(key) = own {
        let mistake = Mistake::UpstreamIsSelf { api: label.to_owned(), key };
        return Err(reading.mistake(&text.span, mistake, SELF));
    }
    Ok(place)
}
