//! Every metric, with the words that a person reads beside it.

use std::fmt;

use crate::clock::ClockState;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

use super::super::count::Count;
use super::super::counters::{CoreCounters, Counters, Outcome};
use super::super::durations::{Distribution, Durations};
use super::super::logs::Dropped;
use super::encode::{FROM_MICROSECONDS, FROM_NETWORK, Families};
use super::{State, StoreState};

/// One of the numbers that each core counts.
type Pick = fn(&CoreCounters) -> &Count;

pub(super) fn requests(families: &mut Families<'_>, counters: &Counters) -> fmt::Result {
    let rules = counters.rules();
    // A rule that nobody has met yet has no line: there may be ten thousand of them.
    let met = rules.iter().map(|(name, counts)| (name, counts.read()));
    let met = met.filter(|(_, counts)| counts.iter().any(|count| *count > 0));
    families.counters(
        "requests",
        "Requests, by the rule that they met and how they ended",
        met.flat_map(|((api, rule), counts)| {
            let cells = Outcome::LABELS.into_iter().zip(counts);
            cells.map(|(outcome, count)| {
                ([("api", &**api), ("rule", &**rule), ("outcome", outcome)], count)
            })
        }),
    )?;
    families.counters("refusals", "Requests that did not go through, by the exact reason", {
        let of = |refusal: Refusal| {
            let counts = counters.cores.iter().map(|core| core.refusals.of(refusal));
            ([("reason", refusal.reason())], counts.sum())
        };
        Refusal::ALL.into_iter().map(of)
    })?;
    families.counter(
        "failures_late",
        "Failed authentications that were answered late, since their address failed before",
        sum(counters, |core| &core.failures_late),
    )?;
    families.counter(
        "failures_shut_out",
        "Times when an address began to be refused, since it failed to authenticate too often",
        sum(counters, |core| &core.failures_shut_out),
    )?;
    families.gauge(
        "requests_under_way",
        "Requests whose answer is not over",
        sum(counters, |core| &core.under_way),
    )?;
    families.gauge(
        "tunnels_open",
        "WebSockets, which go on behind the answer that opened them",
        sum(counters, |core| &core.tunnels),
    )?;
    families.histogram(
        "decision",
        "From the end of a request's head to the decision about it, for or against",
        FROM_MICROSECONDS,
        &together(counters.cores.iter().map(|core| &core.decision)),
    )?;
    let upstreams = counters.upstreams();
    let asked = upstreams.iter().map(|(api, times)| ([("api", &**api)], together(times.iter())));
    families.histograms(
        "upstream_response",
        "From the decision to the head of the upstream's answer, or to its failure",
        FROM_NETWORK,
        asked.filter(|(_, times)| times.count() > 0),
    )?;
    families.counters("answers_cut", "Answers that ended before their end, by who ended them", {
        [
            ([("by", "upstream")], sum(counters, |core| &core.cut_by_upstream)),
            ([("by", "client")], sum(counters, |core| &core.cut_by_client)),
            ([("by", "token")], sum(counters, |core| &core.cut_by_token)),
        ]
    })
}

