//! Rows E2 and F9: tokens come from elsewhere by a page, after it was tried what becomes of each line, and lists leave as files.

use super::*;
use crate::domain::time::Span;

const FILE: &str = "owner,name,secret,flags\n\
                    alice,one,legacy-secret-of-alice-0001,view\n\
                    nobody,two,legacy-secret-of-nobody-0002,\n\
                    alice,three,short,\n";

fn typed(text: &str) -> String {
    let text = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
    format!("text={text}")
}

fn draft(page: &str) -> String {
    page.split("name=\"draft\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

async fn names(face: &Face) -> Vec<String> {
    // Those of one moment stand in any order.
    let all = face.world.service.tokens(&face.world.by, &input(json!({}))).await.unwrap();
    let mut names: Vec<_> = all.entries.into_iter().map(|token| token.name).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn f9_a_file_is_tried_line_by_line_and_then_brought_in() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let form = root.get("/tokens/import").await.text;
    assert!(
        form.contains("At most 500 lines")
            && root.get("/tokens").await.text.contains("/tokens/import")
    );
    let tried = root.post("/tokens/import", &typed(FILE)).await;
    assert_eq!(tried.status, 200);
    for part in [
        "1 line would be imported.",
        "2 lines are refused.",
        "there is no user",
        ">3</th>",
        ">4</th>",
    ] {
        assert!(tried.text.contains(part), "{part}: {}", tried.text);
    }
    assert_eq!(names(&face).await, [""; 0], "only tried");
    // No page repeats a secret.
    assert!(!tried.text.contains("legacy-secret") && !tried.text.contains("short,"));
    let number = draft(&tried.text);
    let bob = face.sign_in("bob").await;
    assert_eq!(bob.post("/tokens/import/go", &format!("draft={number}")).await.status, 403);
    let other = face.sign_in("root").await;
    let theirs = other.post("/tokens/import/go", &format!("draft={number}")).await;
    assert!(theirs.status == 410 && theirs.text.contains("Choose it again"), "another session");
    let done = root.post("/tokens/import/go", &format!("draft={number}")).await;
    assert!(done.status == 200 && done.text.contains("1 token is imported."), "{}", done.text);
    assert!(done.text.contains("href=\"/tokens/0") && !done.text.contains("legacy-secret"));
    assert_eq!(names(&face).await, ["one"]);
    assert_eq!(
        root.post("/tokens/import/go", &format!("draft={number}")).await.status,
        410,
        "once"
    );
    // The token works, and its line is refused from now on.
    let again = root.post("/tokens/import", &typed(FILE)).await.text;
    assert!(again.contains("No line would be imported.") && again.contains("3 lines are refused."));
    assert!(!again.contains("<button class=\"main\">"), "there is nothing to go on with");
    let owners = root.post("/tokens/import", &format!("create_owners=yes&{}", typed(FILE))).await;
    root.post("/tokens/import/go", &format!("draft={}", draft(&owners.text))).await;
    assert_eq!(names(&face).await, ["one", "two"]);
    assert!(root.get("/users").await.text.contains("nobody"));
    // What nobody comes for is let go of.
    let late = root
        .post(
            "/tokens/import",
            &typed(
                "{\"owner\":\"bob\",\"name\":\"late\",\"secret\":\"legacy-secret-of-bob-0003\"}",
            ),
        )
        .await;
    assert!(late.text.contains("1 line would be imported."), "{}", late.text);
    face.world.clock.advance(Span::from_seconds(600));
    assert_eq!(
        root.post("/tokens/import/go", &format!("draft={}", draft(&late.text))).await.status,
        410
    );
    assert_eq!(names(&face).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_none_is_told_without_its_text() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let many = "owner,name\n".to_owned() + &"a,b\n".repeat(501);
    for (text, says) in [
        ("", "Choose a file"),
        ("alice,legacy-secret-of-alice-0001\nbob,legacy-secret-of-bob-0002\n", "names of columns"),
        ("[{\"secret\":\"legacy-secret-of-alice-0001\"", "names of columns"),
        (many.as_str(), "500 lines"),
    ] {
        let got = root.post("/tokens/import", &typed(text)).await;
        assert!(got.status == 400 && got.text.contains(says), "{says}: {}", got.text);
        assert!(got.text.contains("<a href=\"#text\">") && !got.text.contains("legacy-secret"));
    }
    let swapped = "owner,name,secret\nlegacy-secret-of-alice-0001,one,alice\n";
    assert_eq!(root.post("/tokens/import", &typed(swapped)).await.status, 200);
    for (language, words) in [("ru", "Импорт токенов"), ("pt-BR", "Importar tokens")] {
        assert!(root.get_in("/tokens/import", language).await.text.contains(words));
    }
    let alice = face.sign_in("alice").await;
    assert!(!alice.get("/tokens").await.text.contains("/tokens/import"));
    assert_eq!(alice.get("/tokens/import").await.status, 403);
    assert_eq!(alice.post("/tokens/import", &typed(FILE)).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn f9_a_list_is_downloaded_as_its_filter_shows_it() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let mut secrets = Vec::new();
    for (owner, name) in [("alice", "one"), ("alice", "=two"), ("bob", "three")] {
        secrets.push(face.token(json!({"owner": owner, "name": name})).await.1);
        face.world.clock.advance(Span::from_seconds(1));
    }
    let list = root.get("/tokens?owner=alice").await.text;
    let link = list.split("href=\"/tokens/export?").nth(1).unwrap().split('"').next().unwrap();
    let link = format!("/tokens/export?{}", link.replace("&#38;", "&").replace("&amp;", "&"));
    let got = root.get(&link).await;
    assert_eq!(got.field(header::CONTENT_DISPOSITION), "attachment; filename=\"tokens.csv\"");
    assert!(got.field(header::CONTENT_TYPE).starts_with("text/csv"));
    assert_eq!(got.field(header::CACHE_CONTROL), "no-store");
    let lines: Vec<_> = got.text.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("owner,name") && !got.text.contains("three"));
    assert!(lines[1].contains("'=two") && lines[2].starts_with("alice,one"), "newest first");
    assert!(secrets.iter().all(|secret| !got.text.contains(secret)));
    let jsonl = root.get("/tokens/export?format=jsonl&owner=alice&order=oldest").await.text;
    let first: serde_json::Value = serde_json::from_str(jsonl.lines().next().unwrap()).unwrap();
    assert!(first["name"] == "one" && first.get("digest").is_none(), "{first}");
    // Row E1: everybody gets what their list shows.
    let bob = face.sign_in("bob").await;
    assert_eq!(bob.get("/tokens/export").await.text.lines().count(), 2);
    assert_eq!(bob.get("/tokens/export?owner=alice").await.status, 404);
    assert_eq!(root.get("/tokens/export?created_from=soon").await.status, 400);
    let nobody = face.ask("GET /tokens/export", &[], "").await;
    assert!(nobody.place().starts_with("/sign-in"));
}

/// The "every list shows the date on which a token will end by time or by idleness".
#[tokio::test(flavor = "multi_thread")]
async fn f9_a_report_shows_when_each_new_token_ends() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let file = "owner,name,secret,lifetime,idle_ttl\nalice,ci,legacy-secret-of-alice-0001,9d,0\n\
                alice,ci,legacy-secret-of-alice-0002,0,1d\nalice,ci,legacy-secret-of-alice-0003,0,0\nalice,ci,short,,\n";
    let tried = root.post("/tokens/import", &typed(file)).await.text;
    assert!(!tried.contains("data-label=\"Ends on\""), "there is no token yet");
    let body = format!("draft={}", draft(&tried));
    let page = root.post("/tokens/import/go", &body).await.text;
    assert!(page.contains("<th role=\"columnheader\" scope=\"col\">Ends on</th>"), "{page}");
    let cells = page.split("data-label=\"Ends on\">").skip(1);
    let cells: Vec<_> = cells.map(|cell| cell.split("</td>").next().unwrap()).collect();
    assert_eq!(cells.len(), 4);
    // What was refused comes first.
    for (cell, wanted) in cells.iter().zip(["none", "by time", "by idleness", "never"]) {
        assert!(cell.contains(wanted), "{wanted}: {cell}");
    }
}
