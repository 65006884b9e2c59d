//! The metrics of a running gateway, as a monitor gets them.

use std::collections::BTreeSet;

use serde_json::json;
use tollgate::domain::refusal::Refusal;

use crate::Stage;
use crate::support::client::{Answer, Client};
use crate::support::gateway::Gateway;

fn scrape(stage: &Stage) -> Answer {
    let mut client = Client::connect(stage.gateway.admin());
    client.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

#[test]
fn a_scrape_counts_what_happened() {
    let stage = Stage::new();
    let secret = stage.token().secret;
    for _ in 0..3 {
        assert_eq!(stage.gateway.ask(stage.request("GET /any/x", &secret)).status, 200);
    }
    assert_eq!(stage.gateway.ask(stage.request("GET /sales", &secret)).status, 403);
    stage.gateway.ask("GET / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n");
    stage.gateway.ask("GET / NONSENSE\r\n\r\n");
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(20_000));
    assert_eq!(stage.gateway.ask(large).status, 431);
    let lines = stage.kept.lines(7);
    for (line, status, reason) in [(&lines[5], 400, "bad_head"), (&lines[6], 431, "head_too_large")]
    {
        assert_eq!((&line["status"], &line["reason"]), (&json!(status), &json!(reason)), "{line}");
        assert_eq!((&line["peer"], &line["path"]), (&json!("127.0.0.1"), &json!("-")), "{line}");
    }
    let answer = scrape(&stage);
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.value("content-type").as_deref(), Some(media_type));
    let text = answer.text();
    for line in [
        "tollgate_requests_total{api=\"erp\",rule=\"any\",outcome=\"2xx\"} 3",
        "tollgate_requests_total{api=\"erp\",rule=\"sales\",outcome=\"refused\"} 1",
        "tollgate_requests_total{api=\"none\",rule=\"none\",outcome=\"refused\"} 1",
        "tollgate_refusals_total{reason=\"context_missing\"} 1",
        "tollgate_refusals_total{reason=\"credential_missing\"} 1",
        "tollgate_requests_under_way 0",
        "tollgate_decision_seconds_count 5",
        "tollgate_upstream_response_seconds_count{api=\"erp\"} 3",
        "tollgate_cache_lookups_total{result=\"miss\"} 1",
        "tollgate_store_load_seconds_count 1",
        "tollgate_store_commit_seconds_count 2",
        "tollgate_revocation_lag_seconds_count 2",
        "tollgate_connections_accepted_total 7",
        "tollgate_unparsed_requests_total{reason=\"malformed\"} 1",
        "tollgate_unparsed_requests_total{reason=\"too_large\"} 1",
        "tollgate_refusals_total{reason=\"bad_head\"} 1",
        "tollgate_refusals_total{reason=\"head_too_large\"} 1",
        "tollgate_touches_pending 1",
        "tollgate_store_state{state=\"ready\"} 1",
        "tollgate_clock_trusted 1",
        "tollgate_config_generation 0",
        "tollgate_log_lines_dropped_total 0",
        "tollgate_start_time_seconds 1795176000",
    ] {
        assert!(text.lines().any(|one| one == line), "`{line}` in {text}");
    }
    for refusal in Refusal::ALL {
        assert!(text.contains(&format!("{{reason=\"{}\"}}", refusal.reason())));
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn a_reload_that_fails_is_counted() {
    let stage = Stage::new();
    let file = stage.gateway.folder().join("tollgate.toml");
    std::fs::write(&file, "nonsense = 1\n").unwrap();
    stage.gateway.app().reloader().reload().unwrap_err();
    assert!(scrape(&stage).text().contains("\ntollgate_config_reload_failures_total 1\n"));
}

/// Words in the first column of the tables of the manual.
fn documented() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operating.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    rows.flat_map(|cell| cell.split(", ")).map(|word| word.replace('`', "")).collect()
}

#[test]
fn the_manual_names_every_metric_and_no_other() {
    let stage = Stage::new();
    let secret = stage.token().secret;
    stage.gateway.ask(stage.request("GET /any/x", &secret));
    stage.kept.lines(1);
    let text = scrape(&stage).text();
    let written = text.lines().filter_map(|line| {
        let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
        let end = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        Some(format!("{name}{end}"))
    });
    let named = documented().into_iter().filter(|word| word.starts_with("tollgate_"));
    assert_eq!(BTreeSet::from_iter(named), BTreeSet::from_iter(written));
}

#[test]
fn the_manual_explains_every_field_of_the_access_log() {
    let stage = Stage::new();
    let secret = stage.token().secret;
    stage.gateway.ask(stage.request("GET /any/x", &secret));
    stage.gateway.ask(stage.request("GET /sales", &secret));
    let documented = documented();
    for line in stage.kept.lines(2) {
        let common = ["timestamp", "level", "target"];
        for field in line.as_object().unwrap().keys().filter(|key| !common.contains(&key.as_str()))
        {
            assert!(documented.contains(field), "`{field}` is not explained");
        }
    }
}

#[test]
fn sec_w2_the_administrative_address_is_asked_by_the_names_of_the_configuration() {
    let gateway = Gateway::start_with("admin_hosts = [\"Gateway.Internal.\"]", "");
    let status = |host: &str| {
        let mut client = Client::connect(gateway.admin());
        client.ask(format!("GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n")).status
    };
    for host in ["gateway.internal", "GATEWAY.internal.:8081", "localhost", "10.0.0.1"] {
        assert_eq!(status(host), 200, "{host}");
    }
    for host in ["other.internal", "x.gateway.internal"] {
        assert_eq!(status(host), 421, "{host}");
    }
}

#[test]
fn every_reason_is_explained_to_operators_with_its_status() {
    let text = std::fs::read_to_string("docs/operating.md").unwrap();
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| `")).collect();
    for refusal in Refusal::ALL {
        let (name, status) = (format!("`{}`", refusal.reason()), refusal.status().to_string());
        let explained = rows.iter().any(|row| {
            let mut cells = row.split('|').skip(1);
            let names = cells.next().unwrap_or_default();
            names.contains(&name) && cells.next().is_some_and(|cell| cell.contains(&status))
        });
        assert!(explained, "{name} with {status}");
    }
}
