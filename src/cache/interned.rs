//! What many tokens share, held once: what they may do as a whole, and for tokens that are alone
//! with theirs its words, sets of contexts and companies. A million tokens have a handful of them,
//! and what is compared on every request stays in the processor's cache.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::grant::Contexts;
use crate::domain::id::Slug;

use super::common::Common;

/// How many different words are held of each kind. Beyond that the list begins anew, and what was
/// held stays with the tokens that have it.
const WORDS_MAX: usize = 4_096;

/// The words.
#[derive(Debug, Default)]
pub(super) struct Interned(Mutex<Words>);

#[derive(Debug, Default)]
struct Words {
    contexts: HashSet<Arc<[Slug]>>,
    companies: HashSet<Slug>,
    common: HashSet<Arc<Common>>,
}

impl Interned {
    /// The same, held once with others where others have it too.
    pub(super) fn share(&self, mut common: Common) -> Arc<Common> {
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if common.is_common() {
            return shared(&mut words.common, Arc::new(common));
        }
        let terms = &mut common.terms;
        if let Contexts::Set(names) = &mut terms.contexts {
            *names = shared(&mut words.contexts, Arc::clone(names));
        }
        terms.company = terms.company.take().map(|company| shared(&mut words.companies, company));
        drop(words);
        Arc::new(common)
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
    use crate::domain::grant::Items;
    use crate::store::sample;

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

    #[test]
    fn what_tokens_may_do_is_held_once_and_limits_to_items_apart() {
        let interned = Interned::default();
        let share = |items: Items| {
            let mut token = sample::token(1, "alice");
            token.contexts = Contexts::set(["b", "a"].map(|name| name.parse().unwrap()));
            token.items = items;
            let owner = (&sample::owner("alice")).into();
            interned.share(Common::new((&token).into(), owner, None))
        };
        assert!(Arc::ptr_eq(&share(Items::All), &share(Items::All)));
        let [one, other] = [1, 2].map(|_| share(Items::set(["7"]).unwrap()));
        assert!(!Arc::ptr_eq(&one, &other));
        let names = |common: &Common| match &common.terms.contexts {
            Contexts::Set(names) => Arc::clone(names),
            Contexts::All => panic!("it has some"),
        };
        assert!(Arc::ptr_eq(&names(&one), &names(&other)));
    }
}
