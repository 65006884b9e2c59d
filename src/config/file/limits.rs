//! `[limits]` as it stands in the file.

use crate::config::reading::{Field, Reading, Text};
use crate::config::table::{Size, Table};

/// `[limits]`
#[derive(Debug)]
pub(in crate::config) struct LimitsTable {
    pub(in crate::config) connections: Field<i128>,
    pub(in crate::config) connections_per_address: Field<i128>,
    pub(in crate::config) requests_per_connection: Field<i128>,
    pub(in crate::config) streams: Field<i128>,
    pub(in crate::config) resets: Field<i128>,
    pub(in crate::config) frames: Field<i128>,
    pub(in crate::config) head: Field<Size>,
    pub(in crate::config) headers: Field<i128>,
    pub(in crate::config) target: Field<Size>,
    pub(in crate::config) handshake_timeout: Field<Text>,
    pub(in crate::config) head_timeout: Field<Text>,
    pub(in crate::config) idle_timeout: Field<Text>,
    pub(in crate::config) stall_timeout: Field<Text>,
    pub(in crate::config) drain_delay: Field<Text>,
    pub(in crate::config) drain_timeout: Field<Text>,
    pub(in crate::config) body_rate: Field<Size>,
    pub(in crate::config) failures: FailuresTable,
}

/// `[limits.failures]`
#[derive(Debug)]
pub(in crate::config) struct FailuresTable {
    pub(in crate::config) slow_after: Field<i128>,
    pub(in crate::config) longest_delay: Field<Text>,
    pub(in crate::config) refuse_after: Field<i128>,
    pub(in crate::config) refuse_for: Field<Text>,
}

impl LimitsTable {
    pub(super) fn read(mut table: Table<'_>, reading: &Reading<'_>) -> Self {
        let read = Self {
            connections: table.number("connections", reading),
            connections_per_address: table.number("connections_per_address", reading),
            requests_per_connection: table.number("requests_per_connection", reading),
            streams: table.number("streams", reading),
            resets: table.number("resets", reading),
            frames: table.number("frames", reading),
            head: table.size("head", reading),
            headers: table.number("headers", reading),
            target: table.size("target", reading),
            handshake_timeout: table.duration("handshake_timeout", reading),
            head_timeout: table.duration("head_timeout", reading),
            idle_timeout: table.duration("idle_timeout", reading),
            stall_timeout: table.duration("stall_timeout", reading),
            drain_delay: table.duration("drain_delay", reading),
            drain_timeout: table.duration("drain_timeout", reading),
            body_rate: table.size("body_rate", reading),
            failures: FailuresTable::read(table.table("failures", reading), reading),
        };
        table.finish(reading);
        read
    }
}

impl FailuresTable {
    fn read(mut table: Table<'_>, reading: &Reading<'_>) -> Self {
        let read = Self {
            slow_after: table.number("slow_after", reading),
            longest_delay: table.duration("longest_delay", reading),
            refuse_after: table.number("refuse_after", reading),
            refuse_for: table.duration("refuse_for", reading),
        };
        table.finish(reading);
        read
    }
}
