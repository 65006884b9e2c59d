//! All mistakes of a form at once. An act stops at its first: what is wrong is taken out of what was typed, and the
//! rest is tried again, without being done, until nothing is wrong any more.

use axum::http::StatusCode;

use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// The most mistakes that are told.
const MOST: usize = 20;

/// All that is wrong with what was typed, of which `first` was found. `tried` says what is wrong first with what it is
/// given, and `neutral` puts something right in the place of a mistake, if it has anything to put there.
pub(super) async fn all_wrong<T>(
    first: Wrongs,
    typed: &Typed,
    neutral: impl Fn(Typed, &str) -> Option<Typed>,
    tried: impl Fn(Typed) -> T,
) -> Wrongs
where
    T: Future<Output = Result<(), (StatusCode, Wrongs)>>,
{
    let mut search = Search::behind(first, typed);
    while let Some(less) = search.next(&neutral) {
        match tried(less).await {
            Ok(()) => break,
            Err((_, more)) => search.found(more),
        }
    }
    search.wrongs
}

/// What is wrong so far, and what is left to be tried.
struct Search {
    /// All mistakes that were found.
    wrongs: Wrongs,
    typed: Typed,
    /// The places of the last ones, which are to be taken out.
    last: Vec<String>,
}

impl Search {
    /// Behind the first mistakes of what was typed.
    fn behind(first: Wrongs, typed: &Typed) -> Self {
        let last = first.all.iter().map(|wrong| wrong.place.clone()).collect();
        Self { wrongs: first, typed: typed.clone(), last }
    }

    /// What to try next, in which `neutral` stands in the place of each mistake; none where it has nothing to put
    /// there.
    fn next(&mut self, neutral: impl Fn(Typed, &str) -> Option<Typed>) -> Option<Typed> {
        if self.last.is_empty() || self.wrongs.all.len() >= MOST {
            return None;
        }
        for place in std::mem::take(&mut self.last) {
            self.typed = neutral(std::mem::take(&mut self.typed), &place)?;
        }
        Some(self.typed.clone())
    }

    /// Adds what was found then, unless it is there still: that could not be taken out.
    fn found(&mut self, more: Wrongs) {
        let known = |place: &str| place.is_empty() || self.wrongs.at(place).is_some();
        if more.all.iter().any(|wrong| known(&wrong.place)) {
            return;
        }
        self.last = more.all.iter().map(|wrong| wrong.place.clone()).collect();
        self.wrongs.all.extend(more.all);
    }
}
