//! One way to the acts: over the local socket where a server runs, and otherwise by the same router
//! over the folder itself, whose lock is then held until the command is done.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::service::Service as _;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::admin::extract::Peer;
use crate::admin::problem::Problem;
use crate::admin::{Handles, api};
use crate::cache::Cache;
use crate::cli::failure::{Code, Failure};
use crate::cli::place;
use crate::cli::waiting::Waiting;
use crate::clock::{self, Clock};
use crate::config::Settings;
use crate::service::Service;
use crate::store::{Opener, Store};

/// How long a server may take for anything but a backup and [`LONG`] acts.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a server that was there may be away: another one is about to take its place.
const REPLACED: Duration = Duration::from_secs(10);

/// How often to look for it.
const LOOK: Duration = Duration::from_millis(20);

/// Acts that are waited for as long as they take.
const LONG: [&str; 2] = ["/history/verify", "/bulk/"];

/// Whoever answers.
pub enum Client {
    /// A running server.
    Server {
        /// Its socket.
        socket: PathBuf,
    },
    /// Nobody but ourselves.
    Folder {
        /// What a server would serve.
        router: Router,
        /// The folder, to be closed.
        store: Arc<dyn Store>,
    },
}

/// A good answer.
#[derive(Debug)]
pub struct Answer(Bytes);

impl Answer {
    /// As JSON text, exactly as it came.
    pub fn json(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// As what it means.
    ///
    /// # Errors
    /// An answer of another version.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.0).map_err(|error| {
            let detail = format!("the answer of the server cannot be read: {error}");
            Failure::new(Code::Refused, "bad-answer", detail)
                .hint("does a server of another version run?")
        })
    }
}

impl Client {
    /// The server that listens on the socket of `settings`, or else the folder itself. A folder
    /// that another command holds is waited for, and so is a server that is starting.
    ///
    /// # Errors
    /// A socket that may not be opened, or a folder that cannot be.
    pub async fn open(
        settings: Settings,
        opener: Opener,
        clock: Clock,
        mut waiting: Waiting,
    ) -> Result<Self, Failure> {
        let socket = settings.listen.socket.clone();
        loop {
            match UnixStream::connect(&socket).await {
                Ok(_) => return Ok(Self::Server { socket }),
                Err(error) if nobody_there(&error) => {}
                Err(error) => return Err(no_way(&socket, &error)),
            }
            let opened = place::open_store(&settings.store, opener, &clock, &mut waiting).await?;
            if let Some(store) = opened {
                return Ok(Self::over(store, settings, clock));
            }
        }
    }

    /// The server that listens on `socket`, if one does.
    pub async fn running(socket: &Path) -> Option<Self> {
        let answers = UnixStream::connect(socket).await.is_ok();
        answers.then(|| Self::Server { socket: socket.to_owned() })
    }

    /// The acts over an open folder.
    pub fn over(store: Arc<dyn Store>, settings: Settings, clock: Clock) -> Self {
        let control = tokio::runtime::Handle::current();
        let cache = Cache::new(Arc::clone(&store), settings.cache.clone(), control);
        let settings = Arc::new(ArcSwap::from_pointee(settings));
        let service = Arc::new(Service::new(cache, settings, clock));
        let handles = Handles {
            service,
            reload: None,
            server: None,
            shared: None,
            notices: None,
            people: Default::default(),
        };
        let router = api::router(Arc::new(handles));
        Self::Folder { router, store }
    }

