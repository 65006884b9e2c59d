//! What a file says is what the settings say: the values that have a form of their own.

use std::path::Path;
use std::time::Duration;

use http::Method;
use tollgate::config;
use tollgate::config::settings::{At, Dialect, Endpoint, LogFormat, Settings};
use tollgate::domain::flags::Flags;
use tollgate::domain::rule::ItemRule;
use tollgate::domain::time::Span;

use super::environment;

fn parse(text: &str) -> Settings {
    let parsed = config::parse(Path::new("t.toml"), text.as_bytes(), &environment());
    parsed.unwrap_or_else(|report| panic!("{report}"))
}

fn example(name: &str) -> Settings {
    let path = format!("config/examples/{name}.toml");
    config::load(Path::new(&path), &environment()).unwrap().settings
}

#[test]
fn an_identity_header_can_be_renamed_or_left_out() {
    let identity = parse("[identity]\nowner = \"X-User\"\nflags = false\nitems = \"\"\n").identity;
    assert_eq!(identity.owner.unwrap(), "x-user");
    assert_eq!((identity.flags, identity.items), (None, None));
    assert_eq!(identity.company.unwrap(), "x-tollgate-company");
}

#[test]
fn e10_f6_a_dialect_is_known_by_its_name() {
    for dialect in Dialect::ALL {
        let text = format!("dialect = \"{}\"", dialect.name());
        let api = "[[apis]]\nname = \"a\"\nupstream = \"http://127.0.0.1:9\"\n";
        let text = format!("{api}{text}\nrules = [{{ path = \"/\" }}]\n");
        assert_eq!(parse(&text).apis[0].dialect, dialect);
    }
    assert_eq!(example("elma365").apis[0].dialect, Dialect::Elma365);
    assert_eq!(example("focco").apis[0].dialect, Dialect::Focco);
    assert_eq!(example("minimal").apis[0].dialect, Dialect::Bearer);
    // Without an API of that dialect its field is a name like any other.
    let company = example("contexts").identity.company;
    assert_eq!(company.unwrap(), "x-empr-id");
}

#[test]
fn lengths_of_time_and_sizes_are_read_in_their_units() {
    let text = "[limits]\nhead = \"32KiB\"\ntarget = 1024\nhead_timeout = \"1500ms\"\n\
                idle_timeout = \"2m\"\n[tokens]\nidle_ttl = \"2w\"\nlifetime = \"0\"\n\
                [cache]\nrecords = 2_000\n[telemetry]\nformat = \"json\"\n";
    let settings = parse(text);
    assert_eq!((settings.limits.head_bytes, settings.limits.target_bytes), (32_768, 1_024));
    assert_eq!(settings.limits.head_timeout, Duration::from_millis(1_500));
    assert_eq!(settings.limits.idle_timeout, Duration::from_secs(120));
    assert_eq!(settings.tokens.idle_ttl, Span::from_days(14));
    assert!(settings.tokens.lifetime.is_zero());
    assert_eq!(settings.cache.records, 2_000);
    assert_eq!(settings.telemetry.format, LogFormat::Json);
}

#[test]
fn a_small_head_takes_the_default_target_with_it() {
    let settings = parse("[limits]\nhead = \"8KiB\"\n");
    assert!(settings.limits.target_bytes <= settings.limits.head_bytes);
}

#[test]
fn sec_p7_p12_an_api_has_one_spelling_of_host_and_path() {
    let text = "[[apis]]\nname = \"a\"\nhost = \"Shop.Example.COM.\"\npath = \"/api/\"\n\
                upstream = [\"http://Back:9000/\", \"http://[::1]\"]\n\
                [[apis.rules]]\npath = \"/api\"\n";
    let api = &parse(text).apis[0];
    assert_eq!(api.host.as_deref(), Some("shop.example.com"));
    assert_eq!(api.path, "/api");
    let endpoint = |host: &str, port| Endpoint {
        at: At::Host(host.to_owned(), port),
        tls: None,
        http2: false,
        health: None,
    };
    assert_eq!(api.upstream.endpoints, [endpoint("back", 9000), endpoint("::1", 80)]);
}

#[test]
fn w16_items_are_closed_unless_a_rule_says_otherwise() {
    let rules = &example("items").apis[0].rules;
    let rule = |name: &str| rules.iter().find(|rule| rule.name.as_str() == name).unwrap();
    assert_eq!(rule("list").requirement.items, ItemRule::Upstream);
    assert_eq!(rule("report").requirement.items, ItemRule::Named);
    assert_eq!(rule("report").item.as_deref(), Some("unit"));
    assert_eq!(example("minimal").apis[0].rules[0].requirement.items, ItemRule::Closed);
}

