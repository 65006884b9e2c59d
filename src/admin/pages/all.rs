//! All mistakes of a form at once. An act stops at its first: what is wrong is taken out of what was typed, and the
//! rest is tried again, without being done, until nothing is wrong any more.

use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// The most mistakes that are told.
const MOST: usize = 20;

/// What is wrong so far, and what is left to be tried.
pub(super) struct Search {
    /// All mistakes that were found.
    pub(super) wrongs: Wrongs,
    typed: Typed,
    /// The places of the last ones, which are to be taken out.
    last: Vec<String>,
}

impl Search {
    /// Behind the first mistakes of what was typed.
    pub(super) fn behind(first: Wrongs, typed: &Typed) -> Self {
        let last = first.all.iter().map(|wrong| wrong.place.clone()).collect();
        Self { wrongs: first, typed: typed.clone(), last }
    }

    /// What to try next, in which `neutral` stands in the place of each mistake; none where it has nothing to put
    /// there.
    pub(super) fn next(
        &mut self,
        neutral: impl Fn(Typed, &str) -> Option<Typed>,
    ) -> Option<&Typed> {
        if self.last.is_empty() || self.wrongs.all.len() >= MOST {
            return None;
        }
        for place in std::mem::take(&mut self.last) {
            self.typed = neutral(std::mem::take(&mut self.typed), &place)?;
        }
        Some(&self.typed)
    }

    /// Adds what was found then, unless it is there still: that could not be taken out.
    pub(super) fn found(&mut self, more: Wrongs) {
        let known = |place: &str| place.is_empty() || self.wrongs.at(place).is_some();
        if more.all.iter().any(|wrong| known(&wrong.place)) {
            return;
        }
        self.last = more.all.iter().map(|wrong| wrong.place.clone()).collect();
        self.wrongs.all.extend(more.all);
    }
}
