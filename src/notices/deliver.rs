//! The tasks: one that sees how far the history has come, and one for each webhook, which reads on and
//! calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::clock;
use crate::domain::id::Slug;
use crate::notices::attempt::{Attempt, Outcome, judge};
use crate::notices::hook::Hook;
use crate::notices::payload::Notice;
use crate::notices::{Notices, meaning};
use crate::service::ServiceError;
use crate::store::Position;

/// How often there is a look at what is new or due. Only the machine's time: what is due is so by the
/// clock that tests hold.
const BEAT: Duration = Duration::from_millis(500);

/// How long what is under way may take once the gateway stops.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many events are read in one go.
const EVENTS: usize = 100;

/// After how many events without a notice the place is written down.
const UNTOLD: u64 = 1_000;

impl Notices {
    /// Gives each webhook its place in the history, before anything else can happen.
    pub async fn begin(&self) {
        self.look().await;
        let hooks = self.hooks().clone();
        hooks.iter().for_each(|hook| self.place(hook));
    }

    /// Tells what happened until `stop`.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut tasks: BTreeMap<Slug, (Arc<Hook>, JoinHandle<()>)> = BTreeMap::new();
        loop {
            self.look().await;
            let hooks = self.hooks().clone();
            for hook in hooks {
                // One that came before it was known how far the history is.
                if !hook.is_placed() {
                    self.place(&hook);
                }
                let served =
                    tasks.get(&hook.name).is_some_and(|(known, _)| Arc::ptr_eq(known, &hook));
                if !served {
                    let task = Arc::clone(&self).serve(Arc::clone(&hook), stop.clone());
                    tasks.insert(hook.name.clone(), (hook, tokio::spawn(task)));
                }
            }
            tokio::select! {
                () = tokio::time::sleep(BEAT) => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        for (_, (hook, task)) in tasks {
            let _ = task.await;
            if !hook.gone.load(Ordering::Relaxed) {
                self.note(&hook.place_line());
            }
        }
    }

    /// How far has the history come?
    async fn look(&self) {
        if self.hooks().is_empty() {
            return;
        }
        match self.service.newest().await {
            Ok(newest) => {
                let newest = newest.map_or(0, |(position, _)| position.0);
                self.newest.store(newest.saturating_add(1), Ordering::Relaxed);
            }
            Err(error) => self.tell(&error.into()),
        }
    }

    fn tell(&self, error: &ServiceError) {
        if let Some(withheld) = self.trouble.ready() {
            tracing::warn!(%error, withheld, "the history cannot be read: notices wait");
        }
    }

    async fn serve(self: Arc<Self>, hook: Arc<Hook>, mut stop: watch::Receiver<bool>) {
        let (mut written, mut calls) = (hook.place_line().place, JoinSet::new());
        while !*stop.borrow() && !hook.gone.load(Ordering::Relaxed) {
            let read = match self.read_on(&hook, &mut written).await {
                Ok(read) => read,
                Err(error) => {
                    self.tell(&error);
                    false
                }
            };
            while let Some((notice, attempts)) = hook.due(self.service.now()) {
                let (notices, hook) = (Arc::clone(&self), Arc::clone(&hook));
                calls.spawn(async move {
                    notices.attempt(&hook, &notice, attempts.saturating_add(1)).await;
                });
            }
            // Whatever ends makes room for another; while there is more to read, none is waited for.
            tokio::select! {
                Some(_) = calls.join_next() => {}
                () = std::future::ready(()), if read => {}
                () = tokio::time::sleep(BEAT) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
        tokio::select! {
            () = async { while calls.join_next().await.is_some() {} } => {}
            () = patience(stop) => {}
        }
    }

    /// Reads some of what is new. Answers whether there may be more.
    async fn read_on(&self, hook: &Hook, written: &mut u64) -> Result<bool, ServiceError> {
        let Some(newest) = self.newest() else { return Ok(false) };
        let Some(place) = hook.place(newest) else { return Ok(false) };
        for event in hook.left_open() {
            let notices = match self.service.event_at(Position(event)).await? {
                Some(recorded) => meaning::of(&self.service, &recorded).await?,
                None => Vec::new(),
            };
            hook.take(event, notices, self.service.now());
        }
        if place >= newest {
            return Ok(false);
        }
        let mut events = self.service.events_after(Position(place), EVENTS).await?;
        // One that was written meanwhile waits: a place beyond the newest is that of a longer history.
        events.retain(|event| event.position.0 <= newest);
        for recorded in &events {
            let notices = meaning::of(&self.service, recorded).await?;
            hook.take(recorded.position.0, notices, self.service.now());
        }
        let Some(last) = events.last().map(|last| last.position.0) else { return Ok(false) };
        if last.saturating_sub(*written) >= UNTOLD {
            self.note(&hook.place_line());
            *written = last;
        }
        Ok(true)
    }

    /// Calls a webhook once, and takes note of what came of it.
    pub(super) async fn attempt(&self, hook: &Hook, notice: &Notice, attempt: u32) -> Attempt {
        let setup = hook.setup.load_full();
        let (at, begun) = (self.service.now(), clock::instant());
        let signature = setup.key.sign(&notice.id, at.unix(), notice.body.as_bytes());
        let headers = headers(&notice.id, at.unix(), &signature);
        let body = Bytes::copy_from_slice(notice.body.as_bytes());
        let answer = setup.egress.post(&setup.target, headers, body).await;
        let verdict = judge(answer, attempt, self.service.now());
        let is_test = notice.event.is_none();
        let outcome = match verdict.outcome {
            // Whoever asked for it sees what came of it.
            Outcome::Retry if is_test => Outcome::GivenUp,
            outcome => outcome,
        };
        let attempt = Attempt {
            at,
            notice: notice.id.clone(),
            kind: notice.kind,
            event: notice.event,
            token: notice.about.token,
            owner: notice.about.owner.clone(),
            attempt,
            outcome,
            status: verdict.status,
            error: verdict.error,
            took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            next_at: verdict.next_at.filter(|_| !is_test),
        };
        if outcome == Outcome::GivenUp && !is_test {
            tracing::warn!(
                webhook = %hook.name, notice = %attempt.notice, kind = attempt.kind.as_str(),
                attempts = attempt.attempt, status = attempt.status, error = attempt.error,
                "a notice could not be delivered, and is given up"
            );
        }
        self.note(&hook.tried(notice, attempt.clone()));
        attempt
    }
}

/// Ends some time after the gateway was told to stop.
async fn patience(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
    tokio::time::sleep(PATIENCE).await;
}

/// What goes before the body. Ids and signatures are visible ASCII.
fn headers(id: &str, at: u64, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let agent = concat!("tollgate/", env!("CARGO_PKG_VERSION"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    headers.insert("webhook-timestamp", HeaderValue::from(at));
    for (name, value) in [("webhook-id", id), ("webhook-signature", signature)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers
}
