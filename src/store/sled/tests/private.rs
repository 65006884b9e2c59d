//! That nobody but its user can read a data folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{fill, open};
use crate::store::Store;
use crate::store::sample::{NOW, noted, token};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn what_lies_in_a_folder_that_somebody_else_made_is_closed_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // As an older version left the folders inside.
    for path in [&data, &data.join("index"), &data.join("history")] {
        fs::create_dir(path).unwrap();
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let store = open(folder.path());
    fill(&store, 3).await;
    store.note_uses(vec![noted(token(1, "alice").id, 10)], NOW).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    let mut seen = 0;
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), wanted, "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 8, "{seen} files");
    for segment in super::segments(folder.path()) {
        assert_eq!(mode(&segment), 0o600, "{}", segment.display());
    }
    assert_eq!(mode(&data), 0o755, "that one is not ours to change");
}
