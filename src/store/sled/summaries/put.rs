//! Writing rows: those of a batch with few calls of the system.

use std::io;

use super::page::{self, Bytes, PAGE_BYTES, PAGE_ROWS};
use super::row::{self, Row, Texts};
use super::{BLOCK, Changed, FileExt, Inside, Summaries, Trust, Zone, offset};
use crate::domain::token::Token;

impl Summaries {
    /// Writes the rows of these tokens, each as it is in its last place here.
    pub(super) fn put(&self, inside: &mut Inside, changed: &[Changed]) -> io::Result<()> {
        let mut changed: Vec<_> = changed.iter().collect();
        changed.sort_by_key(|(number, _)| *number);
        let page_of = |(number, _): &Changed| number / PAGE_ROWS as u64;
        let (mut texts, mut pages) = (Vec::new(), Vec::new());
        for some in changed.chunk_by(|one, next| page_of(one) == page_of(next)) {
            let Some(number) = some.first().map(|first| page_of(first)) else { continue };
            let mut bytes = self.page(inside, number)?;
            for (number, token) in some {
                let at = usize::try_from(number % PAGE_ROWS as u64).unwrap_or_default();
                let old = page::rows(&bytes).get(at).and_then(Row::read);
                let place = inside.place(*number, token, old, &mut texts);
                let row = row::encode(token, inside.salt, place);
                page::put(&mut bytes, at, &row);
                inside.widen(*number, Row::read(&row));
            }
            page::seal(&mut bytes, inside.salt, number);
            pages.push((number, bytes));
        }
        // Before the rows that say where they are.
        if !texts.is_empty() {
            self.texts.write_all_at(&texts, inside.end)?;
            inside.end = inside.end.saturating_add(length(&texts));
        }
        for (number, bytes) in pages {
            self.rows.write_all_at(&bytes, offset(number))?;
        }
        Ok(())
    }

    /// A page as it is, or an empty one behind the last.
    fn page(&self, inside: &Inside, number: u64) -> io::Result<Bytes> {
        let mut bytes = [0; PAGE_BYTES];
        if number.saturating_mul(PAGE_ROWS as u64) >= inside.rows {
            return Ok(bytes);
        }
        match self.rows.read_exact_at(&mut bytes, offset(number)) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            read => read?,
        }
        // Those before the last one that are still to be written are holes.
        let hole = inside.trust == Trust::Growing && bytes == [0; PAGE_BYTES];
        if hole || page::open(&bytes, inside.salt, number).is_some() {
            return Ok(bytes);
        }
        Err(io::Error::other("a page is damaged"))
    }
}

impl Inside {
    /// Where the texts of a token stand: where they did, or behind those that are appended.
    fn place(
        &mut self,
        number: u64,
        token: &Token,
        old: Option<Row<'_>>,
        texts: &mut Vec<u8>,
    ) -> Texts {
        let text = row::text_of(token);
        let new = row::place(self.salt, number, self.end.saturating_add(length(texts)), &text);
        if let Some(parts) = self.zones.get_mut(block_of(number)).and_then(Zone::parts_mut) {
            if new.length > 0 { parts.add(text.as_bytes()) } else { parts.add_any() }
        }
        if let Some(old) = old.filter(|old| old.id() == token.id).and_then(|old| old.texts()) {
            let same = Texts { offset: old.offset, ..new };
            if same == old {
                return old;
            }
            self.live = self.live.saturating_sub(old.length.into());
        }
        if new.length > 0 {
            texts.extend_from_slice(text.as_bytes());
            self.live = self.live.saturating_add(new.length.into());
        }
        new
    }

    /// Notes that a row is there.
    fn widen(&mut self, number: u64, row: Option<Row<'_>>) {
        let Some(row) = row else { return };
        let complete = self.blocks() == self.zones.len();
        self.rows = self.rows.max(number.saturating_add(1));
        let block = block_of(number);
        let next = block == self.zones.len();
        match self.zones.get_mut(block) {
            Some(zone) => zone.widen(row),
            // Else it will be looked at.
            None if complete && next => self.zones.push(Zone::of(row)),
            None => {}
        }
    }

    /// How many blocks the rows make.
    pub(super) fn blocks(&self) -> usize {
        usize::try_from(self.rows.div_ceil(BLOCK)).unwrap_or(usize::MAX)
    }
}

/// The block of a row.
fn block_of(number: u64) -> usize {
    usize::try_from(number / BLOCK).unwrap_or(usize::MAX)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
