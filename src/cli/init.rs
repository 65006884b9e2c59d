//! `tollgate init`: a small configuration, the data folder and the master key. Nothing that exists
//! is ever overwritten.

use std::io::{ErrorKind, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::{Common, Init};
use crate::cli::client::Client;
use crate::cli::failure::{Code, Failure};
use crate::cli::output::Reply;
use crate::cli::place::mistakes;
use crate::cli::{serve, user};
use crate::clock::Clock;
use crate::config::settings::SecretSource;
use crate::config::{Environment, Overrides, Settings};
use crate::domain::id::OwnerId;
use crate::store::sealed::MasterKey;
use crate::store::{self, Opener};

/// Where people sign in to what is made.
const ADMIN: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 8_081);

/// Makes the three.
///
/// # Errors
/// One of them that exists, or what the operating system reports.
pub async fn run(init: &Init, common: &Common, clock: Clock) -> Result<Reply, Failure> {
    let config = common.config.clone().unwrap_or_else(|| PathBuf::from("tollgate.toml"));
    let data = match &common.data {
        // What is named at the command line is relative to the working directory, which the file
        // knows nothing of.
        Some(data) => std::path::absolute(data)
            .map_err(|error| Failure::io(format_args!("finding `{}`", data.display()), error))?,
        None => config.with_file_name("data"),
    };
    let overrides = Overrides { data: Some(data.clone()), ..Overrides::default() };
    let settings = Settings::without_file(&Environment::process(), &overrides)
        .and_then(|settings| settings.with_upstream(&init.upstream))
        .map_err(|report| mistakes(&report))?;
    init.administrator.parse::<OwnerId>().map_err(Failure::usage)?;
    let SecretSource::File(key) = &settings.store.master_key else {
        return Err(Failure::usage("the environment gives a master key already"));
    };
    for path in [&config, key] {
        if path.exists() {
            return Err(exists(path));
        }
    }
    make_folder(&data)?;
    // From here on commands know it as a data folder, and no other one.
    let store = store::open_for(Opener::Maker, &settings.store, clock.clone()).await?;
    let client = Client::over(store, settings.clone(), clock);
    let password = user::first_administrator(&init.administrator, &client).await;
    client.close().await?;
    let password = password?;
    let (written_data, written_key) = match (&common.data, key.file_name()) {
        (None, Some(key)) => (Path::new("data"), Path::new(key)),
        _ => (data.as_path(), key.as_path()),
    };
    let text_of_file = text(&init.upstream, written_data, written_key);
    write_new(&config, 0o644, text_of_file.as_bytes())?;
    make_key(key)?;
    let pages = serve::pages_at(ADMIN.into(), "http");
    let shown = |path: &Path| path.display().to_string();
    let text = format!(
        "wrote `{}`, the folder `{}` and the master key `{}`\n\
         keep a copy of the key apart from backups: secret parameters in them need it\n\
         user `{}` may do everything; the password, which is never shown again: {}\n\
         next: edit the configuration, run `tollgate serve`, and sign in at {}",
        shown(&config),
        shown(&data),
        shown(key),
        init.administrator,
        *password,
        pages,
    );
    let administrator = json!({"user": init.administrator, "password": *password});
    let made = json!({
        "config": config, "data": data, "master_key": key, "administrator": administrator
    });
    Reply::new(text, &made)
}

/// Makes a folder that only its user can open.
///
/// # Errors
/// One that holds something already, or what the operating system reports.
pub fn make_folder(path: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::io(format_args!("making the folder `{}`", path.display()), error);
    match std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(exists(path)),
        outcome => outcome.map_err(failed)?,
    }
    if std::fs::read_dir(path).map_err(failed)?.next().is_some() {
        return Err(exists(path));
    }
    Ok(())
}

/// Makes a master key in a new file that only its user can read.
///
/// # Errors
/// A file that exists, or what the operating system reports.
pub fn make_key(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Err(exists(path));
    }
    MasterKey::create(path)
        .map(|_| ())
        .map_err(|error| Failure::new(Code::Refused, "failed", error))
}

fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    let written =
        options.write(true).create_new(true).mode(mode).open(path).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists(path)),
        outcome => outcome
            .map_err(|error| Failure::io(format_args!("writing `{}`", path.display()), error)),
    }
}

fn exists(path: &Path) -> Failure {
    let detail = format!("`{}` exists already and is not overwritten", path.display());
    Failure::new(Code::Conflict, "exists", detail)
        .hint("name other places with `--config FILE` and `--data DIR`")
}

/// The configuration, with the words that most people will want to change.
fn text(upstream: &str, data: &Path, key: &Path) -> String {
    let quoted = |path: &Path| format!("{:?}", path.display().to_string());
    format!(
        r#"# Tollgate: lets a request through only when its token allows exactly that request.
# `tollgate check` finds mistakes; a running gateway takes up changes by itself.

[listen]
public = "127.0.0.1:8080"           # where clients come in
admin = "{admin}"            # pages to sign in to, REST, metrics and health

# Paths are relative to the folder of this file.
[store]
path = {data}
# Keep a copy of this file apart from the backups.
master_key = {key}

# Names of access levels: a rule can ask for them, a token can have them.
[flags]
view = 0x200
edit = 0x400

# Areas of APIs: a token reaches all of them, or those that it names.
[contexts.orders]
title = "Orders"

[[apis]]
name = "main"
upstream = ["{upstream}"]

# What no rule opens is refused. This one lets any valid token through to every path:
[[apis.rules]]
path = "/{{*rest}}"

# A rule with more to ask; the most specific path wins.
# [[apis.rules]]
# path = "/orders/{{id}}"
# methods = ["GET"]
# context = "orders"
# flags = ["view"]
"#,
        admin = SocketAddr::from(ADMIN),
        data = quoted(data),
        key = format_args!("{:?}", format!("file:{}", key.display())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_init_writes_has_no_mistakes() {
        let text = text("http://127.0.0.1:3000", Path::new("/a b/\"d\""), Path::new("/a b/k"));
        let environment = Environment::process();
        let settings =
            crate::config::parse(Path::new("t.toml"), text.as_bytes(), &environment).unwrap();
        assert_eq!(settings.store.path, Path::new("/a b/\"d\""));
        assert_eq!(settings.apis.len(), 1);
    }
}
