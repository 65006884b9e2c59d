//! Words that many tokens share, held once: sets of contexts and companies. A million tokens have a
//! handful of them, and what is compared on every request stays in the processor's cache.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::decision::Terms;
use crate::domain::grant::Contexts;
use crate::domain::id::Slug;

/// How many different words are held of each kind. Beyond that the list begins anew, and what was held
/// stays with the tokens that have it.
const WORDS_MAX: usize = 4_096;

/// The words.
#[derive(Debug, Default)]
pub(super) struct Interned(Mutex<Words>);

#[derive(Debug, Default)]
struct Words {
    contexts: HashSet<Arc<[Slug]>>,
    companies: HashSet<Slug>,
}

impl Interned {
    /// The same terms, with words that others have too.
    pub(super) fn share(&self, mut terms: Terms) -> Terms {
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Contexts::Set(names) = terms.contexts {
            terms.contexts = Contexts::Set(shared(&mut words.contexts, names));
        }
        terms.company = terms.company.map(|company| shared(&mut words.companies, company));
        terms
    }
}

fn shared<T: Clone + Eq + Hash>(words: &mut HashSet<T>, word: T) -> T {
    if let Some(known) = words.get(&word) {
        return known.clone();
    }
    if words.len() >= WORDS_MAX {
        words.clear();
    }
    words.insert(word.clone());
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_words_are_held_once_and_never_without_bound() {
        let slug = |text: &str| text.parse::<Slug>().unwrap();
        let mut words = HashSet::new();
        let first = shared(&mut words, Arc::<[Slug]>::from([slug("a"), slug("b")]));
        let second = shared(&mut words, Arc::<[Slug]>::from([slug("a"), slug("b")]));
        assert!(Arc::ptr_eq(&first, &second));
        for number in 0..3 * WORDS_MAX {
            shared(&mut words, Arc::from([slug(&number.to_string())]));
        }
        assert!(words.len() <= WORDS_MAX);
        assert_eq!(*first, [slug("a"), slug("b")]);
    }
}
