//! Lists that are searched, what is said where there is nothing, and addresses: what they lead back to, and what
//! they never hold.

use super::*;

/// Who stands in the table of a page.
fn rows(text: &str) -> Vec<&str> {
    let links = text.split("scope=\"row\"><a href=\"/users/").skip(1);
    links.map(|rest| rest.split('"').next().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_searched_and_pages_stay_with_the_search() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    for n in 0..60 {
        let body = json!({"id": format!("worker-{n:02}"), "name": "Some Worker", "kind": "service",
            "company": if n % 2 == 0 { json!("acme") } else { json!(null) }});
        face.world.service.create_owner(&face.world.by, input(body)).await.unwrap();
    }
    let first = root.get("/users?text=some+wor&kind=service").await.text;
    assert_eq!(rows(&first).len(), 50);
    let next = first.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let next = next.replace("&#38;", "&").replace("&amp;", "&");
    assert_eq!(next, "/users?text=some%20wor&kind=service&after=worker-49");
    let rest = root.get(&next).await.text;
    assert_eq!((rows(&rest).len(), rows(&rest)[0]), (10, "worker-50"));
    assert!(rest.contains("value=\"some wor\"") && rest.contains("value=\"service\" selected"));
    let acme = root.get("/users?company=acme&text=worker-0").await.text;
    assert_eq!(rows(&acme), ["worker-00", "worker-02", "worker-04", "worker-06", "worker-08"]);
    assert_eq!(rows(&root.get("/users?role=administrator").await.text), ["root"]);
    assert_eq!(rows(&root.get("/users?state=blocked").await.text), [""; 0]);
    face.world.service.block_owner(&face.world.by, &owner_id("bob"), "").await.unwrap();
    assert_eq!(rows(&root.get("/users?state=blocked").await.text), ["bob"]);
    let none = root.get("/users?text=nobody-is-called-this").await;
    assert!(none.status == 200 && none.text.contains("No user fits"), "{}", none.text);
    for (query, place) in [("kind=robot", "kind"), ("company=A+B", "company"), ("state=x", "state")]
    {
        let wrong = root.get(&format!("/users?{query}")).await;
        let link = format!("<a href=\"#{place}\">");
        assert!(wrong.status == 400 && wrong.text.contains(&link), "{query}: {}", wrong.text);
    }
    assert_eq!(root.get("/users?after=A+B").await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_a_new_token_is_found_among_many() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    for n in 0..130 {
        let body = json!({"id": format!("a-{n:03}"), "name": format!("Worker {n}")});
        face.world.service.create_owner(&face.world.by, input(body)).await.unwrap();
    }
    let page = root.get("/tokens/new").await.text;
    assert!(page.contains("data-suggest=\"/owners\"") && !page.contains("\"a-129\""));
    let found = root.get("/owners?text=worker+129").await.text;
    assert_eq!(found.trim(), "<option value=\"a-129\">Worker 129</option>");
    assert_eq!(root.get("/owners?text=worker").await.text.matches("<option").count(), 20);
    let alice = face.sign_in("alice").await;
    assert_eq!(alice.get("/owners").await.text.trim(), "<option value=\"alice\">alice</option>");

    // Without a script, by the name.
    let made = root.post("/tokens/new", "name=ci&owner=worker+129&expiry=30d").await;
    let id: TokenId = made.place().split('/').nth(2).unwrap().parse().unwrap();
    let token = face.world.service.token(&face.world.by, id).await.unwrap();
    assert_eq!(token.owner, owner_id("a-129"));
    let twin = input(json!({"id": "twin", "name": "Worker 129"}));
    face.world.service.create_owner(&face.world.by, twin).await.unwrap();
    let both = root.post("/tokens/new", "name=ci&owner=Worker+129&expiry=30d").await;
    assert!(both.status == 400 && both.text.contains("several users are called this"));
    assert!(
        both.text.contains("<a href=\"#owner\">") && both.text.contains("value=\"Worker 129\"")
    );
    let fit = root.post("/tokens/new", "name=ci&owner=Worker+7&fit=yes").await;
    assert!(fit.status == 200 && fit.text.contains("name=\"owner\" value=\"a-007\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_an_id_is_a_page_in_the_readers_language() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    for path in [
        "/tokens/garbage",
        "/tokens/garbage/edit",
        "/tokens/%FF",
        "/users/A%20B",
        "/users/A%20B/edit",
        "/companies/A%20B",
        "/companies/A%20B/block",
        "/notices/A%20B",
    ] {
        let got = root.get_in(path, "ru").await;
        assert_eq!(got.status, 404, "{path}: {}", got.text);
        assert!(got.field(header::CONTENT_TYPE).starts_with("text/html"), "{path}");
        assert!(got.text.contains("<html lang=\"ru\""), "{path}");
    }
    let form = root.post("/tokens/garbage/revoke", "reason=x").await;
    assert!(form.status == 404 && form.field(header::CONTENT_TYPE).starts_with("text/html"));
}

fn back(text: &str) -> String {
    let back = text.split("name=\"back\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    back.replace("&#38;", "&").replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn language_and_light_lead_back_to_the_same_list() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    for (path, wanted) in [
        ("/tokens?text=a%26b&state=active", "/tokens?text=a%26b&state=active"),
        ("/users?text=%D0%98", "/users?text=%D0%98"),
        ("/tokens?done=nothing&owner=bob", "/tokens?owner=bob"),
        ("/users/nobody?x=1", "/users/nobody?x=1"),
        ("/tokens", "/tokens"),
    ] {
        assert_eq!(back(&root.get(path).await.text), wanted);
    }
    let wanted = "/tokens?text=a%26b&state=active";
    let typed: String = wanted.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let got = root.post("/look", &format!("language=ru&back={typed}")).await;
    assert_eq!(got.place(), wanted);
    let path = "/sign-in?next=%2Ftokens%3Fstate%3Dactive&done=sign-in-first&password=of+somebody";
    let page = face.ask(&format!("GET {path}"), &[], "").await.text;
    assert_eq!(back(&page), "/sign-in?next=%2Ftokens%3Fstate%3Dactive");
    assert!(!page.contains("somebody"));
    // What comes back from a form has no address of its own: a script asks before it is lost.
    let form = root.post("/users/new", "id=A+B").await;
    assert_eq!((form.status, back(&form.text).as_str()), (400, "/users/new"));
    assert!(
        form.text.contains(" data-typed>")
            && !root.get("/users/new").await.text.contains(" data-typed>")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_l1_a_secret_in_an_address_leads_to_its_token_and_away() {
    let face = Face::new().await;
    let (root, bob) = (face.sign_in("root").await, face.sign_in("bob").await);
    let (id, secret) = face.token(json!({"owner": "alice", "name": "ci"})).await;
    let hint = &secret[secret.len() - 4..];
    let token = format!("/tokens/{id}");
    for query in [format!("text={secret}"), format!("order=newest&text=+{secret}+&state=active")] {
        let got = root.get(&format!("/tokens?{query}")).await;
        assert_eq!(got.place(), format!("{token}?done=secret-away"));
        assert!(got.text.is_empty());
    }
    assert!(root.get(&format!("{token}?done=secret-away")).await.text.contains("was taken out"));
    let list = format!("/tokens?hint={hint}&done=secret-away");
    let got = bob.get(&format!("/tokens?text={secret}")).await;
    assert_eq!(got.place(), list, "it is not theirs to see");
    let other = if secret.ends_with('x') { 'y' } else { 'x' };
    let damaged = format!("{}{other}", &secret[..secret.len() - 1]);
    for (path, wanted) in [
        (format!("/users?text={secret}&kind=user"), "/users?kind=user&done=secret-away"),
        (format!("/history?token={secret}"), "/history?done=secret-away"),
        (format!("/explain?{secret}"), "/explain?done=secret-away"),
        (format!("/tokens?text={damaged}&state=active"), "/tokens?state=active&done=secret-away"),
    ] {
        let place = root.get(&path).await.place().to_owned();
        assert_eq!(place, wanted);
    }
    // Before somebody has signed in, too.
    let nobody = face.ask(&format!("GET /tokens?text={secret}&state=active"), &[], "").await;
    let next = "/sign-in?next=%2Ftokens%3Fstate%3Dactive&done=sign-in-first";
    assert_eq!(nobody.place(), next);
    let page = face.ask(&format!("GET /sign-in?next=%2Ftokens%3Ftext%3D{secret}"), &[], "").await;
    assert!(page.status == 200 && !page.text.contains(&secret), "{}", page.text);

    // As the script sends it.
    let body = format!("text={secret}");
    assert_eq!(
        root.post("/tokens/find", &body).await.place(),
        format!("{token}?done=secret-found")
    );
    let unknown = format!("/tokens?hint={hint}&done=secret-unknown");
    assert_eq!(bob.post("/tokens/find", &body).await.place(), unknown);
    assert_eq!(bob.post("/tokens/find", "text=x").await.place(), "/tokens?done=secret-unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sees_no_company_is_told_so_and_whose_block_stops_a_token() {
    let face = Face::new().await;
    face.user(json!({"id": "lead"})).await;
    let dev = json!({"id": "dev", "roles": ["developer"], "company": "acme", "parent": "lead"});
    face.user(dev).await;
    face.user(json!({"id": "boss", "roles": ["company-administrator"], "company": "acme"})).await;
    let (root, dev, boss) =
        (face.sign_in("root").await, face.sign_in("dev").await, face.sign_in("boss").await);
    assert!(root.get("/companies").await.text.contains("No companies yet"));
    assert!(boss.get("/companies").await.text.contains("Your company has not been added"));
    let (service, by) = (&face.world.service, &face.world.by);
    let acme = input(json!({"id": "acme", "name": "Acme Ltda."}));
    service.create_company(by, acme).await.unwrap();
    assert!(boss.get("/companies").await.text.contains("Acme Ltda."));
    let hidden = dev.get("/companies").await.text;
    assert!(hidden.contains("Companies are not shown to you") && !hidden.contains("Acme"));

    let (id, _) = face.token(json!({"owner": "dev", "name": "ci"})).await;
    let path = format!("/tokens/{id}");
    let note = |text: &str| {
        ["The owner dev is blocked", "The company acme is blocked", "href=\"/companies/acme\">Show"]
            .map(|words| text.contains(words))
    };
    assert_eq!(note(&root.get(&path).await.text), [false; 3]);
    service.block_company(by, &"acme".parse().unwrap(), "").await.unwrap();
    assert_eq!(note(&root.get(&path).await.text), [false, true, true]);
    let lead = face.sign_in("lead").await;
    assert_eq!(
        note(&lead.get(&path).await.text),
        [false, true, false],
        "no link to what they do not see"
    );
    service.block_owner(by, &owner_id("dev"), "").await.unwrap();
    assert_eq!(note(&root.get(&path).await.text), [true, true, true]);
    service.unblock_company(by, &"acme".parse().unwrap(), "").await.unwrap();
    let boss = face.sign_in("boss").await;
    assert_eq!(note(&boss.get(&path).await.text), [true, false, false]);
}
