//! What goes on beside the requests: last uses are written down, tokens and sessions that are over are
//! ended, and the wall clock is watched.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::ClockState;
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::gateway::core::Shared;
use crate::service::Service;
use crate::service::usage;
use crate::service::warn::Lookout;
use crate::store::Health;
use crate::telemetry::throttle::Throttle;
use crate::web::People;

use super::Reloader;
use super::wall::{Look, WallClock};
use super::watched;

/// How often there is a look at what is due.
const BEAT: Duration = Duration::from_secs(1);

/// How often the wall clock's high-water mark is persisted, in beats.
const PERSIST_EVERY: u64 = 30;

/// How often meters that nobody uses are put away, in beats.
const PUT_AWAY_EVERY: u64 = 10;

/// How often requests by the day are written down, in beats: as many seconds of them a crash may lose.
const COUNT_EVERY: u64 = 10;

/// How often days that are no longer shown are let go of, in beats.
const FORGET_DAYS_EVERY: u64 = 3_600;

/// How often sessions that are over are let go of, in beats.
const FORGET_EVERY: u64 = 30;

/// How many batches of tokens one beat ends at the most, so that it never keeps the others waiting.
const BATCHES_MAX: usize = 64;

/// The same for warnings, which take as many tokens for each of the last days of theirs.
const WARN_BATCHES_MAX: usize = 8;

/// What the allocator takes from the system as it is, and not out of what it has cut up.
const LARGE: usize = 4 << 20;

/// Runs until `stop`. `wall` is the clock as it stood at the start: this may have its first turn
/// much later, and what passed until then is no reason to doubt it.
pub(super) async fn run(
    service: Arc<Service>,
    (shared, people, reloader): (Arc<Shared>, Arc<People>, Arc<Reloader>),
    wall: WallClock,
    mut stop: watch::Receiver<bool>,
) {
    let noted = mark(&service, &shared).await;
    let mut lookout = Lookout::since(noted.unwrap_or_else(|| shared.clock.now()));
    let mut wall = wall.beyond(noted);
    let mut heard = shared.operator_word.load(Ordering::Relaxed);
    let (mut health, mut state) = (Health::Ready, ClockState::Trusted);
    let mut beats = 0_u64;
    let mut interval = tokio::time::interval(BEAT);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let word = shared.operator_word.load(Ordering::Relaxed);
        if word != heard {
            heard = word;
            if shared.wall.read() != ClockState::Trusted {
                tracing::info!(
                    now = %shared.clock.now(),
                    "an operator says that the wall clock is right: it is trusted"
                );
            }
            wall = WallClock::trust(&shared.clock);
        }
        health = watched::tell_health(health, shared.cache.store().health());
        beat(&service, (&shared, &people), (&mut wall, &mut lookout), beats).await;
        state = watched::tell_clock(state, &shared);
        reloader.tell_certificates();
        stir();
        beats = beats.wrapping_add(1);
    }
}

/// mimalloc gives back to the system what was freed a second ago, but looks for it only where something large comes or goes. A
/// gateway whose clients have all come to rest would keep what they held.
fn stir() {
    // Nothing is written there, so that nothing is taken either.
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE)));
}

/// How far the clock had come before this start. A store whose mark was lost with its index says by
/// its newest event that it is not new.
async fn mark(service: &Service, shared: &Shared) -> Option<Timestamp> {
    let high = Timestamp::from_unix(shared.high_water.load(Ordering::Relaxed));
    if high > Timestamp::EPOCH {
        return Some(high);
    }
    service.newest().await.ok()?.map(|(_, event)| event.at)
}

