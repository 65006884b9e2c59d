//! A request to try a new token with: one that it would get through.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, header};

use crate::admin::Handles;
use crate::admin::explain::Ground;
use crate::config::settings::{Api, Rule};
use crate::domain::grant::Items;
use crate::domain::token::Token;
use crate::gateway::explain::{Credential, Question};
use crate::web::pages::tokens::Example;

/// The first rule that such a request meets and gets through, those for `GET` before all others. Public ones try
/// nothing.
pub(super) fn example(handles: &Handles, ground: &Ground, headers: &HeaderMap) -> Option<Example> {
    let token = &ground.held.as_ref()?.token;
    let rules = || {
        let apis = &ground.settings.apis;
        let all = apis.iter().flat_map(|api| api.rules.iter().map(move |rule| (api, rule)));
        all.filter(|(_, rule)| !rule.public)
    };
    let reads = |rule: &Rule| rule.methods.is_empty() || rule.methods.contains(&Method::GET);
    let first = rules().filter(|(_, rule)| reads(rule)).map(|(api, rule)| (api, rule, Method::GET));
    let others = rules().filter(|(_, rule)| !reads(rule));
    let others = others.filter_map(|(api, rule)| Some((api, rule, rule.methods.first()?.clone())));
    first.chain(others).find_map(|(api, rule, method)| {
        let path = path(rule, token);
        let scheme = ground.settings.public_scheme();
        let url = format!("{scheme}://{}{path}", authority(handles, api, headers));
        let question = Question {
            method: method.clone(),
            url: url.parse().ok()?,
            address: address(token),
            credential: Credential::Named,
            company: None,
            certificate: None,
        };
        let told = ground.explain(&question);
        // A narrower rule may stand before this one.
        let met = told.api.as_deref() == Some(api.name.as_str())
            && told.rule.as_deref() == Some(rule.name.as_str());
        (told.permitted && met).then(|| Example { option: option(&method), url })
    })
}

/// How curl is told of a method.
fn option(method: &Method) -> String {
    match method.as_str() {
        "GET" => String::new(),
        "HEAD" => "-I ".to_owned(),
        other => format!("-X {other} "),
    }
}

/// A client where the token may be used from.
fn address(token: &Token) -> IpAddr {
    let networks = &token.conditions.networks;
    networks.first().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |network| network.addr())
}

/// The path of a rule with something in place of its parameters: an item that the token may reach, nothing for what
/// may be nothing, else a number.
fn path(rule: &Rule, token: &Token) -> String {
    let item = match &token.items {
        Items::Set(items) => items.first().map_or("1", |item| item),
        Items::All => "1",
    };
    let (mut path, mut rest) = (String::new(), rule.path.as_str());
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        path.push_str(before);
        path.push_str(match rule.item.as_deref() {
            Some(place) if place == name.trim_start_matches('*') => item,
            _ if name.starts_with('*') => "",
            _ => "1",
        });
        rest = behind;
    }
    path + rest
}

/// The host of the API, else the one that the reader knows this gateway by, with the port for clients.
fn authority(handles: &Handles, api: &Api, headers: &HeaderMap) -> String {
    let settings = handles.service.settings();
    let served = handles.server.as_ref().map_or(settings.listen.public, |server| server.public);
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let asked = asked.and_then(|host| host.parse::<Authority>().ok());
    let host = api.host.clone().or_else(|| asked.map(|host| host.host().to_owned()));
    host.map_or_else(|| served.to_string(), |host| format!("{host}:{}", served.port()))
}
