//! Passwords of people: what is kept of them, and whether one is right.
//!
//! argon2id with 19 MiB and two passes, as OWASP's cheat sheet has it. Each check takes that memory and some
//! 20 ms of a core, so that only a few run at a time, and never on a thread that serves others.

use std::sync::{Arc, LazyLock};

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

use crate::domain::event::EventKind;
use crate::domain::id::OwnerId;
use crate::domain::owner::{Owner, PasswordHash};
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::view::OwnerChanged;
use crate::service::{Service, create, grant};
use crate::store::StoreError;

/// How many characters a password has: long ones need no other rule (NIST SP 800-63B section 3.1.1.2).
const CHARS: std::ops::RangeInclusive<usize> = 12..=200;

/// How many are checked at a time, and how many wait for that: some 300 ms for the last of them.
const AT_ONCE: usize = 2;
const WAITING: usize = 32;

const SALT_BYTES: usize = 16;

static ROOM: Room = Room::new();

/// Where passwords are looked at.
struct Room {
    /// Who is in it or waits before it.
    all: Semaphore,
    /// Who is in it.
    inside: Semaphore,
}

/// What is checked against where there is nothing, so that the time tells nobody which names exist.
static NOBODY: LazyLock<Option<PasswordHash>> = LazyLock::new(|| hashed("nobody has this").ok());

impl Service {
    /// Gives an owner another password, or takes it away. Whoever does that for themselves shows the
    /// present one.
    ///
    /// # Errors
    /// Not theirs to do, a present password that is wrong, a new one that is too short, or a store that
    /// refuses.
    pub async fn set_password(
        &self,
        by: &Caller,
        id: &OwnerId,
        present: Option<&str>,
        wanted: Option<&str>,
    ) -> Result<OwnerChanged, ServiceError> {
        let owner = self.owner_record(id).await?;
        if by.owner() == Some(id) {
            let given = present.unwrap_or_default().to_owned();
            if !matches(given, owner.password.clone()).await? {
                return Err(ServiceError::field("present", "this is not your present password"));
            }
        } else {
            self.let_mind(by, &owner).await?;
            grant::password(&by.grants, &owner)?;
        }
        by.is_free()?;
        let hash = match wanted {
            Some(wanted) => Some(new(&owner, wanted).await?),
            None => None,
        };
        self.change_owner(by, EventKind::OwnerUpdated, "", id, |owner| {
            owner.password.clone_from(&hash);
            Ok(())
        })
        .await
    }

    /// The owner of a session, as it is now; none whose company is blocked. Whether they are blocked themselves is
    /// for the session to see.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn signed_in_still(&self, id: &OwnerId) -> Result<Option<Arc<Owner>>, ServiceError> {
        let Some(owner) = self.store().owner(id).await? else { return Ok(None) };
        let stopped = self.is_stopped_with_company(&owner).await?;
        Ok((!stopped).then_some(owner))
    }

    /// Whether the company of an owner is blocked: then its people come in as little as its tokens.
    pub(super) async fn is_stopped_with_company(&self, owner: &Owner) -> Result<bool, StoreError> {
        let company = self.company_of(owner.company.as_ref()).await?;
        Ok(company.is_some_and(|company| company.blocked.is_some()))
    }

    /// The owner who has this name and this password, and is not blocked, nor is their company. It takes as long
    /// where there is none.
    ///
    /// # Errors
    /// A store that cannot be read, or too many who sign in at once.
    pub async fn signed_in(
        &self,
        id: &str,
        password: &str,
    ) -> Result<Option<Arc<Owner>>, ServiceError> {
        let owner = match id.parse() {
            Ok(id) => self.store().owner(&id).await?,
            Err(_) => None,
        };
        let hash = owner.as_ref().and_then(|owner| owner.password.clone());
        let known = hash.is_some();
        let hash = hash.or_else(|| NOBODY.clone());
        let right = matches(password.to_owned(), hash).await?;
        let Some(owner) = owner.filter(|owner| right && known && owner.blocked.is_none()) else {
            return Ok(None);
        };
        let stopped = self.is_stopped_with_company(&owner).await?;
        Ok((!stopped).then_some(owner))
    }
}

/// What is kept of a new password.
pub(super) async fn new(owner: &Owner, wanted: &str) -> Result<PasswordHash, ServiceError> {
    let chars = wanted.chars().count();
    if !CHARS.contains(&chars) {
        let (least, most) = (CHARS.start(), CHARS.end());
        let problem = format!("a password has {least} to {most} characters");
        return Err(ServiceError::field("password", problem));
    }
    let plain = wanted.to_lowercase();
    if plain.contains(owner.id.as_str()) && chars < CHARS.start() + owner.id.as_str().len() {
        return Err(ServiceError::field("password", "it is little more than the user's name"));
    }
    let wanted = wanted.to_owned();
    aside(move || hashed(&wanted)).await?
}

async fn matches(password: String, hash: Option<PasswordHash>) -> Result<bool, ServiceError> {
    let Some(hash) = hash else { return Ok(false) };
    // Longer than any that is kept, so that nobody makes this hash what they like.
    if password.chars().count() > *CHARS.end() {
        return Ok(false);
    }
    aside(move || Argon2::default().verify_password(password.as_bytes(), hash.as_str()).is_ok())
        .await
}

