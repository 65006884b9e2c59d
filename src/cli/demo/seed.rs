//! Two users and a token of each kind, made by the same acts as any token: the dead ones by acts
//! whose clock stands in the past.

use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::admin::problem::Problem;
use crate::cache::Cache;
use crate::cli::failure::Failure;
use crate::cli::secret;
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::id::TokenId;
use crate::domain::role::Role;
use crate::domain::time::{Span, Timestamp};
use crate::service::{Caller, Service, ServiceError};
use crate::store::Store;

/// Who signs in to a demo.
pub(super) const ADMINISTRATOR: &str = "admin";

/// How long ago the dead tokens were made.
const LONG_AGO: Span = Span::from_days(200);

/// The secrets of the tokens.
pub(super) struct Seeded {
    /// The password of the administrator.
    pub(super) password: Zeroizing<String>,
    /// Reads orders.
    pub(super) reader: String,
    /// Reads and writes orders.
    pub(super) editor: String,
    /// Is limited to item 7.
    pub(super) one_item: String,
    /// Expired.
    pub(super) expired: String,
    /// Was not used for 100 days.
    pub(super) idle: String,
    /// Begins tomorrow.
    pub(super) pending: String,
    /// Is paused.
    pub(super) disabled: String,
    /// Was revoked.
    pub(super) revoked: String,
    /// Belongs to a blocked user.
    pub(super) blocked: String,
}

/// Makes what a demo shows. The users of an earlier demo in the same folder are taken over, and its
/// tokens go on.
///
/// # Errors
/// What the store refuses.
pub(super) async fn seed(
    store: &Arc<dyn Store>,
    settings: &Settings,
    clock: &Clock,
) -> Result<Seeded, Failure> {
    let now = clock.now();
    let long_ago = now.unix().saturating_sub(LONG_AGO.seconds());
    let mut past = Maker::new(store, settings, Clock::held(Timestamp::from_unix(long_ago)));
    past.service = past.service.of_long_ago();
    let present = Maker::new(store, settings, clock.clone());
    past.user("demo", "Demo user").await?;
    past.user("blocked", "Blocked user").await?;

    let read = json!({"contexts": ["orders"], "flags": ["view"]});
    let with = |more: Value| merged(&read, more);
    let expired = past.token("expired", with(json!({"lifetime": "1d"}))).await?.1;
    let idle = past.token("idle for too long", with(json!({"idle_ttl": "100d"}))).await?.1;
    let (disabled_id, disabled) = present.token("paused", read.clone()).await?;
    let (revoked_id, revoked) = present.token("revoked", read.clone()).await?;
    let tomorrow = now.plus(Span::from_days(1));
    let edit = json!({"contexts": ["orders"], "flags": ["view", "edit"]});
    let one_item = json!({"contexts": ["stock"], "items": ["7"]});
    let seeded = Seeded {
        password: present.administrator().await?,
        reader: present.token("reads orders", read.clone()).await?.1,
        editor: present.token("reads and writes orders", edit).await?.1,
        one_item: present.token("item 7 alone", one_item).await?.1,
        pending: present.token("from tomorrow", with(json!({"not_before": tomorrow}))).await?.1,
        blocked: present.token("of a blocked user", with(json!({"owner": "blocked"}))).await?.1,
        expired,
        idle,
        disabled,
        revoked,
    };
    present.end(disabled_id, revoked_id).await?;
    Ok(seeded)
}

fn merged(base: &Value, more: Value) -> Value {
    let mut both = base.as_object().cloned().unwrap_or_default();
    both.extend(more.as_object().cloned().unwrap_or_default());
    Value::Object(both)
}

/// The acts at one moment.
struct Maker {
    service: Service,
    by: Caller,
}

impl Maker {
    fn new(store: &Arc<dyn Store>, settings: &Settings, clock: Clock) -> Self {
        let control = tokio::runtime::Handle::current();
        let cache = Cache::new(Arc::clone(store), settings.cache.clone(), control);
        let settings = Arc::new(ArcSwap::from_pointee(settings.clone()));
        let by = Caller::local(rustix::process::geteuid().as_raw());
        Self { service: Service::new(cache, settings, clock), by }
    }

    async fn user(&self, id: &str, name: &str) -> Result<(), Failure> {
        self.owner(json!({ "id": id, "name": name })).await
    }

    /// Somebody who may do everything, with a new password at each start.
    async fn administrator(&self) -> Result<Zeroizing<String>, Failure> {
        let roles = [Role::Administrator.as_str()];
        self.owner(json!({ "id": ADMINISTRATOR, "roles": roles })).await?;
        let password = secret::generated()?;
        let id = ADMINISTRATOR.parse().map_err(Failure::usage)?;
        let given = self.service.set_password(&self.by, &id, None, Some(&password)).await;
        given.map_err(failure)?;
        Ok(password)
    }

    async fn owner(&self, body: Value) -> Result<(), Failure> {
        let input = read(body)?;
        match self.service.create_owner(&self.by, input).await {
            Err(ServiceError::OwnerExists(_)) => Ok(()),
            outcome => outcome.map(|_| ()).map_err(failure),
        }
    }

    async fn token(&self, name: &str, terms: Value) -> Result<(TokenId, String), Failure> {
        let input = merged(&json!({"owner": "demo", "name": name, "app": "demo"}), terms);
        let created = self.service.create_token(&self.by, read(input)?).await.map_err(failure)?;
        let secret = created.secret.map(|secret| secret.expose().to_owned());
        Ok((created.token.id, secret.unwrap_or_default()))
    }

    async fn end(&self, disabled: TokenId, revoked: TokenId) -> Result<(), Failure> {
        let reason = "to show it in the demo";
        let (service, by) = (&self.service, &self.by);
        let blocked = "blocked".parse().map_err(Failure::usage)?;
        service.disable_token(by, disabled, reason).await.map_err(failure)?;
        service.revoke_token(by, revoked, reason).await.map_err(failure)?;
        service.block_owner(by, &blocked, reason).await.map_err(failure)?;
        Ok(())
    }
}

fn read<T: serde::de::DeserializeOwned>(body: Value) -> Result<T, Failure> {
    // By way of text, since parameters are taken from the text itself.
    serde_json::from_str(&body.to_string()).map_err(Failure::usage)
}

fn failure(error: ServiceError) -> Failure {
    Problem::from(error).into()
}
