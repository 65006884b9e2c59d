//! Builds, starts, reloads and drains a gateway.