/// One look at everything.
async fn beat(
    service: &Service,
    (shared, people): (&Shared, &People),
    (wall, lookout): (&mut WallClock, &mut Lookout),
    beats: u64,
) {
    shared.counters.rates.look(shared.clock.uptime(), shared.counters.flow());
    let look = wall.look(&shared.clock);
    shared.wall.note(look.state());
    if let Look::Trusted(now) | Look::Unsettled(now) = look {
        write_uses(shared, now, beats).await;
    }
    put_meters_away(shared, beats).await;
    write_requests(shared, beats).await;
    // Nothing is ended, and no time is noted, by a clock that cannot be trusted.
    let Look::Trusted(now) = look else { return };
    if beats.is_multiple_of(FORGET_EVERY) {
        people.sweep(&service.settings().sessions, now);
    }
    if beats % FORGET_DAYS_EVERY == COUNT_EVERY
        && let Err(error) = shared.cache.store().forget_requests(usage::first_kept(now)).await
    {
        tell(&shared.warnings.touches, &error, "requests of days long ago cannot be removed");
    }
    shared.high_water.fetch_max(now.unix(), Ordering::Relaxed);
    if beats.is_multiple_of(PERSIST_EVERY)
        && let Err(error) = shared.cache.store().raise_high_water(now).await
    {
        tell(&shared.warnings.time, &error, "the time cannot be written down");
    }
    if let Err(error) = service.retire_rotated().await {
        tell(&shared.warnings.sweep, &error, "rotated tokens cannot be ended now");
    }
    sweep(service, shared, now).await;
    warn(service, shared, now, lookout).await;
    if let Err(error) = service.tell_reuse(now).await {
        tell(
            &shared.warnings.sweep,
            &error,
            "the use of rotated tokens cannot be written down now",
        );
    }
}

/// Warns of ends that are near, for the time of some batches; the rest waits for the next beat.
async fn warn(service: &Service, shared: &Shared, now: Timestamp, lookout: &mut Lookout) {
    for _ in 0..WARN_BATCHES_MAX {
        match service.warn(now, lookout).await {
            Ok(warned) if warned.more => {}
            Ok(_) => break,
            Err(error) => {
                tell(&shared.warnings.sweep, &error, "tokens cannot be warned of their end now");
                break;
            }
        }
    }
}

/// What is left of the blocks of tokens that are no longer in use goes back to the store.
async fn put_meters_away(shared: &Shared, beats: u64) {
    let uptime_ns = u64::try_from(shared.clock.uptime().as_nanos()).unwrap_or(u64::MAX);
    if beats.is_multiple_of(PUT_AWAY_EVERY)
        && let Err(error) = shared.cache.put_meters_away(uptime_ns).await
    {
        tell(&shared.warnings.touches, &error, "counts of requests cannot be given back");
    }
}

async fn write_requests(shared: &Shared, beats: u64) {
    if beats.is_multiple_of(COUNT_EVERY)
        && let Err(error) = shared.cache.flush_requests().await
    {
        tell(
            &shared.warnings.touches,
            &error,
            "requests by the day cannot be written down; they are kept",
        );
    }
}

async fn write_uses(shared: &Shared, now: Timestamp, beats: u64) {
    let flush_every = shared.cache.flush_interval().as_secs().max(1);
    if beats.is_multiple_of(flush_every)
        && let Err(error) = shared.cache.flush_touches(now).await
    {
        tell(&shared.warnings.touches, &error, "last uses cannot be written down; they are kept");
    }
}

/// Whatever cannot be done now is tried again with each beat, and told now and then.
fn tell(throttle: &Throttle, error: &dyn Error, what: &str) {
    if let Some(withheld) = throttle.ready() {
        tracing::warn!(%error, withheld, "{what}");
    }
}

/// Ends what is over, for the time of some batches; the rest waits for the next beat.
async fn sweep(service: &Service, shared: &Shared, now: Timestamp) {
    let (mut after, mut unreadable) = (None, 0);
    for _ in 0..BATCHES_MAX {
        match service.sweep(now, after).await {
            Ok(swept) => {
                if swept.ended > 0 {
                    tracing::info!(ended = swept.ended, "tokens came to their end");
                }
                tell_unreadable(shared, &swept.unreadable, &mut unreadable);
                after = swept.next;
                if after.is_none() {
                    break;
                }
            }
            Err(error) => {
                tell(&shared.warnings.sweep, &error, "tokens that are over cannot be ended now");
                return;
            }
        }
    }
    shared.unreadable.store(unreadable, Ordering::Relaxed);
}

/// Adds up the tokens of a look whose records cannot be read, and names the first: once, since they
/// are met again with each look.
fn tell_unreadable(shared: &Shared, met: &[TokenId], so_far: &mut u64) {
    let told = shared.unreadable.load(Ordering::Relaxed) > 0 || *so_far > 0;
    if let Some(token) = met.first().filter(|_| !told) {
        tracing::error!(
            %token, more = met.len() - 1,
            "a token that is over cannot be ended, since its record cannot be read; others are"
        );
    }
    *so_far += met.len() as u64;
}
