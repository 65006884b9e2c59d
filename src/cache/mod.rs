//! Records in memory (moka), digests known to be unknown, pending touches (dashmap), and what keeps them coherent.
