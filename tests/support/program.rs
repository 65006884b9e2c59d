//! The real binary: a server in a process of its own, and commands beside it.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tollgate::clock::instant;

use super::PATIENCE;
use super::process::Process;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tollgate");

/// A running server.
pub struct Program {
    process: Process,
    /// The process that took its place.
    successor: Option<rustix::process::Pid>,
    public: SocketAddr,
    admin: SocketAddr,
    source: PathBuf,
    folder: TempDir,
}

/// What its machine is like.
#[derive(Clone, Copy, Default)]
struct Start<'a> {
    moment: Option<&'a str>,
    roots: Option<&'a Path>,
}

impl Program {
    /// Starts one with `more` beside what every test needs.
    pub fn start(more: &str) -> Self {
        Self::start_with("h2c = false", more)
    }

    /// The same with a setting of its own in `[listen]`.
    pub fn start_with(listen: &str, more: &str) -> Self {
        Self::begin(listen, more, None, Start::default())
    }

    /// The same on a machine that trusts those who are in this file.
    pub fn start_trusting(roots: &Path, more: &str) -> Self {
        Self::begin("h2c = false", more, None, Start { roots: Some(roots), ..Start::default() })
    }

    /// The same whose wall clock stands at this moment until it is set. It needs the feature `test-clock`.
    pub fn start_at(moment: &str, more: &str) -> Self {
        let start = Start { moment: Some(moment), ..Start::default() };
        Self::begin("h2c = false", more, None, start)
    }

    /// The same where so many files may be open.
    pub fn start_with_files(files: u64, more: &str) -> Self {
        Self::begin("h2c = false", more, Some(files), Start::default())
    }

    fn begin(listen: &str, more: &str, files: Option<u64>, start: Start<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if let Some(moment) = start.moment {
            fs::write(folder.path().join("clock"), moment).unwrap();
        }
        if let Some(roots) = start.roots {
            std::os::unix::fs::symlink(roots, folder.path().join("roots.pem")).unwrap();
        }
        let source = folder.path().join("tollgate.toml");
        let key = folder.path().join("master.key");
        fs::write(&key, "5a".repeat(32)).unwrap();
        let allowed = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&key, allowed).unwrap();
        let base = format!(
            "listen = {{ public = \"127.0.0.1:0\", admin = \"127.0.0.1:0\", cores = 2, {listen} }}\n\
             store = {{ path = {data:?}, reserve = \"1 MiB\", index_cache = \"8 MiB\", master_key = \"file:{key}\" }}\n",
            data = folder.path().join("data"),
            key = key.display(),
        );
        fs::write(&source, base + more).unwrap();
        let (process, [public, admin]) = serve(&source, folder.path(), files, None);
        Self { process, successor: None, public, admin, source, folder }
    }

    /// Sets its wall clock, which it sees some milliseconds later.
    pub fn set_clock(&self, moment: &str) {
        let (new, clock) = (self.folder.path().join("clock.new"), self.folder.path().join("clock"));
        fs::write(&new, moment).unwrap();
        fs::rename(new, clock).unwrap();
    }

    /// Where clients come in.
    pub fn public(&self) -> SocketAddr {
        self.public
    }

    /// Where metrics and health are answered.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The file that it is configured from.
    pub fn source(&self) -> &Path {
        &self.source
    }

    /// Sends a signal to it.
    pub fn signal(&mut self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    /// Its process.
    pub fn pid(&mut self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(self.process.child())
    }

    /// Everything that it wrote: configuration, data, output.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command beside it, with this on its standard input.
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(PROGRAM)
            .arg("--config")
            .arg(&self.source)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that takes no input may be over by now.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// The standard output of a command that must succeed.
    pub fn succeed(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it has printed so far, on both of its outputs.
    pub fn printed(&self) -> Vec<u8> {
        let read = |name: &str| fs::read(self.folder.path().join(name)).unwrap();
        [read("stdout"), read("stderr")].concat()
    }

    /// What it has logged so far.
    pub fn logged(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("stderr")).unwrap()
    }

    /// Memory that it holds, in bytes.
    pub fn resident_bytes(&mut self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most memory that it held while something was done, in bytes.
    pub fn most_resident_bytes(&mut self, done: impl FnOnce()) -> u64 {
        // Forgets what was the most until now (proc(5)).
        fs::write(format!("/proc/{}/clear_refs", self.process.child().id()), "5").unwrap();
        done();
        self.memory("VmHWM:")
    }

    /// The processor's time that it has used.
    pub fn processor_time(&mut self) -> Duration {
        processor_time(&self.process.child().id().to_string())
    }

    fn memory(&mut self, name: &str) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.process.child().id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
    }

    /// Ends it at once, as a crash does, and starts it again on its folder after this was `done`.
    pub fn crash(&mut self, done: impl FnOnce()) {
        self.process.child().kill().unwrap();
        self.process.child().wait().unwrap();
        done();
        let (process, [public, admin]) = serve(&self.source, self.folder.path(), None, None);
        (self.process, self.public, self.admin) = (process, public, admin);
    }

    /// Starts it again, once it is stopped, as the successor of whoever listens for one.
    pub fn take_over(&mut self) {
        let (process, [public, admin]) =
            serve(&self.source, self.folder.path(), None, Some("--take-over"));
        (self.process, self.public, self.admin) = (process, public, admin);
    }

    /// Tells it to start its successor.
    pub fn begin_successor(&self) {
        self.signal_successor(rustix::process::Signal::USR2);
    }

    /// Sends a signal to the process that began last.
    pub fn signal_successor(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.newest(), signal).unwrap();
    }

    /// Waits until the gateway that was started here has given its place to its successor, and is this one from then on.
    pub fn follow(&mut self) {
        self.ends();
        self.successor = Some(self.newest());
    }

    /// Waits until it has ended in good order, now that it was told to.
    pub fn ends(&mut self) {
        let ended = self.process.child().wait().unwrap();
        assert!(ended.success(), "{ended}: {}", String::from_utf8_lossy(&self.logged()));
    }

    /// The process that began last: each writes a line when it does.
    fn newest(&self) -> rustix::process::Pid {
        let logged = String::from_utf8_lossy(&self.logged()).into_owned();
        let line = logged.lines().rfind(|line| line.contains("tollgate starts")).unwrap();
        let pid = line.split_once("pid=").unwrap().1.split(' ').next().unwrap().parse().unwrap();
        rustix::process::Pid::from_raw(pid).unwrap()
    }

    /// Stops it in good order.
    pub fn stop(&mut self) {
        self.process.stop();
        if let Some(pid) = self.successor.take() {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            super::wait_until("the successor ends", PATIENCE, || {
                // It is nobody's child here, but of whoever takes orphans in.
                rustix::process::test_kill_process(pid).is_err() || is_over(pid)
            });
        }
    }
}

