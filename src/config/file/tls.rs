//! `[tls]` as it stands in the file.

use std::ops::Range;

use crate::config::reading::{Field, Reading, Text};
use crate::config::table::Table;

/// `[tls]`
#[derive(Debug)]
pub(in crate::config) struct TlsTable {
    pub(in crate::config) certificates: Vec<CertificateTable>,
    pub(in crate::config) client_ca: Field<Text>,
    pub(in crate::config) client_certificates: Field<Text>,
    pub(in crate::config) min_version: Field<Text>,
    pub(in crate::config) admin: Field<bool>,
}

/// `[[tls.certificates]]`
#[derive(Debug)]
pub(in crate::config) struct CertificateTable {
    pub(in crate::config) span: Range<usize>,
    pub(in crate::config) chain: Field<Text>,
    pub(in crate::config) key: Field<Text>,
}

impl TlsTable {
    pub(super) fn read(mut table: Table<'_>, reading: &Reading<'_>) -> Self {
        let certificates = table.tables("certificates", reading).into_iter().map(|mut table| {
            let certificate = CertificateTable {
                span: table.span(),
                chain: table.text("chain", reading),
                key: table.text("key", reading),
            };
            table.finish(reading);
            certificate
        });
        let read = Self {
            certificates: certificates.collect(),
            client_ca: table.text("client_ca", reading),
            client_certificates: table.text("client_certificates", reading),
            min_version: table.text("min_version", reading),
            admin: table.boolean("admin", reading),
        };
        table.finish(reading);
        read
    }

    /// Where something stands that means nothing without certificates.
    pub(in crate::config) fn other(&self) -> Option<Range<usize>> {
        let texts = [&self.client_ca, &self.client_certificates];
        let text = texts.into_iter().flatten().flatten().next().map(|text| text.span.clone());
        let admin = || self.admin.as_ref()?.as_ref().ok().filter(|admin| admin.value);
        text.or_else(|| Some(admin()?.span.clone()))
    }
}
