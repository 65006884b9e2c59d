//! Reading of TOML tables, key by key.
//!
//! Not by derived `serde` code: that stops at the first unknown key and at the first value of a
//! wrong kind, and a person who mends a file wants to hear of all of them. A [`Table`] hands out
//! the keys that it is asked for; what is left at the end is unknown.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::Mistake;
use super::reading::{Field, Placed, Reading, Reported, Text, closest, listed};
use super::scalar::{number, text, texts, wrong_kind};

/// A size as it is written: `64KiB`, or a number of bytes.
#[derive(Clone, Debug)]
pub(super) enum Size {
    Text(Text),
    Number(i128),
}

/// A table that is being read.
#[derive(Debug)]
pub(super) struct Table<'i> {
    /// Its full name, such as `apis.rules` or `contexts.stock`.
    name: String,
    /// The name of all tables like it, such as `contexts.NAME`.
    kind: String,
    span: Range<usize>,
    entries: BTreeMap<String, Entry<'i>>,
    known: Vec<&'static str>,
}

/// What stands in a list of texts, each of which may be a table that says more.
#[derive(Debug)]
pub(super) enum TextOrTable<'i> {
    Text(Placed<Text>),
    Table(Table<'i>),
}

/// What stands under a name: a number, or a table that says more.
#[derive(Debug)]
pub(super) enum NumberOrTable<'i> {
    Number(Result<Placed<i128>, Reported>),
    Table(Table<'i>),
}

/// A key and its value, each with its place.
type Entry<'i> = (Range<usize>, Spanned<DeValue<'i>>);

impl<'i> Table<'i> {
    /// A table as it was parsed.
    pub(super) fn new(name: &str, span: Range<usize>, table: DeTable<'i>) -> Self {
        let entries = table.into_iter().map(|(key, value)| {
            let place = key.span();
            (key.into_inner().into_owned(), (place, value))
        });
        let (name, kind) = (name.to_owned(), name.to_owned());
        Self { name, kind, span, entries: entries.collect(), known: Vec::new() }
    }

    /// Whether nothing is left in it.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Where it begins.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Text, with its references replaced.
    pub(super) fn text(&mut self, key: &'static str, reading: &Reading<'_>) -> Field<Text> {
        let (full, value) = self.take(key)?;
        Some(text(&full, value, reading))
    }

    /// A length of time: text, whose grammar is that of `values`.
    pub(super) fn duration(&mut self, key: &'static str, reading: &Reading<'_>) -> Field<Text> {
        let (key, value) = self.take(key)?;
        let span = value.span();
        Some(match value.get_ref() {
            DeValue::String(_) => text(&key, value, reading),
            other => {
                Err(wrong_kind(&key, "a length of time such as \"10s\"", other, &span, reading))
            }
        })
    }

    /// Text as it stands, for the place of a secret.
    pub(super) fn raw_text(&mut self, key: &'static str, reading: &Reading<'_>) -> Field<String> {
        let (key, value) = self.take(key)?;
        let span = value.span();
        Some(match value.into_inner() {
            DeValue::String(text) => {
                let span = reading.inside_quotes(&span).0;
                Ok(Placed { value: text.into_owned(), key, span })
            }
            other => {
                reading.conceal(span.clone());
                Err(wrong_kind(&key, "text", &other, &span, reading))
            }
        })
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str, reading: &Reading<'_>) -> Field<bool> {
        let (key, value) = self.take(key)?;
        let span = value.span();
        Some(match value.get_ref() {
            DeValue::Boolean(value) => Ok(Placed { value: *value, key, span }),
            other => Err(wrong_kind(&key, "true or false", other, &span, reading)),
        })
    }

    /// A whole number.
    pub(super) fn number(&mut self, key: &'static str, reading: &Reading<'_>) -> Field<i128> {
        let (key, value) = self.take(key)?;
        Some(number(key, &value, "a whole number", reading))
    }

