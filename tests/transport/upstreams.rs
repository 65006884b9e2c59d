//! TLS to upstreams: whom they are believed to be, who the gateway is to them, and long bodies. The upstream is nginx.

use std::io::Write;
use std::net::TcpListener;

use tollgate::domain::secret::Digest;

use crate::files::Files;
use crate::support::client::ask;
use crate::support::gateway::Gateway;
use crate::support::process::Nginx;
use crate::support::program::Program;
use crate::support::{PATIENCE, wait_until};

/// More than a record of TLS, and more than the system takes at once.
const LONG: usize = 20 << 20;

/// nginx with a certificate for `up.example`, that asks for ours where `more` says so.
fn nginx(files: &Files, more: &str) -> Nginx {
    files.make("up", &["up.example"]);
    let (chain, key) = (files.path("up.pem"), files.path("up.key"));
    let (chain, key) = (chain.display(), key.display());
    let more = format!(
        "ssl_certificate {chain}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3; {more} location /who {{ return 200 \
         \"$ssl_protocol $ssl_server_name $ssl_client_verify\"; }} location /up {{ return 204; }} \
         location /protocol {{ return 200 $server_protocol; }}"
    );
    Nginx::start(&more, |folder| {
        let long: Vec<_> = (0..LONG).map(|at| (at % 251) as u8).collect();
        std::fs::write(folder.join("long.txt"), long).unwrap();
    })
}

/// One API for each of these settings beside its upstream, under `/a`, `/b`; and a token for all of them.
fn gateway(nginx: &Nginx, apis: &[String]) -> (Gateway, String) {
    let api = |(name, more): (char, &String)| {
        format!(
            "[[apis]]\nname = \"{name}\"\nhost = \"{name}.example\"\nupstream = \"https://{}\"\n{more}\n\
             rules = [{{ path = \"/{{*rest}}\" }}]\n",
            nginx.address()
        )
    };
    let gateway = Gateway::start(&('a'..).zip(apis).map(api).collect::<String>());
    gateway.owner("somebody");
    let secret = gateway.any_token();
    (gateway, secret)
}

fn get(host: &str, path: &str, secret: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {secret}\r\nConnection: close\r\n\r\n"
    )
}

#[test]
fn an_upstream_is_who_its_certificate_says_or_nothing_is_sent() {
    let (files, others) = (Files::new(), Files::new());
    let nginx = nginx(&files, "");
    let ca = |of: &Files| format!("upstream_ca = {:?}", of.path("ca.pem"));
    let named = |name: &str, of: &Files| format!("{}\nupstream_name = \"{name}\"", ca(of));
    let apis = [
        named("up.example", &files),
        named("other.example", &files),
        named("up.example", &others),
        ca(&files),
    ];
    let (gateway, secret) = gateway(&nginx, &apis);
    for _ in 0..3 {
        let who = gateway.ask(get("a.example", "/who", &secret));
        assert_eq!((who.status, who.text()), (200, "TLSv1.3 up.example NONE".to_owned()));
    }
    assert!(gateway.counted(|core| core.connected.value()) <= 2, "a connection is used again");
    for host in ["b.example", "c.example", "d.example"] {
        assert_eq!(gateway.ask(get(host, "/who", &secret)).status, 502, "{host}");
    }
}

#[test]
fn the_gateway_shows_its_own_certificate() {
    let files = Files::new();
    files.make("own", &["gateway.example"]);
    let ca = files.path("ca.pem");
    let ask = format!("ssl_verify_client optional; ssl_client_certificate {};", ca.display());
    let nginx = nginx(&files, &ask);
    let trust = format!("upstream_ca = {ca:?}\nupstream_name = \"up.example\"");
    let own = format!(
        "{trust}\nupstream_certificate = {:?}\nupstream_key = {:?}",
        files.path("own.pem"),
        files.path("own.key")
    );
    let (gateway, secret) = gateway(&nginx, &[own, trust]);
    let verified = |host| gateway.ask(get(host, "/who", &secret)).text();
    assert!(verified("a.example").ends_with(" SUCCESS"), "{}", verified("a.example"));
    assert!(verified("b.example").ends_with(" NONE"), "{}", verified("b.example"));
}

