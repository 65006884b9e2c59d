//! The text is read back as a monitor would read it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::domain::refusal::Refusal;
use crate::telemetry::counters::{Outcome, RuleCounters, UpstreamTimes};
use crate::telemetry::durations::Durations;

/// A family as it was written.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    unit: Option<String>,
    help: String,
    samples: Vec<(String, f64)>,
}

/// Reads OpenMetrics text, strictly: metadata first, samples beside one another, and an end.
fn read(text: &str) -> BTreeMap<String, Family> {
    let (mut families, mut all) = (BTreeMap::<String, Family>::new(), BTreeSet::new());
    let body = text.strip_suffix("# EOF\n").expect("the text ends with its mark");
    let mut current = String::new();
    for line in body.lines() {
        if let Some(meta) = line.strip_prefix("# ") {
            let mut words = meta.splitn(3, ' ');
            let (what, name) = (words.next().unwrap(), words.next().unwrap());
            let value = words.next().unwrap().to_owned();
            if name != current {
                assert!(!families.contains_key(name), "`{name}` comes twice");
                current = name.to_owned();
            }
            let family = families.entry(current.clone()).or_default();
            assert!(family.samples.is_empty(), "metadata of `{name}` after its samples");
            match what {
                "HELP" => family.help = value,
                "TYPE" => family.kind = value,
                "UNIT" => family.unit = Some(value),
                other => panic!("`{other}`"),
            }
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(all.insert(series), "`{series}` comes twice");
            let name = series.split('{').next().unwrap();
            let rest = name.strip_prefix(&current).unwrap_or_else(|| panic!("`{line}` is lost"));
            let family = families.get_mut(&current).unwrap();
            let allowed: &[&str] = match family.kind.as_str() {
                "counter" => &["_total"],
                "gauge" => &[""],
                "info" => &["_info"],
                "histogram" => &["_bucket", "_sum", "_count"],
                other => panic!("`{other}`"),
            };
            assert!(allowed.contains(&rest), "{line}");
            family.samples.push((series.to_owned(), value.parse().unwrap()));
        }
    }
    families
}

fn state() -> State {
    let times = Durations::default();
    times.observe(Duration::from_millis(3));
    State {
        cache_records: 5,
        cache_unknown: 6,
        pending_touches: 7,
        touches_written: 8,
        loads: times.read(),
        loads_overtaken: 9,
        commits: times.read(),
        revocation_lag: times.read(),
        store: StoreState::ReadOnly,
        checkpoint_age: Duration::from_secs(14),
        unreadable: 15,
        history_position: 13,
        history_damaged: true,
        clock: ClockState::Trusted,
        clock_behind_seconds: 10,
        config_generation: 11,
        config_failures: 12,
        webhooks: vec![WebhookState {
            name: "chat".to_owned(),
            attempts: [16, 17, 18],
            waiting: 19,
        }],
        endpoints: vec![EndpointState {
            api: "a".to_owned(),
            upstream: "b:1".to_owned(),
            up: true,
            ejections: 20,
        }],
        // Of RSA and of ECDSA.
        certificates: ["/a/rsa.pem", "/a/ecdsa.pem"]
            .map(|file| CertificateState {
                shown_to: ShownTo::Clients,
                name: "a.example".to_owned(),
                file: file.to_owned(),
                expires_at: Timestamp::from_unix(1_800_000_000),
            })
            .to_vec(),
    }
}

fn scraped(counters: &Arc<Counters>) -> (String, BTreeMap<String, Family>) {
    let scrape = exposition(Sources {
        counters: Arc::clone(counters),
        dropped: None,
        started_at: Timestamp::from_unix(1_700_000_000),
        state: Box::new(state),
    });
    let (media_type, text) = scrape();
    assert_eq!(media_type, MEDIA_TYPE);
    let families = read(&text);
    (text, families)
}

/// Counters of APIs and rules that are configured.
struct Busy {
    counters: Arc<Counters>,
    _rules: [Arc<RuleCounters>; 2],
    _upstreams: [Arc<UpstreamTimes>; 2],
}

impl std::ops::Deref for Busy {
    type Target = Arc<Counters>;

    fn deref(&self) -> &Self::Target {
        &self.counters
    }
}

/// Some traffic on two cores.
fn busy() -> Busy {
    let counters = Counters::new(2);
    let rules = ["stock", "nobody-came"].map(|rule| counters.rule("erp", rule));
    let upstreams = ["erp", "quiet"].map(|api| counters.upstream(api));
    for (index, core) in counters.cores.iter().enumerate() {
        for (micros, refusal) in (1..).zip(Refusal::ALL) {
            core.refused(refusal);
            core.decision.observe(Duration::from_micros(micros * micros * micros));
        }
        core.open.add(3);
        core.open.sub(1);
        rules[0].add(index, Outcome::Answered(200));
        upstreams[0].observe(index, Duration::from_millis(5));
        upstreams[0].observe(index, Duration::from_secs(100));
    }
    Busy { counters, _rules: rules, _upstreams: upstreams }
}

#[test]
fn names_begin_alike_and_have_a_help_and_their_unit() {
    let (_, families) = scraped(&busy());
    assert!(families.len() > 25, "{:?}", families.keys());
    for (name, family) in &families {
        assert!(name.starts_with("tollgate_") && !family.help.is_empty(), "{name}");
        let unit = family.unit.as_ref();
        assert!(unit.is_none_or(|unit| name.ends_with(&format!("_{unit}"))), "{name}");
        assert_eq!(name.ends_with("_seconds"), unit.is_some(), "{name}");
        let series: BTreeSet<_> = family.samples.iter().map(|(series, _)| series).collect();
        assert_eq!(series.len(), family.samples.len(), "{name} has a series twice");
        assert!(!series.is_empty(), "{name} is empty");
    }
}

