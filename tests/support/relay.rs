//! What stands before an upstream that listens at an address, so that it is met within TLS or at a Unix socket.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use super::tls::{Authority, config};

/// Passes on what comes, as long as it is kept.
pub struct Relay {
    _runtime: Runtime,
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

impl Relay {
    /// Listens within TLS at a port of `localhost`, and agrees to this protocol.
    pub fn within_tls(ca: &Authority, protocol: &str, to: SocketAddr) -> (Self, u16) {
        let mut config = config(ca);
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = runtime();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        pass(stream, to).await;
                    }
                });
            }
        });
        (Self { _runtime: runtime }, port)
    }

    /// Listens at a Unix socket.
    pub fn at_socket(path: &Path, to: SocketAddr) -> Self {
        let runtime = runtime();
        let listener = runtime.block_on(async { UnixListener::bind(path) }).unwrap();
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(pass(stream, to));
            }
        });
        Self { _runtime: runtime }
    }
}

/// Until both sides have closed, or one of them is gone.
async fn pass(mut stream: impl AsyncRead + AsyncWrite + Unpin, to: SocketAddr) {
    if let Ok(mut upstream) = TcpStream::connect(to).await {
        let _ = copy_bidirectional(&mut stream, &mut upstream).await;
    }
}