    /// A size.
    pub(super) fn size(&mut self, key: &'static str, reading: &Reading<'_>) -> Field<Size> {
        let (key, value) = self.take(key)?;
        Some(if value.get_ref().is_str() {
            text(&key, value, reading).map(|text| text.map(Size::Text))
        } else {
            number(key, &value, "a size such as `64KiB`", reading)
                .map(|bytes| bytes.map(Size::Number))
        })
    }

    /// Text, or `false` for none.
    pub(super) fn text_or_false(
        &mut self,
        key: &'static str,
        reading: &Reading<'_>,
    ) -> Field<Option<Text>> {
        let (key, value) = self.take(key)?;
        let span = value.span();
        Some(match value.get_ref() {
            DeValue::Boolean(false) => Ok(Placed { value: None, key, span }),
            DeValue::String(_) => text(&key, value, reading).map(|text| text.map(Some)),
            other => Err(wrong_kind(&key, "a header name or false", other, &span, reading)),
        })
    }

    /// A list of texts.
    pub(super) fn texts(
        &mut self,
        key: &'static str,
        reading: &Reading<'_>,
    ) -> Field<Vec<Placed<Text>>> {
        let (key, value) = self.take(key)?;
        let span = value.span();
        Some(match value.into_inner() {
            DeValue::Array(list) => texts(key, span, list, reading),
            other => Err(wrong_kind(&key, "a list of texts", &other, &span, reading)),
        })
    }

