//! What is told of requests: the access log, the metrics, warnings; and what is never told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

#[path = "telemetry/access.rs"]
mod access;
#[path = "telemetry/certificates.rs"]
mod certificates;
#[path = "telemetry/endings.rs"]
mod endings;
#[path = "telemetry/metrics.rs"]
mod metrics;
#[path = "telemetry/secrets.rs"]
mod secrets;
#[path = "telemetry/slow.rs"]
mod slow;
#[path = "telemetry/warnings.rs"]
mod warnings;

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, OnceLock};

use serde_json::{Value, json};
use tollgate::clock::Clock;
use tollgate::telemetry::Format;
use tollgate::telemetry::logs::{self, Flush, Options};
use tracing_subscriber::util::SubscriberInitExt;

use support::PATIENCE;
use support::gateway::{Gateway, Made, START};
use support::upstream::Upstream;

const APIS: &str = r#"
telemetry = { format = "json", access_log = true }

[contexts.stock]
[contexts.sales]

[[apis]]
name = "erp"
host = "erp.example"
upstream = "http://UPSTREAM"
rules = [
    { name = "any", path = "/any/{*rest}" },
    { name = "stock", path = "/stock", context = "stock" },
    { name = "sales", path = "/sales", context = "sales" },
    { name = "open", path = "/open", public = true },
]

[[apis]]
name = "portal"
dialect = "elma365"
host = "portal.example"
upstream = "http://UPSTREAM"
rules = [{ name = "all", path = "/{*rest}" }]
"#;

/// Keeps what is written, for whoever waits for it.
#[derive(Clone, Default)]
struct Kept(Arc<(Mutex<Vec<u8>>, Condvar)>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (kept, written) = &*self.0;
        kept.lock().unwrap().extend_from_slice(bytes);
        written.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kept {
    /// Everything that was written, once `enough` says so.
    fn once(&self, enough: impl Fn(&str) -> bool) -> String {
        let (kept, written) = &*self.0;
        let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
        let waited = written
            .wait_timeout_while(kept.lock().unwrap(), PATIENCE, |bytes| !enough(&text(bytes)));
        let (bytes, late) = waited.unwrap();
        assert!(!late.timed_out(), "what was waited for never came: {}", text(&bytes));
        text(&bytes)
    }

    /// The first `count` lines as JSON.
    fn lines(&self, count: usize) -> Vec<Value> {
        let text = self.once(|text| text.matches('\n').count() >= count);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A gateway with an access log that is read.
struct Stage {
    gateway: Gateway,
    upstream: Upstream,
    kept: Kept,
    _flush: Flush,
}

impl Stage {
    fn new() -> Self {
        Self::before(Upstream::start(), Format::Json)
    }

    fn before(upstream: Upstream, format: Format) -> Self {
        let kept = Kept::default();
        let clock = Clock::held(START);
        let options = Options { format, filter: "info".to_owned(), clock };
        let (_, logs, flush) = logs::build(&options, kept.clone()).unwrap();
        let apis = APIS.replace("UPSTREAM", &upstream.address().to_string());
        let gateway = Gateway::start_logged("h2c = true", &apis, Some(logs));
        gateway.owner("alice");
        Self { gateway, upstream, kept, _flush: flush }
    }

    /// A token of `alice` for the context `stock`.
    fn token(&self) -> Made {
        self.gateway.token(json!({ "owner": "alice", "name": "t", "contexts": ["stock"] }))
    }

    /// The bytes of a request.
    fn request(&self, line: &str, secret: &str) -> String {
        format!("{line} HTTP/1.1\r\nHost: erp.example\r\nAuthorization: Bearer {secret}\r\n\r\n")
    }
}

/// All logs of this process at the loudest, of every test.
fn everything() -> &'static Kept {
    static ALL: OnceLock<(Kept, Flush)> = OnceLock::new();
    let (kept, _) = ALL.get_or_init(|| {
        let kept = Kept::default();
        let filter = "trace,h2=trace,hyper=trace,hyper_util=trace,sled=trace,mio=trace,axum=trace,\
                      tower=trace,notify=trace,tokio=trace,moka=trace";
        let (format, filter) = (Format::Json, filter.to_owned());
        let options = Options { format, filter, clock: Clock::system() };
        let (subscriber, _, flush) = logs::build(&options, kept.clone()).unwrap();
        subscriber.try_init().unwrap();
        (kept, flush)
    });
    kept
}
