//! Long bodies pass at constant memory, up and down, with their length told or not. `tests/tools/run large` does it with several GB.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use crate::files::Files;
use crate::support::program::Program;

/// Far more than anything between a client and an upstream could keep unnoticed.
const LONG: u64 = 96 << 20;

/// What the gateway may take beyond what it had: of a build without optimisation, with the machine at other work.
const MORE: u64 = 24 << 20;

/// Counts what it is sent, and sends as much as it is asked for, and keeps nothing.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It ends with the tests.
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    address
}

fn serve(mut client: TcpStream) {
    let mut reader = BufReader::with_capacity(1 << 18, client.try_clone().unwrap());
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let head = head.to_ascii_lowercase();
        if head.starts_with("get ") {
            give(&mut client, head.contains("/chunked"));
            continue;
        }
        let _ = client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let count = match length {
            Some(length) => skip(&mut reader, length.parse().unwrap()),
            None => skip_chunks(&mut reader),
        };
        let count = count.to_string();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{count}", count.len());
        let _ = client.write_all(answer.as_bytes());
    }
}

fn skip(reader: &mut impl Read, length: u64) -> u64 {
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).unwrap_or(0)
}

fn skip_chunks(reader: &mut BufReader<TcpStream>) -> u64 {
    let (mut count, mut line) = (0, String::new());
    loop {
        line.clear();
        let _ = reader.read_line(&mut line);
        let size = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
        count += skip(reader, size);
        skip(reader, 2);
        if size == 0 {
            return count;
        }
    }
}

fn give(client: &mut TcpStream, chunked: bool) {
    let piece = vec![b'x'; 1 << 18];
    let framing = match chunked {
        true => "Transfer-Encoding: chunked".to_owned(),
        false => format!("Content-Length: {LONG}"),
    };
    let _ = client.write_all(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n").as_bytes());
    for _ in 0..LONG / piece.len() as u64 {
        let sent = match chunked {
            true => client
                .write_all(b"40000\r\n")
                .and_then(|()| client.write_all(&piece))
                .and_then(|()| client.write_all(b"\r\n")),
            false => client.write_all(&piece),
        };
        if sent.is_err() {
            return;
        }
    }
    if chunked {
        let _ = client.write_all(b"0\r\n\r\n");
    }
}

#[test]
fn long_bodies_pass_at_constant_memory() {
    let files = Files::new();
    files.make("own", &["a.example"]);
    File::create(files.path("long")).unwrap().set_len(LONG).unwrap();
    let mut program = Program::start_with(
        "h2c = false",
        &format!(
            "[[tls.certificates]]\nchain = {:?}\nkey = {:?}\n[[apis]]\nname = \"a\"\nupstream = \"http://{}\"\n\
             rules = [{{ path = \"/{{*rest}}\" }}]\n",
            files.path("own.pem"),
            files.path("own.key"),
            upstream()
        ),
    );
    program.succeed(&["user", "add", "alice"], "");
    let create = ["token", "create", "--owner", "alice", "--name", "x", "--secret-only"];
    let secret = program.succeed(&create, "");
    let address = program.public();
    let curl = |version: &str, way: &str, framing: &str| {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--fail", "--max-time", "300", version]);
        command.args(["--header", &format!("Authorization: Bearer {}", secret.trim())]);
        command.arg("--cacert").arg(files.path("ca.pem"));
        command.args(["--connect-to", &format!("a.example:443:{address}")]);
        match (way, framing) {
            ("down", _) => {
                command.args(["--output", "/dev/null", "--write-out", "%{size_download}"])
            }
            (_, "length") => command.arg("--upload-file").arg(files.path("long")),
            // It reads on without knowing how long that is.
            _ => command.args(["--upload-file", "-"]),
        };
        command.arg(format!("https://a.example/{framing}"));
        command.stdin(Stdio::from(File::open(files.path("long")).unwrap()));
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert_eq!(String::from_utf8_lossy(&said), LONG.to_string(), "{version} {way} {framing}");
    };
    // What a first connection takes is not looked at.
    curl("--http2", "down", "length");
    for (version, way, framing) in [
        ("--http1.1", "up", "chunked"),
        ("--http1.1", "down", "length"),
        ("--http2", "up", "length"),
        ("--http2", "down", "chunked"),
    ] {
        let before = program.resident_bytes();
        let most = program.most_resident_bytes(|| curl(version, way, framing));
        assert!(most < before + MORE, "{version} {way} {framing}: {before} bytes, then {most}");
    }
}
