//! Health checks: each endpoint that has one is asked now and then whether it is well, on the control
//! path. One that is not gets no requests, where there are others, until it is well again. At first all
//! are taken to be well.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::config::settings::{At, Health};

use super::core::Shared;
use super::targets::Target;
use super::upstream;

/// How often there is a look which endpoints there are.
const LOOK: Duration = Duration::from_secs(1);

/// A check that goes on until this is dropped.
#[derive(Debug)]
struct Check(JoinHandle<()>);

impl Drop for Check {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Checks all endpoints until `closed` says so.
pub async fn run(shared: Arc<Shared>, mut closed: watch::Receiver<bool>) {
    // A check holds its endpoint, so that no other gets its number meanwhile.
    let mut checks = BTreeMap::new();
    loop {
        {
            let snapshot = shared.snapshot.load();
            checks.retain(|number, _| snapshot.reaches(*number));
            let endpoints = snapshot.endpoints().map(|(_, target)| target);
            for target in endpoints.filter(|target| target.endpoint.health.is_some()) {
                let begin = || Check(tokio::spawn(check(Arc::clone(target))));
                checks.entry(target.number).or_insert_with(begin);
            }
        }
        tokio::select! {
            _ = closed.wait_for(|closed| *closed) => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

async fn check(target: Arc<Target>) {
    let Some(health) = &target.endpoint.health else { return };
    let request = request(&target.endpoint.at, health);
    let mut ticks = tokio::time::interval(health.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut good, mut bad) = (0_u32, 0_u32);
    loop {
        ticks.tick().await;
        let asked = upstream::status(&target, request.as_bytes());
        let answered = tokio::time::timeout(health.timeout, asked).await;
        let answered = answered.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let is_good = |status: &u16| health.statuses.iter().any(|good| good.contains(status));
        let well = answered.as_ref().is_ok_and(is_good);
        (good, bad) = if well { (good.saturating_add(1), 0) } else { (0, bad.saturating_add(1)) };
        if good >= health.successes && target.standing.is_found(true) {
            tracing::info!(upstream = %target, "a health check finds an upstream well again");
        }
        if bad >= health.failures && target.standing.is_found(false) {
            let cause = match answered {
                Ok(status) => format!("it answers {status}"),
                Err(error) => error.to_string(),
            };
            tracing::warn!(upstream = %target, error = %cause, "a health check finds an upstream down");
        }
    }
}

fn request(at: &At, health: &Health) -> String {
    let host = match (&health.host, at) {
        (Some(host), _) => host.clone(),
        (None, At::Host(host, port)) if host.contains(':') => format!("[{host}]:{port}"),
        (None, At::Host(host, port)) => format!("{host}:{port}"),
        (None, At::Socket(_)) => "localhost".to_owned(),
    };
    format!(
        "GET {} HTTP/1.1\r\nhost: {host}\r\nuser-agent: tollgate-health\r\nconnection: close\r\n\r\n",
        health.path
    )
}
