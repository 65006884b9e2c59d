//! WebSockets to upstreams that speak HTTP/2 alone (RFC 8441), for clients of HTTP/1.1 and of HTTP/2.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::ext::Protocol;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::streams::BOUND;
use crate::support::client::Client;
use crate::support::frames::{DATA, END_HEADERS, END_STREAM, Frames, HEADERS, block, field};
use crate::support::gateway::Gateway;
use crate::support::steps::Steps;
use crate::support::upstream::{Seen, Step, Upstream, answer};
use crate::support::{PATIENCE, wait_until};
use crate::websockets::{agrees, code, frame, handshake, over_http2};

/// What an upstream was asked, and all that it was told.
enum Heard {
    Asked(Box<Parts>),
    Told(Vec<u8>),
}

impl Heard {
    fn asked(self) -> Parts {
        match self {
            Self::Asked(parts) => *parts,
            Self::Told(told) => panic!("told {told:?}"),
        }
    }

    fn told(self) -> Vec<u8> {
        match self {
            Self::Told(told) => told,
            Self::Asked(parts) => panic!("asked {parts:?}"),
        }
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A server of HTTP/2 that sends back what it is told on a stream, if it `takes` WebSockets; it answers others `plain`.
fn server(takes: bool) -> (SocketAddr, Receiver<Heard>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let (tell, heard) = channel();
    let serve = async move {
        let listener = TcpListener::from_std(listener).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let tell = tell.clone();
            let service = service_fn(move |request| answered(request, tell.clone()));
            let mut builder = Builder::new(TokioExecutor::new());
            if takes {
                builder.enable_connect_protocol();
            }
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    };
    thread::spawn(move || runtime().block_on(serve));
    (address, heard)
}

async fn answered(
    mut request: Request<Incoming>,
    tell: Sender<Heard>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let refused = request.uri().path() == "/refused";
    let opens = *request.method() == Method::CONNECT && !refused;
    let stream = opens.then(|| hyper::upgrade::on(&mut request));
    let _ = tell.send(Heard::Asked(Box::new(request.into_parts().0)));
    let Some(stream) = stream else {
        let status = if refused { 403 } else { 200 };
        let answer = Response::builder().status(status).body(Full::from("plain"));
        return Ok(answer.unwrap());
    };
    tokio::spawn(async move {
        let mut stream = TokioIo::new(stream.await.unwrap());
        let (mut told, mut piece) = (Vec::new(), vec![0; 65_536]);
        while let Ok(length) = stream.read(&mut piece).await
            && length > 0
        {
            told.extend_from_slice(&piece[..length]);
            if stream.write_all(&piece[..length]).await.is_err() {
                break;
            }
        }
        let _ = tell.send(Heard::Told(told));
    });
    let answer = Response::builder().header("sec-websocket-protocol", "chat");
    // It is no word of HTTP/2, and not believed.
    Ok(answer.header("sec-websocket-accept", "whatever").body(Full::default()).unwrap())
}

fn gateway(upstream: SocketAddr, more: &str) -> Gateway {
    let gateway = Gateway::start(&format!(
        "[[apis]]\nname = \"a\"\nupstream = \"http://{upstream}\"\n{more}\nrules = [{{ path = \"/{{*rest}}\" }}]\n"
    ));
    gateway.owner("somebody");
    gateway
}

const HTTP2: &str = "upstream_http2 = true";

fn check(asked: &Parts) {
    assert_eq!(asked.method, Method::CONNECT);
    assert_eq!(asked.extensions.get::<Protocol>().map(Protocol::as_str), Some("websocket"));
    assert_eq!(asked.uri.to_string(), "http://a.example/talk?room=1");
    assert_eq!(asked.headers["sec-websocket-version"], "13");
    for gone in
        ["authorization", "connection", "upgrade", "sec-websocket-key", "host", "content-length"]
    {
        assert!(!asked.headers.contains_key(gone), "{gone}: {:?}", asked.headers);
    }
}

/// Row X1: it ends with its token (design.md section 6).
#[test]
fn rfc_8441_a_websocket_over_http1_goes_both_ways_to_an_upstream_of_http2_and_ends_with_its_token()
{
    let (address, heard) = server(true);
    let gateway = gateway(address, HTTP2);
    let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
    let mut client = Client::connect(gateway.public());
    client.send(handshake(&made.secret));
    let head = String::from_utf8(client.read_to("\r\n\r\n")).unwrap().to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    for line in [
        "upgrade: websocket",
        "connection: upgrade",
        "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=",
        "sec-websocket-protocol: chat",
    ] {
        assert_eq!(head.matches(line).count(), 1, "{head}");
    }
    assert_eq!(head.matches("sec-websocket-accept").count(), 1, "{head}");
    let asked = heard.recv_timeout(PATIENCE).unwrap().asked();
    check(&asked);
    assert_eq!(asked.headers["sec-websocket-protocol"], "chat");
    // Frames of a client, masked with zeros: what comes back is taken for a server's.
    let long =
        [&[0x82, 0xff, 0, 0, 0, 0, 0, 0x2d, 0xc6, 0xc0, 0, 0, 0, 0][..], &vec![7; 3_000_000]];
    let long = long.concat();
    let sent = long.clone();
    let mut writer = client.stream().try_clone().unwrap();
    let writes = thread::spawn(move || std::io::Write::write_all(&mut writer, &sent).unwrap());
    let mut came = vec![0; long.len()];
    std::io::Read::read_exact(&mut client.stream(), &mut came).unwrap();
    writes.join().unwrap();
    assert!(came == long);
    assert_eq!(gateway.counted(|core| core.tunnels.value()), 1);
    gateway.revoke(made.id);
    let begun = Steps::begin();
    assert_eq!(code(&client.rest()), Some(1008));
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    let told = heard.recv_timeout(PATIENCE).unwrap().told();
    assert_eq!(told[..long.len()], long);
    assert_eq!(told.get(long.len()..long.len() + 1), Some(&[0x88][..]), "a close frame");
    wait_until("it is still open", PATIENCE, || gateway.counted(|core| core.tunnels.value()) == 0);
}

#[test]
fn an_upstream_of_http2_that_closes_or_refuses_is_heard() {
    let (address, heard) = server(true);
    let gateway = gateway(address, HTTP2);
    let secret = gateway.any_token();
    let refused = gateway.ask(handshake(&secret).replace("/talk", "/refused"));
    assert_eq!((refused.status, refused.text()), (403, "plain".to_owned()));
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap().asked().method, Method::CONNECT);
    let mut client = Client::connect(gateway.public());
    client.send(handshake(&secret));
    client.read_to("\r\n\r\n");
    heard.recv_timeout(PATIENCE).unwrap().asked();
    client.send(frame("last"));
    assert_eq!(client.read_to("last"), frame("last"));
    // Its end passes to the upstream, and that of the upstream back.
    client.finish();
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap().told(), frame("last"));
    assert_eq!(client.rest(), b"");
}

