//! The low settings: exactly what stands in the file, with the place of each value.
//!
//! Nothing is checked here but the kind of each value and that each key is known. `general`, `limits`,
//! `catalog`, `api` and `rule` make the high settings of it.

use std::ops::Range;

pub(super) use self::apis::{ApiTable, CorsTable, HealthTable, RuleTable};
pub(super) use self::limits::{FailuresTable, LimitsTable};
pub(super) use self::proxies::ProxiesTable;
pub(super) use self::tls::{CertificateTable, TlsTable};
use super::reading::{Field, Placed, Reading, Reported, Text};
use super::table::{NumberOrTable, Size, Table};

mod apis;
mod limits;
mod proxies;
mod tls;

/// A whole file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) listen: ListenTable,
    pub(super) tls: TlsTable,
    pub(super) proxies: ProxiesTable,
    pub(super) store: StoreTable,
    pub(super) cache: CacheTable,
    pub(super) limits: LimitsTable,
    pub(super) telemetry: TelemetryTable,
    pub(super) identity: IdentityTable,
    pub(super) tokens: TokensTable,
    pub(super) sessions: SessionsTable,
    pub(super) flags: Vec<FlagTable>,
    pub(super) contexts: Vec<ContextTable>,
    pub(super) egress: EgressTable,
    pub(super) webhooks: Vec<WebhookTable>,
    pub(super) apis: Vec<ApiTable>,
}

/// `[listen]`
#[derive(Debug)]
pub(super) struct ListenTable {
    pub(super) public: Field<Text>,
    pub(super) plain: Field<Text>,
    pub(super) admin: Field<Text>,
    pub(super) admin_open: Field<bool>,
    pub(super) admin_hosts: Field<Vec<Placed<Text>>>,
    pub(super) socket: Field<Text>,
    pub(super) cores: Field<i128>,
    pub(super) h2c: Field<bool>,
}

/// `[store]`
#[derive(Debug)]
pub(super) struct StoreTable {
    pub(super) path: Field<Text>,
    pub(super) index_cache: Field<Size>,
    pub(super) reserve: Field<Size>,
    pub(super) master_key: Field<String>,
}

/// `[cache]`
#[derive(Debug)]
pub(super) struct CacheTable {
    pub(super) records: Field<i128>,
    pub(super) unknown: Field<i128>,
    pub(super) unknown_ttl: Field<Text>,
    pub(super) loads: Field<i128>,
    pub(super) load_timeout: Field<Text>,
    pub(super) flush_interval: Field<Text>,
}

/// `[telemetry]`
#[derive(Debug)]
pub(super) struct TelemetryTable {
    pub(super) format: Field<Text>,
    pub(super) filter: Field<Text>,
    pub(super) access_log: Field<bool>,
}

/// `[identity]`: header names, or `false`.
#[derive(Debug)]
pub(super) struct IdentityTable {
    pub(super) owner: Field<Option<Text>>,
    pub(super) company: Field<Option<Text>>,
    pub(super) token_id: Field<Option<Text>>,
    pub(super) token_name: Field<Option<Text>>,
    pub(super) flags: Field<Option<Text>>,
    pub(super) contexts: Field<Option<Text>>,
    pub(super) items: Field<Option<Text>>,
    pub(super) params: Field<Option<Text>>,
    pub(super) request_id: Field<Option<Text>>,
    pub(super) certificate: Field<Option<Text>>,
    pub(super) certificate_subject: Field<Option<Text>>,
}

/// `[tokens]`
#[derive(Debug)]
pub(super) struct TokensTable {
    pub(super) idle_ttl: Field<Text>,
    pub(super) lifetime: Field<Text>,
    pub(super) self_service: Field<bool>,
}

/// `[sessions]`
#[derive(Debug)]
pub(super) struct SessionsTable {
    pub(super) idle_ttl: Field<Text>,
    pub(super) lifetime: Field<Text>,
}

