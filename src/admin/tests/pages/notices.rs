//! Webhooks in the pages: who is told of what, and a test that nobody takes. One that is taken is in
//! `tests/desk_pages`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::config::{Environment, parse};
use crate::notices::{Notices, Prepared};

/// A face with a webhook `chat` at a port that nobody listens on.
async fn face(folder: &Path) -> Face {
    let (secret, data) = (folder.join("secret"), folder.join("data"));
    std::fs::create_dir(&data).unwrap();
    std::fs::write(&secret, "a-secret-that-nobody-may-ever-read").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = format!(
        "[store]\npath = {data:?}\n[egress]\nallow = [\"127.0.0.0/8\"]\n[[webhooks]]\nname = \"chat\"\n\
         url = \"http://127.0.0.1:{port}/hook\"\nsecret = \"file:{}\"\nnotices = [\"token.leaked\"]\n",
        secret.display()
    );
    let settings = parse(Path::new("tests.toml"), text.as_bytes(), &Environment::default());
    let prepared = Prepared::new(&settings.unwrap_or_else(|report| panic!("{report}"))).unwrap();
    let face = Face::new().await;
    let notices = Notices::open(std::sync::Arc::clone(&face.world.service), &data, prepared);
    Face { router: stage::served(&face.world, Some(notices)), ..face }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_listed_and_tried_out() {
    let folder = tempfile::tempdir().unwrap();
    let face = face(folder.path()).await;
    let root = face.sign_in("root").await;
    assert!(root.get("/").await.text.contains("href=\"/notices\""));
    let list = root.get("/notices").await.text;
    for part in ["href=\"/notices/chat\"", "/hook", "Secret leaked", "nothing sent yet"] {
        assert!(list.contains(part), "{part}: {list}");
    }
    assert!(!list.contains("nobody-may-ever-read"));
    let page = root.get("/notices/chat").await.text;
    assert!(page.contains("action=\"/notices/chat/test\"") && page.contains("Deliveries"));
    let tried = root.post("/notices/chat/test", "").await;
    assert!(tried.text.contains("The webhook did not accept the test."), "{}", tried.text);
    assert!(tried.text.contains("state-revoked") && tried.text.contains("attempt 1"));
    let after = root.get("/notices").await.text;
    assert!(after.contains("Given up"), "{after}");
    for (language, words) in [("ru", "Не доставлено"), ("pt-BR", "Não entregue")] {
        for path in ["/notices", "/notices/chat"] {
            let page = root.get_in(path, language).await.text;
            assert!(page.contains(words) && !page.contains("<span lang=\"en\""), "{path}: {page}");
        }
    }
    assert_eq!(root.get("/notices/other").await.status, 404);
    assert_eq!(root.post("/notices/other/test", "").await.status, 404);
    // Row E1: they are the administrators' affair, and offered to nobody else.
    let alice = face.sign_in("alice").await;
    assert!(!alice.get("/").await.text.contains("/notices"));
    for path in ["/notices", "/notices/chat", "/notices/other"] {
        assert_eq!(alice.get(path).await.status, 403, "{path}");
    }
    assert_eq!(alice.post("/notices/chat/test", "").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_nobody_is_told() {
    let face = Face::new().await;
    assert_eq!(face.sign_in("root").await.get("/notices").await.status, 503);
    assert_eq!(face.sign_in("bob").await.get("/notices").await.status, 403);
}
