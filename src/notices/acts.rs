//! What administrators ask of webhooks: who there is, what was tried, and a test.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::id::Slug;
use crate::domain::notice::NoticeKind;
use crate::domain::time::Timestamp;
use crate::notices::Notices;
use crate::notices::attempt::{Attempt, Outcome};
use crate::notices::hook::Hook;
use crate::notices::payload::{About, Data, Notice, Payload};
use crate::service::{Caller, ServiceError};

/// A webhook as administrators are shown it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WebhookView {
    /// Its name.
    pub name: Slug,
    /// Where it listens.
    pub url: String,
    /// What it is told of.
    #[schema(value_type = Vec<NoticeKind>)]
    pub notices: BTreeSet<NoticeKind>,
    /// How many notices wait to be told, or to be tried again.
    pub waiting: usize,
    /// Since when nothing was taken, as far back as attempts are kept.
    pub failing_since: Option<Timestamp>,
    /// The newest attempt.
    pub last_attempt: Option<Attempt>,
}

impl Notices {
    /// All webhooks, in the order of the configuration.
    ///
    /// # Errors
    /// Somebody who may not ask.
    pub fn list(&self, by: &Caller) -> Result<Vec<WebhookView>, ServiceError> {
        by.watches()?;
        Ok(self.hooks().iter().map(|hook| view(hook)).collect())
    }

    /// The attempts that are kept of one webhook, newest first.
    ///
    /// # Errors
    /// Somebody who may not ask, or no such webhook.
    pub fn deliveries(&self, by: &Caller, name: &Slug) -> Result<Vec<Attempt>, ServiceError> {
        by.watches()?;
        Ok(self.hook(name)?.attempts())
    }

    /// Calls a webhook at once, once, whatever it wants to be told of.
    ///
    /// # Errors
    /// Somebody who may not ask, or no such webhook. That the call fails is an answer.
    pub async fn test(&self, by: &Caller, name: &Slug) -> Result<Attempt, ServiceError> {
        by.administers()?;
        let hook = self.hook(name)?;
        let data = Data { webhook: Some(name), ..Data::by(&by.actor) };
        let kind = NoticeKind::Test;
        let body =
            serde_json::to_string(&Payload { r#type: kind, timestamp: self.service.now(), data });
        let body = body.map_err(|error| ServiceError::field("name", error))?;
        let id = format!("test_{}", self.service.new_id()?);
        let notice = Notice { id, kind, event: None, nth: 0, about: About::default(), body };
        Ok(self.attempt(&hook, &notice, 1).await)
    }

    fn hook(&self, name: &Slug) -> Result<Arc<Hook>, ServiceError> {
        let hooks = self.hooks();
        let found = hooks.iter().find(|hook| hook.name == *name);
        found.map(Arc::clone).ok_or_else(|| ServiceError::NoWebhook(name.clone()))
    }
}

fn view(hook: &Hook) -> WebhookView {
    let (setup, attempts) = (hook.setup.load(), hook.attempts());
    let failed = attempts.iter().take_while(|attempt| attempt.outcome != Outcome::Delivered);
    WebhookView {
        name: hook.name.clone(),
        url: setup.target.to_string(),
        notices: setup.kinds.clone(),
        waiting: hook.waiting(),
        failing_since: failed.last().map(|attempt| attempt.at),
        last_attempt: attempts.into_iter().next(),
    }
}
