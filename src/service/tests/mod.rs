//! The acts, each with its checks and its event, over a store in memory.

mod owners;
mod tokens;
mod update;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::{Value, json};

use super::memory::Memory;
use super::view::{OwnerView, TokenChanged, TokenView};
use super::{Caller, Service, ServiceError};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::config::Settings;
use crate::config::settings::{
    CacheSettings, Context, ContextParam, IdentityHeaders, Limits, Listen, LogFormat,
    MasterKeySource, StoreSettings, TelemetrySettings, TokenDefaults,
};
use crate::domain::flags::{FlagCatalog, Flags};
use crate::domain::id::{OwnerId, TokenId};
use crate::domain::time::{Span, Timestamp};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

/// Acts over a store in memory, a held clock, and the administrator of the machine.
pub(crate) struct World {
    pub(crate) service: Arc<Service>,
    clock: Clock,
    by: Caller,
}

impl World {
    pub(crate) fn new() -> Self {
        let settings = settings();
        let clock = Clock::held(NOW);
        let store = Arc::new(Memory::default());
        let control = tokio::runtime::Handle::current();
        let cache = Cache::new(store, settings.cache.clone(), control);
        let settings = Arc::new(ArcSwap::from_pointee(settings));
        let service = Arc::new(Service::new(cache, settings, clock.clone()));
        Self { service, clock, by: Caller::local(1_000) }
    }

    /// With a user `alice`.
    async fn with_alice() -> Self {
        let world = Self::new();
        world.owner(json!({"id": "alice", "name": "Alice"})).await.unwrap();
        world
    }

    async fn owner(&self, body: Value) -> Result<OwnerView, ServiceError> {
        self.service.create_owner(&self.by, input(body)).await
    }

    async fn create(&self, body: Value) -> Result<TokenView, ServiceError> {
        Ok(self.service.create_token(&self.by, input(body)).await?.token)
    }

    /// A token of alice's.
    async fn token(&self) -> TokenView {
        self.create(json!({"owner": "alice", "name": "ci"})).await.unwrap()
    }

    async fn update(&self, id: TokenId, body: Value) -> Result<TokenChanged, ServiceError> {
        self.service.update_token(&self.by, id, &input(body)).await
    }

    /// What the history says about a token or an owner, newest first.
    async fn kinds(&self) -> Vec<String> {
        let page = self.service.store().events(None, None, 100).await.unwrap();
        let kind = |kind| serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned();
        page.entries.iter().map(|recorded| kind(recorded.event.kind)).collect()
    }
}

/// A body as it comes over the wire.
fn input<T: serde::de::DeserializeOwned>(body: Value) -> T {
    serde_json::from_str(&body.to_string()).unwrap()
}

fn owner_id(text: &str) -> OwnerId {
    text.parse().unwrap()
}

fn problem<T>(result: Result<T, ServiceError>) -> (u16, String) {
    let error = result.err().expect("the act should be refused");
    (error.status(), error.to_string())
}

fn settings() -> Settings {
    let bits = |bits| Flags::from_bits(bits).unwrap();
    let param = ContextParam {
        title: "Market".to_owned(),
        secret: false,
        required: true,
        choices: vec!["north".to_owned()],
        header: None,
    };
    let context = |params| Context { title: String::new(), params };
    let second = Duration::from_secs(1);
    Settings {
        listen: Listen {
            public: ([127, 0, 0, 1], 0).into(),
            admin: ([127, 0, 0, 1], 0).into(),
            socket: "s".into(),
            cores: 1,
            h2c: false,
        },
        store: StoreSettings {
            path: "data".into(),
            index_cache_bytes: 0,
            reserve_bytes: 0,
            master_key: MasterKeySource::Environment(String::new()),
        },
        cache: CacheSettings {
            records: 100,
            unknown: 100,
            unknown_ttl: second,
            loads: 10,
            load_timeout: second,
            flush_interval: second,
        },
        limits: Limits {
            connections: 1,
            head_bytes: 1,
            headers: 1,
            target_bytes: 1,
            head_timeout: second,
            idle_timeout: second,
            stall_timeout: second,
        },
        telemetry: TelemetrySettings {
            format: LogFormat::Human,
            filter: String::new(),
            access_log: false,
        },
        identity: IdentityHeaders {
            owner: None,
            company: None,
            token: None,
            token_name: None,
            flags: None,
            contexts: None,
            items: None,
            params: None,
            request: None,
        },
        tokens: TokenDefaults { idle_ttl: Span::from_days(100), lifetime: Span::ZERO },
        flags: FlagCatalog::new(
            [("view".to_owned(), bits(0x200)), ("edit".to_owned(), bits(0x400))].into(),
        ),
        contexts: [
            ("stock".parse().unwrap(), context(BTreeMap::new())),
            ("hub".parse().unwrap(), context([("market".to_owned(), param)].into())),
        ]
        .into(),
        apis: Vec::new(),
    }
}
