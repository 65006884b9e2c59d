//! Waiting for a data folder that another command holds, or a server that is starting.

use crate::cli::args::Common;
use crate::cli::output;
use crate::store::patience::Patience;
use crate::store::{Opener, StoreError};

/// Of a command that waits.
pub struct Waiting {
    patience: Patience,
    /// Standard error is for programs, which are told nothing but the outcome.
    json: bool,
}

impl Waiting {
    /// Of a command that has just begun.
    pub fn new(common: &Common) -> Self {
        Self { patience: Patience::new(Opener::Command.role()), json: common.json }
    }

    /// Whether to try again after `error`, a moment later.
    pub async fn goes_on(&mut self, error: &StoreError) -> bool {
        let say = |why: &str| {
            if !self.json {
                output::warn(why);
            }
        };
        self.patience.goes_on(error, say).await
    }
}
