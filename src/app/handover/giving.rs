//! The side of the gateway that runs: it gives its sockets to a successor that asks, and its store once that is ready.

use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustix::process::{Pid, Signal, getpid, kill_process};
use tokio::sync::{mpsc, watch};

use crate::admin::socket::LocalSocket;
use crate::cache::{Cache, Forgotten, Wanted};
use crate::gateway::handed::Handed;
use crate::gateway::moving::{Moved, Phase};
use crate::store::Lock;

use super::asking::Questions;
use super::uses::Use;
use super::wire::{Message, Voice, digest_in, hear, say};
use super::{Listeners, record};

/// How long a successor may be silent: before it is ready, and until it serves.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is told which tokens were used here.
const USES_EVERY: Duration = Duration::from_secs(1);

/// How long one may take to be gone that is ended.
const ENDING: Duration = Duration::from_secs(5);

/// One that is ready to take this gateway's place.
#[derive(Debug)]
pub(in crate::app) struct Heir {
    line: UnixStream,
    /// Of the messages that it knows.
    edition: u8,
    /// None where it cannot be seen from here.
    process: Option<Pid>,
}

/// What one gets beside the store.
#[derive(Debug)]
pub(in crate::app) struct Estate {
    /// That of the store's folder.
    pub(in crate::app) lock: Option<Arc<Lock>>,
    /// How endpoints stand that fail.
    pub(in crate::app) handed: Vec<Handed>,
    /// Connections, as they come.
    pub(in crate::app) moved: Receiver<Moved>,
    /// What is wanted of it, as it comes.
    pub(in crate::app) wanted: Receiver<Wanted>,
    /// The sockets, for when it never serves: afterwards nobody would take who comes there, once it is gone.
    pub(in crate::app) spare: Spare,
}

/// Sockets that are kept until they are not needed any more.
pub(in crate::app) type Spare = Arc<Mutex<Option<Listeners>>>;

