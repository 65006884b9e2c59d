//! Opening the file of last uses, and making a new one where there is none that can be trusted.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Mutex, RwLock};

use super::age::{self, Age};
use super::head::{self, Head};
use super::turns::Turns;
use super::{SLOT_BYTES, Uses, failed};
use crate::clock::Clock;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::sled::aside;
use crate::store::sled::small::Found;

/// An open file of last uses.
#[derive(Debug)]
pub(in crate::store::sled) struct Opened {
    pub(in crate::store::sled) uses: Uses,
    /// Whether it is a new one.
    pub(in crate::store::sled) anew: bool,
}

/// What there is to know for opening it.
#[derive(Clone, Debug)]
pub(in crate::store::sled) struct Means {
    pub(in crate::store::sled) clock: Clock,
    /// The largest wall-clock time seen.
    pub(in crate::store::sled) high_water: Timestamp,
    /// Whether there may be tokens, so that a new file must not say that none was ever used.
    pub(in crate::store::sled) tokens: bool,
    /// Whether it is no loss if there is no file.
    pub(in crate::store::sled) expected: bool,
    /// What the file had when it was seen last.
    pub(in crate::store::sled) age: Age,
}

fn path(folder: &Path) -> PathBuf {
    folder.join("uses")
}

/// Whether there is such a file, in whatever state.
pub(in crate::store::sled) fn exists(folder: &Path) -> bool {
    path(folder).exists() || head::path(folder).exists()
}

/// Opens the file, or makes a new one. If there was a file before, or tokens, every token that lies idle
/// then counts as used now: nothing dies early. So it does where the file, or its head, is older than what was
/// there before; what stands in the slots is kept, and the events of first uses are told to them again.
pub(in crate::store::sled) fn open(folder: &Path, means: Means) -> Result<Opened, StoreError> {
    let Means { clock, high_water, tokens, expected, age } = means;
    let path = path(folder);
    // Without a clock that can be trusted, the later of the two moments.
    let now = clock.now().max(high_water);
    let floor = if tokens || exists(folder) { now } else { Timestamp::EPOCH };
    let whole = match Head::read(folder) {
        Found::Whole(head) => match fs::metadata(&path) {
            Ok(found) if found.len() >= bytes(&head) => Some(head),
            Ok(_) => lost(&path, "was cut"),
            Err(error) => lost(&path, &error.to_string()),
        },
        Found::Damaged => lost(&path, "has a damaged head"),
        Found::Missing if path.exists() => lost(&path, "has lost its head"),
        Found::Missing if !expected => lost(&path, "is not there"),
        Found::Missing => None,
    };
    let anew = whole.is_none();
    let mut head = match whole {
        Some(head) => head,
        None => {
            set_aside(&path)?;
            Head::new(floor)?
        }
    };
    let mut options = File::options();
    let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(&path).map_err(|error| failed(&path, "opening", &error))?;
    let reads = |error| failed(&path, "reading", &error);
    let found = if anew { age.generation } else { age::read(&file, &head).map_err(reads)? };
    let older = found < age.generation || head.floor < age.floor;
    if older {
        tracing::error!(
            "`{}` is an older copy than the one that was there (generation {found}, not {}): tokens that \
             lie idle count as used now",
            path.display(),
            age.generation
        );
        (head.floor, head.linked) = (head.floor.max(now), false);
    }
    if anew || older {
        // The folder is synced with the head, and the floor is on disk before the file looks new.
        head.write(folder)?;
        age::write(&file, (head.salt, head.slots), age.generation)
            .and_then(|()| file.sync_all())
            .map_err(|error| failed(&path, "writing", &error))?;
    }
    let uses = Uses {
        folder: folder.to_owned(),
        path,
        file,
        head: RwLock::new(head),
        changing: Mutex::default(),
        gate: RwLock::new(()),
        turns: Turns::default(),
        clock,
        high_water: AtomicU64::new(high_water.unix()),
        generation: AtomicU64::new(found.max(age.generation)),
        dirty: AtomicBool::new(false),
        owes_floor: AtomicBool::new(false),
        linking: AtomicUsize::new(0),
        damaged_at: AtomicU64::new(0),
        mending: Mutex::default(),
        #[cfg(test)]
        sync_fails: AtomicBool::new(false),
    };
    Ok(Opened { uses, anew })
}

fn bytes(head: &Head) -> u64 {
    head.slots.saturating_mul(SLOT_BYTES as u64)
}

fn lost(path: &Path, what: &str) -> Option<Head> {
    let path = path.display();
    tracing::error!("last uses are lost, `{path}`: {what}; tokens that lie idle count as used now");
    None
}

/// Moves a file that cannot be trusted aside. Its head goes last: until then the next start comes here again.
fn set_aside(path: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        return Ok(());
    }
    aside::set_aside(path).map(|_| ()).map_err(|error| failed(path, "moving away", &error))
}
