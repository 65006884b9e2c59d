//! Two proxies without any check, which differ in their runtime alone: `own` has one single-threaded
//! runtime with a pool of its own, as a core of Tollgate has; `shared` has one multi-thread runtime, whose
//! tasks move between threads, with a pool behind a lock. `benches/peers/run --runtimes` holds them against
//! each other; the decision is in ARCHITECTURE.md.
//!
//! Usage: `peers-runtimes own|shared LISTEN UPSTREAM`

use std::cell::RefCell;
use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};

type Sender = SendRequest<Incoming>;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, listen, upstream] = arguments.as_slice() else {
        return Err("usage: peers-runtimes own|shared LISTEN UPSTREAM".into());
    };
    let (listen, upstream) = (listen.parse()?, upstream.parse()?);
    match kind.as_str() {
        "own" => {
            let mut builder = Builder::new_current_thread();
            let runtime = builder.enable_all().build_local(LocalOptions::default())?;
            runtime.block_on(own(listen, upstream))?;
        }
        "shared" => {
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(async move { tokio::spawn(shared(listen, upstream)).await })??;
        }
        other => return Err(format!("`{other}` is neither `own` nor `shared`").into()),
    }
    Ok(())
}

async fn own(listen: SocketAddr, upstream: SocketAddr) -> Result<(), io::Error> {
    let listener = TcpListener::bind(listen).await?;
    let pool = Rc::new(RefCell::new(Vec::<Sender>::new()));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let pool = Rc::clone(&pool);
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| {
                let pool = Rc::clone(&pool);
                async move {
                    let idle = pool.borrow_mut().pop();
                    let sender = match idle {
                        Some(sender) => sender,
                        None => {
                            let (sender, connection) = connect(upstream).await?;
                            tokio::task::spawn_local(connection);
                            sender
                        }
                    };
                    let (response, sender) = pass(sender, request).await?;
                    pool.borrow_mut().push(sender);
                    Ok::<_, io::Error>(response)
                }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn shared(listen: SocketAddr, upstream: SocketAddr) -> Result<(), io::Error> {
    let listener = TcpListener::bind(listen).await?;
    let pool = Arc::new(Mutex::new(Vec::<Sender>::new()));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let pool = Arc::clone(&pool);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let pool = Arc::clone(&pool);
                async move {
                    let idle = pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    let sender = match idle {
                        Some(sender) => sender,
                        None => {
                            let (sender, connection) = connect(upstream).await?;
                            tokio::spawn(connection);
                            sender
                        }
                    };
                    let (response, sender) = pass(sender, request).await?;
                    pool.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
                    Ok::<_, io::Error>(response)
                }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn connect(
    upstream: SocketAddr,
) -> Result<(Sender, impl Future<Output = Result<(), Infallible>>), io::Error> {
    let stream = TcpStream::connect(upstream).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    Ok((sender, async move {
        // A connection that ends is replaced by the next request.
        let _ = connection.await;
        Ok(())
    }))
}

async fn pass(
    mut sender: Sender,
    request: Request<Incoming>,
) -> Result<(Response<Incoming>, Sender), io::Error> {
    sender.ready().await.map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    Ok((response, sender))
}
