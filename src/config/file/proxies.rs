//! `[proxies]` as it stands in the file.

use crate::config::reading::{Field, Placed, Reading, Text};
use crate::config::table::Table;

/// `[proxies]`
#[derive(Debug)]
pub(in crate::config) struct ProxiesTable {
    pub(in crate::config) trusted: Field<Vec<Placed<Text>>>,
    pub(in crate::config) header: Field<Text>,
    pub(in crate::config) host: Field<bool>,
    pub(in crate::config) forwarded: Field<bool>,
    pub(in crate::config) proxy_protocol: Field<Vec<Placed<Text>>>,
    pub(in crate::config) proxy_protocol_admin: Field<bool>,
}

impl ProxiesTable {
    pub(super) fn read(mut table: Table<'_>, reading: &Reading<'_>) -> Self {
        let read = Self {
            trusted: table.texts("trusted", reading),
            header: table.text("header", reading),
            host: table.boolean("host", reading),
            forwarded: table.boolean("forwarded", reading),
            proxy_protocol: table.texts("proxy_protocol", reading),
            proxy_protocol_admin: table.boolean("proxy_protocol_admin", reading),
        };
        table.finish(reading);
        read
    }
}
