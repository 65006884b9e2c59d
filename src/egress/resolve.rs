//! From a name to addresses that may be called. What is judged is what is connected to, so that a
//! name whose answers change gains nothing (sec-F1).

use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::dns::Name;
use ipnet::IpNet;

use super::EgressError;
use super::addresses::{self, Denied};

type Answers = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;
type Lookup = dyn Fn(String) -> Answers + Send + Sync;

/// The system's resolver behind a guard.
#[derive(Clone)]
pub(super) struct Guarded {
    lookup: Arc<Lookup>,
    allow: Arc<[IpNet]>,
    tls: bool,
}

impl std::fmt::Debug for Guarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guarded").field("allow", &self.allow).finish_non_exhaustive()
    }
}

impl Guarded {
    pub(super) fn new(allow: &[IpNet], tls: bool) -> Self {
        let lookup = Arc::new(|name: String| -> Answers {
            Box::pin(async move {
                // The port is put in by the connector.
                tokio::net::lookup_host((name, 0)).await.map(Iterator::collect)
            })
        });
        Self { lookup, allow: allow.into(), tls }
    }

    #[cfg(test)]
    pub(super) fn with_lookup(mut self, lookup: Arc<Lookup>) -> Self {
        self.lookup = lookup;
        self
    }
}

impl tower_service::Service<Name> for Guarded {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (found, allow, tls) =
            ((self.lookup)(name.as_str().to_owned()), Arc::clone(&self.allow), self.tls);
        Box::pin(async move {
            let mut denied = None;
            let mut good = Vec::new();
            for address in found.await? {
                match addresses::check(address.ip(), &allow, tls) {
                    Ok(()) => good.push(address),
                    Err(error) => denied = Some(error),
                }
            }
            match denied {
                Some(denied) if good.is_empty() => Err(io::Error::other(denied)),
                _ => Ok(good.into_iter()),
            }
        })
    }
}

/// What went wrong, in the words of whoever knows best: the last cause.
pub(super) fn failure(error: &legacy::Error) -> EgressError {
    let mut last: &dyn Error = error;
    loop {
        let inner = last.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(denied) = inner.and_then(|inner| inner.downcast_ref::<Denied>()) {
            return EgressError::Denied(denied.clone());
        }
        match last.source() {
            Some(source) => last = source,
            None => return EgressError::Failed(last.to_string()),
        }
    }
}
