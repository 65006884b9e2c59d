//! From a path to a rule, among few and among many.

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion};
use http::Method;
use tollgate::config::{self, Environment};
use tollgate::gateway::path;
use tollgate::gateway::snapshot::Snapshot;
use tollgate::gateway::targets::Targets;
use tollgate::telemetry::counters::Counters;

/// One API with `rules` rules, four paths to a module.
fn configuration(rules: usize) -> String {
    let mut text = "contexts.stock = {}\n[[apis]]\nname = \"erp\"\nhost = \"erp.example\"\n\
                    upstream = \"http://127.0.0.1:9\"\n"
        .to_owned();
    for number in 0..rules {
        let module = number / 4;
        let path = match number % 4 {
            0 => format!("/api/module{module}/list"),
            1 => format!("/api/module{module}/{{id}}"),
            2 => format!("/api/module{module}/{{id}}/lines/{{line}}"),
            _ => format!("/api/module{module}/files/{{*rest}}"),
        };
        write!(text, "[[apis.rules]]\npath = \"{path}\"\ncontext = \"stock\"\n").unwrap();
    }
    text
}

/// Host, path and method to a rule.
pub(crate) fn find(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("route lookup");
    for rules in [10, 1_000, 10_000] {
        let text = configuration(rules);
        let settings =
            config::parse(Path::new("bench.toml"), text.as_bytes(), &Environment::default());
        let settings = settings.unwrap_or_else(|report| panic!("{report}"));
        let counters = Counters::new(1);
        let snapshot = Snapshot::new(&settings, &counters, &Targets::default(), 0);
        let module = rules / 8;
        for (name, target) in [
            ("exact", format!("/api/module{module}/list")),
            ("parameters", format!("/api/module{module}/4711/lines/12")),
            ("rest", format!("/api/module{module}/files/a/b/c.txt")),
            ("no rule", "/api/elsewhere/list".to_owned()),
        ] {
            group.bench_with_input(BenchmarkId::new(name, rules), &target, |bencher, target| {
                bencher.iter(|| {
                    let found =
                        snapshot.routes.find("erp.example", black_box(target), &Method::GET);
                    found.is_some_and(|(_, rule, _)| rule.is_some())
                });
            });
        }
    }
}

/// The one reading of a path.
pub(crate) fn normalize(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("path");
    for (name, raw) in [("plain", "/api/module7/4711/lines/12"), ("escaped", "/api/caf%c3%a9/%61")]
    {
        group.bench_function(name, |bencher| {
            bencher.iter(|| path::normalize(black_box(raw)).is_ok())
        });
    }
}
