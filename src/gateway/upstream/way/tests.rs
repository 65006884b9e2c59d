//! What TLS has taken of a request and the upstream has not.

use super::*;

use std::future::poll_fn;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::task::Waker;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::LocalSet;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, server};

use crate::gateway::alarm::Alarms;
use crate::gateway::descriptors::Descriptors;
use crate::gateway::targets::Target;
use crate::gateway::upstream::halves::Fresh;
use crate::gateway::upstream::{Coding, Wanted};

#[path = "../../../../tests/support/tls.rs"]
#[allow(
    unreachable_pub,
    dead_code,
    clippy::duplicate_mod,
    reason = "other rooms and other tests use it too, which are not seen from here"
)]
mod tls;

/// What sockets hold of what nobody reads; the system doubles it.
const SOCKET_BYTES: u32 = 16 << 10;

const PATIENCE: Duration = Duration::from_secs(10);

/// A way within TLS, and whoever is at its end and has read nothing.
async fn within_tls() -> (Way, server::TlsStream<TcpStream>) {
    let ca = tls::authority();
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let caller =
        ClientConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into());
    let caller = caller.with_safe_default_protocol_versions().unwrap();
    let caller = caller.with_root_certificates(roots).with_no_client_auth();
    let [listener, socket] = [(); 2].map(|()| TcpSocket::new_v4().unwrap());
    listener.set_recv_buffer_size(SOCKET_BYTES).unwrap();
    socket.set_send_buffer_size(SOCKET_BYTES).unwrap();
    listener.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let listener = listener.listen(1).unwrap();
    let stream = socket.connect(listener.local_addr().unwrap()).await.unwrap();
    let accepted = listener.accept().await.unwrap().0;
    let name = ServerName::try_from("localhost").unwrap();
    let (connector, acceptor) =
        (TlsConnector::from(Arc::new(caller)), TlsAcceptor::from(Arc::new(tls::config(&ca))));
    let (stream, upstream) =
        tokio::join!(connector.connect(name, stream), acceptor.accept(accepted));
    let place = Descriptors::default().upstream().unwrap();
    let stream = Fresh::Tls(Box::new(stream.unwrap()));
    let connection = Connection::new(stream, place, Alarms::new().add(), &Target::sample(), 0);
    (Way::Http1(Box::new(connection)), upstream.unwrap())
}

/// RFC 9112 section 9.3: an upstream may answer before it has read all of a request, and gets the rest on that connection;
/// nobody else's request may stand behind it before.
#[tokio::test]
async fn rfc9112_9_3_what_lies_in_tls_when_the_answer_comes_goes_out_too() {
    let (scratch, mut left) = (Scratch::default(), 0);
    // Somewhere between what the sockets hold and that with what TLS takes beside.
    for bytes in (1..=12).map(|each| each * (24 << 10)) {
        let (mut way, mut upstream) = within_tls().await;
        let wanted = Wanted { lines: true, ..Wanted::default() };
        let (sent, fields) = (vec![b'x'; bytes], http::HeaderMap::new());
        let mut request = Outgoing::new(sent, None, Coding::Length(0), wanted, fields);
        let mut context = Context::from_waker(Waker::noop());
        assert!(way.poll_exchange(&mut request, &scratch, &mut context).is_pending());
        upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        let answered = poll_fn(|context| way.poll_exchange(&mut request, &scratch, context));
        assert_eq!(answered.await.unwrap().response.status(), 200);
        let goes_on = way.has_more(&request);
        assert_ne!(way.has_all(&request), goes_on, "{bytes}");
        left += usize::from(goes_on);
        let rest = async {
            if goes_on {
                way.leave(&mut request, |_| false);
            }
            timeout(PATIENCE, upstream.read_exact(&mut vec![0; bytes])).await
        };
        let came = LocalSet::new().run_until(rest).await;
        assert!(came.is_ok_and(|came| came.is_ok()), "all {bytes} bytes never came: {goes_on}");
    }
    assert!(left > 0, "the sockets held everything");
}
