//! The little that a file with mistakes must still say: which server was started from it, so that a
//! token can be ended while the file is being mended.
//!
//! Nothing is guessed. Only what stands there counts, since a default could be the place of another
//! server; and of a file that is no TOML only the lines before its first mistake, which mean what
//! they would mean in a whole one.

use std::path::PathBuf;

use toml::de::DeTable;

use super::environment::Environment;
use super::general::SOCKET;
use super::load::{Source, read, read_document};
use super::reading::Reading;
use super::values::text;

impl Source {
    /// The socket of the server that was started from this file, as far as it says so itself.
    /// Mistakes are passed over.
    pub fn socket(&self, environment: &Environment) -> Option<PathBuf> {
        let bytes = read(&self.path).ok()?;
        let source = sound(std::str::from_utf8(&bytes).ok()?)?;
        let reading = Reading::new(&self.path, source, environment, &self.overrides);
        let file = read_document(source.as_bytes(), source, &reading).ok()?;
        if let Some(socket) = text(&file.listen.socket, &reading).ok()? {
            return Some(reading.beside_file(&socket.value.value));
        }
        let folder = match &self.overrides.data {
            Some(folder) => folder.clone(),
            None => reading.beside_file(&text(&file.store.path, &reading).ok()??.value.value),
        };
        Some(folder.join(SOCKET))
    }
}

/// The lines before the first mistake of syntax. None if those are none by themselves.
fn sound(source: &str) -> Option<&str> {
    let (_, errors) = DeTable::parse_recoverable(source);
    let first = errors.iter().map(|error| error.span().map_or(0, |span| span.start)).min();
    let Some(first) = first else { return Some(source) };
    let before = source.get(..first)?;
    let lines = before.get(..before.rfind('\n').map_or(0, |end| end + 1))?;
    let (_, errors) = DeTable::parse_recoverable(lines);
    errors.is_empty().then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;

    fn socket(text: &str, data: Option<&str>) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.toml");
        std::fs::write(&path, text).unwrap();
        let overrides = Overrides { data: data.map(Into::into), ..Overrides::default() };
        let found = Source { path, overrides }.socket(&Environment::default())?;
        let found = found.display().to_string();
        let folder = folder.path().display().to_string();
        Some(found.strip_prefix(&folder).map_or(found.clone(), |rest| format!(".{rest}")))
    }

    #[test]
    fn a_file_with_mistakes_says_where_its_server_is() {
        for (text, found) in [
            ("[store]\npath = \"/d\"\nreserv = 1\n", Some("/d/tollgate.sock")),
            ("[store]\npath = \"d\"\n[[apis]]\nnam = \"x\"\n", Some("./d/tollgate.sock")),
            ("[listen]\nsocket = \"/s\"\n[store]\npath = 7\n", Some("/s")),
            (
                "[store]\npath = \"/d\"\n[listen]\npublic = 8080\nsocket = \"run/s\"\n",
                Some("./run/s"),
            ),
            // No TOML, but only behind what is asked.
            ("[store]\npath = \"/d\"\n[[apis]\nname = \"x\"\n", Some("/d/tollgate.sock")),
            ("[store]\npath = \"/d\"\n[[apis]]\nname = \"x\n", Some("/d/tollgate.sock")),
            // Nothing is guessed.
            ("[stor]\npath = \"/d\"\n", None),
            ("[store]\npth = \"/d\"\n", None),
            ("[store\npath = \"/d\"\n", None),
            ("x = \n[store]\npath = \"/d\"\n", None),
            ("[store]\npath = \"/d\n", None),
            // Where that began cannot be told.
            ("[store]\npath = \"/d\"\n[tokens]\nidle_ttl = \"\"\"\n1d\n", None),
            ("[store]\npath = \"${NO_SUCH}\"\n", None),
            ("[store]\npath = \"/d\"\n[listen]\nsocket = 7\n", None),
            ("", None),
        ] {
            assert_eq!(socket(text, None).as_deref(), found, "{text}");
        }
        assert_eq!(socket("x = \n", Some("/e")), Some("/e/tollgate.sock".to_owned()));
        let elsewhere = "[listen]\nsocket = \"/s\"\nx = \n";
        assert_eq!(socket(elsewhere, Some("/e")), Some("/s".to_owned()));
    }
}