pub(super) fn connections(families: &mut Families<'_>, counters: &Counters) -> fmt::Result {
    families.gauge(
        "connections_open",
        "Client connections that are open",
        sum(counters, |core| &core.open),
    )?;
    families.gauge(
        "connections_resting",
        "Open client connections on which nothing moves",
        sum(counters, |core| &core.resting),
    )?;
    let all: [(_, _, Pick); 5] = [
        ("connections_accepted", "Client connections that were accepted", |core| &core.accepted),
        (
            "connections_turned_away",
            "Client connections closed at once, since as many as allowed were open",
            |core| &core.turned_away,
        ),
        (
            "connections_crowding",
            "Client connections closed at once, since as many as allowed of their address were open",
            |core| &core.crowding,
        ),
        (
            "connections_unannounced",
            "Client connections closed for want of the header of the PROXY protocol that was to come first",
            |core| &core.unannounced,
        ),
        ("accept_errors", "Times when the system had no socket to give", |core| {
            &core.accept_errors
        }),
    ];
    for (name, help, of) in all {
        families.counter(name, help, sum(counters, of))?;
    }
    families.counters(
        "connections_flooding",
        "Client connections closed for a flood over HTTP/2",
        {
            [
                ([("reason", "frames")], sum(counters, |core| &core.floods)),
                ([("reason", "requests")], sum(counters, |core| &core.request_floods)),
            ]
        },
    )?;
    families.counters("tls_handshakes", "Handshakes of TLS with clients, by how they ended", {
        [
            ([("result", "full")], sum(counters, |core| &core.shaken)),
            ([("result", "resumed")], sum(counters, |core| &core.resumed)),
            ([("result", "failed")], sum(counters, |core| &core.unshaken)),
        ]
    })?;
    families.counters(
        "tls_client_certificates_refused",
        "Certificates of clients that were refused in handshakes of TLS, by what was wrong with them",
        [
            ([("reason", "missing")], sum(counters, |core| &core.certificates.missing)),
            ([("reason", "expired")], sum(counters, |core| &core.certificates.expired)),
            ([("reason", "not_yet_valid")], sum(counters, |core| &core.certificates.early)),
            ([("reason", "unknown_issuer")], sum(counters, |core| &core.certificates.strange)),
            ([("reason", "unfit")], sum(counters, |core| &core.certificates.unfit)),
        ],
    )?;
    families.counters(
        "unparsed_requests",
        "Requests that the HTTP library answered itself: no HTTP, or a head that is too large",
        [
            ([("reason", "malformed")], sum(counters, |core| &core.malformed)),
            ([("reason", "too_large")], sum(counters, |core| &core.too_large)),
        ],
    )
}

pub(super) fn upstreams(
    families: &mut Families<'_>,
    counters: &Counters,
    state: &State,
) -> fmt::Result {
    let help = "Connections to upstreams that were made";
    families.counter("upstream_connections", help, sum(counters, |core| &core.connected))?;
    let help = "Requests that wait until their upstream has room";
    families.gauge("upstream_waiting", help, sum(counters, |core| &core.waiting))?;
    let help = "Requests that were sent a second time, since their connection broke";
    families.counter("upstream_retries", help, sum(counters, |core| &core.retried))?;
    let each = || {
        state
            .endpoints
            .iter()
            .map(|one| ([("api", one.api.as_str()), ("upstream", one.upstream.as_str())], one))
    };
    families.gauges(
        "upstream_up",
        "1 for an endpoint that gets requests, 0 for one that is left out for a while",
        each().map(|(labels, one)| (labels, u64::from(one.up))),
    )?;
    families.counters(
        "upstream_ejections",
        "Times when an endpoint was left out, since it failed again and again",
        each().map(|(labels, one)| (labels, one.ejections)),
    )
}

pub(super) fn cache(
    families: &mut Families<'_>,
    counters: &Counters,
    state: &State,
) -> fmt::Result {
    families.counters("cache_lookups", "Tokens that were looked for in memory", {
        [
            ([("result", "hit")], sum(counters, |core| &core.cache_hits)),
            ([("result", "miss")], sum(counters, |core| &core.cache_misses)),
        ]
    })?;
    families.gauge("cache_records", "Tokens in memory, about", state.cache_records)?;
    let help = "Digests remembered to be nobody's, about";
    families.gauge("cache_unknown_digests", help, state.cache_unknown)?;
    let help = "Reads of the store that a change overtook and that were done again";
    families.counter("cache_loads_overtaken", help, state.loads_overtaken)?;
    let help = "Tokens whose last use is not yet written down";
    families.gauge("touches_pending", help, state.pending_touches)?;
    families.counter("touches_written", "Last uses written down", state.touches_written)?;
    families.histogram(
        "revocation_lag",
        "From a change being durable to no request being decided on the old record",
        FROM_MICROSECONDS,
        &state.revocation_lag,
    )
}