async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ServiceError> {
    ROOM.work(work).await
}

impl Room {
    const fn new() -> Self {
        let (all, inside) = (AT_ONCE + WAITING, AT_ONCE);
        Self { all: Semaphore::const_new(all), inside: Semaphore::const_new(inside) }
    }

    async fn work<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        let place = self.all.try_acquire().map_err(|_| ServiceError::Busy)?;
        let inside = self.inside.acquire().await.map_err(|_| ServiceError::Busy)?;
        // The places go with the work, which goes on when whoever asked for it leaves.
        let work = move || {
            let (_place, _inside) = (place, inside);
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| ServiceError::NoEntropy)
    }
}

fn hashed(password: &str) -> Result<PasswordHash, ServiceError> {
    let mut salt = [0; SALT_BYTES];
    create::random(&mut salt).map_err(|()| ServiceError::NoEntropy)?;
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    Ok(PasswordHash::new(hash.map_err(|_| ServiceError::NoEntropy)?.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::service::tests::{World, input, owner_id, problem};

    const GOOD: &str = "correct horse battery";

    #[tokio::test(flavor = "multi_thread")]
    async fn people_sign_in_with_the_password_that_they_have() {
        let world = World::new().await;
        let (service, alice) = (&world.service, owner_id("alice"));
        service.create_owner(&world.by, input(json!({"id": "alice"}))).await.unwrap();
        let signed_in =
            async |password: &str| service.signed_in("alice", password).await.unwrap().is_some();
        assert!(!signed_in("").await && !signed_in(GOOD).await, "there is none yet");
        service.set_password(&world.by, &alice, None, Some(GOOD)).await.unwrap();
        assert!(signed_in(GOOD).await && !signed_in("correct horse batterY").await);
        assert!(service.signed_in("nobody", "nobody has this").await.unwrap().is_none());
        assert!(service.signed_in("Not a name", GOOD).await.unwrap().is_none());
        service.block_owner(&world.by, &alice, "").await.unwrap();
        assert!(!signed_in(GOOD).await, "a blocked user does not sign in");
        service.unblock_owner(&world.by, &alice, "").await.unwrap();
        assert!(signed_in(GOOD).await);
        service.set_password(&world.by, &alice, None, None).await.unwrap();
        assert!(!signed_in(GOOD).await);
    }

    #[tokio::test]
    async fn few_wait_before_passwords_are_looked_at_and_more_are_turned_away() {
        static FULL: Room = Room::new();
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let gate = Arc::new(std::sync::Mutex::new(gate));
        let behind = |gate: Arc<std::sync::Mutex<_>>| async move {
            let wait = move || {
                gate.lock().is_ok_and(
                    |gate: std::sync::MutexGuard<'_, std::sync::mpsc::Receiver<()>>| {
                        gate.recv().is_ok()
                    },
                )
            };
            FULL.work(wait).await
        };
        let mut all: Vec<_> =
            (0..AT_ONCE + WAITING).map(|_| tokio::spawn(behind(gate.clone()))).collect();
        while FULL.all.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let more = FULL.work(|| ()).await.unwrap_err();
        assert_eq!((more.status(), more.kind()), (503, "busy"));
        // Whoever waits and leaves makes room; whoever is looked at keeps it to the end.
        let leaver = all.pop().unwrap();
        leaver.abort();
        assert!(leaver.await.unwrap_err().is_cancelled());
        assert_eq!(FULL.all.available_permits(), 1);
        // Whichever of them hears it first.
        all.iter().for_each(|_| open.send(()).unwrap());
        for one in all {
            assert!(one.await.unwrap().unwrap());
        }
        assert_eq!(FULL.inside.available_permits(), AT_ONCE);
        FULL.work(|| ()).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_changes_their_own_password_shows_the_present_one() {
        let world = World::new().await;
        let (service, alice) = (&world.service, owner_id("alice"));
        service.create_owner(&world.by, input(json!({"id": "alice"}))).await.unwrap();
        service.set_password(&world.by, &alice, None, Some(GOOD)).await.unwrap();
        let me = Caller::person(&service.owner_record(&alice).await.unwrap());
        let other = Some("another good password");
        let wrong = service.set_password(&me, &alice, Some("not it, not it"), other).await;
        assert_eq!(
            problem(wrong),
            (400, "`present`: this is not your present password".to_owned())
        );
        service.set_password(&me, &alice, Some(GOOD), other).await.unwrap();
        for short in ["", "elevenchars", "alice-alice!"] {
            let refused = service.set_password(&world.by, &alice, None, Some(short)).await;
            assert_eq!(problem(refused).0, 400, "{short}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn f1_no_view_and_no_event_has_a_hash() {
        let world = World::new().await;
        let (service, alice) = (&world.service, owner_id("alice"));
        service.create_owner(&world.by, input(json!({"id": "alice"}))).await.unwrap();
        let changed = service.set_password(&world.by, &alice, None, Some(GOOD)).await.unwrap();
        let events = service.events(&world.by, None, None, 9).await.unwrap().entries;
        let shown = serde_json::to_string(&(&changed, &events)).unwrap();
        assert!(!shown.contains("argon2") && shown.contains("\"password\""), "{shown}");
        let record = service.owner_record(&alice).await.unwrap();
        assert!(!format!("{record:?}").contains("argon2"));
    }
}
