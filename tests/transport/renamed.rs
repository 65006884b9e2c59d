//! An upstream that is elsewhere than its API: under another path, with another host.

use crate::support::gateway::Gateway;
use crate::support::recorder::{Recorder, Told};
use crate::support::upstream::Upstream;

/// An upstream of either version.
enum Behind {
    Http1(Upstream),
    Http2(Recorder),
}

impl Behind {
    fn both() -> [Self; 2] {
        [Self::Http1(Upstream::start()), Self::Http2(Recorder::start())]
    }

    /// A gateway before it, and a token that opens it.
    fn gateway(&self, path: &str, more: &str) -> (Gateway, String) {
        let (address, version) = match self {
            Self::Http1(upstream) => (upstream.address(), ""),
            Self::Http2(recorder) => (recorder.address(), "upstream_http2 = true"),
        };
        let gateway = Gateway::start(&format!(
            "[[apis]]\nname = \"a\"\npath = \"{path}\"\nupstream = \"http://{address}\"\n{version}\n{more}\n\
             rules = [{{ path = \"{}/{{*rest}}\" }}]\n",
            path.trim_end_matches('/')
        ));
        gateway.owner("somebody");
        let secret = gateway.any_token();
        (gateway, secret)
    }

    /// Everything that came since it was asked last.
    fn take(&self) -> Vec<Told> {
        match self {
            Self::Http1(upstream) => upstream.take().iter().map(Told::from).collect(),
            Self::Http2(recorder) => recorder.take(),
        }
    }

    /// The one request that came since it was asked last.
    fn take_one(&self) -> Told {
        let mut all = self.take();
        assert_eq!(all.len(), 1, "requests at the upstream: {all:?}");
        all.remove(0)
    }
}

/// What the upstream is asked for in place of each of these, with the host that the client named.
fn asked(path: &str, instead: &str, targets: &[(&str, &str)]) {
    for upstream in Behind::both() {
        let (gateway, secret) = upstream.gateway(path, &format!("upstream_path = \"{instead}\""));
        for (target, wanted) in targets {
            assert_eq!(gateway.ask(gateway.get(target, &secret)).status, 200, "{target}");
            let Told { method, target: path, authority, .. } = upstream.take_one();
            let told = [&*method, &*path, &*authority];
            assert_eq!(told, ["GET", *wanted, "a.example"], "{target}");
        }
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
    for upstream in Behind::both() {
        let (gateway, secret) = upstream.gateway("/shop", "upstream_path = \"/v1\"");
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
        assert!(upstream.take().is_empty());
    }
}

#[test]
fn a_host_is_set_and_the_clients_is_told() {
    for upstream in Behind::both() {
        let (gateway, secret) = upstream.gateway("/", "upstream_host = \"Shop.internal:8080\"");
        let spoofed =
            gateway.get("/x", &secret).replace("\r\n\r\n", "\r\nX-Forwarded-Host: evil\r\n\r\n");
        assert_eq!(gateway.ask(spoofed).status, 200);
        let told = upstream.take_one();
        assert_eq!(told.authority, "shop.internal:8080");
        assert_eq!(told.value("x-forwarded-host"), Some("a.example"));
        // Over HTTP/2 `:authority` alone says it.
        assert_eq!(told.value("host"), None);
    }
}