    /// A text, or a list of texts, each of which may be a table that says more.
    pub(super) fn texts_or_tables(
        &mut self,
        key: &'static str,
        reading: &Reading<'_>,
    ) -> Field<Vec<TextOrTable<'i>>> {
        let (key, value) = self.take(key)?;
        let span = value.span();
        let one = |value: Spanned<DeValue<'i>>| {
            let span = value.span();
            match value.into_inner() {
                DeValue::Table(table) => Ok(TextOrTable::Table(Self::new(&key, span, table))),
                other => text(&key, Spanned::new(span, other), reading).map(TextOrTable::Text),
            }
        };
        let all: Vec<_> = match value.into_inner() {
            DeValue::Array(list) => list.into_iter().map(one).collect(),
            only @ DeValue::String(_) => vec![one(Spanned::new(span.clone(), only))],
            other => {
                let wanted = "text or a list of texts";
                return Some(Err(wrong_kind(&key, wanted, &other, &span, reading)));
            }
        };
        let value = all.into_iter().collect::<Result<_, _>>();
        Some(value.map(|value| Placed { value, key, span }))
    }

    /// A table; an empty one where there is none, or where something else stands in its place.
    pub(super) fn table(&mut self, key: &'static str, reading: &Reading<'_>) -> Self {
        let full = self.full_name(key);
        let kind = if self.name.is_empty() { full.clone() } else { format!("{}.{key}", self.kind) };
        let Some((_, value)) = self.take(key) else {
            return Self { kind, ..Self::new(&full, self.span.clone(), DeTable::new()) };
        };
        let span = value.span();
        let table = match value.into_inner() {
            DeValue::Table(table) => table,
            other => {
                wrong_kind(&full, "a table", &other, &span, reading);
                DeTable::new()
            }
        };
        Self { kind, ..Self::new(&full, span, table) }
    }

    /// A list of tables.
    pub(super) fn tables(&mut self, key: &'static str, reading: &Reading<'_>) -> Vec<Self> {
        let Some((full, value)) = self.take(key) else { return Vec::new() };
        let span = value.span();
        let DeValue::Array(list) = value.get_ref() else {
            wrong_kind(&full, "a list of tables", value.get_ref(), &span, reading);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for one in list.iter().cloned() {
            let span = one.span();
            match one.into_inner() {
                DeValue::Table(table) => tables.push(Self::new(&full, span, table)),
                other => {
                    wrong_kind(&full, "a list of tables", &other, &span, reading);
                }
            }
        }
        tables
    }

    /// Tables under names that the operator chooses.
    pub(super) fn named_tables(self, reading: &Reading<'_>) -> Vec<(Placed<String>, Self)> {
        let mut tables = Vec::new();
        for (name, (place, value)) in in_file_order(self.entries) {
            let span = value.span();
            let key = format!("{}.{name}", self.name);
            match value.into_inner() {
                DeValue::Table(table) => {
                    let kind = format!("{}.NAME", self.kind);
                    let table = Self { kind, ..Self::new(&key, span, table) };
                    let span = reading.inside_quotes(&place).0;
                    tables.push((Placed { value: name, key, span }, table));
                }
                other => {
                    wrong_kind(&key, "a table", &other, &span, reading);
                }
            }
        }
        tables
    }

    /// Numbers under names that the operator chooses, each of which may be a table that says more.
    pub(super) fn named_numbers_or_tables(
        self,
        reading: &Reading<'_>,
    ) -> Vec<(Placed<String>, NumberOrTable<'i>)> {
        let kind = format!("{}.NAME", self.kind);
        let entries = in_file_order(self.entries).into_iter().map(|(name, (place, value))| {
            let key = format!("{}.{name}", self.name);
            let span = value.span();
            let found = match value.into_inner() {
                DeValue::Table(table) => {
                    let table = Self::new(&key, span, table);
                    NumberOrTable::Table(Self { kind: kind.clone(), ..table })
                }
                other => {
                    let (value, wanted) = (Spanned::new(span, other), "a number such as 0x100");
                    NumberOrTable::Number(number(key.clone(), &value, wanted, reading))
                }
            };
            let span = reading.inside_quotes(&place).0;
            (Placed { value: name, key, span }, found)
        });
        entries.collect()
    }

    /// Ends the reading: what was not asked for is unknown.
    pub(super) fn finish(self, reading: &Reading<'_>) {
        let shown =
            if self.name.is_empty() { "a file".to_owned() } else { in_brackets(&self.name) };
        for (key, (place, value)) in &self.entries {
            if is_secret(key) {
                reading.conceal(value.span());
            }
            let elsewhere = || place_of(key, reading);
            let hint = closest(key, self.known.iter().copied())
                .map(|best| format!("did you mean `{best}`?"))
                .or_else(elsewhere)
                .unwrap_or_else(|| {
                    format!("{shown} can have {}", listed(self.known.iter().copied(), "and"))
                });
            let mistake = Mistake::UnknownKey(key.clone());
            reading.mistake(&reading.inside_quotes(place).0, mistake, hint);
        }
        reading.tables.borrow_mut().entry(self.kind.clone()).or_insert(self.span);
        reading.keys.borrow_mut().entry(self.kind).or_insert(self.known);
    }

    fn full_name(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn take(&mut self, key: &'static str) -> Option<(String, Spanned<DeValue<'i>>)> {
        self.known.push(key);
        let (_, value) = self.entries.remove(key)?;
        Some((self.full_name(key), value))
    }
}

/// Whether a key that nobody knows sounds as if a secret stood behind it.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["key", "secret", "password", "token"].iter().any(|word| key.contains(word))
}

/// The parser sorts keys by name; people number mistakes from the top.
fn in_file_order(entries: BTreeMap<String, Entry<'_>>) -> Vec<(String, Entry<'_>)> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_by_key(|(_, (place, _))| place.start);
    entries
}

/// Where a key that is unknown in one table would be known.
fn place_of(key: &str, reading: &Reading<'_>) -> Option<String> {
    let keys = reading.keys.borrow();
    let (table, _) =
        keys.iter().find(|(table, known)| !table.is_empty() && known.contains(&key))?;
    Some(format!("`{key}` belongs to {}", in_brackets(table)))
}

fn in_brackets(table: &str) -> String {
    if table != "apis.health" && table.starts_with("apis") || table == "webhooks" {
        format!("`[[{table}]]`")
    } else {
        format!("`[{table}]`")
    }
}
