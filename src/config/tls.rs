//! The checked settings of TLS. Certificates and keys are read here, so that a file that cannot be used is a mistake
//! of the configuration, with its place.

use super::file::TlsTable;
use super::mistake::Mistake;
use super::named::Named;
use super::reading::{Reading, Reported};
use super::settings::TlsSettings;
use super::values::{boolean, text, word};
use crate::tls::{Clients, Files, Least, Options, Server};

/// What a table of TLS without certificates lacks.
const CERTIFICATES: &str =
    "name the files of a certificate and of its key in `[[tls.certificates]]`";

/// TLS as the file asks for it; none where it names no certificates.
pub(super) fn tls(
    table: &TlsTable,
    reading: &Reading<'_>,
) -> Result<Option<TlsSettings>, Reported> {
    let mut named = Named::default();
    let files: Vec<_> = table
        .certificates
        .iter()
        .map(|certificate| {
            let mut file = |field, key| {
                let hint = "name a file (PEM)";
                let what = ("a certificate", key);
                let text = reading.required(field, &certificate.span, what, hint)?;
                Ok(named.path(&text, reading))
            };
            let (chain, key) = (file(&certificate.chain, "chain"), file(&certificate.key, "key"));
            Ok(Files { chain: chain?, key: key? })
        })
        .collect();
    let ca = text(&table.client_ca, reading);
    let ca = ca.map(|ca| ca.map(|text| named.path(text, reading)));
    let words = [("optional", false), ("required", true)];
    let required = text(&table.client_certificates, reading)
        .and_then(|given| given.map(|given| word(given, &words, reading)).transpose());
    let words = [("1.2", Least::Tls12), ("1.3", Least::Tls13)];
    let least = text(&table.min_version, reading)
        .and_then(|given| given.map(|given| word(given, &words, reading)).transpose());
    let admin = boolean(&table.admin, false);
    let files: Vec<Files> = files.into_iter().collect::<Result<_, Reported>>()?;
    let (ca, required, least, admin) = (ca?, required?, least?, admin?);
    if files.is_empty() {
        return match table.other() {
            None => Ok(None),
            Some(place) => {
                let mistake = Mistake::Missing { what: "TLS", key: "certificates" };
                Err(reading.mistake(&place, mistake, CERTIFICATES))
            }
        };
    }
    if let (Some(Ok(given)), None) = (&table.client_certificates, &ca) {
        let mistake = Mistake::Missing { what: "TLS", key: "client_ca" };
        let hint = "name the file of certificates that sign those of clients in `client_ca`";
        return Err(reading.mistake(&given.span, mistake, hint));
    }
    let clients = ca.map(|ca| Clients { ca, required: required.unwrap_or_default() });
    let least = least.unwrap_or(Least::Tls12);
    let at = table.certificates.first().map_or(0..0, |first| first.span.clone());
    let server = Server::load(Options { certificates: files, clients, least })
        .map_err(|faults| named.wrong(&faults, &at, reading))?;
    Ok(Some(TlsSettings { server, admin }))
}
