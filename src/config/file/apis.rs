//! `[[apis]]` and their rules as they stand in the file.

use std::ops::Range;

use crate::config::reading::{Field, Placed, Reading, Text};
use crate::config::table::{Size, Table, TextOrTable};

/// `[[apis]]`
#[derive(Debug)]
pub(in crate::config) struct ApiTable {
    pub(in crate::config) span: Range<usize>,
    pub(in crate::config) name: Field<Text>,
    pub(in crate::config) dialect: Field<Text>,
    pub(in crate::config) host: Field<Text>,
    pub(in crate::config) path: Field<Text>,
    pub(in crate::config) upstream: Field<Vec<Placed<Text>>>,
    /// The weight of each, where it has one.
    pub(in crate::config) weights: Vec<Field<i128>>,
    pub(in crate::config) upstream_ca: Field<Text>,
    pub(in crate::config) upstream_name: Field<Text>,
    pub(in crate::config) upstream_certificate: Field<Text>,
    pub(in crate::config) upstream_key: Field<Text>,
    pub(in crate::config) upstream_connect_timeout: Field<Text>,
    pub(in crate::config) upstream_response_timeout: Field<Text>,
    pub(in crate::config) upstream_idle_timeout: Field<Text>,
    pub(in crate::config) upstream_stall_timeout: Field<Text>,
    pub(in crate::config) upstream_tunnel_timeout: Field<Text>,
    pub(in crate::config) upstream_http2: Field<bool>,
    pub(in crate::config) upstream_path: Field<Text>,
    pub(in crate::config) upstream_host: Field<Text>,
    pub(in crate::config) upstream_timeout: Field<Text>,
    pub(in crate::config) upstream_lifetime: Field<Text>,
    pub(in crate::config) upstream_eject_after: Field<i128>,
    pub(in crate::config) upstream_eject_time: Field<Text>,
    pub(in crate::config) upstream_eject_on_errors: Field<bool>,
    pub(in crate::config) upstream_retry: Field<Text>,
    pub(in crate::config) upstream_concurrency: Field<i128>,
    pub(in crate::config) upstream_queue: Field<i128>,
    pub(in crate::config) upstream_queue_timeout: Field<Text>,
    pub(in crate::config) health: HealthTable,
    pub(in crate::config) cors: CorsTable,
    pub(in crate::config) client_certificate: Field<Text>,
    pub(in crate::config) token_cookie: Field<Text>,
    pub(in crate::config) token_query: Field<Text>,
    pub(in crate::config) keep_credential: Field<bool>,
    pub(in crate::config) body_limit: Field<Size>,
    pub(in crate::config) keep: Field<Vec<Placed<Text>>>,
    pub(in crate::config) idle_ttl: Field<Text>,
    pub(in crate::config) rules: Vec<RuleTable>,
}

/// `[apis.health]`
#[derive(Debug)]
pub(in crate::config) struct HealthTable {
    pub(in crate::config) span: Range<usize>,
    /// Whether it has any key.
    pub(in crate::config) is_there: bool,
    pub(in crate::config) path: Field<Text>,
    pub(in crate::config) interval: Field<Text>,
    pub(in crate::config) timeout: Field<Text>,
    pub(in crate::config) failures: Field<i128>,
    pub(in crate::config) successes: Field<i128>,
    pub(in crate::config) statuses: Field<Vec<Placed<Text>>>,
}

impl HealthTable {
    fn read(mut table: Table<'_>, reading: &Reading<'_>) -> Self {
        let read = Self {
            span: table.span(),
            is_there: !table.is_empty(),
            path: table.text("path", reading),
            interval: table.duration("interval", reading),
            timeout: table.duration("timeout", reading),
            failures: table.number("failures", reading),
            successes: table.number("successes", reading),
            statuses: table.texts("statuses", reading),
        };
        table.finish(reading);
        read
    }
}

/// `[apis.cors]`
#[derive(Debug)]
pub(in crate::config) struct CorsTable {
    pub(in crate::config) span: Range<usize>,
    /// Whether it has any key.
    pub(in crate::config) is_there: bool,
    pub(in crate::config) origins: Field<Vec<Placed<Text>>>,
    pub(in crate::config) methods: Field<Vec<Placed<Text>>>,
    pub(in crate::config) headers: Field<Vec<Placed<Text>>>,
    pub(in crate::config) expose: Field<Vec<Placed<Text>>>,
    pub(in crate::config) max_age: Field<Text>,
    pub(in crate::config) credentials: Field<bool>,
}

impl CorsTable {
    fn read(mut table: Table<'_>, reading: &Reading<'_>) -> Self {
        let read = Self {
            span: table.span(),
            is_there: !table.is_empty(),
            origins: table.texts("origins", reading),
            methods: table.texts("methods", reading),
            headers: table.texts("headers", reading),
            expose: table.texts("expose", reading),
            max_age: table.duration("max_age", reading),
            credentials: table.boolean("credentials", reading),
        };
        table.finish(reading);
        read
    }
}

