//! The mark of the latest wall-clock time that was ever relied on, the one act that takes it back,
//! and the word of an operator that the wall clock is right.

use serde::{Deserialize, Serialize};

use crate::domain::event::{Event, EventKind};
use crate::domain::time::{Span, Timestamp};
use crate::service::{Caller, Service, ServiceError, check};
use crate::store::Commit;

/// The wall clock beside the mark that it once reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MarkView {
    /// What the wall clock shows.
    pub wall: Timestamp,
    /// The latest time that was noted.
    pub mark: Timestamp,
    /// How far the wall clock is behind it.
    pub behind: Span,
}

/// The answer to the act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MarkChanged {
    /// As it is now.
    #[serde(flatten)]
    pub clock: MarkView,
    /// The mark before.
    pub before: Timestamp,
    /// Whether it was lowered; a mark that the clock has passed needs no act.
    pub changed: bool,
}

impl Service {
    /// The wall clock and the mark.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn mark(&self) -> Result<MarkView, ServiceError> {
        Ok(self.mark_view(self.store().high_water().await?))
    }

    /// Notes a time that a gateway has relied on; an earlier one than before changes nothing.
    ///
    /// # Errors
    /// A store that cannot be written to.
    pub async fn note_mark(&self, to: Timestamp) -> Result<(), ServiceError> {
        Ok(self.store().raise_high_water(to).await?)
    }

    /// Lowers the mark to what the wall clock shows now, because a wrong clock had raised it. The
    /// history says who did so and why before it is done.
    ///
    /// # Errors
    /// No confirmation, no reason, or a store that refuses.
    pub async fn lower_mark(
        &self,
        by: &Caller,
        reason: &str,
        confirmed: bool,
    ) -> Result<MarkChanged, ServiceError> {
        given("reason", reason, "say why the mark is wrong")?;
        let before = self.store().high_water().await?;
        let clock = self.mark_view(before);
        if clock.behind.is_zero() {
            return Ok(MarkChanged { clock, before, changed: false });
        }
        if !confirmed {
            let problem = format!(
                "the mark would go back from {before} to {}: tokens that expired in between could \
                 be used again. Make sure that the wall clock is right, and confirm it",
                clock.wall
            );
            return Err(ServiceError::field("confirmed", problem));
        }
        let at = clock.wall;
        let reason = format!("from {before} to {at}: {reason}");
        self.record(by, EventKind::ClockMarkLowered, at, reason).await?;
        self.store().lower_high_water(at).await?;
        Ok(MarkChanged { clock: self.mark_view(at), before, changed: true })
    }

    /// Puts on record that the wall clock is right, although it was set or has not settled.
    ///
    /// # Errors
    /// No reason, or a store that refuses.
    pub async fn trust_clock(&self, by: &Caller, reason: &str) -> Result<(), ServiceError> {
        given("reason", reason, "say how you know that the clock is right")?;
        self.record(by, EventKind::ClockTrusted, self.now(), reason.to_owned()).await
    }

    /// Puts on record what changes no record.
    pub(super) async fn record(
        &self,
        by: &Caller,
        kind: EventKind,
        at: Timestamp,
        reason: String,
    ) -> Result<(), ServiceError> {
        let reason = self.kept(&reason).await;
        let event =
            Event { at, effective_at: at, actor: by.actor.clone(), kind, reason, many: None };
        let (changes, subjects) = (Vec::new(), Vec::new());
        self.cache.commit(Commit { event, changes, subjects }).await?;
        Ok(())
    }

    fn mark_view(&self, mark: Timestamp) -> MarkView {
        let wall = self.clock.now();
        MarkView { wall, mark, behind: mark.since(wall) }
    }
}

fn given(field: &'static str, text: &str, otherwise: &str) -> Result<(), ServiceError> {
    check::line(field, text, check::REASON_CHARS)?;
    if text.trim().is_empty() {
        return Err(ServiceError::field(field, otherwise));
    }
    Ok(())
}
