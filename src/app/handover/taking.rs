//! The side of the successor: it gets the sockets, waits for the store, and goes on with connections.

use std::io;
use std::net::{Shutdown, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::app::AppError;
use crate::cache::{Cache, Forgotten, Found, News};
use crate::clock;
use crate::config::settings::Listen;
use crate::gateway::handed::Handed;
use crate::gateway::moving::Moved;
use crate::store::NotedUse;

use super::wire::{EDITION, Message, digest_in, hear, say, text_of};
use super::{Listeners, record};

/// How long the gateway before may take until it has written everything down and closed its store.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it may take to end when it is told that nobody tells it of changes any more.
const LEAVING: Duration = Duration::from_secs(10);

/// So many digests are told of at a time.
const AT_A_TIME: usize = 1_024;

/// Where connections go that moved here: to the cores, in turn.
pub(in crate::app) type Inboxes = Vec<tokio::sync::mpsc::UnboundedSender<Moved>>;

/// What there is of the gateway before.
#[derive(Debug, Default)]
pub(in crate::app) struct Taken {
    pub(in crate::app) sockets: Listeners,
    /// Connections that wait already.
    pub(in crate::app) moved: Vec<Moved>,
    /// That of the data folder, if it came with it.
    pub(in crate::app) lock: Option<OwnedFd>,
    /// How endpoints stood that fail, and when that was heard.
    handed: Option<(Instant, Vec<Handed>)>,
    /// None where sockets came in another way.
    predecessor: Option<UnixStream>,
}

impl Taken {
    /// Sockets that a manager of services keeps, told apart by where they listen.
    pub(in crate::app) fn given(listeners: Vec<TcpListener>, listen: &Listen) -> Self {
        let mut sockets = Listeners::default();
        for listener in listeners {
            match listener.local_addr().ok() {
                Some(at) if at == listen.admin => sockets.admin.push(listener),
                Some(at) if Some(at) == listen.plain => sockets.plain.push(listener),
                _ => sockets.public.push(listener),
            }
        }
        Self { sockets, ..Self::default() }
    }

    /// What was not given away in the end.
    pub(in crate::app) fn back(sockets: Listeners, moved: Vec<Moved>, handed: Vec<Handed>) -> Self {
        Self { sockets, moved, handed: Some((clock::instant(), handed)), ..Self::default() }
    }

    /// How endpoints stood that fail, and how long ago that was.
    pub(in crate::app) fn handed(&self) -> (Duration, &[Handed]) {
        let handed = self.handed.as_ref();
        handed.map_or((Duration::ZERO, &[]), |(heard, handed)| (heard.elapsed(), handed.as_slice()))
    }

    /// Waits until the store is free, now that everything is ready that can be without it.
    ///
    /// # Errors
    /// A gateway that does not give its place up.
    pub(in crate::app) fn wait_for_store(&mut self) -> io::Result<()> {
        let Some(predecessor) = self.predecessor.take() else { return Ok(()) };
        // One that is gone is not heard either.
        let _ = say(&predecessor, &Message::Ready, None);
        let mut heard = hear_until_gone(&predecessor)?;
        if let Some((Message::Upstreams(handed), _)) = heard {
            self.handed = Some((clock::instant(), handed));
            heard = hear_until_gone(&predecessor)?;
        }
        match heard {
            Some((Message::Yours, lock)) => self.lock = lock,
            Some((Message::Stays, _)) => {
                return Err(io::Error::other(
                    "it cannot give its store away, and says in its log why",
                ));
            }
            Some(_) => return Err(io::ErrorKind::InvalidData.into()),
            // It ended without a word. Its sockets are here, and the lock of its folder says whether it is free.
            None => {
                tracing::warn!("the gateway before this one ended before it had given its store");
                return Ok(());
            }
        }
        predecessor.set_read_timeout(None)?;
        self.predecessor = Some(predecessor);
        Ok(())
    }

    /// Tells the gateway before that the store is still being opened.
    pub(in crate::app) fn opens(&self) {
        // Where it is gone, nobody waits.
        let _ = self.predecessor.as_ref().map(|line| say(line, &Message::Opens, None));
    }

    /// Tells the gateway before of every change from now on, and what it asks, and gives the cores what moves here. To be
    /// called before anything can change.
    pub(in crate::app) fn go_on(self, cache: &Arc<Cache>, inboxes: Inboxes) -> Option<Predecessor> {
        for (moved, inbox) in self.moved.into_iter().zip(inboxes.iter().cycle()) {
            // A core that ends closes what it is given.
            let _ = inbox.send(moved);
        }
        let line = self.predecessor?;
        let (tells, news) = mpsc::channel();
        let (to, from) = (line.try_clone().ok()?, line.try_clone().ok()?);
        cache.tell_changes(Some(tells.clone()));
        std::thread::spawn(move || tell(&to, &news));
        let cache = Arc::clone(cache);
        let hears = std::thread::spawn(move || {
            let outcome = receive(&from, &inboxes, &cache);
            cache.tell_changes(None);
            match outcome {
                Ok(moved) => tracing::info!(moved, "the gateway before this one has ended"),
                Err(error) => tracing::warn!(%error, "the gateway before this one broke off"),
            }
        });
        Some(Predecessor { line, hears, tells: Some(tells) })
    }
}

/// The gateway before, which may finish something still.
#[derive(Debug)]
pub(in crate::app) struct Predecessor {
    line: UnixStream,
    hears: JoinHandle<()>,
    /// Until it was told that this one serves. One thread says all, so that nothing is said in the midst of something else.
    tells: Option<mpsc::Sender<News>>,
}

impl Predecessor {
    /// Tells it that requests are decided here.
    pub(in crate::app) fn is_served(&mut self) {
        // Where nobody hears, that is told by whoever finds the line broken.
        let _ = self.tells.take().map(|tells| tells.send(News::Serves));
    }

    /// Waits until it has ended by itself, and not longer than this, nor for somebody who is `impatient`.
    pub(in crate::app) fn may_end(&self, within: Duration, impatient: impl Fn() -> bool) {
        let until = clock::instant() + within;
        while !self.hears.is_finished() && clock::instant() < until && !impatient() {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Nobody tells it of changes any more, so that it ends. Waits until all that moves has come from it.
    pub(in crate::app) fn leave(self) {
        // Where that fails it has ended already.
        let _ = self.line.shutdown(Shutdown::Write);
        self.may_end(LEAVING, || false);
        let _ = self.line.shutdown(Shutdown::Read);
        let _ = self.hears.join();
    }
}

/// Asks the gateway that runs for its place, and gets its sockets. None if there is no gateway.
///
/// # Errors
/// A gateway that does not give them.
pub(in crate::app) fn ask(path: &Path) -> Result<Option<Taken>, AppError> {
    let failed = |source| AppError::HandOver { path: PathBuf::from(path), source };
    let predecessor = match UnixStream::connect(path) {
        Ok(predecessor) => predecessor,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    get_sockets(predecessor).map_err(failed)
}

fn get_sockets(predecessor: UnixStream) -> io::Result<Option<Taken>> {
    predecessor.set_read_timeout(Some(PATIENCE))?;
    let (pid, version) = (std::process::id(), env!("CARGO_PKG_VERSION").to_owned());
    say(&predecessor, &Message::Take { pid, version, edition: EDITION }, None)?;
    let mut taken = Taken::default();
    loop {
        let Some((message, socket)) = hear_until_gone(&predecessor)? else {
            tracing::warn!("the gateway before this one ended before it had given its sockets");
            return Ok(None);
        };
        match (message, socket) {
            (Message::Public, Some(socket)) => taken.sockets.public.push(socket.into()),
            (Message::Plain, Some(socket)) => taken.sockets.plain.push(socket.into()),
            (Message::Admin, Some(socket)) => taken.sockets.admin.push(socket.into()),
            (Message::Whole, _) => break,
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
    taken.predecessor = Some(predecessor);
    Ok(Some(taken))
}

/// What a gateway says that may end meanwhile; nothing once it has. One that is killed with something unheard resets the line.
fn hear_until_gone(line: &UnixStream) -> io::Result<Option<(Message, Option<OwnedFd>)>> {
    match hear(line) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof
            ) =>
        {
            Ok(None)
        }
        heard => heard,
    }
}

/// Tells the news until nobody listens, in the order in which they come.
fn tell(to: &UnixStream, news: &mpsc::Receiver<News>) {
    for one in news {
        let said = match one {
            News::Changed(changed) => tell_change(to, changed),
            News::Found(number, found) => say(to, &answer(number, found), None),
            News::Serves => say(to, &Message::Serves, None),
        };
        if let Err(error) = said {
            tracing::debug!(%error, "the gateway before this one hears nothing any more");
            return;
        }
    }
}

fn tell_change(to: &UnixStream, changed: Forgotten) -> io::Result<()> {
    let Forgotten { tokens, mut owners, mut companies } = changed;
    let tokens: Vec<String> = tokens.iter().map(text_of).collect();
    let mut parts: Vec<Vec<String>> = tokens.chunks(AT_A_TIME).map(<[String]>::to_vec).collect();
    if parts.is_empty() {
        parts.push(Vec::new());
    }
    for tokens in parts {
        let (owners, companies) = (std::mem::take(&mut owners), std::mem::take(&mut companies));
        say(to, &Message::Forget { tokens, owners, companies }, None)?;
    }
    Ok(())
}

/// What was found, as it is said.
fn answer(number: u64, found: Found) -> Message {
    let record = found.and_then(|held| {
        let written = held.as_ref().map(record::write).transpose();
        written.map_err(|error| error.to_string().into())
    });
    match record {
        Ok(record) => Message::Found { number, record },
        Err(why) => Message::Unread { number, why: why.to_string() },
    }
}

/// Gives the cores what comes, and has questions answered, until nothing more comes. Gives how many connections that were.
fn receive(from: &UnixStream, inboxes: &Inboxes, cache: &Arc<Cache>) -> io::Result<usize> {
    let mut moved = 0;
    while let Some(heard) = hear(from)? {
        match heard {
            (Message::Moved { peer, begun, announced, read, within }, Some(socket)) => {
                let read = BASE64.decode(read).map_err(|_| io::ErrorKind::InvalidData)?.into();
                let inbox = inboxes.get(moved % inboxes.len().max(1));
                moved += 1;
                // A core that ends closes what it is given.
                let one = Moved { socket: socket.into(), peer, begun, announced, read, within };
                let _ = inbox.map(|inbox| inbox.send(one));
            }
            (Message::Used(uses), _) => {
                cache.note_passed_on(uses.into_iter().map(NotedUse::from).collect());
            }
            // The store may be slow, and connections wait for nobody.
            (Message::Look { number, digest }, _) => cache.answer(number, digest_in(&digest)?),
            _ => {}
        }
    }
    Ok(moved)
}
