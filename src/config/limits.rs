//! The checked settings of what a client may do. Each default stands here, and in
//! `config/tollgate.toml`.

use std::time::Duration;

use super::file::{FailuresTable, LimitsTable};
use super::reading::{Reading, Reported};
use super::settings::{FailureLimits, Limits};
use super::values::{duration, duration_from_zero, number, size};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn limits(table: &LimitsTable, reading: &Reading<'_>) -> Result<Limits, Reported> {
    let second = Duration::from_secs(1);
    let connections = number(&table.connections, 1..=10_000_000, 100_000, reading);
    let of_address = &table.connections_per_address;
    let connections_per_address = number(of_address, 0..=10_000_000, 20_000, reading);
    let of_connection = &table.requests_per_connection;
    let requests_per_connection: Result<u64, _> =
        number(of_connection, 0..=1_000_000_000, 10_000, reading);
    let streams = number(&table.streams, 1..=10_000, 128, reading);
    let resets = number(&table.resets, 1..=10_000, 20, reading);
    let frames = number(&table.frames, 100..=1_000_000, 1_000, reading);
    // hyper takes no read buffer under 8 KiB.
    let head = size(&table.head, 8 << 10..=1 << 20, reading).map(|head| head.unwrap_or(16 << 10));
    // A longer target would never fit.
    let most = head.unwrap_or(1 << 20);
    let target =
        size(&table.target, 64..=most, reading).map(|target| target.unwrap_or((8 << 10).min(most)));
    let headers = number(&table.headers, 1..=1_000, 100, reading);
    let handshake_timeout = duration(&table.handshake_timeout, HOUR, second * 10, reading);
    let head_timeout = duration(&table.head_timeout, HOUR, second * 10, reading);
    let idle_timeout = duration(&table.idle_timeout, DAY, second * 75, reading);
    let stall_timeout = duration(&table.stall_timeout, DAY, MINUTE, reading);
    let drain_delay = duration_from_zero(&table.drain_delay, HOUR, reading);
    let drain_timeout = duration(&table.drain_timeout, DAY, second * 30, reading);
    let body_rate = size(&table.body_rate, 0..=1 << 30, reading);
    let failures = failures(&table.failures, reading);
    // Both are at most a mebibyte, which fits everywhere.
    let bytes = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    Ok(Limits {
        connections: connections?,
        connections_per_address: connections_per_address?,
        requests_per_connection: Some(requests_per_connection?).filter(|most| *most > 0),
        streams: streams?,
        resets: resets?,
        frames: frames?,
        head_bytes: bytes(head?),
        headers: headers?,
        target_bytes: bytes(target?),
        handshake_timeout: handshake_timeout?,
        head_timeout: head_timeout?,
        idle_timeout: idle_timeout?,
        stall_timeout: stall_timeout?,
        drain_delay: drain_delay?.unwrap_or_default(),
        drain_timeout: drain_timeout?,
        body_rate: body_rate?.unwrap_or(500),
        failures: failures?,
    })
}

fn failures(table: &FailuresTable, reading: &Reading<'_>) -> Result<FailureLimits, Reported> {
    let second = Duration::from_secs(1);
    let slow_after = number(&table.slow_after, 0..=1_000_000, 20, reading);
    let longest_delay = duration(&table.longest_delay, second * 10, second, reading);
    let refuse_after = number(&table.refuse_after, 0..=1_000_000, 200, reading);
    let refuse_for = duration(&table.refuse_for, DAY, MINUTE, reading);
    Ok(FailureLimits {
        slow_after: slow_after?,
        longest_delay: longest_delay?,
        refuse_after: refuse_after?,
        refuse_for: refuse_for?,
    })
}