/// `[[apis.rules]]`
#[derive(Debug)]
pub(in crate::config) struct RuleTable {
    pub(in crate::config) span: Range<usize>,
    pub(in crate::config) name: Field<Text>,
    pub(in crate::config) path: Field<Text>,
    pub(in crate::config) methods: Field<Vec<Placed<Text>>>,
    pub(in crate::config) public: Field<bool>,
    pub(in crate::config) context: Field<Text>,
    pub(in crate::config) flags: Field<Vec<Placed<Text>>>,
    pub(in crate::config) roles: Field<Vec<Placed<Text>>>,
    pub(in crate::config) subjects: Field<Vec<Placed<Text>>>,
    pub(in crate::config) company: Field<Text>,
    pub(in crate::config) item: Field<Text>,
    pub(in crate::config) items: Field<Text>,
}

pub(super) fn read(tables: Vec<Table<'_>>, reading: &Reading<'_>) -> Vec<ApiTable> {
    let read = |mut table: Table<'_>| {
        let (upstream, weights) = endpoints(table.texts_or_tables("upstream", reading), reading);
        let api = ApiTable {
            span: table.span(),
            name: table.text("name", reading),
            dialect: table.text("dialect", reading),
            host: table.text("host", reading),
            path: table.text("path", reading),
            upstream,
            weights,
            upstream_ca: table.text("upstream_ca", reading),
            upstream_name: table.text("upstream_name", reading),
            upstream_certificate: table.text("upstream_certificate", reading),
            upstream_key: table.text("upstream_key", reading),
            upstream_connect_timeout: table.duration("upstream_connect_timeout", reading),
            upstream_response_timeout: table.duration("upstream_response_timeout", reading),
            upstream_idle_timeout: table.duration("upstream_idle_timeout", reading),
            upstream_stall_timeout: table.duration("upstream_stall_timeout", reading),
            upstream_tunnel_timeout: table.duration("upstream_tunnel_timeout", reading),
            upstream_http2: table.boolean("upstream_http2", reading),
            upstream_path: table.text("upstream_path", reading),
            upstream_host: table.text("upstream_host", reading),
            upstream_timeout: table.duration("upstream_timeout", reading),
            upstream_lifetime: table.duration("upstream_lifetime", reading),
            upstream_eject_after: table.number("upstream_eject_after", reading),
            upstream_eject_time: table.duration("upstream_eject_time", reading),
            upstream_eject_on_errors: table.boolean("upstream_eject_on_errors", reading),
            upstream_retry: table.text("upstream_retry", reading),
            upstream_concurrency: table.number("upstream_concurrency", reading),
            upstream_queue: table.number("upstream_queue", reading),
            upstream_queue_timeout: table.duration("upstream_queue_timeout", reading),
            health: HealthTable::read(table.table("health", reading), reading),
            cors: CorsTable::read(table.table("cors", reading), reading),
            client_certificate: table.text("client_certificate", reading),
            token_cookie: table.text("token_cookie", reading),
            token_query: table.text("token_query", reading),
            keep_credential: table.boolean("keep_credential", reading),
            body_limit: table.size("body_limit", reading),
            keep: table.texts("keep", reading),
            idle_ttl: table.duration("idle_ttl", reading),
            rules: read_rules(table.tables("rules", reading), reading),
        };
        table.finish(reading);
        api
    };
    tables.into_iter().map(read).collect()
}

/// The URLs of `upstream`, and the weight of each.
fn endpoints(
    given: Field<Vec<TextOrTable<'_>>>,
    reading: &Reading<'_>,
) -> (Field<Vec<Placed<Text>>>, Vec<Field<i128>>) {
    let given = match given {
        None => return (None, Vec::new()),
        Some(Err(reported)) => return (Some(Err(reported)), Vec::new()),
        Some(Ok(given)) => given,
    };
    let (mut urls, mut weights) = (Vec::new(), Vec::new());
    for one in given.value {
        match one {
            TextOrTable::Text(url) => {
                urls.push(Ok(url));
                weights.push(None);
            }
            TextOrTable::Table(mut table) => {
                let (url, span) = (table.text("url", reading), table.span());
                let hint = "say where it is, such as `url = \"http://127.0.0.1:9000\"`";
                urls.push(reading.required(&url, &span, ("this endpoint", "url"), hint));
                weights.push(table.number("weight", reading));
                table.finish(reading);
            }
        }
    }
    let urls = urls.into_iter().collect::<Result<_, _>>();
    let (key, span) = (given.key, given.span);
    (Some(urls.map(|value| Placed { value, key, span })), weights)
}

fn read_rules(tables: Vec<Table<'_>>, reading: &Reading<'_>) -> Vec<RuleTable> {
    let read = |mut table: Table<'_>| {
        let rule = RuleTable {
            span: table.span(),
            name: table.text("name", reading),
            path: table.text("path", reading),
            methods: table.texts("methods", reading),
            public: table.boolean("public", reading),
            context: table.text("context", reading),
            flags: table.texts("flags", reading),
            roles: table.texts("roles", reading),
            subjects: table.texts("subjects", reading),
            company: table.text("company", reading),
            item: table.text("item", reading),
            items: table.text("items", reading),
        };
        table.finish(reading);
        rule
    };
    tables.into_iter().map(read).collect()
}
