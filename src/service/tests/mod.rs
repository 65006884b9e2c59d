//! The acts, each with its checks and its event, over a real store.

mod bound;
mod bulk;
mod import;
mod known;
mod leaks;
mod list;
mod companies;
mod events;
mod gains;
mod overview;
mod owner_list;
mod owner_update;
mod owners;
mod rights;
mod reuse;
mod rotate;
mod sweep;
mod tokens;
mod update;
mod warn;
mod whole;

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::view::{OwnerView, TokenChanged, TokenView};
use super::{Caller, Service, ServiceError};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::config::{Environment, Settings, parse};
use crate::domain::flags::Flags;
use crate::domain::id::{OwnerId, TokenId};
use crate::domain::time::{Span, Timestamp};
use crate::store::{self, Store};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

/// Acts over a store in a folder of its own, a held clock, and the administrator of the machine.
pub(crate) struct World {
    pub(crate) service: Arc<Service>,
    pub(crate) clock: Clock,
    pub(crate) by: Caller,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::over(|store| store).await
    }

    /// With what `between` makes of its store.
    pub(crate) async fn over(between: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        Self::made(between, |service| service).await
    }

    /// In which one call ends no more tokens than these.
    pub(crate) async fn in_calls_of(most: usize) -> Self {
        Self::made(|store| store, |service| service.in_calls_of(most)).await
    }

    async fn made(
        between: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
        with: impl FnOnce(Service) -> Service,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings();
        settings.store.path = folder.path().join("data");
        let clock = Clock::held(NOW);
        let store = store::open(&settings.store, clock.clone()).await.unwrap();
        let control = tokio::runtime::Handle::current();
        let cache = Cache::new(between(store), settings.cache.clone(), control);
        let settings = Arc::new(ArcSwap::from_pointee(settings));
        let service = Arc::new(with(Service::new(cache, settings, clock.clone())));
        Self { service, clock, by: Caller::local(1_000), _folder: folder }
    }

    /// With a user `alice`.
    async fn with_alice() -> Self {
        let world = Self::new().await;
        world.owner(json!({"id": "alice", "name": "Alice"})).await.unwrap();
        world
    }

    /// As after a reload of the configuration.
    pub(crate) fn reload(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = Settings::clone(&self.service.settings());
        change(&mut settings);
        self.service.settings.store(Arc::new(settings));
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
pub(crate) fn input<T: serde::de::DeserializeOwned>(body: Value) -> T {
    serde_json::from_str(&body.to_string()).unwrap()
}

pub(crate) fn owner_id(text: &str) -> OwnerId {
    text.parse().unwrap()
}

pub(crate) fn problem<T>(result: Result<T, ServiceError>) -> (u16, String) {
    let error = result.err().expect("the act should be refused");
    (error.status(), error.to_string())
}

pub(crate) fn settings() -> Settings {
    parsed(SETTINGS)
}

fn parsed(text: &str) -> Settings {
    let settings = parse(Path::new("tests.toml"), text.as_bytes(), &Environment::default());
    settings.unwrap_or_else(|report| panic!("{report}"))
}

const SETTINGS: &str = r#"
[store]
reserve = "1MiB"
index_cache = "1MiB"

[flags]
view = 0x200
edit = 0x400

[contexts.stock]
[contexts.hub.params.market]
title = "Market"
required = true
choices = ["north"]

[[apis]]
name = "shop"
upstream = "http://127.0.0.1:9"
idle_ttl = "30d"
rules = [{ path = "/{*rest}" }]
"#;
