//! An upstream that is elsewhere than its API: under another path, with another host.

use crate::support::gateway::Gateway;
use crate::support::upstream::Upstream;

fn gateway(upstream: &Upstream, path: &str, more: &str) -> (Gateway, String) {
    let gateway = Gateway::start(&format!(
        "[[apis]]\nname = \"a\"\npath = \"{path}\"\nupstream = \"http://{}\"\n{more}\n\
         rules = [{{ path = \"{}/{{*rest}}\" }}]\n",
        upstream.address(),
        path.trim_end_matches('/')
    ));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    (gateway, secret)
}

/// What the upstream is asked for in place of each of these.
fn asked(path: &str, instead: &str, targets: &[(&str, &str)]) {
    let upstream = Upstream::start();
    let (gateway, secret) = gateway(&upstream, path, &format!("upstream_path = \"{instead}\""));
    for (target, wanted) in targets {
        assert_eq!(gateway.ask(gateway.get(target, &secret)).status, 200, "{target}");
        let seen = upstream.take().pop().unwrap();
        assert_eq!(seen.line(), format!("GET {wanted} HTTP/1.1"), "{target}");
    }
}

#[test]
fn paths_are_those_of_the_upstream() {
    let under = [("/shop/", "/"), ("/shop/x/y?z=1", "/x/y?z=1"), ("/shop/shop/x", "/shop/x")];
    asked("/shop", "/", &under);
    asked("/shop", "/v1/", &[("/shop/x", "/v1/x"), ("/shop/", "/v1/")]);
    asked("/", "/v1", &[("/x?/y", "/v1/x?/y"), ("/", "/v1/")]);
    // What is checked is one reading of what was asked for, and so is what is passed on.
    asked("/shop", "/v1", &[("/shop/%7Ex", "/v1/~x")]);
}

/// Rules speak of what clients ask for, and nothing reaches what lies beside the upstream's path.
#[test]
fn sec_p1_no_path_leads_out_of_the_upstreams() {
    let upstream = Upstream::start();
    let (gateway, secret) = gateway(&upstream, "/shop", "upstream_path = \"/v1\"");
    for target in [
        "/shop/../admin",
        "/shop/%2e%2e/admin",
        "/shop/..%2fadmin",
        "/shopping",
        "/v1/x",
        "/shop//x",
    ] {
        let status = gateway.ask(gateway.get(target, &secret)).status;
        assert!(matches!(status, 400 | 403), "{target}: {status}");
    }
    assert!(upstream.seen().is_empty());
}

#[test]
fn a_host_is_set_and_the_clients_is_told() {
    let upstream = Upstream::start();
    let (gateway, secret) = gateway(&upstream, "/", "upstream_host = \"Shop.internal:8080\"");
    let spoofed =
        gateway.get("/x", &secret).replace("\r\n\r\n", "\r\nX-Forwarded-Host: evil\r\n\r\n");
    assert_eq!(gateway.ask(spoofed).status, 200);
    let seen = upstream.take().pop().unwrap();
    assert_eq!(seen.value("host").as_deref(), Some("shop.internal:8080"));
    assert_eq!(seen.value("x-forwarded-host").as_deref(), Some("a.example"));
}
