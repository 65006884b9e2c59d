//! Real calls: to servers that are allowed, and to inner ones that are not.

use super::*;

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tls::{authority, server as tls_server};

#[path = "../../tests/support/tls.rs"]
#[allow(unreachable_pub, reason = "other tests are outside of this crate")]
mod tls;

const LOOPBACK: &str = "127.0.0.0/8";

/// A server that answers one call, and tells what it was sent.
fn server(answer: &'static str) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut said = vec![0; 4_096];
        let length = stream.read(&mut said).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(said[..length].to_vec()).unwrap()
    });
    (address, thread)
}

fn client(allow: &[&str]) -> Egress {
    trusting(allow, &authority().pem())
}

fn trusting(allow: &[&str], ca: &str) -> Egress {
    let allow: Vec<_> = allow.iter().map(|network| network.parse().unwrap()).collect();
    Egress::new(&allow, Some(ca.as_bytes())).unwrap()
}

async fn post(client: &Egress, url: &str) -> Result<StatusCode, EgressError> {
    client.post(&Target::parse(url).unwrap(), HeaderMap::new(), Bytes::from_static(b"{}")).await
}

#[tokio::test]
async fn what_is_allowed_is_called_and_tells_its_status() {
    let (address, thread) = server("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    let status = post(&client(&[LOOPBACK]), &format!("http://{address}/hook?a=b")).await.unwrap();
    assert_eq!(status, 202);
    let said = thread.join().unwrap();
    assert!(said.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{said}");
    assert!(said.to_lowercase().contains(&format!("host: {address}\r\n")), "{said}");
}

#[tokio::test]
async fn sec_f1_inner_targets_are_refused_before_anything_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = client(&[]);
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1"] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/latest/meta-data/");
            let error = post(&client, &url).await.unwrap_err();
            // Some spellings of an address are no name that a certificate could have.
            let nameless = scheme == "https" && !host.contains(':') && host != "localhost";
            match error {
                EgressError::Denied(Denied::Inner(_)) => {}
                EgressError::Failed(_) if nameless => {}
                other => panic!("{url}: {other}"),
            }
        }
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn sec_f1_a_redirect_is_an_answer_and_not_followed() {
    let inner = TcpListener::bind("127.0.0.1:0").unwrap();
    inner.set_nonblocking(true).unwrap();
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n",
        inner.local_addr().unwrap()
    );
    let (address, thread) = server(answer.leak());
    let status = post(&client(&[LOOPBACK]), &format!("http://{address}/")).await.unwrap();
    assert_eq!(status, 307);
    thread.join().unwrap();
    assert_eq!(inner.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn sec_f1_a_name_that_flips_is_judged_each_time() {
    use tower_service::Service as _;
    let turn = AtomicUsize::new(0);
    let flips = move |_: String| -> std::pin::Pin<Box<dyn Future<Output = _> + Send>> {
        let inner = turn.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        let address: IpAddr = if inner { [127, 0, 0, 1] } else { [1, 1, 1, 1] }.into();
        Box::pin(async move { Ok(vec![SocketAddr::new(address, 0)]) })
    };
    let mut guarded = Guarded::new(&[], true).with_lookup(Arc::new(flips));
    let name = || "flips.example".parse().unwrap();
    let good: Vec<_> = guarded.call(name()).await.unwrap().collect();
    assert_eq!(good, ["1.1.1.1:0".parse().unwrap()]);
    let refused = guarded.call(name()).await.unwrap_err();
    assert!(refused.get_ref().unwrap().is::<Denied>(), "{refused}");
    // Of several answers only those that may be called are.
    let both = |_: String| -> std::pin::Pin<Box<dyn Future<Output = _> + Send>> {
        Box::pin(async { Ok(vec![([10, 0, 0, 1], 0).into(), ([1, 1, 1, 1], 0).into()]) })
    };
    let mut guarded = Guarded::new(&[], true).with_lookup(Arc::new(both));
    assert_eq!(guarded.call(name()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn certificates_are_those_of_whom_the_operator_trusts() {
    let (mine, other) = (authority(), authority());
    let allow = [LOOPBACK, "::1/128"];
    let (port, thread) = tls_server(&mine);
    let url = format!("https://localhost:{port}/");
    assert_eq!(post(&trusting(&allow, &mine.pem()), &url).await.unwrap(), 204);
    thread.join().unwrap().unwrap();
    let (port, thread) = tls_server(&mine);
    let url = format!("https://localhost:{port}/");
    let error = post(&trusting(&allow, &other.pem()), &url).await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
    assert!(thread.join().unwrap().is_err());
}

#[test]
fn certificates_that_cannot_be_read_are_told() {
    for bad in ["", "no pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = Egress::new(&[], Some(bad.as_bytes())).unwrap_err();
        assert!(matches!(error, SetupError::BadRoots(_)), "{error}");
    }
}
