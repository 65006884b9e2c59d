//! What a token may reach: contexts and items, each all or a chosen set.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::echo::shown;
use super::id::{MAX_NAME, Slug};

/// The contexts that a token may use: every one, or a chosen set. Written as `"all"` or as a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Contexts {
    /// General access.
    #[default]
    All,
    /// Personalised access: sorted, without repetition; it may be empty, and then opens nothing
    /// that asks for a context.
    Set(Arc<[Slug]>),
}

impl Contexts {
    /// A chosen set, in any order.
    pub fn set(names: impl IntoIterator<Item = Slug>) -> Self {
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort();
        names.dedup();
        Self::Set(names.into())
    }

    /// Whether `context` is among them.
    pub fn contains(&self, context: &Slug) -> bool {
        match self {
            Self::All => true,
            Self::Set(names) => names.contains(context),
        }
    }

    /// Whether everything that these open, `other` opens too.
    pub fn within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::All) => true,
            (Self::All, Self::Set(_)) => false,
            (Self::Set(mine), theirs) => mine.iter().all(|name| theirs.contains(name)),
        }
    }
}

/// The objects that a token may touch: every one, or a non-empty set. Written as `"all"` or as a
/// list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Items {
    /// No limit.
    #[default]
    All,
    /// Only these: sorted, without repetition, never empty.
    Set(Arc<[Box<str>]>),
}

/// A list of items that cannot limit a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadItems {
    /// An empty list reads as "none" to some and as "all" to others, so it is refused.
    #[error("a list of items is never empty; leave it out for all items")]
    Empty,
    /// An id that could not stand in a path or a header.
    #[error(
        "`{0}` is not an item id: 1 to {MAX_NAME} visible ASCII characters without `,`, `/`, `*`"
    )]
    Id(String),
}

impl Items {
    /// A chosen set, in any order.
    ///
    /// # Errors
    /// An empty set, or an id that is empty, too long, or not visible ASCII without `,`, `/` and
    /// `*`.
    pub fn set<T: AsRef<str>>(ids: impl IntoIterator<Item = T>) -> Result<Self, BadItems> {
        let mut chosen: Vec<Box<str>> = Vec::new();
        for id in ids {
            let id = id.as_ref();
            let visible = id.bytes().all(|b| b.is_ascii_graphic() && !b",/*".contains(&b));
            if id.is_empty() || id.len() > MAX_NAME || !visible {
                return Err(BadItems::Id(shown(id)));
            }
            chosen.push(id.into());
        }
        if chosen.is_empty() {
            return Err(BadItems::Empty);
        }
        chosen.sort();
        chosen.dedup();
        Ok(Self::Set(chosen.into()))
    }

    /// Whether `item` is among them.
    pub fn contains(&self, item: &str) -> bool {
        match self {
            Self::All => true,
            Self::Set(ids) => ids.binary_search_by(|id| id.as_ref().cmp(item)).is_ok(),
        }
    }

    /// Whether everything that these open, `other` opens too.
    pub fn within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::All) => true,
            (Self::All, Self::Set(_)) => false,
            (Self::Set(mine), theirs) => mine.iter().all(|id| theirs.contains(id)),
        }
    }
}

/// The written form of both: `"all"`, or a list of names.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written<T> {
    List(Vec<T>),
    Word(AllWord),
}

#[derive(Serialize, Deserialize)]
enum AllWord {
    #[serde(rename = "all")]
    All,
}

impl Serialize for Contexts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Set(names) => serializer.collect_seq(names.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for Contexts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Written::<Slug>::deserialize(deserializer)? {
            Written::Word(AllWord::All) => Self::All,
            Written::List(names) => Self::set(names),
        })
    }
}

impl Serialize for Items {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Set(ids) => serializer.collect_seq(ids.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::<String>::deserialize(deserializer)? {
            Written::Word(AllWord::All) => Ok(Self::All),
            Written::List(ids) => Self::set(ids).map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contexts(names: &[&str]) -> Contexts {
        Contexts::set(names.iter().map(|name| name.parse().unwrap()))
    }

    #[test]
    fn f4_general_access_reaches_everything_and_a_set_only_its_members() {
        let stock: Slug = "stock".parse().unwrap();
        assert!(Contexts::All.contains(&stock));
        assert!(contexts(&["sales", "stock"]).contains(&stock));
        assert!(!contexts(&["sales"]).contains(&stock));
        assert!(!contexts(&[]).contains(&stock));
    }

    #[test]
    fn a_set_is_never_within_less() {
        assert!(contexts(&["a"]).within(&contexts(&["b", "a"])));
        assert!(!Contexts::All.within(&contexts(&["a"])));
        assert!(!contexts(&["a", "c"]).within(&contexts(&["a", "b"])));
        assert!(Items::set(["1"]).unwrap().within(&Items::All));
        assert!(!Items::All.within(&Items::set(["1"]).unwrap()));
    }

    #[test]
    fn both_forms_survive_json() {
        for json in [r#""all""#, r#"["a","b"]"#] {
            let contexts: Contexts = serde_json::from_str(json).unwrap();
            let items: Items = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&contexts).unwrap(), json);
            assert_eq!(serde_json::to_string(&items).unwrap(), json);
        }
        assert!(serde_json::from_str::<Contexts>(r#""some""#).is_err());
    }

    #[test]
    fn an_empty_or_unwritable_item_list_is_refused() {
        assert_eq!(Items::set::<&str>([]), Err(BadItems::Empty));
        for id in ["", "*", "a,b", "a/b", "a b", "\r\n", "é"] {
            assert!(matches!(Items::set([id]), Err(BadItems::Id(_))), "{id:?}");
        }
        assert!(serde_json::from_str::<Items>("[]").is_err());
    }
}