pub(super) fn store(families: &mut Families<'_>, state: &State) -> fmt::Result {
    let states = StoreState::ALL;
    families.state(
        "store_state",
        "Whether the store reads and writes (ready), only reads (read_only), or neither (broken)",
        states.into_iter().map(|(one, label)| ([("state", label)], one == state.store)),
    )?;
    let help = "Reads of the store for tokens that were not in memory";
    families.histogram("store_load", help, FROM_MICROSECONDS, &state.loads)?;
    let help = "Changes to tokens and owners, until they were durable or had failed";
    families.histogram("store_commit", help, FROM_MICROSECONDS, &state.commits)?;
    let help = "How long ago the last checkpoint of the store was taken";
    families.seconds("checkpoint_age", help, state.checkpoint_age.as_secs())?;
    let help = "Tokens that are over and cannot be ended, since their records cannot be read";
    families.gauge("tokens_unreadable", help, state.unreadable)?;
    let help = "The last event of the history that the present pass over it has found to be whole";
    families.gauge("history_verified_position", help, state.history_position)?;
    let help = "1 if something in the history cannot be read or does not verify, else 0";
    families.gauge("history_damaged", help, u64::from(state.history_damaged))
}

pub(super) fn notices(families: &mut Families<'_>, state: &State) -> fmt::Result {
    let outcomes = ["delivered", "retried", "given_up"];
    families.counters(
        "notice_attempts",
        "Calls of webhooks, by how they ended",
        state.webhooks.iter().flat_map(|webhook| {
            outcomes.into_iter().zip(webhook.attempts).map(|(outcome, count)| {
                ([("webhook", webhook.name.as_str()), ("outcome", outcome)], count)
            })
        }),
    )?;
    families.gauges(
        "notices_waiting",
        "Notices that are yet to be delivered, by webhook",
        state.webhooks.iter().map(|one| ([("webhook", one.name.as_str())], one.waiting)),
    )
}

pub(super) fn process(
    families: &mut Families<'_>,
    state: &State,
    started_at: Timestamp,
    dropped: Option<&Dropped>,
) -> fmt::Result {
    let help = "1 while the wall clock is trusted to end tokens for good and to decide, else 0";
    families.gauge("clock_trusted", help, u64::from(state.clock == ClockState::Trusted))?;
    families.state(
        "clock_state",
        "How far the wall clock is believed",
        ClockState::ALL.into_iter().map(|(one, label)| ([("state", label)], one == state.clock)),
    )?;
    let help = "How far the wall clock is behind what it has shown before";
    families.seconds("clock_behind", help, state.clock_behind_seconds)?;
    families.seconds_each(
        "tls_certificate_expiry_timestamp",
        "When the time of a certificate that clients or upstreams are shown is over, since 1970",
        state.certificates.iter().map(|one| {
            let (name, file, to) = (&*one.name, &*one.file, one.shown_to.name());
            let labels = [("certificate", name), ("file", file), ("shown_to", to)];
            (labels, one.expires_at.unix())
        }),
    )?;
    let help = "Which configuration is in force; each reload raises it";
    families.gauge("config_generation", help, state.config_generation)?;
    let help = "Reloads whose configuration had mistakes and was not taken";
    families.counter("config_reload_failures", help, state.config_failures)?;
    let help = "Lines of the logs that were dropped, since nobody read them fast enough";
    families.counter("log_lines_dropped", help, dropped.map_or(0, Dropped::lines))?;
    families.seconds("start_time", "When the gateway began, since 1970", started_at.unix())?;
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    families.info("build", "What runs", version)
}

fn sum(counters: &Counters, of: impl Fn(&CoreCounters) -> &Count) -> u64 {
    counters.cores.iter().fold(0, |sum, core| sum.saturating_add(of(core).value()))
}

fn together<'a>(all: impl Iterator<Item = &'a Durations>) -> Distribution {
    let mut whole = Distribution::default();
    for one in all {
        whole.add(&one.read());
    }
    whole
}
