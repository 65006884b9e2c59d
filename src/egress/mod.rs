//! The one client that calls out: notices to other systems today. Nothing else in the house opens a
//! connection to an address that somebody wrote down, except the gateway to its upstreams.
//!
//! Whoever chooses a target must not reach through it what only this machine reaches (sec-F1): each
//! address is judged when it is connected to, redirects are not followed, and no proxy of the
//! environment is used.

pub mod addresses;
pub mod target;
mod resolve;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ipnet::IpNet;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::sync::Notify;

use addresses::Denied;
use resolve::Guarded;
use target::Target;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may take, from the first byte out to its head.
const ANSWER: Duration = Duration::from_secs(15);

/// So many interim answers (RFC 9110 section 15.2) may stand before an answer, which hyper passes over.
const INTERIM_MAX: usize = 100;

type Https = Client<HttpsConnector<HttpConnector<Guarded>>, Full<Bytes>>;
type Plain = Client<HttpConnector<Guarded>, Full<Bytes>>;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The target is an address that is not called.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No answer in time.
    #[error("no answer within {} s", ANSWER.as_secs())]
    Slow,
    /// The name cannot be resolved, or the connection failed.
    #[error("{0}")]
    Failed(String),
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The machine has no certificates to trust, and none were given.
    #[error(
        "no root certificates are found on this machine; install `ca-certificates` or set `egress.ca`"
    )]
    NoRoots,
    /// The given certificates cannot be used.
    #[error("the certificates of `egress.ca` cannot be read: {0}")]
    BadRoots(String),
    /// The TLS library refuses its own defaults.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The client.
#[derive(Clone, Debug)]
pub struct Egress {
    https: Https,
    plain: Plain,
    allow: Box<[IpNet]>,
}

impl Egress {
    /// A client that calls public addresses over TLS, and those of `allow` over TLS or without.
    /// Certificates are those of the machine, and of `ca` (PEM) where that is given.
    ///
    /// # Errors
    /// No certificates to trust.
    pub fn new(allow: &[IpNet], ca: Option<&[u8]>) -> Result<Self, SetupError> {
        let tls = rustls::ClientConfig::builder_with_provider(
            rustls::crypto::aws_lc_rs::default_provider().into(),
        )
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(ca)?)
        .with_no_client_auth();
        let mut builder = Client::builder(TokioExecutor::new());
        // A target is called seldom: a connection that waits for the next time is only a cost.
        let builder = builder.pool_max_idle_per_host(0);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_only()
            .enable_http1()
            .wrap_connector(connector(Guarded::new(allow, true), false));
        Ok(Self {
            https: builder.build(https),
            plain: builder.build(connector(Guarded::new(allow, false), true)),
            allow: allow.into(),
        })
    }

    /// Sends `body` to `target`, and answers the status that came back. What stands in the answer is
    /// not read.
    ///
    /// # Errors
    /// The target is not to be called, or did not answer.
    pub async fn post(
        &self,
        target: &Target,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<StatusCode, EgressError> {
        let mut request = Request::post(target.uri().clone())
            .body(Full::new(body))
            .map_err(|error| EgressError::Failed(error.to_string()))?;
        *request.headers_mut() = headers;
        // An address that stands for itself is resolved by nobody.
        if let Some(address) = target.address() {
            addresses::check(address, &self.allow, !target.is_plain())?;
        }
        let too_many = bound_interim(&mut request);
        let answer = async {
            if target.is_plain() {
                self.plain.request(request).await
            } else {
                self.https.request(request).await
            }
        };
        tokio::select! {
            answer = tokio::time::timeout(ANSWER, answer) => match answer {
                Ok(Ok(answer)) => Ok(answer.status()),
                Ok(Err(error)) => Err(resolve::failure(&error)),
                Err(_) => Err(EgressError::Slow),
            },
            () = too_many.notified() => {
                Err(EgressError::Failed(format!("more than {INTERIM_MAX} interim answers")))
            }
        }
    }
}

/// Tells when too many interim answers come to it.
fn bound_interim(request: &mut Request<Full<Bytes>>) -> Arc<Notify> {
    let (too_many, come) = (Arc::new(Notify::new()), AtomicUsize::new(0));
    let tell = Arc::clone(&too_many);
    hyper::ext::on_informational(request, move |_| {
        if come.fetch_add(1, Ordering::Relaxed) == INTERIM_MAX {
            tell.notify_one();
        }
    });
    too_many
}

fn connector(resolver: Guarded, plain: bool) -> HttpConnector<Guarded> {
    let mut connector = HttpConnector::new_with_resolver(resolver);
    connector.enforce_http(plain);
    connector.set_connect_timeout(Some(CONNECT));
    connector
}

fn roots(ca: Option<&[u8]>) -> Result<RootCertStore, SetupError> {
    let mut roots = RootCertStore::empty();
    // Single ones that cannot be read are common on real machines, and say nothing of the others.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(ca) = ca {
        let bad = |error: &dyn std::fmt::Display| SetupError::BadRoots(error.to_string());
        let (before, mut added) = (roots.len(), CertificateDer::pem_slice_iter(ca));
        added.try_for_each(|one| {
            roots.add(one.map_err(|error| bad(&error))?).map_err(|error| bad(&error))
        })?;
        if roots.len() == before {
            return Err(SetupError::BadRoots("there is no certificate in it".to_owned()));
        }
    }
    if roots.is_empty() { Err(SetupError::NoRoots) } else { Ok(roots) }
}

#[cfg(test)]
mod tests;