#[test]
fn w11_the_flags_of_a_rule_are_the_sum_of_their_bits() {
    let settings = example("items");
    let remove = settings.apis[0].rules.iter().find(|rule| rule.name.as_str() == "remove").unwrap();
    assert_eq!(remove.requirement.flags, Flags::from_bits(0x1200).unwrap());
    assert_eq!(remove.methods, [Method::DELETE]);
    assert_eq!(settings.flags.bits("communicate"), Flags::from_bits(0x2000).ok());
}

#[test]
fn a_flag_with_a_title_has_its_bits_all_the_same() {
    let text = "[flags]\nview = 0x1\nedit = { bits = 0x6, title = \"Change records\" }\n[flags.end]\nbits = 8\n";
    let flags = parse(text).flags;
    let bits = ["view", "edit", "end"].map(|name| flags.bits(name).map(Flags::bits));
    assert_eq!(bits, [Some(1), Some(6), Some(8)]);
    let titles = ["view", "edit", "end"].map(|name| flags.title(name));
    assert_eq!(titles, [None, Some("Change records"), None]);
}

#[test]
fn f7_a_parameter_tells_how_it_is_kept_and_passed_on() {
    let settings = example("contexts");
    let context = &settings.contexts[&"telegram".parse().unwrap()];
    let token = &context.params["bot_token"];
    assert!(token.secret && token.required && token.choices.is_empty());
    assert_eq!(token.header.as_ref().unwrap(), "x-telegram-bot-token");
    let hub = &settings.contexts[&"foccohub".parse().unwrap()].params["marketplace"];
    assert_eq!(hub.choices, ["mercado-livre", "shopee", "vtex"]);
    assert!(!hub.secret);
}

#[test]
fn a_public_rule_asks_for_nothing() {
    let settings = example("hosts");
    let health = &settings.apis[0].rules[0];
    assert!(health.public && health.requirement.scope.is_empty());
    assert!(!settings.apis[0].rules[1].public);
    assert!(settings.apis[1].keep.encoded_slash && !settings.apis[0].keep.encoded_slash);
    assert_eq!(settings.apis[1].body_bytes, Some(2 << 30));
    assert_eq!(settings.apis[2].idle_ttl, Some(Span::from_days(30)));
}

#[test]
fn a_rule_without_a_name_has_its_number() {
    let text = "[[apis]]\nname = \"a\"\nupstream = \"http://b\"\n[[apis.rules]]\npath = \"/a\"\n\
                [[apis.rules]]\nname = \"second\"\npath = \"/b\"\n[[apis.rules]]\npath = \"/c\"\n";
    let settings = parse(text);
    let names: Vec<_> = settings.apis[0].rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["rule-1", "second", "rule-3"]);
}

#[test]
fn a_literal_dollar_brace_is_written_with_two_dollars() {
    let text = "[[apis]]\nname = \"a\"\nupstream = \"http://${BILLING_HOST}:1\"\n\
                [[apis.rules]]\npath = \"/price/$${amount}\"\n";
    let api = &parse(text).apis[0];
    assert_eq!(api.rules[0].path, "/price/${amount}");
    assert_eq!(api.upstream.endpoints[0].at, At::Host("10.0.0.8".to_owned(), 1));
}

#[test]
fn an_endpoint_may_be_a_table_and_a_socket_beside_the_file() {
    let text = "[[apis]]\nname = \"a\"\nupstream = [\"http://b\", { url = \"unix:run/c.sock\", weight = 7 }]\n\
                upstream_concurrency = 2\n[apis.health]\npath = \"/h\"\nstatuses = [\"2xx\", \"404\"]\n\
                [[apis.rules]]\npath = \"/\"\n";
    let parsed = config::parse(Path::new("/etc/t/t.toml"), text.as_bytes(), &environment());
    let upstream = &parsed.unwrap().apis[0].upstream;
    let places: Vec<_> = upstream.endpoints.iter().map(|one| one.at.to_string()).collect();
    assert_eq!(places, ["b:80", "unix:/etc/t/run/c.sock"]);
    assert_eq!(upstream.weights, [1, 7]);
    let bound = upstream.concurrency.unwrap();
    assert_eq!((bound.requests, bound.queue, bound.queue_timeout.as_secs()), (2, 100, 1));
    for endpoint in &upstream.endpoints {
        let health = endpoint.health.as_ref().unwrap();
        assert_eq!(health.statuses, [200..=299, 404..=404]);
        assert_eq!((health.interval.as_secs(), health.failures, health.successes), (5, 3, 2));
    }
}
