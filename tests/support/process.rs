//! Servers that we did not write: the distribution's nginx and HAProxy, and httpbin from the Python registry.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use tollgate::clock::instant;

use super::PATIENCE;

/// A process that ends with this value.
pub struct Process(Child);

impl Process {
    /// Starts it.
    pub fn spawn(command: &mut Command) -> Self {
        let child = command.spawn();
        Self(child.unwrap_or_else(|error| {
            panic!("{:?}: {error}; run tests/prepare.sh", command.get_program())
        }))
    }

    /// The process.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(&mut self) {
        let pid = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let (Some(pid), Ok(None)) = (pid, self.0.try_wait()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let until = instant() + PATIENCE;
        while matches!(self.0.try_wait(), Ok(None)) {
            if instant() > until {
                let _ = self.0.kill();
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// nginx with static files.
pub struct Nginx {
    process: Process,
    address: SocketAddr,
    folder: TempDir,
}

impl Nginx {
    /// Starts it over a folder of files that `fill` makes; `more` goes into its `server` block.
    pub fn start(more: &str, fill: impl Fn(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = folder.path().join("files");
        fs::create_dir(&files).unwrap();
        fill(&files);
        for _ in 0..10 {
            let address = free_address();
            let configuration = configuration(address, &files, more);
            let written = folder.path().join("nginx.conf");
            fs::write(&written, configuration).unwrap();
            let mut command = Command::new(program("nginx"));
            command.arg("-p").arg(folder.path()).arg("-c").arg(&written);
            let log = fs::File::create(folder.path().join("stderr.log")).unwrap();
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
            let mut process = Process::spawn(&mut command);
            if listens(&mut process, address) {
                return Self { process, address, folder };
            }
        }
        let log = fs::read_to_string(folder.path().join("stderr.log")).unwrap_or_default();
        panic!("nginx does not start: {log}");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// HAProxy in front of something.
pub struct Haproxy {
    address: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Haproxy {
    /// Starts it: `bind` goes behind the address at which it listens, `frontend` into that section, `server` behind the address
    /// `to` in the other one.
    pub fn start(mode: &str, bind: &str, frontend: &str, to: SocketAddr, server: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let written = folder.path().join("haproxy.cfg");
        for _ in 0..10 {
            let address = free_address();
            let text = format!(
                "global\n nbthread 1\n maxconn 256\n\
                 defaults\n mode {mode}\n timeout connect 30s\n timeout client 30s\n timeout server 30s\n\
                 frontend in\n bind {address} {bind}\n {frontend}\n default_backend out\n\
                 backend out\n server one {to} {server}\n"
            );
            fs::write(&written, text).unwrap();
            let mut command = Command::new(program("haproxy"));
            command.arg("-db").arg("-f").arg(&written);
            let log = fs::File::create(folder.path().join("stderr.log")).unwrap();
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
            let mut process = Process::spawn(&mut command);
            if listens(&mut process, address) {
                return Self { address, _process: process, _folder: folder };
            }
        }
        let log = fs::read_to_string(folder.path().join("stderr.log")).unwrap_or_default();
        panic!("HAProxy does not start: {log}");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn program(name: &str) -> PathBuf {
    // Debian keeps servers out of the path of ordinary people.
    let debian = Path::new("/usr/sbin").join(name);
    if debian.exists() { debian } else { name.into() }
}

fn configuration(address: SocketAddr, files: &Path, more: &str) -> String {
    // Without `user`, a master run by root would hand requests to somebody who cannot read the files.
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let root = files.display();
    let ssl = if more.contains("ssl_certificate") { " ssl" } else { "" };
    // Said where it listens, until nginx 1.25.
    let http2 = if more.contains("http2_") { " http2" } else { "" };
    format!(
        "{user} daemon off; master_process off; pid nginx.pid; error_log stderr warn;\n\
         events {{ worker_connections 512; }}\n\
         http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy;\n\
         fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
         types {{ text/html html; text/plain txt; application/json json; }}\n\
         client_max_body_size 0; large_client_header_buffers 8 64k;\n\
         server {{ listen {address}{ssl}{http2}; root {root}; {more} }} }}\n"
    )
}

/// httpbin under gunicorn.
pub struct Httpbin {
    process: Process,
    address: SocketAddr,
    folder: TempDir,
}

impl Httpbin {
    /// Starts it.
    pub fn start() -> Self {
        let gunicorn = venv().join("bin/gunicorn");
        assert!(gunicorn.exists(), "`{}` is missing; run tests/prepare.sh", gunicorn.display());
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(gunicorn);
        command
            .args(["--bind", "127.0.0.1:0", "--worker-class", "gthread", "--threads", "16"])
            .args(["--keep-alive", "60", "--limit-request-line", "0", "httpbin:app"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = Process::spawn(&mut command);
        let mut lines = BufReader::new(process.child().stderr.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("Listening at: http://")?.1.to_owned()))
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .expect("gunicorn says where it listens");
        // A full pipe would stop it.
        thread::spawn(move || lines.for_each(drop));
        Self { process, address, folder }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn venv() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("tests/httpbin")
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Whether it comes to listen before it ends.
fn listens(process: &mut Process, address: SocketAddr) -> bool {
    let until = instant() + PATIENCE;
    while instant() < until && matches!(process.child().try_wait(), Ok(None)) {
        if TcpStream::connect(address).is_ok() {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    false
}
