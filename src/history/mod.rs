//! The append-only log of every change: segments, chain, group commit, replay. Knows files alone.
