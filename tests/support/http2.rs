//! A client of HTTP/2, mostly without TLS (prior knowledge).

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

use super::PATIENCE;
use super::client::connected_from;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The content.
    pub body: Bytes,
    /// The fields behind it.
    pub trailers: HeaderMap,
}

impl Answer {
    /// The only value of a header; none if it is missing or repeated.
    pub fn value(&self, name: &str) -> Option<String> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().unwrap().to_owned();
        values.next().is_none().then_some(value)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection.
pub struct Client {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    /// Opens a connection.
    pub fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect_timeout(&address, PATIENCE).unwrap(), None)
    }

    /// The same from this address of the machine.
    pub fn connect_from(source: &str, address: SocketAddr) -> Self {
        Self::over(connected_from(source, address), None)
    }

    /// The same within TLS, with a server of this name.
    pub fn connect_within(address: SocketAddr, tls: Arc<ClientConfig>, name: &str) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        Self::over(stream, Some((TlsConnector::from(tls), name.to_owned())))
    }

    fn over(stream: TcpStream, within: Option<(TlsConnector, String)>) -> Self {
        stream.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let sender = runtime.block_on(async {
            let stream = tokio::net::TcpStream::from_std(stream).unwrap();
            match within {
                None => begin(stream).await,
                Some((tls, name)) => {
                    begin(tls.connect(name.try_into().unwrap(), stream).await.unwrap()).await
                }
            }
        });
        Self { runtime, sender }
    }

    /// Sends a request and takes its answer.
    ///
    /// # Errors
    /// The stream or the connection broke.
    pub fn try_ask(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, hyper::Error> {
        let exchange = async {
            let response = self.sender.send_request(request).await?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await?;
            let trailers = body.trailers().cloned().unwrap_or_default();
            let (status, body) = (parts.status.as_u16(), body.to_bytes());
            Ok(Answer { status, headers: parts.headers, body, trailers })
        };
        let patience: Duration = PATIENCE;
        self.runtime.block_on(async { tokio::time::timeout(patience, exchange).await }).unwrap()
    }

    /// Whether the connection has closed.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request, and waits for nothing. Dropping this leaves it behind.
    pub fn begin(&self, request: Request<Full<Bytes>>) {
        let mut sender = self.sender.clone();
        self.runtime.spawn(async move { drop(sender.send_request(request).await) });
    }

    /// As [`Client::try_ask`], for requests that must be answered.
    pub fn ask(&mut self, request: Request<Full<Bytes>>) -> Answer {
        self.try_ask(request).unwrap()
    }

    /// A `GET` with a token, if there is one.
    pub fn get(&mut self, target: &str, secret: Option<&str>) -> Answer {
        let mut request = Request::get(target).body(Full::default()).unwrap();
        if let Some(secret) = secret {
            let value = format!("Bearer {secret}").parse().unwrap();
            request.headers_mut().insert(http::header::AUTHORIZATION, value);
        }
        self.ask(request)
    }
}

async fn begin(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> SendRequest<Full<Bytes>> {
    let shaken = handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (sender, connection) = shaken.unwrap();
    tokio::spawn(connection);
    sender
}
