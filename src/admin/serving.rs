//! How an administrative face is served: one task for each connection, which keeps to `limits`.

use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::admin::bounded::{Accept, Bounded};
use crate::admin::extract::Peer;
use crate::admin::limits::{FIRST, HANDSHAKE, HEAD, QUEUE, REUSED, WHOLE};
use crate::admin::problem::Problem;
use crate::admin::proxied::{self, InForce};
use crate::wire;

/// What handshakes of TLS are made with; none where certificates were taken away.
pub type Secure = Arc<dyn Fn() -> Option<Arc<ServerConfig>> + Send + Sync>;

/// How those who come to a face get there.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) clients: Clients,
    /// TLS, where it is spoken.
    pub(super) tls: Option<Secure>,
    /// Where proxies may stand before it.
    pub(super) settings: Option<InForce>,
}

/// Who comes to a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clients {
    /// Root, and the user that the gateway runs as. Answers may be long.
    Trusted,
    /// Whoever reaches it. Nobody keeps a place by asking again and again, but comes to stand behind
    /// those who wait.
    Anybody,
}

impl Clients {
    /// How long a connection takes requests, and when it is ended.
    const fn ages(self) -> Option<(Duration, Duration)> {
        match self {
            Self::Trusted => None,
            Self::Anybody => Some((REUSED, WHOLE)),
        }
    }
}

/// Answers until `stop` is done, and then until the last answer is given.
pub(super) async fn serve<L: Accept>(
    mut listener: Bounded<L>,
    way: Way,
    router: Router,
    stop: impl Future<Output = ()> + Send,
) {
    let mut stop = pin!(stop);
    let (close, closing) = watch::channel(());
    let take = |accepted| {
        tokio::spawn(arrive(accepted, way.clone(), router.clone(), closing.clone()));
    };
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => take(accepted),
        }
    }
    // A queue of TCP goes to the successor. That of the local socket is ours, and as its name is gone, it has an end.
    if way.clients == Clients::Trusted {
        while let Ok(accepted) = timeout(QUEUE, listener.accept()).await {
            take(accepted);
        }
    }
    drop((listener, closing));
    let _ = close.send(());
    close.closed().await;
}

/// The life of a connection, which may begin with the word of its sender for whom it is.
async fn arrive(
    (mut io, mut peer): (impl AsyncRead + AsyncWrite + Unpin + Send + 'static, Peer),
    way: Way,
    router: Router,
    closing: watch::Receiver<()>,
) {
    let in_force = way.settings.as_ref();
    if in_force.is_some_and(|settings| proxied::is_announced(peer, &settings().proxies)) {
        let header = begins(proxied::take_header(&mut io), &closing).await;
        match header.unwrap_or_else(|| Err(ErrorKind::TimedOut.into())) {
            Ok(source) => peer.address = source.or(peer.address),
            Err(error) => {
                let sender = peer.address;
                tracing::debug!(?sender, %error, "no header of the PROXY protocol came");
                return;
            }
        }
    }
    match &way.tls {
        None => lead((io, peer), way, router, closing).await,
        Some(tls) => secured(tls(), (io, peer), way, router, closing).await,
    }
}

/// The life of a connection within TLS, which has as long to agree on keys as a head has to come.
async fn secured(
    tls: Option<Arc<ServerConfig>>,
    (io, peer): (impl AsyncRead + AsyncWrite + Unpin + Send + 'static, Peer),
    way: Way,
    router: Router,
    closing: watch::Receiver<()>,
) {
    let Some(tls) = tls else { return };
    match begins(TlsAcceptor::from(tls).accept(io), &closing).await {
        Some(Ok(io)) => lead((io, peer), way, router, closing).await,
        Some(Err(error)) => tracing::debug!(%error, "an administrative handshake of TLS failed"),
        None => tracing::debug!("an administrative handshake of TLS took too long"),
    }
}

/// What a connection begins with, unless that takes too long; where everything is about to end, it has [`HANDSHAKE`].
async fn begins<T>(beginning: impl Future<Output = T>, closing: &watch::Receiver<()>) -> Option<T> {
    // Whoever serves the connection is to hear of the end, too.
    let mut closing = closing.clone();
    let ends = async {
        let _ = closing.changed().await;
        sleep(HANDSHAKE).await;
    };
    tokio::select! {
        biased;
        begun = timeout(HEAD, beginning) => begun.ok(),
        () = ends => None,
    }
}

/// The life of a connection; `closing` is held to its end.
async fn lead(
    (io, peer): (impl AsyncRead + AsyncWrite + Unpin + Send + 'static, Peer),
    Way { clients, settings, .. }: Way,
    router: Router,
    mut closing: watch::Receiver<()>,
) {
    let (asks, mut asked) = watch::channel(false);
    let service = service_fn(move |mut request: Request<Incoming>| {
        asks.send_replace(true);
        let (router, settings) = (router.clone(), settings.clone());
        async move {
            // sec-S2: others on the way may have seen another end.
            if !wire::is_plainly_framed(request.version(), request.headers()) {
                return Ok(unclear());
            }
            let who = |settings: &InForce| {
                proxied::who_asks(peer, request.headers(), &settings().proxies)
            };
            let who = settings.as_ref().map_or(peer, who);
            request.extensions_mut().insert(who);
            TowerToHyperService::new(router).call(request).await
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let mut connection = pin!(http.serve_connection(TokioIo::new(io), service));
    let old = async {
        match clients.ages() {
            Some((reused, _)) => sleep(reused).await,
            None => std::future::pending().await,
        }
    };
    let served = async {
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            () = old => {}
            // Also when whoever serves is gone.
            _ = closing.changed() => tokio::select! {
                biased;
                ended = connection.as_mut() => return ended,
                // hyper would close at once where nothing was read yet.
                _ = asked.wait_for(|asked| *asked) => {}
                () = sleep(FIRST) => {}
            },
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    let ended = match clients.ages() {
        Some((_, whole)) => timeout(whole, served).await.unwrap_or(Ok(())),
        None => served.await,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an administrative connection ended");
    }
}

/// The last answer of a connection on which it is not clear where a request ends.
fn unclear() -> Response {
    let detail = "a length, or `chunked` alone, says where a request ends, once".to_owned();
    let problem =
        Problem::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read", detail);
    ([(header::CONNECTION, "close")], problem).into_response()
}

#[cfg(test)]
mod tests;
