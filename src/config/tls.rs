//! The checked settings of TLS. Certificates and keys are read here, so that a file that cannot be used is a mistake
//! of the configuration, with its place.

use std::ops::Range;
use std::path::PathBuf;

use super::file::{CertificateTable, TlsTable};
use super::mistake::Mistake;
use super::named::Named;
use super::reading::{Placed, Reading, Reported, Text};
use super::settings::TlsSettings;
use super::values::{boolean, text, word};
use crate::tls::{Clients, Files, Least, Options, Server, faults};

/// What a table of TLS without certificates lacks.
const CERTIFICATES: &str =
    "name the files of a certificate and of its key in `[[tls.certificates]]`";

/// What a choice about certificates of clients lacks.
const CLIENT_CA: &str = "name the file of certificates that sign those of clients in `client_ca`";

/// TLS as the file asks for it; none where it names no certificates.
pub(super) fn tls(
    table: &TlsTable,
    reading: &Reading<'_>,
) -> Result<Option<TlsSettings>, Reported> {
    let mut named = Named::default();
    let pairs: Vec<_> =
        table.certificates.iter().map(|one| certificate(one, &mut named, reading)).collect();
    let ca = text(&table.client_ca, reading);
    let ca = ca.map(|ca| ca.map(|text| named.path(text, reading)));
    let choices = choices(table, reading);
    let at = table.certificates.first().map_or(0..0, |first| first.span.clone());
    let files =
        pairs.iter().map(|(chain, key)| Ok(Files { chain: chain.clone()?, key: key.clone()? }));
    let files: Result<Vec<_>, Reported> = files.collect();
    match (files, &ca, choices) {
        (Ok(files), Ok(None), Ok(_)) if files.is_empty() => Ok(None),
        (Ok(files), Ok(ca), Ok(Choices { required, least, admin })) => {
            let clients = ca.clone().map(|ca| Clients { ca, required });
            let server = Server::load(Options { certificates: files, clients, least })
                .map_err(|faults| named.wrong(&faults, &at, reading))?;
            Ok(Some(TlsSettings { server, admin }))
        }
        (files, _, choices) => {
            // Whatever else is wrong hides no file that cannot be used.
            let of_pairs = pairs
                .iter()
                .flat_map(|(chain, key)| faults(chain.as_deref().ok(), key.as_deref().ok()));
            let of_ca = ca.as_ref().ok().and_then(Option::as_deref).and_then(Clients::fault);
            let faults: Vec<_> = of_pairs.chain(of_ca).collect();
            if !faults.is_empty() {
                return Err(named.wrong(&faults, &at, reading));
            }
            files.and(ca).and(choices).map(|_| None)
        }
    }
}

/// The files of a certificate and of its key.
fn certificate(
    table: &CertificateTable,
    named: &mut Named,
    reading: &Reading<'_>,
) -> (Result<PathBuf, Reported>, Result<PathBuf, Reported>) {
    let mut file = |field, key| {
        let what = ("a certificate", key);
        let text = reading.required(field, &table.span, what, "name a file (PEM)")?;
        Ok(named.path(&text, reading))
    };
    (file(&table.chain, "chain"), file(&table.key, "key"))
}

/// What is said beside the files.
struct Choices {
    required: bool,
    least: Least,
    admin: bool,
}

fn choices(table: &TlsTable, reading: &Reading<'_>) -> Result<Choices, Reported> {
    let words = [("optional", false), ("required", true)];
    let required = text(&table.client_certificates, reading)
        .and_then(|given| given.map(|given| word(given, &words, reading)).transpose());
    let least = text(&table.min_version, reading)
        .and_then(|given| given.map(|given| version(given, reading)).transpose());
    let admin = boolean(&table.admin, false);
    let lacks = |place: &Range<usize>, key, hint| {
        Err(reading.mistake(place, Mistake::Missing { what: "TLS", key }, hint))
    };
    let whole = match (table.other(), &table.client_certificates, &table.client_ca) {
        (Some(place), ..) if table.certificates.is_empty() => {
            lacks(&place, "certificates", CERTIFICATES)
        }
        (_, Some(Ok(given)), None) => lacks(&given.span, "client_ca", CLIENT_CA),
        _ => Ok(()),
    };
    let (required, least) = (required?.unwrap_or_default(), least?.unwrap_or(Least::Tls12));
    whole.and(Ok(Choices { required, least, admin: admin? }))
}

/// The oldest version. Which one somebody meant cannot be guessed by the letters, so that all are told.
fn version(given: &Placed<Text>, reading: &Reading<'_>) -> Result<Least, Reported> {
    match given.value.value.as_str() {
        "1.2" => Ok(Least::Tls12),
        "1.3" => Ok(Least::Tls13),
        _ => {
            let (key, word) = (given.key.clone(), given.value.shown.clone());
            let hint = "it can be `1.2` or `1.3`; older versions are not spoken";
            Err(reading.mistake(&given.span, Mistake::UnknownWord { key, word }, hint))
        }
    }
}