/// An entry of `[flags]`: bits, or a table that says more.
#[derive(Debug)]
pub(super) struct FlagTable {
    pub(super) name: Placed<String>,
    pub(super) bits: Result<Placed<i128>, Reported>,
    pub(super) title: Field<Text>,
}

/// `[contexts.NAME]`
#[derive(Debug)]
pub(super) struct ContextTable {
    pub(super) name: Placed<String>,
    pub(super) title: Field<Text>,
    pub(super) params: Vec<ParamTable>,
}

/// `[contexts.NAME.params.NAME]`
#[derive(Debug)]
pub(super) struct ParamTable {
    pub(super) name: Placed<String>,
    pub(super) title: Field<Text>,
    pub(super) secret: Field<bool>,
    pub(super) required: Field<bool>,
    pub(super) choices: Field<Vec<Placed<Text>>>,
    pub(super) header: Field<Text>,
}

/// `[egress]`
#[derive(Debug)]
pub(super) struct EgressTable {
    pub(super) allow: Field<Vec<Placed<Text>>>,
    pub(super) ca: Field<Text>,
}

/// `[[webhooks]]`
#[derive(Debug)]
pub(super) struct WebhookTable {
    pub(super) span: Range<usize>,
    pub(super) name: Field<Text>,
    pub(super) url: Field<Text>,
    pub(super) secret: Field<String>,
    pub(super) notices: Field<Vec<Placed<Text>>>,
}

impl File {
    /// Reads every table. The small ones come first, so that a key which stands in the wrong table
    /// can be told where it belongs.
    pub(super) fn read(mut root: Table<'_>, reading: &Reading<'_>) -> Self {
        let file = Self {
            store: StoreTable::read(root.table("store", reading), reading),
            cache: CacheTable::read(root.table("cache", reading), reading),
            limits: LimitsTable::read(root.table("limits", reading), reading),
            telemetry: TelemetryTable::read(root.table("telemetry", reading), reading),
            tokens: TokensTable::read(root.table("tokens", reading), reading),
            sessions: SessionsTable::read(root.table("sessions", reading), reading),
            listen: ListenTable::read(root.table("listen", reading), reading),
            tls: TlsTable::read(root.table("tls", reading), reading),
            proxies: ProxiesTable::read(root.table("proxies", reading), reading),
            identity: IdentityTable::read(root.table("identity", reading), reading),
            flags: read_flags(root.table("flags", reading), reading),
            contexts: read_contexts(root.table("contexts", reading), reading),
            egress: EgressTable::read(root.table("egress", reading), reading),
            webhooks: read_webhooks(root.tables("webhooks", reading), reading),
            apis: apis::read(root.tables("apis", reading), reading),
        };
        root.finish(reading);
        file
    }
}

impl ListenTable {
    fn read(mut table: Table<'_>, reading: &Reading<'_>) -> Self {
        let read = Self {
            public: table.text("public", reading),
            plain: table.text("plain", reading),
            admin: table.text("admin", reading),
            admin_open: table.boolean("admin_open", reading),
            admin_hosts: table.texts("admin_hosts", reading),
            socket: table.text("socket", reading),
            cores: table.number("cores", reading),
            h2c: table.boolean("h2c", reading),
        };
        table.finish(reading);
        read
    }
}

impl StoreTable {
    fn read(mut table: Table<'_>, reading: &Reading<'_>) -> Self {
        let read = Self {
            path: table.text("path", reading),
            index_cache: table.size("index_cache", reading),
            reserve: table.size("reserve", reading),
            master_key: table.raw_text("master_key", reading),
        };
        table.finish(reading);
        read
    }
}

impl CacheTable {
    fn read(mut table: Table<'_>, reading: &Reading<'_>) -> Self {
        let read = Self {
            records: table.number("records", reading),
            unknown: table.number("unknown", reading),
            unknown_ttl: table.duration("unknown_ttl", reading),
            loads: table.number("loads", reading),
            load_timeout: table.duration("load_timeout", reading),
            flush_interval: table.duration("flush_interval", reading),
        };
        table.finish(reading);
        read
    }
}