#[test]
fn long_bodies_go_both_ways_whole() {
    let files = Files::new();
    let nginx = nginx(&files, "");
    let trust = format!("upstream_ca = {:?}\nupstream_name = \"up.example\"", files.path("ca.pem"));
    let (gateway, secret) = gateway(&nginx, &[trust]);
    let wanted: Vec<_> = (0..LONG).map(|at| (at % 251) as u8).collect();
    for _ in 0..2 {
        let answer = gateway.ask(get("a.example", "/long.txt", &secret));
        assert_eq!((answer.status, answer.body.len()), (200, LONG));
        assert_eq!(Digest::of(&answer.body), Digest::of(&wanted));
    }
    let head = format!(
        "POST /up HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {secret}\r\nContent-Length: {LONG}\r\n\
         Connection: close\r\n\r\n"
    );
    let answer = gateway.ask([head.as_bytes(), &wanted].concat());
    assert_eq!(answer.status, 204);
}

/// RFC 9113 section 3.2: within TLS HTTP/2 is agreed on by its name, and spoken with nobody who did not agree.
#[test]
fn an_upstream_speaks_http2_within_tls_where_it_agrees_to() {
    let files = Files::new();
    let agrees = nginx(&files, "http2_max_concurrent_streams 64;");
    let trust = format!("upstream_ca = {:?}\nupstream_name = \"up.example\"", files.path("ca.pem"));
    let http2 = format!("{trust}\nupstream_http2 = true");
    let (front, secret) = gateway(&agrees, &[http2.clone(), trust]);
    for _ in 0..3 {
        for (host, protocol) in [("a.example", "HTTP/2.0"), ("b.example", "HTTP/1.1")] {
            let spoken = front.ask(get(host, "/protocol", &secret));
            assert_eq!((spoken.status, spoken.text()), (200, protocol.to_owned()), "{host}");
        }
    }
    let long = front.ask(get("a.example", "/long.txt", &secret));
    assert_eq!((long.status, long.body.len()), (200, LONG));
    let head = format!(
        "POST /up HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {secret}\r\nContent-Length: 5\r\n\
         Connection: close\r\n\r\nhello"
    );
    assert_eq!(front.ask(head).status, 204);
    // One that knows HTTP/1.1 alone is told that the other one is asked for, and refuses.
    let refuses = nginx(&files, "");
    let (front, secret) = gateway(&refuses, &[http2]);
    assert_eq!(front.ask(get("a.example", "/protocol", &secret)).status, 502);
}

/// One that has never heard of agreeing is not spoken to in HTTP/2 by guessing.
#[test]
fn an_upstream_that_agrees_to_nothing_is_502_for_http2() {
    let files = Files::new();
    let (port, heard) = crate::support::tls::server(&files.ca);
    let gateway = Gateway::start(&format!(
        "[[apis]]\nname = \"a\"\nupstream = \"https://localhost:{port}\"\nupstream_ca = {:?}\n\
         upstream_http2 = true\nrules = [{{ path = \"/{{*rest}}\" }}]\n",
        files.path("ca.pem")
    ));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    assert_eq!(gateway.ask(get("a.example", "/x", &secret)).status, 502);
    drop(gateway);
    let heard = heard.join().unwrap().unwrap_or_default();
    assert!(!String::from_utf8_lossy(&heard).contains("/x"), "{heard:?}");
}

/// Without `upstream_ca` it is the machine that says who is trusted, and a reload asks it again.
#[test]
fn a_reload_takes_the_roots_that_the_machine_trusts_by_then() {
    let (files, others) = (Files::new(), Files::new());
    let nginx = nginx(&files, "");
    let roots = files.path("roots.pem");
    let put = |of: &Files| std::fs::copy(of.path("ca.pem"), &roots).unwrap();
    put(&others);
    let program = Program::start_trusting(
        &roots,
        &format!(
            "[[apis]]\nname = \"a\"\nupstream = \"https://{}\"\nupstream_name = \"up.example\"\n\
             rules = [{{ path = \"/who\", public = true }}]\n",
            nginx.address()
        ),
    );
    let status = || ask(program.public(), "GET /who HTTP/1.1\r\nHost: a\r\n\r\n").status;
    assert_eq!(status(), 502);
    for (of, told) in [(&files, 200), (&others, 502)] {
        put(of);
        program.succeed(&["reload"], "");
        assert_eq!(status(), told);
    }
}

#[test]
fn of_an_upstream_without_tls_the_log_says_so() {
    let (files, listener) = (Files::new(), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // Until the other side has had enough, for what is left unread would reset it.
            let mut stream = stream.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    let program = Program::start(&format!(
        "[[apis]]\nname = \"a\"\nupstream = \"https://{}\"\nupstream_ca = {:?}\n\
         rules = [{{ path = \"/{{*rest}}\", public = true }}]\n",
        address,
        files.path("ca.pem")
    ));
    let get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(ask(program.public(), get).status, 502);
    let logged = || String::from_utf8_lossy(&program.logged()).contains("it does not speak TLS");
    wait_until("it is logged", PATIENCE, logged);
}