/// Waits for a successor that is ready, and tells of it. One that gives up changes nothing.
pub(in crate::app) async fn offer(
    socket: LocalSocket,
    listening: Arc<Listeners>,
    heirs: mpsc::Sender<Heir>,
) {
    loop {
        let (line, process) = match socket.accept().await {
            Ok(came) => came,
            Err(error) => {
                tracing::debug!(%error, "a successor cannot be heard");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let listening = Arc::clone(&listening);
        let answered = tokio::task::spawn_blocking(move || answer(line, process, listening)).await;
        match answered {
            Ok(Ok(heir)) => {
                if heirs.send(heir).await.is_err() {
                    return;
                }
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "a successor gave up before it was ready; this gateway goes on");
            }
            Err(_) => return,
        }
    }
}

fn answer(line: UnixStream, process: Option<Pid>, listening: Arc<Listeners>) -> io::Result<Heir> {
    line.set_nonblocking(false)?;
    line.set_read_timeout(Some(PATIENCE))?;
    line.set_write_timeout(Some(PATIENCE))?;
    let Some((Message::Take { pid, version, edition }, _)) = hear(&line)? else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    tracing::info!(pid, version, "a successor asks for this gateway's place");
    let Listeners { public, plain, admin } = &*listening;
    for (what, listeners) in
        [(Message::Public, public), (Message::Plain, plain), (Message::Admin, admin)]
    {
        for listener in listeners {
            say(&line, &what, Some(listener.as_fd()))?;
        }
    }
    say(&line, &Message::Whole, None)?;
    // Where this gateway stops before the other is ready, they close here.
    drop(listening);
    match hear(&line)? {
        Some((Message::Ready, _)) => Ok(Heir { line, edition, process }),
        Some(_) => Err(io::ErrorKind::InvalidData.into()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

impl Heir {
    /// Tells it that it does not get this gateway's place, and is to end.
    pub(in crate::app) fn refuse(self) {
        // Where that fails it has ended.
        let _ = say(&self.line, &Message::Stays, None);
    }

    /// Whether it says what is on record.
    pub(in crate::app) const fn answers(&self) -> bool {
        self.edition >= 1
    }

    /// The store is closed, and its lock is the successor's. From now on connections that are moved go to the successor, which is
    /// asked for records, and what changes there is forgotten here. Where the successor is gone before everything is
    /// finished here, `phase` becomes [`Phase::Ends`]: nobody would tell of ended tokens any more.
    ///
    /// # Errors
    /// The successor is gone already, and has taken nothing: the connections that wait for it.
    pub(in crate::app) fn take_over(
        self,
        estate: Estate,
        cache: Arc<Cache>,
        phase: watch::Sender<Phase>,
    ) -> Result<Handing, Receiver<Moved>> {
        let Estate { lock, handed, moved, wanted, spare } = estate;
        let upstreams = if handed.is_empty() || !self.answers() {
            Ok(())
        } else {
            say(&self.line, &Message::Upstreams(handed), None)
        };
        let yours = || say(&self.line, &Message::Yours, lock.as_ref().map(|lock| lock.as_fd()));
        let said = upstreams.and_then(|()| yours());
        let _ = lock.filter(|_| said.is_ok()).map(|lock| lock.is_given());
        let lines = said.and_then(|()| Ok((self.line.try_clone()?, self.line.try_clone()?)));
        let Ok((to, from)) = lines else { return Err(moved) };
        let (to, questions) = (Voice::of(to), Arc::<Questions>::default());
        // Ends with the cache, which is all that wants anything.
        let (asks, asked) = (to.clone(), Arc::clone(&questions));
        std::thread::spawn(move || asked.ask(&asks, &wanted));
        let used = self.answers().then(|| Arc::clone(&cache));
        let sends = std::thread::spawn(move || send(&to, &moved, used.as_deref()));
        let (served, serves) = std::sync::mpsc::channel();
        let finished = Arc::new(AtomicBool::new(false));
        let is_finished = Arc::clone(&finished);
        let hears = std::thread::spawn(move || {
            let serves = || {
                drop(spare.lock().unwrap_or_else(PoisonError::into_inner).take());
                // Nobody may wait for it yet, or any more.
                let _ = served.send(());
            };
            let heard = listen(&from, (&cache, &questions), serves);
            questions.end();
            let Err(error) = heard else { return false };
            if !is_finished.load(Ordering::Relaxed) {
                tracing::warn!(%error, "the successor is gone: what is still under way is cut");
                phase.send_replace(Phase::Ends);
            }
            // As the system reports that nothing came in time.
            error.kind() == io::ErrorKind::WouldBlock
        });
        Ok(Handing { line: self.line, process: self.process, sends, hears, serves, finished })
    }
}

/// A gateway that finishes what it has, while its successor serves.
pub(in crate::app) struct Handing {
    line: UnixStream,
    process: Option<Pid>,
    sends: std::thread::JoinHandle<Vec<Moved>>,
    /// Tells whether it fell silent.
    hears: std::thread::JoinHandle<bool>,
    serves: Receiver<()>,
    finished: Arc<AtomicBool>,
}

impl Handing {
    /// Everything is finished here.
    ///
    /// # Errors
    /// The successor, which is waited for, never served: the connections that it did not get.
    pub(in crate::app) fn finish(self) -> Result<(), Vec<Moved>> {
        // Ends when nobody is left who could move a connection.
        let left = self.sends.join().unwrap_or_default();
        // Fails once nothing more is heard.
        let serves = self.serves.recv().is_ok();
        self.finished.store(true, Ordering::Relaxed);
        if serves {
            // Where that fails the line is closed already.
            let _ = self.line.shutdown(Shutdown::Both);
            let _ = self.hears.join();
            return Ok(());
        }
        if self.hears.join().unwrap_or_default() {
            end(self.process, &self.line);
        }
        Err(left)
    }
}

/// Ends a successor that has fallen silent, but not its line: otherwise it would hold the folder, and might go on one day.
fn end(process: Option<Pid>, line: &UnixStream) {
    // Tests have both in one process.
    if process == Some(getpid()) {
        return;
    }
    match process.map(|pid| (pid, kill_process(pid, Signal::KILL))) {
        Some((pid, Ok(()))) => {
            tracing::error!(%pid, "the successor has fallen silent, and is killed");
        }
        Some((pid, Err(error))) => {
            tracing::error!(%pid, %error, "the successor has fallen silent: end it");
        }
        None => tracing::error!(
            "the successor has fallen silent, and cannot be seen from this one's namespace: end it"
        ),
    }
    // What it holds is free once its line has ended.
    let _ = line.set_read_timeout(Some(ENDING));
    let _ = io::copy(&mut &*line, &mut io::sink());
}

/// Tells which connections move, and now and then which tokens were used. Gives the connections that could not be moved: all from
/// the first on, for what follows a broken message cannot be read.
fn send(to: &Voice, moved: &Receiver<Moved>, used: Option<&Cache>) -> Vec<Moved> {
    let mut left = Vec::new();
    loop {
        let next = moved.recv_timeout(USES_EVERY);
        let is_over = matches!(next, Err(RecvTimeoutError::Disconnected));
        if let Ok(one) = next {
            if !left.is_empty() {
                left.push(one);
            } else if let Err(error) = to.say(&as_message(&one), Some(one.socket.as_fd())) {
                tracing::warn!(%error, "connections can no longer be moved");
                left.push(one);
            }
        } else if let Some(cache) = used.filter(|_| left.is_empty()) {
            cache.pass_uses_on(|uses| {
                let uses = uses.into_iter().map(Use::from).collect();
                to.say(&Message::Used(uses), None).is_ok()
            });
        }
        if is_over {
            return left;
        }
    }
}

fn as_message(one: &Moved) -> Message {
    let Moved { socket: _, peer, begun, announced, read, within } = one;
    let (read, within) = (BASE64.encode(read), within.clone());
    Message::Moved { peer: *peer, begun: *begun, announced: *announced, read, within }
}

/// Forgets what the successor changes, and hears what is on record there, until it ends or we do.
fn listen(
    from: &UnixStream,
    (cache, questions): (&Cache, &Questions),
    serves: impl Fn(),
) -> io::Result<()> {
    loop {
        match hear(from) {
            Ok(Some((Message::Serves, _))) => {
                tracing::info!("the successor serves");
                from.set_read_timeout(None)?;
                serves();
            }
            Ok(Some((Message::Opens, _))) => {}
            Ok(Some((Message::Forget { tokens, owners, companies }, _))) => {
                let tokens =
                    tokens.iter().map(|text| digest_in(text)).collect::<io::Result<_>>()?;
                cache.forget(&Forgotten { tokens, owners, companies });
            }
            Ok(Some((Message::Found { number, record: text }, _))) => {
                questions.answer(number, text.as_deref().map(record::read).transpose());
            }
            Ok(Some((Message::Unread { number, why }, _))) => {
                questions.answer(number, Err(why.into()));
            }
            Ok(Some(_)) => return Err(io::ErrorKind::InvalidData.into()),
            Ok(None) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_successor_that_fell_silent_is_ended_before_its_place_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("place");
        let listener = UnixListener::bind(&place).unwrap();
        // Asks, and then waits for an answer.
        let mut silent = Command::new("curl")
            .args(["--silent", "--max-time", "60", "http://localhost/", "--unix-socket"])
            .arg(&place)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let line = listener.accept().unwrap().0;
        end(Some(Pid::from_child(&silent)), &line);
        assert!(line.read_timeout().unwrap().is_some(), "its end was waited for");
        assert_eq!(silent.wait().unwrap().code(), None, "by a signal");
        let (here, there) = UnixStream::pair().unwrap();
        end(Some(getpid()), &here);
        assert_eq!(here.read_timeout().unwrap(), None, "nobody ends itself");
        drop(there);
        end(None, &here);
        assert!(
            here.read_timeout().unwrap().is_some(),
            "nor everybody, for one whom it cannot see"
        );
    }
}