impl TelemetryTable {
    fn read(mut table: Table<'_>, reading: &Reading<'_>) -> Self {
        let read = Self {
            format: table.text("format", reading),
            filter: table.text("filter", reading),
            access_log: table.boolean("access_log", reading),
        };
        table.finish(reading);
        read
    }
}

impl IdentityTable {
    fn read(mut table: Table<'_>, reading: &Reading<'_>) -> Self {
        let read = Self {
            owner: table.text_or_false("owner", reading),
            company: table.text_or_false("company", reading),
            token_id: table.text_or_false("token_id", reading),
            token_name: table.text_or_false("token_name", reading),
            flags: table.text_or_false("flags", reading),
            contexts: table.text_or_false("contexts", reading),
            items: table.text_or_false("items", reading),
            params: table.text_or_false("params", reading),
            request_id: table.text_or_false("request_id", reading),
            certificate: table.text_or_false("certificate", reading),
            certificate_subject: table.text_or_false("certificate_subject", reading),
        };
        table.finish(reading);
        read
    }
}

impl TokensTable {
    fn read(mut table: Table<'_>, reading: &Reading<'_>) -> Self {
        let read = Self {
            idle_ttl: table.duration("idle_ttl", reading),
            lifetime: table.duration("lifetime", reading),
            self_service: table.boolean("self_service", reading),
        };
        table.finish(reading);
        read
    }
}

impl SessionsTable {
    fn read(mut table: Table<'_>, reading: &Reading<'_>) -> Self {
        let read = Self {
            idle_ttl: table.duration("idle_ttl", reading),
            lifetime: table.duration("lifetime", reading),
        };
        table.finish(reading);
        read
    }
}

impl EgressTable {
    fn read(mut table: Table<'_>, reading: &Reading<'_>) -> Self {
        let read = Self { allow: table.texts("allow", reading), ca: table.text("ca", reading) };
        table.finish(reading);
        read
    }
}

fn read_webhooks(tables: Vec<Table<'_>>, reading: &Reading<'_>) -> Vec<WebhookTable> {
    let read = |mut table: Table<'_>| {
        let webhook = WebhookTable {
            span: table.span(),
            name: table.text("name", reading),
            url: table.text("url", reading),
            secret: table.raw_text("secret", reading),
            notices: table.texts("notices", reading),
        };
        table.finish(reading);
        webhook
    };
    tables.into_iter().map(read).collect()
}

fn read_flags(table: Table<'_>, reading: &Reading<'_>) -> Vec<FlagTable> {
    let read = |(name, given): (Placed<String>, NumberOrTable<'_>)| match given {
        NumberOrTable::Number(bits) => FlagTable { name, bits, title: None },
        NumberOrTable::Table(mut table) => {
            let (bits, title) = (table.number("bits", reading), table.text("title", reading));
            let hint = "say which, such as `bits = 0x100`";
            let bits = reading.required(&bits, &table.span(), ("this flag", "bits"), hint);
            table.finish(reading);
            FlagTable { name, bits, title }
        }
    };
    table.named_numbers_or_tables(reading).into_iter().map(read).collect()
}

fn read_contexts(table: Table<'_>, reading: &Reading<'_>) -> Vec<ContextTable> {
    let read = |(name, mut table): (Placed<String>, Table<'_>)| {
        let context = ContextTable {
            name,
            title: table.text("title", reading),
            params: read_params(table.table("params", reading), reading),
        };
        table.finish(reading);
        context
    };
    table.named_tables(reading).into_iter().map(read).collect()
}

fn read_params(table: Table<'_>, reading: &Reading<'_>) -> Vec<ParamTable> {
    let read = |(name, mut table): (Placed<String>, Table<'_>)| {
        let param = ParamTable {
            name,
            title: table.text("title", reading),
            secret: table.boolean("secret", reading),
            required: table.boolean("required", reading),
            choices: table.texts("choices", reading),
            header: table.text("header", reading),
        };
        table.finish(reading);
        param
    };
    table.named_tables(reading).into_iter().map(read).collect()
}