/// The processor's time that a process has used, or `thread-self`, in steps of 10 ms (proc(5)).
pub fn processor_time(of: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{of}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(10 * ticks)
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether a process has ended, and waits for somebody to hear of it.
fn is_over(pid: rustix::process::Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
}

fn serve(
    source: &Path,
    folder: &Path,
    files: Option<u64>,
    how: Option<&str>,
) -> (Process, [SocketAddr; 2]) {
    let output = |name: &str| File::create(folder.join(name)).unwrap();
    let mut command = match files {
        None => Command::new(PROGRAM),
        Some(files) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")]).arg(PROGRAM);
            shell
        }
    };
    command.arg("--config").arg(source).arg("serve").args(how);
    let clock = folder.join("clock");
    if clock.exists() {
        command.env("TOLLGATE_TEST_CLOCK", clock);
    }
    let roots = folder.join("roots.pem");
    if roots.exists() {
        command.env("SSL_CERT_FILE", roots).env_remove("SSL_CERT_DIR");
    }
    let notify = folder.join("notify");
    if notify.exists() {
        command.env("NOTIFY_SOCKET", notify);
    }
    command.stdin(Stdio::null()).stdout(output("stdout")).stderr(output("stderr"));
    let mut process = Process::spawn(&mut command);
    let until = instant() + PATIENCE;
    loop {
        let printed = fs::read_to_string(folder.join("stdout")).unwrap();
        let addresses: Vec<SocketAddr> = printed
            .replace("https://", "http://")
            .split("http://")
            .skip(1)
            // Where people sign in is told by the name for which browsers keep the cookie.
            .filter_map(|rest| rest.split([' ', ')']).next())
            .filter_map(|text| text.replace("localhost", "127.0.0.1").parse().ok())
            .collect();
        // A successor that it has by now writes there too.
        if let [public, admin, ..] = addresses.as_slice()
            && printed.ends_with('\n')
        {
            return (process, [*public, *admin]);
        }
        let ended = process.child().try_wait().unwrap();
        let error = fs::read_to_string(folder.join("stderr")).unwrap();
        assert!(ended.is_none() && instant() < until, "it does not start: {printed}{error}");
        thread::sleep(Duration::from_millis(5));
    }
}