async fn connected(address: SocketAddr) -> SendRequest<http_body_util::Empty<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let shaken =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut client, connection) = shaken.unwrap();
    tokio::spawn(connection);
    // With its answer it is known that the other side knows of such streams.
    assert_eq!(client.send_request(over_http2("tg_wrong", None)).await.unwrap().status(), 401);
    client
}

#[test]
fn rfc_8441_a_websocket_passes_from_stream_to_stream() {
    let (address, heard) = server(true);
    let gateway = gateway(address, HTTP2);
    let secret = gateway.any_token();
    let runtime = runtime();
    runtime.block_on(async {
        let mut client = connected(gateway.public()).await;
        let answer = client.send_request(over_http2(&secret, Some("websocket"))).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(!answer.headers().contains_key("sec-websocket-accept"));
        assert_eq!(answer.headers()["sec-websocket-protocol"], "chat");
        let mut stream = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
        stream.write_all(&frame("there and back")).await.unwrap();
        let mut came = vec![0; frame("there and back").len()];
        stream.read_exact(&mut came).await.unwrap();
        assert_eq!(came, frame("there and back"));
        stream.shutdown().await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    });
    check(&heard.recv_timeout(PATIENCE).unwrap().asked());
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap().told(), frame("there and back"));
}

/// RFC 6455 section 4.1: the key is the gateway's own where its client speaks HTTP/2, and so it is for the gateway to see
/// whether the answer is that to its key.
#[test]
fn rfc_6455_4_1_an_upstream_that_answers_another_key_opens_no_websocket() {
    let upstream = Upstream::scripted(|seen| {
        let head = String::from_utf8(seen.head.clone()).unwrap();
        if seen.value("upgrade").is_none() {
            return answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain");
        }
        let right = agrees(&head);
        let (before, line) = right.split_once("Sec-WebSocket-Accept").unwrap();
        let line = format!("Sec-WebSocket-Accept{}", line.trim_end());
        let lines = match seen.value("x-row").unwrap().as_str() {
            "none" => String::new(),
            "empty" => "Sec-WebSocket-Accept: \r\n".to_owned(),
            "another" => "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n".to_owned(),
            "longer" => format!("{line}=\r\n"),
            "twice" => format!("{line}\r\n{line}\r\n"),
            _ => format!("{line}\r\n"),
        };
        vec![Step::TakeBody, Step::Send(format!("{before}{lines}\r\n").into_bytes()), Step::Stall]
    });
    let gateway = gateway(upstream.address(), "");
    let secret = gateway.any_token();
    runtime().block_on(async {
        let mut client = connected(gateway.public()).await;
        for row in ["none", "empty", "another", "longer", "twice", "right"] {
            let mut asked = over_http2(&secret, Some("websocket"));
            asked.headers_mut().insert("x-row", row.parse().unwrap());
            let status = client.send_request(asked).await.unwrap().status();
            assert_eq!(status, if row == "right" { 200 } else { 502 }, "{row}");
            assert_eq!(client.send_request(over_http2(&secret, None)).await.unwrap().status(), 200);
        }
    });
    let seen = upstream.take();
    let talks: Vec<_> = seen.iter().filter(|seen| seen.value("x-row").is_some()).collect();
    assert_eq!(talks.len(), 6);
    for talk in talks {
        let later = |seen: &&Seen| seen.connection == talk.connection && seen.number > talk.number;
        assert_eq!(seen.iter().filter(later).count(), 0, "its connection is used again");
    }
    // A client of HTTP/1.1 looks for itself.
    let mut client = Client::connect(gateway.public());
    client.send(handshake(&secret).replace("\r\n\r\n", "\r\nX-Row: none\r\n\r\n"));
    assert!(client.read_to("\r\n\r\n").starts_with(b"HTTP/1.1 101 "));
}

