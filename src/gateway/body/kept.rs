//! What was passed on of the body of a request, while it may have to be passed on once more.

use std::collections::VecDeque;

use bytes::Bytes;

/// The most that is kept of one body: a call of gRPC is seldom longer, and as much is under way to an upstream anyhow.
/// Of a longer one nothing is.
const KEPT_BYTES: usize = 16 << 10;

/// The parts of a body that have been passed on, and those of them that go out again.
#[derive(Debug, Default)]
pub(super) struct Kept {
    parts: VecDeque<Bytes>,
    /// How many of them have gone out since the body began, or began again.
    at: usize,
    /// Whether they are all that has gone out, and stay.
    whole: bool,
}

impl Kept {
    /// From here on what goes out is kept: of a body of which nothing has gone out, or which begins again.
    pub(super) fn begin(&mut self) {
        self.whole = true;
    }

    /// What goes out again.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        if !self.whole {
            return self.parts.pop_front();
        }
        let part = self.parts.get(self.at)?.clone();
        self.at = self.at.saturating_add(1);
        Some(part)
    }

    /// Whether all that was kept has gone out again.
    pub(super) fn is_passed(&self) -> bool {
        self.at >= self.parts.len()
    }

    /// A part goes out for the first time.
    pub(super) fn add(&mut self, part: Option<&Bytes>) {
        if !self.whole {
            return;
        }
        let kept: usize = self.parts.iter().map(Bytes::len).sum();
        match part.filter(|part| kept.saturating_add(part.len()) <= KEPT_BYTES) {
            Some(part) => {
                self.parts.push_back(part.clone());
                self.at = self.parts.len();
            }
            // Trailers, or too much.
            None => self.forget(),
        }
    }

    /// Nothing has to go out again but what has not gone out yet.
    pub(super) fn forget(&mut self) {
        drop(self.parts.drain(..self.at.min(self.parts.len())));
        (self.at, self.whole) = (0, false);
    }

    /// Has all of it go out again; false where it is not all there.
    pub(super) fn rewind(&mut self) -> bool {
        if self.whole {
            self.at = 0;
        }
        self.whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [&str; 3] = ["one", "two", "three"];

    fn passed(kept: &mut Kept) -> Vec<Bytes> {
        std::iter::from_fn(|| kept.next()).collect()
    }

    fn filled() -> Kept {
        let mut kept = Kept::default();
        kept.begin();
        assert!(kept.next().is_none());
        PARTS.iter().for_each(|part| kept.add(Some(&Bytes::from(*part))));
        kept
    }

    #[test]
    fn all_of_a_short_body_goes_out_again_and_again() {
        let mut kept = filled();
        assert!(kept.is_passed() && kept.next().is_none());
        for _ in 0..2 {
            assert!(kept.rewind() && !kept.is_passed());
            assert_eq!(passed(&mut kept), PARTS);
            assert!(kept.is_passed());
        }
    }

    #[test]
    fn what_goes_out_again_comes_to_its_end_though_nothing_is_kept_any_more() {
        let mut kept = filled();
        assert!(kept.rewind());
        assert_eq!(kept.next().unwrap(), PARTS[0]);
        kept.forget();
        assert!(!kept.is_passed());
        assert_eq!(passed(&mut kept), PARTS[1..]);
        assert!(kept.is_passed() && !kept.rewind());
    }

    #[test]
    fn nothing_is_kept_of_a_long_body_or_of_one_with_trailers() {
        for last in [Some(Bytes::from(vec![0; KEPT_BYTES])), None] {
            let mut kept = filled();
            kept.add(last.as_ref());
            assert!(!kept.rewind() && kept.parts.is_empty());
        }
        let mut kept = Kept::default();
        kept.add(Some(&Bytes::from("nobody asked")));
        assert!(kept.parts.is_empty() && !kept.rewind());
    }
}
