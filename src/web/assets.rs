//! The stylesheet and the script, which are part of the binary. Their names hold their digest, so that
//! browsers may keep them for ever.

use std::sync::LazyLock;

use crate::domain::secret::Digest;

/// A file that pages refer to.
#[derive(Debug)]
pub struct Asset {
    /// Its path on the server.
    pub path: String,
    /// Its media type.
    pub media_type: &'static str,
    /// What it holds.
    pub text: &'static str,
}

/// The look.
pub static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("desk", "css", "text/css; charset=utf-8", include_str!("assets/desk.css"))
});

/// What only a script can do.
pub static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("desk", "js", "text/javascript; charset=utf-8", include_str!("assets/desk.js"))
});

/// The sign in the corner of a browser's tab.
pub static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg")));

impl Asset {
    fn new(name: &str, end: &str, media_type: &'static str, text: &'static str) -> Self {
        let digest: String = Digest::of(text.as_bytes()).to_hex().chars().take(16).collect();
        Self { path: format!("/assets/{name}-{digest}.{end}"), media_type, text }
    }

    /// The one at this path.
    pub fn at(path: &str) -> Option<&'static Self> {
        [&*STYLE, &*SCRIPT, &*ICON].into_iter().find(|asset| asset.path == path)
    }
}
