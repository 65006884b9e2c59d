//! Where a secret of the gateway's own is kept. The file never says what it is.

use std::path::Path;

use super::environment::{BadReference, Environment, sole_reference};
use super::mistake::Mistake;
use super::reading::{Placed, Reading, Reported, did_you_mean};
use super::settings::SecretSource;

const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The folder of systemd's credentials, if there is one. A variable that is empty names none.
pub(super) fn credentials(environment: &Environment) -> Option<&Path> {
    environment.value(CREDENTIALS).filter(|folder| !folder.is_empty()).map(Path::new)
}

/// `file:PATH`, `${NAME}` or `credential:NAME`; no file of the data folder `store`. `unset` is what to do
/// about a variable that is not there.
pub(super) fn secret_source(
    given: &Placed<String>,
    unset: &str,
    store: &Path,
    reading: &Reading<'_>,
) -> Result<SecretSource, Reported> {
    let environment = reading.environment;
    let missing = |name: &str, otherwise: &str| {
        let hint = did_you_mean(name, environment.names(), otherwise);
        Err(reading.mistake(&given.span, Mistake::NoVariable(name.to_owned()), hint))
    };
    if let Some(name) = sole_reference(&given.value) {
        return match environment.value(name) {
            Some(_) => Ok(SecretSource::Environment(name.to_owned())),
            None => missing(name, unset),
        };
    }
    let file = match environment.expand(&given.value) {
        Ok(text) => match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => reading.beside_file(path),
            Some(("credential", name)) if !name.is_empty() => match credentials(environment) {
                Some(folder) => folder.join(name),
                None => return missing(CREDENTIALS, "systemd sets it for `LoadCredential=`"),
            },
            _ => return Err(secret_in_file(given, reading)),
        },
        Err(BadReference::NoVariable(name, _)) => return missing(&name, "set the variable"),
        Err(BadReference::Malformed(_)) => return Err(secret_in_file(given, reading)),
    };
    let file = reading.notes(file);
    if lies_in(&file, store) {
        let hint = "keep it elsewhere: who copies the data would copy the secret with it";
        let mistake = Mistake::SecretInStore(given.key.clone());
        return Err(reading.mistake(&given.span, mistake, hint));
    }
    Ok(SecretSource::File(file))
}

fn lies_in(file: &Path, folder: &Path) -> bool {
    match (std::path::absolute(file), std::path::absolute(folder)) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        _ => file.starts_with(folder),
    }
}

fn secret_in_file(given: &Placed<String>, reading: &Reading<'_>) -> Reported {
    reading.conceal(given.span.clone());
    let hint = "write `file:PATH`, `${NAME}` or `credential:NAME`";
    reading.mistake(&given.span, Mistake::SecretInFile(given.key.clone()), hint)
}
