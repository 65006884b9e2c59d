//! What can be done to tokens and owners, with who may do it, what is checked, and what is written down. Every face calls it.
