//! What stands beside the secret of a new token: a request that it gets through.

use std::path::Path;

use super::*;
use crate::config::{Environment, parse};

const APIS: &str = r#"
flags = { view = 0x200, edit = 0x400 }
[contexts.stock]
[contexts.hub]
[[apis]]
name = "shop"
host = "api.example"
upstream = "http://127.0.0.1:9"
[[apis.rules]]
path = "/open"
public = true
[[apis.rules]]
path = "/hub/{*rest}"
context = "hub"
[[apis.rules]]
path = "/stock/{item}/edit"
methods = ["POST"]
flags = ["edit"]
[[apis.rules]]
path = "/stock/{item}"
methods = ["HEAD", "GET"]
flags = ["view"]
context = "stock"
item = "{item}"
[[apis.rules]]
path = "/all/{*rest}"
methods = ["DELETE"]
flags = ["view", "edit"]
"#;

/// The line for curl on the page of a token that is made so, without the token; none if there is none.
async fn line(root: &Person<'_>, typed: &str) -> Option<String> {
    let made = root.post("/tokens/new", &format!("name=x&owner=alice&access=chosen&{typed}")).await;
    let page = root.get(made.place()).await.text;
    let Some((_, line)) = page.split_once("id=\"curl\" class=\"line\">") else {
        assert!(page.contains("No rule lets a request with this token through yet."), "{page}");
        return None;
    };
    let line = line.split_once("</code>").unwrap().0.replace("&#39;", "'").replace("&#x27;", "'");
    let (before, rest) = line.split_once("-H 'Authorization: Bearer ").unwrap();
    Some(before.to_owned() + rest.split_once("' ").unwrap().1)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_to_try_a_token_with_gets_through() {
    let face = Face::new().await;
    let settings = parse(Path::new("t.toml"), APIS.as_bytes(), &Environment::default()).unwrap();
    let port = settings.listen.public.port();
    face.world.reload(|held| {
        held.apis = settings.apis;
        held.listen = settings.listen;
        held.contexts = settings.contexts;
    });
    let root = face.sign_in("root").await;
    for (typed, wanted) in [
        ("context=stock&flag=view&items=A-7", Some(("", "/stock/A-7"))),
        ("context=stock&context=hub&flag=view", Some(("", "/hub/"))),
        ("context=stock&flag=view", Some(("", "/stock/1"))),
        ("flag=edit", Some(("-X POST ", "/stock/1/edit"))),
        ("context=stock", None),
        ("flag=view", None),
    ] {
        let wanted =
            wanted.map(|(option, path)| format!("curl {option}'http://api.example:{port}{path}'"));
        assert_eq!(line(&root, typed).await, wanted, "{typed}");
    }
}