/// RFC 9110 section 7.8: an upgrade that is not known is ignored. Over HTTP/2 a success would open a stream behind which
/// nobody is, so that it is none.
#[test]
fn an_upstream_that_takes_no_websockets_is_asked_for_what_remains_and_opens_none() {
    let (http2, heard) = server(false);
    let http1 = Upstream::scripted(|_| answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain"));
    for (address, more) in [(http2, HTTP2), (http1.address(), "")] {
        let gateway = gateway(address, more);
        let secret = gateway.any_token();
        // The first finds out, the second knows.
        for _ in 0..2 {
            let answer = gateway.ask(handshake(&secret));
            assert_eq!((answer.status, answer.text()), (200, "plain".to_owned()), "{more}");
        }
        runtime().block_on(async {
            let mut client = connected(gateway.public()).await;
            let asked = over_http2(&secret, Some("websocket"));
            assert_eq!(client.send_request(asked).await.unwrap().status(), 502, "{more}");
        });
        assert_eq!(gateway.counted(|core| core.tunnels.value()), 0);
    }
    let asked: Vec<_> = heard.try_iter().map(|heard| heard.asked().method).collect();
    assert_eq!(asked, [Method::GET; 3]);
}

/// sec-S6 over HTTP/2: what stands behind a handshake that is refused is nobody's, also where it reads as a request.
#[test]
fn sec_s6_data_behind_a_connect_that_is_refused_is_no_request() {
    let (takes, heard) = server(true);
    let (takes_none, heard_of_none) = server(false);
    let http1 = Upstream::scripted(|seen| {
        let status = if seen.line().contains("/refused") { 403 } else { 200 };
        answer(&format!("HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\nplain"))
    });
    for (address, more, path, status) in [
        (http1.address(), "", "/refused", 403),
        (http1.address(), "", "/talk", 502),
        (takes, HTTP2, "/refused", 403),
        (takes_none, HTTP2, "/talk", 502),
    ] {
        let gateway = gateway(address, more);
        let secret = gateway.any_token();
        let smuggled = gateway.get("/smuggled", &secret);
        let version = [("sec-websocket-version", "13")];
        let connect = [field(":protocol", "websocket"), block("CONNECT", path, &secret, &version)];
        let mut frames = Frames::connect(gateway.public(), 1 << 16);
        frames.send(HEADERS, END_HEADERS, 1, &connect.concat());
        frames.send(DATA, 0, 1, smuggled.as_bytes());
        assert_eq!(frames.reply(1).status, Some(status), "{path} {more}");
        // Also behind the answer.
        frames.send(DATA, END_STREAM, 1, smuggled.as_bytes());
        frames.get(3, "/next", &secret);
        assert_eq!(frames.reply(3).status, Some(200), "{path} {more}");
    }
    let lines: Vec<_> = http1.take().iter().map(Seen::line).collect();
    let wanted = ["/refused", "/next", "/talk", "/next"];
    assert_eq!(lines, wanted.map(|path| format!("GET {path} HTTP/1.1")));
    for (heard, wanted) in
        [(heard, ["CONNECT /refused", "GET /next"]), (heard_of_none, ["GET /talk", "GET /next"])]
    {
        let asked = heard.try_iter().map(Heard::asked);
        let asked = asked.map(|asked| format!("{} {}", asked.method, asked.uri.path()));
        assert_eq!(asked.collect::<Vec<_>>(), wanted);
    }
}