#[test]
fn every_refusal_appears_with_the_sum_of_all_cores() {
    for (counters, expected) in [(Counters::new(2), 0.0), (busy().counters, 2.0)] {
        let (_, families) = scraped(&counters);
        let refusals: BTreeMap<_, _> =
            families["tollgate_refusals"].samples.iter().cloned().collect();
        assert_eq!(refusals.len(), Refusal::ALL.len());
        for refusal in Refusal::ALL {
            let series = format!("tollgate_refusals_total{{reason=\"{}\"}}", refusal.reason());
            assert_eq!(refusals.get(&series), Some(&expected), "{series}");
        }
    }
}

#[test]
fn histograms_add_up() {
    let (_, families) = scraped(&busy());
    let mut seen = 0;
    for (name, family) in families.iter().filter(|(_, family)| family.kind == "histogram") {
        seen += 1;
        let bucket = |series: &str| {
            let bound = series.split("le=\"").nth(1)?.split('"').next()?.to_owned();
            Some(if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() })
        };
        let buckets: Vec<_> = family
            .samples
            .iter()
            .filter_map(|(series, count)| Some((bucket(series)?, *count)))
            .collect();
        assert!(
            buckets.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1),
            "{name}"
        );
        let value = |end: &str| {
            let found = family
                .samples
                .iter()
                .find(|(series, _)| series.split('{').next().unwrap() == format!("{name}{end}"));
            found.unwrap().1
        };
        assert_eq!(*buckets.last().unwrap(), (f64::INFINITY, value("_count")), "{name}");
        assert!(value("_sum") > 0.0 && buckets.len() <= 22, "{name}");
    }
    assert_eq!(seen, 5);
    let upstream = &families["tollgate_upstream_response_seconds"].samples;
    let at = |bound: &str| {
        let wanted = format!("_bucket{{le=\"{bound}\",api=\"erp\"}}");
        upstream.iter().find(|(series, _)| series.ends_with(&wanted)).map(|(_, count)| *count)
    };
    assert_eq!((at("0.004096"), at("0.008192"), at("+Inf")), (Some(0.0), Some(2.0), Some(4.0)));
}

#[test]
fn what_nobody_met_takes_no_line_and_labels_are_from_closed_sets() {
    let (text, families) = scraped(&busy());
    assert!(!text.contains("nobody-came") && !text.contains("quiet"));
    let labels: BTreeSet<_> = families
        .values()
        .flat_map(|family| &family.samples)
        .filter_map(|(series, _)| series.split_once('{'))
        .flat_map(|(_, labels)| labels.split(','))
        .map(|label| label.split('=').next().unwrap())
        .collect();
    let known = [
        "api",
        "by",
        "certificate",
        "file",
        "le",
        "outcome",
        "reason",
        "result",
        "rule",
        "shown_to",
        "state",
        "upstream",
        "version",
        "webhook",
    ];
    assert_eq!(labels.into_iter().collect::<Vec<_>>(), known);
}

#[test]
fn states_and_gauges_say_what_they_were_told() {
    let (_, families) = scraped(&busy());
    let all: BTreeMap<_, _> =
        families.values().flat_map(|family| family.samples.iter().cloned()).collect();
    for (series, value) in [
        ("tollgate_store_state{state=\"ready\"}", 0.0),
        ("tollgate_store_state{state=\"read_only\"}", 1.0),
        ("tollgate_store_state{state=\"broken\"}", 0.0),
        ("tollgate_connections_open", 4.0),
        ("tollgate_cache_records", 5.0),
        ("tollgate_cache_unknown_digests", 6.0),
        ("tollgate_touches_pending", 7.0),
        ("tollgate_touches_written_total", 8.0),
        ("tollgate_history_verified_position", 13.0),
        ("tollgate_checkpoint_age_seconds", 14.0),
        ("tollgate_tokens_unreadable", 15.0),
        ("tollgate_history_damaged", 1.0),
        ("tollgate_clock_trusted", 1.0),
        ("tollgate_clock_state{state=\"trusted\"}", 1.0),
        ("tollgate_clock_state{state=\"settling\"}", 0.0),
        ("tollgate_clock_state{state=\"stepped\"}", 0.0),
        ("tollgate_clock_state{state=\"behind\"}", 0.0),
        ("tollgate_clock_behind_seconds", 10.0),
        ("tollgate_config_generation", 11.0),
        ("tollgate_notice_attempts_total{webhook=\"chat\",outcome=\"delivered\"}", 16.0),
        ("tollgate_notice_attempts_total{webhook=\"chat\",outcome=\"retried\"}", 17.0),
        ("tollgate_notice_attempts_total{webhook=\"chat\",outcome=\"given_up\"}", 18.0),
        ("tollgate_notices_waiting{webhook=\"chat\"}", 19.0),
        ("tollgate_start_time_seconds", 1_700_000_000.0),
        ("tollgate_requests_total{api=\"erp\",rule=\"stock\",outcome=\"2xx\"}", 2.0),
        ("tollgate_requests_total{api=\"erp\",rule=\"stock\",outcome=\"refused\"}", 0.0),
        (concat!("tollgate_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0),
    ] {
        assert_eq!(all.get(series), Some(&value), "{series}");
    }
}
