//! What the page says that checks the whole history: of a chain that is whole, and of one that was changed on the disk.

use std::fs;
use std::path::PathBuf;

use super::languages::english;
use super::*;
use crate::domain::secret::Digest;
use crate::store::history_folder;
use crate::web::language::Language;

impl Face {
    /// The one segment of the history.
    fn segment(&self) -> PathBuf {
        let folder = history_folder(&self.world.service.settings().store.path);
        let files: Vec<_> =
            fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        let [segment] = files.as_slice() else { panic!("{files:?}") };
        segment.clone()
    }
}

/// Where each line begins, and where the last one ends.
fn beginnings(bytes: &[u8]) -> Vec<usize> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(ends).collect()
}

/// A line as whoever changes it would leave it who knows of its checksum.
fn resealed(line: &str) -> String {
    let (guarded, _) = line.rsplit_once(",\"crc\":\"").unwrap();
    format!("{guarded},\"crc\":\"{:08x}\"}}", crc32c::crc32c(guarded.as_bytes()))
}

/// Row X2: how many events there are, and the hash of the last.
#[tokio::test(flavor = "multi_thread")]
async fn x2_the_check_of_a_whole_chain_shows_its_events_and_its_last_hash() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let mut seen = Vec::new();
    for name in ["one", "two"] {
        face.token(json!({"owner": "alice", "name": name})).await;
        let text = fs::read_to_string(face.segment()).unwrap();
        let count = text.lines().count();
        let hash = Digest::of(text.lines().last().unwrap().as_bytes()).to_hex();
        for (language, told) in [
            (
                Language::English,
                [format!("{count} events were checked"), "The chain is whole".to_owned()],
            ),
            (Language::Russian, [format!("Проверено {count} событ"), "Цепочка цела".to_owned()]),
            (
                Language::Portuguese,
                [format!("{count} eventos foram verificados"), "A cadeia está íntegra".to_owned()],
            ),
        ] {
            let got = root.get_in("/history/check", language.tag()).await;
            assert_eq!(got.status, 200);
            let facts = [format!("<dd>{count}</dd>"), format!("<code class=\"id\">{hash}</code>")];
            for part in told.iter().chain(&facts) {
                assert!(got.text.contains(part), "{language:?}: {part}: {}", got.text);
            }
        }
        // The history shows the same head.
        let beside = root.get("/history").await.text;
        assert!(
            beside.contains(&hash[..16]) && beside.contains(&format!("{count} events.")),
            "{beside}"
        );
        seen.push((count, hash));
    }
    assert!(seen[1].0 == seen[0].0 + 1 && seen[1].1 != seen[0].1, "{seen:?}");
}

/// Row X2: what was changed on the disk is found, and the page says where, in each language.
#[tokio::test(flavor = "multi_thread")]
async fn x2_the_check_of_a_chain_that_was_changed_says_where() {
    let face = Face::new().await;
    face.token(json!({"owner": "alice", "name": "ci"})).await;
    let root = face.sign_in("root").await;
    let segment = face.segment();
    let whole = fs::read(&segment).unwrap();
    let starts = beginnings(&whole);
    let (count, path) = (starts.len() - 1, segment.display().to_string());
    assert!(count > 4, "{count}");
    let lines: Vec<_> = std::str::from_utf8(&whole).unwrap().lines().collect();
    let joined = |lines: &[&str]| (lines.join("\n") + "\n").into_bytes();
    let mut altered = whole.clone();
    altered[starts[2] + 100] ^= 1;
    let other = resealed(&lines[2].replace("alice", "alicf"));
    assert_ne!(other, lines[2]);
    let mut forged = lines.clone();
    forged[2] = &other;
    let mut fewer = lines.clone();
    fewer.remove(2);
    let folder = segment.parent().unwrap().display().to_string();
    for (bytes, place, what) in [
        (altered, &path, format!("at byte {}: its checksum does not match", starts[2])),
        (
            joined(&forged),
            &path,
            format!(
                "at byte {}: event 4 does not carry the hash of the event before it",
                starts[3]
            ),
        ),
        (
            joined(&fewer),
            &path,
            format!("at byte {}: event 4 stands where event 3 should", starts[2]),
        ),
        (
            joined(&lines[..count - 1]),
            &folder,
            format!("it ends at event {}, but event {count} was written", count - 1),
        ),
    ] {
        fs::write(&segment, bytes).unwrap();
        let got = root.get("/history/check").await;
        assert_eq!(got.status, 200, "{what}: {}", got.text);
        for part in ["The chain is damaged", &format!("<code class=\"id\">{place}</code>"), &what] {
            assert!(got.text.contains(part), "{what}: {part}: {}", got.text);
        }
        assert!(!got.text.contains("The chain is whole"), "{what}");
        for language in [Language::Russian, Language::Portuguese] {
            let got = root.get_in("/history/check", language.tag()).await;
            assert_eq!((got.status, english(&got.text)), (200, vec![]), "{what}");
            assert!(got.text.contains(place.as_str()), "{what}: {}", got.text);
            for word in ["event ", "checksum", "written"] {
                assert!(!got.text.contains(word), "{what}: {word}: {}", got.text);
            }
        }
        // Nor does the history fail: it shows events, or says why not.
        assert!([200, 503].contains(&root.get("/history").await.status), "{what}");
    }
    fs::write(&segment, whole).unwrap();
    assert!(root.get("/history/check").await.text.contains("The chain is whole"));
}