    /// Asks for what is at `path`.
    ///
    /// # Errors
    /// What is answered in its stead, or nobody who answers.
    pub async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.ask(Method::GET, path, None).await
    }

    /// Asks for an act.
    ///
    /// # Errors
    /// What is answered in its stead, or nobody who answers.
    pub async fn post(&self, path: &str, body: Value) -> Result<Answer, Failure> {
        self.ask(Method::POST, path, Some(body.to_string())).await
    }

    /// The same with a body that is JSON text already.
    ///
    /// # Errors
    /// What is answered in its stead, or nobody who answers.
    pub async fn post_raw(&self, path: &str, body: String) -> Result<Answer, Failure> {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// Asks for a change.
    ///
    /// # Errors
    /// What is answered in its stead, or nobody who answers.
    pub async fn patch(&self, path: &str, body: Value) -> Result<Answer, Failure> {
        self.ask(Method::PATCH, path, Some(body.to_string())).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Answer, Failure> {
        let whole = async {
            let answer = self.answer(method, path, body).await?;
            let collected = answer.into_body().collect().await;
            Ok(Answer(collected.map_err(|error| self.lost(error))?.to_bytes()))
        };
        match self {
            // These take as long as the history is long, or as there are tokens.
            Self::Server { socket } if !LONG.iter().any(|long| path.starts_with(long)) => {
                let answered = tokio::time::timeout(PATIENCE, whole).await;
                answered.unwrap_or_else(|_| Err(unreachable(socket, "it did not answer in 30 s")))
            }
            _ => whole.await,
        }
    }

    /// Writes what an act answers with as it comes.
    ///
    /// # Errors
    /// What is answered in its stead, nobody who answers to the end, or what does not take it.
    pub async fn download(
        &self,
        path: &str,
        body: Value,
        into: &mut impl io::Write,
    ) -> Result<(), Failure> {
        let mut answer = self.answer(Method::POST, path, Some(body.to_string())).await?.into_body();
        while let Some(frame) = answer.frame().await {
            let frame = frame.map_err(|error| self.lost(error))?;
            if let Some(piece) = frame.data_ref() {
                into.write_all(piece).map_err(|error| Failure::io("writing the answer", error))?;
            }
        }
        Ok(())
    }

    /// A good answer, whose body may be still to come.
    async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Response<Body>, Failure> {
        let body = body.map_or_else(Bytes::new, Bytes::from);
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(Failure::usage)?;
        let answer = match self {
            Self::Server { socket } => over(socket, request).await?,
            Self::Folder { router, .. } => directly(router.clone(), request).await,
        };
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer.into_body().collect().await.map_err(|error| self.lost(error))?;
        let problem = serde_json::from_slice::<Problem>(&body.to_bytes());
        Err(problem.map_or_else(|_| unreadable(status), Failure::from))
    }

    fn lost(&self, error: axum::Error) -> Failure {
        match self {
            Self::Server { socket } => unreachable(socket, error),
            Self::Folder { .. } => Failure::io("reading the answer", error),
        }
    }

    /// Lets go of the folder.
    ///
    /// # Errors
    /// What could not be written at the end.
    pub async fn close(self) -> Result<(), Failure> {
        match self {
            Self::Server { .. } => Ok(()),
            Self::Folder { store, .. } => Ok(store.close().await?),
        }
    }
}

async fn over(socket: &Path, request: Request<Full<Bytes>>) -> Result<Response<Body>, Failure> {
    let lost = |error: hyper::Error| unreachable(socket, error);
    let stream = connect(socket).await.map_err(|error| no_way(socket, &error))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await.map_err(lost)?.map(Body::new))
}

/// A connection to a server that was there a moment ago, or to its successor.
async fn connect(socket: &Path) -> io::Result<UnixStream> {
    let until = clock::instant() + REPLACED;
    loop {
        match UnixStream::connect(socket).await {
            Err(error) if nobody_there(&error) && clock::instant() < until => {
                tokio::time::sleep(LOOK).await;
            }
            connected => return connected,
        }
    }
}

async fn directly(router: Router, request: Request<Full<Bytes>>) -> Response<Body> {
    let mut request = request.map(Body::new);
    let peer = Peer { uid: Some(rustix::process::geteuid().as_raw()), address: None };
    request.extensions_mut().insert(peer);
    match TowerToHyperService::new(router).call(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

fn nobody_there(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// A socket that does not take a connection, and why.
fn no_way(socket: &Path, error: &io::Error) -> Failure {
    let failure = unreachable(socket, error);
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            failure.hint("run the command as the user that the server runs as, or as root")
        }
        io::ErrorKind::NotADirectory => {
            let folder = socket.parent().unwrap_or(socket).display();
            let detail = format!("`{folder}` is not a folder");
            Failure::new(Code::Unreachable, "no-data", detail)
                .hint("name the folder of the data with `--data` or `store.path`")
        }
        _ => failure.hint("`listen.socket` of the configuration says where the socket is"),
    }
}

fn unreachable(socket: &Path, error: impl std::fmt::Display) -> Failure {
    let detail = format!("the server at `{}` cannot be reached: {error}", socket.display());
    Failure::new(Code::Unreachable, "unreachable", detail)
}

fn unreadable(status: StatusCode) -> Failure {
    let detail = format!("the server answered {status} without saying why");
    Failure::new(Code::Refused, "bad-answer", detail)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn a_server_that_is_being_replaced_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        // What the server before has left, and nobody listens to.
        drop(UnixListener::bind(&socket).unwrap());
        let client = Client::Server { socket: socket.clone() };
        let successor = async {
            std::fs::remove_file(&socket).unwrap();
            let listener = UnixListener::bind(&socket).unwrap();
            let mut stream = listener.accept().await.unwrap().0;
            let mut asked = [0; 1_024];
            let length = stream.read(&mut asked).await.unwrap();
            assert!(asked[..length].starts_with(b"GET /api/v1/status "));
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
        };
        // The client is polled first, and finds nobody.
        let (answer, ()) = tokio::join!(biased; client.get("/status"), successor);
        assert_eq!(answer.unwrap().json(), "{}");
    }
}
