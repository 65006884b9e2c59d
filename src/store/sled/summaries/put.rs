//! Writing rows: those of a batch with few calls of the system.

use std::io;

use super::row::{self, ROW_BYTES, Row, Texts};
use super::{BLOCK, Changed, FileExt, Inside, Summaries, offset};
use crate::domain::token::Token;

/// Texts that are to be appended.
#[derive(Debug, Default)]
struct Fresh(Vec<u8>);

impl Summaries {
    /// Writes the rows of these tokens, each as it is in its last place here.
    pub(super) fn put(&self, inside: &mut Inside, changed: &[Changed]) -> io::Result<()> {
        let mut changed: Vec<_> = changed.iter().collect();
        changed.sort_by_key(|(number, _)| *number);
        let (mut fresh, mut rest) = (Fresh::default(), changed.as_slice());
        let mut runs = Vec::new();
        while let Some((begin, _)) = rest.first() {
            let mut bytes: Vec<u8> = Vec::with_capacity(rest.len().saturating_mul(ROW_BYTES));
            let mut next = *begin;
            while let Some((number, token)) = rest.first().filter(|(number, _)| *number == next) {
                rest = rest.get(1..).unwrap_or_default();
                // Of several records of one token the last one counts.
                if rest.first().is_some_and(|(after, _)| after == number) {
                    continue;
                }
                let texts = self.place(inside, *number, token, &mut fresh)?;
                bytes.extend_from_slice(&row::encode(token, inside.salt, *number, texts));
                inside.widen(*number, token);
                next = number.saturating_add(1);
            }
            runs.push((*begin, bytes));
        }
        // Before the rows that say where they are.
        if !fresh.0.is_empty() {
            self.texts.write_all_at(&fresh.0, inside.end)?;
            inside.end = inside.end.saturating_add(length(&fresh.0));
        }
        for (begin, bytes) in runs {
            self.rows.write_all_at(&bytes, offset(begin))?;
        }
        Ok(())
    }

    /// Where the texts of a token stand: where they did, or at the end.
    fn place(
        &self,
        inside: &mut Inside,
        number: u64,
        token: &Token,
        fresh: &mut Fresh,
    ) -> io::Result<Texts> {
        let text = row::text_of(token);
        let at = inside.end.saturating_add(length(&fresh.0));
        let new = row::place(inside.salt, number, at, &text);
        let old = match number < inside.rows {
            true => self.old(inside, number)?.filter(|(id, _)| *id == token.id),
            false => None,
        };
        if let Some((_, old)) = old {
            let same = Texts { offset: old.offset, ..new };
            if same == old {
                return Ok(old);
            }
            inside.live = inside.live.saturating_sub(old.length.into());
        }
        if new.length > 0 {
            fresh.0.extend_from_slice(text.as_bytes());
            inside.live = inside.live.saturating_add(new.length.into());
        }
        Ok(new)
    }

    fn old(
        &self,
        inside: &Inside,
        number: u64,
    ) -> io::Result<Option<(crate::domain::id::TokenId, Texts)>> {
        let mut bytes = [0; ROW_BYTES];
        match self.rows.read_exact_at(&mut bytes, offset(number)) {
            // A row that another thread is still to write.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let row = Row::read(&bytes, inside.salt, number);
        Ok(row.and_then(|row| Some((row.id(), row.texts()?))))
    }
}

impl Inside {
    /// Notes that a row is there, with this token's id.
    fn widen(&mut self, number: u64, token: &Token) {
        let complete = self.blocks() == self.zones.len();
        self.rows = self.rows.max(number.saturating_add(1));
        let block = usize::try_from(number / BLOCK).unwrap_or(usize::MAX);
        let next = block == self.zones.len();
        match self.zones.get_mut(block) {
            Some((first, last)) => {
                *first = token.id.min(*first);
                *last = token.id.max(*last);
            }
            // Else it will be looked at.
            None if complete && next => self.zones.push((token.id, token.id)),
            None => {}
        }
    }

    /// How many blocks the rows make.
    pub(super) fn blocks(&self) -> usize {
        usize::try_from(self.rows.div_ceil(BLOCK)).unwrap_or(usize::MAX)
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
