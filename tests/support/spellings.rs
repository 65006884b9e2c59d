//! A secret in every way in which somebody could have written it down, and the search for all of them.

use std::fs;
use std::path::Path;

use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use memchr::memmem::Finder;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode};

/// What a browser encodes of a query.
pub const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'%');

/// A secret, and how it is called where it is found.
pub struct Secret {
    /// How it is called.
    pub name: String,
    finders: Vec<(&'static str, Finder<'static>)>,
}

impl Secret {
    /// Something of which no part that says anything may be found.
    pub fn new(name: &str, text: &str) -> Self {
        assert!(text.len() >= 12, "{name} is found everywhere");
        let finders = spellings(text).into_iter();
        let finders = finders.map(|(how, bytes)| (how, Finder::new(&bytes).into_owned()));
        Self { name: name.to_owned(), finders: finders.collect() }
    }

    /// How it stands in `bytes`, if it does.
    pub fn found(&self, bytes: &[u8]) -> Option<&'static str> {
        self.finders.iter().find(|(_, finder)| finder.find(bytes).is_some()).map(|(how, _)| *how)
    }

    /// Every file under `folder` in which it stands, and how.
    pub fn files(&self, folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.files(&path, found);
            } else if let Some(how) = fs::read(&path).ok().and_then(|bytes| self.found(&bytes)) {
                found.push(format!("{} as {how} in {}", self.name, path.display()));
            }
        }
    }
}

fn spellings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let each = |format: fn(&u8) -> String, between: &str| {
        bytes.iter().map(format).collect::<Vec<_>>().join(between)
    };
    let json = serde_json::to_string(text).unwrap();
    let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut all = vec![
        ("text", text.to_owned()),
        ("hex", each(|byte| format!("{byte:02x}"), "")),
        ("hex", each(|byte| format!("{byte:02X}"), "")),
        ("hex with spaces", each(|byte| format!("{byte:02x}"), " ")),
        ("percent of each byte", each(|byte| format!("%{byte:02x}"), "")),
        ("percent of each byte", each(|byte| format!("%{byte:02X}"), "")),
        ("percent", percent_encode(bytes, NON_ALPHANUMERIC).to_string()),
        ("percent", percent_encode(bytes, NON_ALPHANUMERIC).to_string().to_lowercase()),
        ("query", percent_encode(bytes, QUERY).to_string()),
        ("form", percent_encode(bytes, NON_ALPHANUMERIC).to_string().replace("%20", "+")),
        ("numbers", each(|byte| format!("{byte}"), ", ")),
        ("numbers", each(|byte| format!("{byte}"), ",")),
        ("JSON", json[1..json.len() - 1].to_owned()),
        ("Debug", format!("{text:?}").trim_matches('"').to_owned()),
        ("HTML", html.replace('"', "&quot;").replace('\'', "&#39;")),
        ("HTML", html.replace('"', "&#34;").replace('\'', "&#x27;")),
    ];
    all.extend((0..3).map(|shift| ("base64", inner(&STANDARD, bytes, shift))));
    all.extend((0..3).map(|shift| ("base64 of URLs", inner(&URL_SAFE, bytes, shift))));
    let mut all: Vec<_> = all.into_iter().map(|(how, text)| (how, text.into_bytes())).collect();
    let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect();
    all.push(("UTF-16", wide(u16::to_le_bytes)));
    all.push(("UTF-16", wide(u16::to_be_bytes)));
    all
}

/// Those characters of base64 that are the same whatever stands before and behind, where so many bytes of a
/// group of three come before.
fn inner(engine: &impl base64::Engine, bytes: &[u8], shift: usize) -> String {
    let whole = engine.encode([&vec![0; shift], bytes].concat());
    let whole = whole.trim_end_matches('=');
    let begins = [0, 2, 3][shift];
    let bits = (shift + bytes.len()) * 8;
    whole[begins..bits / 6].to_owned()
}
