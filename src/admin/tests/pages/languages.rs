//! What the service says, in the language of whoever reads: checks, mistakes, lines of a file, pages that are not there.

use super::*;

/// What of a page is said to be English, beside the name of that language.
pub(super) fn english(page: &str) -> Vec<&str> {
    let parts = page.split("lang=\"en\">").skip(1).filter(|part| !part.starts_with("English<"));
    let said = |part: &'_ str| part.split("</").next().unwrap_or_default().len();
    let parts = parts.map(|part| part.get(..said(part)).unwrap_or_default());
    parts.chain(page.split('⟦').skip(1).filter_map(|part| part.split('⟧').next())).collect()
}

/// Forms with something wrong in each.
const MISTAKES: [(&str, &str); 12] = [
    ("/tokens/new", "owner=alice&name=&expiry=days-30"),
    ("/tokens/new", "owner=nobody&name=x&access=chosen&context=nothing"),
    ("/tokens/new", "owner=alice&name=x&networks=10.0.0.1%2F8"),
    ("/tokens/new", "owner=alice&name=x&networks=word"),
    ("/tokens/new", "owner=alice&name=x&limits.uses=0"),
    ("/tokens/new", "owner=alice&name=x&limits.uses=many"),
    ("/tokens/new", "owner=alice&name=x&params=%5B1%5D"),
    ("/users/new", "id=Big&name=x&kind=user"),
    ("/users/new", "id=zed&name=x&kind=user&email=nowhere"),
    ("/users/new", "id=zed&name=x&kind=user&parent=zed"),
    ("/companies/new", "id=A+B&name=x&access=all"),
    ("/users/alice/password", "password=short"),
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_page_is_left_in_english() {
    let face = Face::new().await;
    let (id, secret) = face
        .token(
            json!({"owner": "alice", "name": "ci", "contexts": ["stock"], "limits": {"uses": 3}}),
        )
        .await;
    face.world.service.block_owner(&face.world.by, &owner_id("alice"), "left").await.unwrap();
    let root = face.sign_in("root").await;
    let mut faults: Vec<String> = Vec::new();
    let mut note = |page: &str, what: String| {
        faults.extend(english(page).iter().map(|said| format!("{what}: {said}")));
    };
    for language in ["ru", "pt-BR"] {
        let cookie = format!("{}; tollgate-language={language}", root.cookie);
        let post = async |path: &str, fields: &str| {
            let origin = ("origin", "https://desk.example");
            let body = format!("csrf={}&{fields}", root.csrf);
            face.ask(&format!("POST {path}"), &[("cookie", &cookie), origin], &body).await
        };
        for fields in [
            format!("method=GET&url=http%3A%2F%2Fa%2Forders&token={id}"),
            format!("method=GET&url=http%3A%2F%2Fa%2Forders&secret={secret}"),
            "method=POST&url=http%3A%2F%2Fa%2F%252e%252e%2Fx".to_owned(),
            "method=GET&url=http%3A%2F%2Fa%2Forders".to_owned(),
            "method=GET&url=no+address".to_owned(),
            format!("method=GET&url=http%3A%2F%2Fa%2F&token={id}&secret=x"),
        ] {
            let got = post("/explain", &fields).await;
            note(&got.text, format!("{language} {fields}"));
        }
        for (path, fields) in MISTAKES {
            let got = post(path, fields).await;
            if !(400..=404).contains(&got.status) {
                note("lang=\"en\">taken</", format!("{path} {fields}: {}", got.status));
            }
            note(&got.text, format!("{language} {path} {fields}"));
        }
        let lines = "owner,name,secret,state%0Aalice,a,short,%0Anobody,b,abcdefghijklmnopqrstuvwx,%0A\
                     alice,c,abcdefghijklmnopqrstuvwy,revoked%0Aalice,d%0Aalice,,abcdefghijklmnopqrstuvwz,";
        let report = post("/tokens/import", &format!("text={lines}")).await.text;
        let refused = report.matches("state-revoked").count();
        if refused < 4 {
            note("lang=\"en\">taken</", format!("{language} import: {refused}"));
        }
        note(&report, language.to_string());
        for (path, status) in [
            ("/nowhere", 404),
            ("/users/zorro", 404),
            ("/companies/zorro", 404),
            (&*format!("/tokens/{}", "0190b6f2-5c1e-7abc-8def-0123456789ab"), 404),
            ("/users?after=%FF", 400),
        ] {
            let got = root.get_in(path, language).await;
            if got.status != status {
                note("lang=\"en\">shown</", format!("{path}: {}", got.status));
            }
            note(&got.text, format!("{language} {path}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_see_a_page_is_told_so_in_their_language() {
    let face = Face::new().await;
    let bob = face.sign_in("bob").await;
    for path in ["/notices", "/history/check", "/tokens/import"] {
        let got = bob.get_in(path, "ru").await;
        assert!(
            got.status == 403
                && got.text.contains("Недостаточно прав")
                && english(&got.text).is_empty(),
            "{path}"
        );
    }
}

/// A filter by a context finds tokens with general access too, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn contexts_are_called_by_their_titles() {
    let face = Face::new().await;
    face.world.reload(|settings| {
        let stock = settings.contexts.iter_mut().find(|(id, _)| id.as_str() == "stock").unwrap();
        stock.1.title = "Warehouse".to_owned();
    });
    let held = json!({"hub": {"market": "north"}});
    let (id, _) = face
        .token(json!({"owner": "alice", "name": "ci", "contexts": ["stock", "hub"], "context_params": held}))
        .await;
    face.token(json!({"owner": "alice", "name": "everywhere", "contexts": "all"})).await;
    let company = input(json!({"id": "acme", "contexts": ["stock"]}));
    face.world.service.create_company(&face.world.by, company).await.unwrap();
    let root = face.sign_in("root").await;
    let page = root.get(&format!("/tokens/{id}")).await.text;
    for part in ["Warehouse <code class=\"quiet\">stock</code>", "Market", "hub.market"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for path in ["/companies", "/companies/acme"] {
        assert!(
            root.get(path).await.text.contains("Warehouse <code class=\"quiet\">stock</code>"),
            "{path}"
        );
    }
    let note = "Tokens with general access are among them";
    let list = root.get("/tokens?context=stock").await.text;
    assert!(
        list.contains(note) && list.contains("everywhere") && list.contains("<bdi>Warehouse</bdi>"),
        "{list}"
    );
    assert!(root.get("/tokens/revoke?context=stock").await.text.contains(note));
    assert!(!root.get("/tokens?owner=alice").await.text.contains(note));
    // Tokens are called by their names where one leads to another.
    let rotation = input(json!({}));
    let next =
        face.world.service.rotate_token(&face.world.by, id, rotation).await.unwrap().token.id;
    let (old, new) = (
        root.get(&format!("/tokens/{id}")).await.text,
        root.get(&format!("/tokens/{next}")).await.text,
    );
    assert!(old.contains(&format!("<a href=\"/tokens/{next}\"><bdi>ci</bdi></a>")), "{old}");
    assert!(new.contains(&format!("<a href=\"/tokens/{id}\"><bdi>ci</bdi></a>")), "{new}");
}
