//! Heads of requests.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::value::to_raw_value;
use tokio::runtime::Runtime;

use crate::cache::Cache;
use crate::clock::Clock;
use crate::config::{Environment, parse};
use crate::gateway::fuzzing::{SECRET, Stage};
use crate::service::import::{ImportBatch, ImportOutcome};
use crate::service::{Caller, Service};
use crate::store;

/// What requests are judged by: the same paths in every dialect, and what each API may be told to do with them. The
/// token reaches `read` alone.
const APIS: &str = include_str!("heads.toml");

/// Reads heads of requests, and sees them through until they would go to an upstream.
#[derive(Debug)]
pub struct Heads {
    stage: Stage,
    _control: Runtime,
}

impl Heads {
    /// With a store in `folder`, which holds one token.
    pub fn new(folder: &Path) -> Self {
        let text = format!("store.path = {:?}\n{APIS}", folder.join("data"));
        let settings = parse(Path::new("heads.toml"), text.as_bytes(), &Environment::default());
        let settings = Arc::new(settings.unwrap_or_else(|report| panic!("{report}")));
        let mut control = tokio::runtime::Builder::new_multi_thread();
        let control = control.worker_threads(1).enable_all().build().unwrap();
        let cache = control.block_on(async {
            let store = store::open(&settings.store, Clock::system()).await.unwrap();
            let cache =
                Cache::new(store, settings.cache.clone(), tokio::runtime::Handle::current());
            let now = Arc::new(ArcSwap::new(Arc::clone(&settings)));
            fill(&Service::new(Arc::clone(&cache), now, Clock::system())).await;
            cache
        });
        Self { stage: Stage::new(cache, &settings), _control: control }
    }

    /// What a client sends over HTTP/1, all at once; whether any of it would go on.
    pub fn http1(&self, bytes: &[u8]) -> bool {
        self.stage.http1(bytes)
    }

    /// A request over HTTP/2: a field in each line, and behind an empty line each the body and the trailers; whether it
    /// would go on.
    pub fn http2(&self, bytes: &[u8]) -> bool {
        self.stage.http2(bytes)
    }
}

async fn fill(service: &Service) {
    let line = serde_json::json!({
        "owner": "alice", "name": "a seed", "secret": SECRET, "contexts": ["read"], "company": "acme",
    });
    let lines = vec![to_raw_value(&line).unwrap()];
    let batch = ImportBatch { create_owners: true, lines, ..ImportBatch::default() };
    let told = service.import(&Caller::local(0), &batch).await.unwrap();
    assert!(told.iter().all(|told| told.outcome == ImportOutcome::Good), "{told:?}");
}
