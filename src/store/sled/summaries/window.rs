//! The texts of a block: most of them lie together, are read in one go and searched as one.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use memchr::memmem::Finder;

use super::row::{self, Texts};

/// The most bytes that are read in one go; what lies further away, as texts that were changed lately do, is read
/// by itself.
const MOST: u64 = 1 << 20;

/// Texts that lie together, and where in them the wanted text is.
#[derive(Debug, Default)]
pub(super) struct Window {
    begin: u64,
    bytes: Vec<u8>,
    hits: Vec<usize>,
}

impl Window {
    /// Reads what lies near the first of these places, and searches it.
    pub(super) fn read(
        &mut self,
        file: &File,
        places: impl Iterator<Item = Texts> + Clone,
        wanted: &Finder<'_>,
    ) -> io::Result<()> {
        let begin = places.clone().map(|place| place.offset).min().unwrap_or_default();
        let most = begin.saturating_add(MOST);
        let ends = places.map(|place| place.offset.saturating_add(place.length.into()));
        let end = ends.filter(|end| *end <= most).max().unwrap_or(begin);
        self.begin = begin;
        self.bytes.resize(usize::try_from(end.saturating_sub(begin)).unwrap_or_default(), 0);
        file.read_exact_at(&mut self.bytes, begin)?;
        self.hits.clear();
        let mut from = 0;
        // One may begin within another, of which only one lies within a text.
        while let Some(hit) = self.bytes.get(from..).and_then(|rest| wanted.find(rest)) {
            self.hits.push(from.saturating_add(hit));
            from = from.saturating_add(hit).saturating_add(1);
        }
        Ok(())
    }

    /// The texts of row `number`; none when they do not verify.
    pub(super) fn text(
        &self,
        file: &File,
        (salt, number): (u32, u64),
        place: Texts,
    ) -> io::Result<Option<Cow<'_, [u8]>>> {
        let length = usize::from(place.length);
        let near = self.near(place).and_then(|at| self.bytes.get(at..at.checked_add(length)?));
        let text = match near {
            Some(near) => Cow::Borrowed(near),
            None => {
                let mut text = vec![0; length];
                file.read_exact_at(&mut text, place.offset)?;
                Cow::Owned(text)
            }
        };
        Ok((row::text_checksum(salt, number, &text) == place.checksum).then_some(text))
    }

    /// Whether the wanted text is in the texts of row `number`; none when they do not verify.
    pub(super) fn has(
        &self,
        file: &File,
        row: (u32, u64),
        place: Texts,
        wanted: &Finder<'_>,
    ) -> io::Result<Option<bool>> {
        Ok(self.text(file, row, place)?.map(|text| match (self.near(place), text) {
            (Some(at), Cow::Borrowed(text)) => {
                let next = self.hits.get(self.hits.partition_point(|hit| *hit < at));
                let end = at.saturating_add(text.len());
                next.is_some_and(|hit| hit.saturating_add(wanted.needle().len()) <= end)
            }
            (_, text) => wanted.find(&text).is_some(),
        }))
    }

    /// Where in what was read a text begins, if it does not lie before it.
    fn near(&self, place: Texts) -> Option<usize> {
        place.offset.checked_sub(self.begin).and_then(|at| usize::try_from(at).ok())
    }
}
