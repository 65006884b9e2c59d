//! A core, an API and clients for unit tests, without a gateway around them.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;

use tokio::runtime::{LocalOptions, LocalRuntime, Runtime};

use crate::cache::Cache;
use crate::config::{self, Environment};
use crate::telemetry::counters::Counters;

use super::client::Client;
use super::core::{Core, Shared};
use super::plan::ApiPlan;
use super::snapshot::Snapshot;
use super::targets::Targets;

/// What a core has, and one API.
pub(super) struct Sample {
    pub(super) core: Rc<Core>,
    pub(super) api: ApiPlan,
    runtime: LocalRuntime,
    _control: Runtime,
    _folder: tempfile::TempDir,
}

impl Sample {
    /// With these upstreams and limits, as they stand in a file.
    pub(super) fn new(upstreams: &str, limits: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "store.path = {:?}\nlimits = {{ {limits} }}\n[[apis]]\nname = \"a\"\nupstream = [{upstreams}]\n\
             rules = [{{ path = \"/\" }}]\n",
            folder.path()
        );
        let settings = config::parse("t.toml".as_ref(), text.as_bytes(), &Environment::default());
        let settings = settings.unwrap_or_else(|report| panic!("{report}"));
        let control = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let cache = control.block_on(Cache::sample(folder.path()));
        let (counters, targets) = (Counters::new(1), Targets::default());
        let api = ApiPlan::new(&settings.apis[0], &settings, &counters, &targets);
        let snapshot = Snapshot::new(&settings, &counters, &targets, 0);
        let core = Core::new(0, Arc::new(Shared::new(cache, snapshot, counters)), 0);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
            .unwrap();
        Self { core, api, runtime, _control: control, _folder: folder }
    }

    pub(super) fn client(&self) -> Rc<Client> {
        Client::new(&self.core, IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    /// Runs on the core.
    pub(super) fn run<T>(&self, act: impl Future<Output = T>) -> T {
        self.runtime.block_on(act)
    }
}
