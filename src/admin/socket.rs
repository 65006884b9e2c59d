//! The local socket: made so that only its user can ever open it, and served.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use axum::Router;
use rustix::process::Pid;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::UnixListener;

use crate::admin::bounded::Bounded;
use crate::admin::serving::{self, Clients, Way};

/// Why there is no local socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody answers on it.
    #[error("another server listens on `{0}` already")]
    InUse(PathBuf),
    /// Something else has this name.
    #[error("`{0}` exists and is not a socket; remove it, or set `listen.socket` to another path")]
    NotASocket(PathBuf),
    /// The operating system refused.
    #[error("the local socket `{path}` could not be made: {source}")]
    Failed {
        /// Where it was to be.
        path: PathBuf,
        /// What the system reports.
        source: io::Error,
    },
}

/// The local socket, which is removed when this is dropped.
#[derive(Debug)]
pub struct LocalSocket {
    listener: UnixListener,
    remove: Remove,
}

/// Makes the socket at `path`, for its user alone. What a dead server left there is replaced; a
/// living one is not. To be called inside a runtime.
///
/// # Errors
/// A server that lives, another kind of file, or what the operating system reports.
pub fn bind(path: &Path) -> Result<LocalSocket, SocketError> {
    let failed = |source| SocketError::Failed { path: path.to_owned(), source };
    refuse_living(path)?;
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let _ = std::fs::remove_file(&temporary);
    let listener = closed_to_others(&temporary).map_err(failed)?;
    // Only now, with its permissions set, does it get its name.
    std::fs::rename(&temporary, path).map_err(|source| {
        let _ = std::fs::remove_file(&temporary);
        failed(source)
    })?;
    let remove = Remove::new(path);
    let listener = UnixListener::from_std(listener).map_err(failed)?;
    Ok(LocalSocket { listener, remove })
}

/// Between the making of the file and the narrowing of its permissions nobody can connect, for it
/// does not listen yet.
fn closed_to_others(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600))?;
    socket.set_nonblocking(true)?;
    socket.listen(128)?;
    Ok(socket.into())
}

fn refuse_living(path: &Path) -> Result<(), SocketError> {
    use std::os::unix::fs::FileTypeExt;
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            Err(SocketError::NotASocket(path.to_owned()))
        }
        Ok(_) if UnixStream::connect(path).is_ok() => Err(SocketError::InUse(path.to_owned())),
        _ => Ok(()),
    }
}

impl LocalSocket {
    /// The next of those who come, for conversations that are none of HTTP, and its process, if that can be seen from here.
    ///
    /// # Errors
    /// What the system reports.
    pub async fn accept(&self) -> io::Result<(UnixStream, Option<Pid>)> {
        let (stream, _) = self.listener.accept().await?;
        // Zero where it lies in a namespace of its own (pid_namespaces(7)); a signal to that would be for ourselves.
        let pid = stream.peer_cred()?.pid().and_then(Pid::from_raw);
        Ok((stream.into_std()?, pid))
    }

    /// Answers on `most` connections at a time until `stop` is done, and then until the last answer is given. Its name is gone
    /// first, so that whoever comes then waits for the next server.
    pub async fn serve(self, router: Router, most: usize, stop: impl Future<Output = ()> + Send) {
        let remove = self.remove;
        let stop = async {
            stop.await;
            drop(remove);
        };
        let way = Way { clients: Clients::Trusted, tls: None, settings: None };
        serving::serve(Bounded::new(self.listener, most), way, router, stop).await;
    }
}

/// Removes the socket, unless somebody else has put another in its place.
#[derive(Debug)]
struct Remove {
    path: PathBuf,
    made: Option<(u64, u64)>,
}

impl Remove {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), made: inode(path) }
    }
}

impl Drop for Remove {
    fn drop(&mut self) {
        if self.made == inode(&self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}
