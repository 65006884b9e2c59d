"""A gateway in a process of its own, its successors, and what is known of it from outside."""

import fcntl
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")
HEAD = """
[listen]
public = "127.0.0.1:{port}"
{plain}
admin = "127.0.0.1:{admin}"
cores = 2
h2c = {h2c}
[store]
path = "{dir}/data"
index_cache = "16MiB"
reserve = "1MiB"
[limits]
{limits}
[limits.failures]
slow_after = 0
refuse_after = 0
[telemetry]
access_log = false
{tls}
"""


class Failed(Exception):
    """Something that the run itself needs did not work."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, seconds, holds):
    until = time.monotonic() + seconds
    while not (value := holds()):
        if time.monotonic() > until:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.005)
    return value


def certificate(folder):
    """Makes one for localhost; returns its lines of configuration."""
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"], capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"openssl: {done.stderr}")
    return f'[[tls.certificates]]\nchain = "{folder}/cert.pem"\nkey = "{folder}/key.pem"'


# Gateways that were not stopped in good order.
RUNNING = []


def clear():
    """Ends whatever a run that broke off has left."""
    for gateway in RUNNING:
        for pid in {*gateway.pids(), *(process.pid for process in gateway.started)}:
            if not is_over(pid):
                os.kill(pid, signal.SIGKILL)
    RUNNING.clear()


class Gateway:
    """`rules` are its APIs; with `tls` its public port has TLS, and another one has not; `files` are how many may be open. With
    `kept` its sockets stay when it ends, as those of systemd do (sd_listen_fds(3))."""

    def __init__(self, program, folder, rules, tls=False, h2c=True, limits="", files=None, kept=False):
        self.program, self.dir = program, folder
        folder.mkdir()
        self.port, self.admin, self.secure = free_port(), free_port(), None
        plain, lines = "", ""
        public = self.port
        if tls:
            self.secure = public = free_port()
            plain, lines = f'plain = "127.0.0.1:{self.port}"', certificate(folder)
        self.head = HEAD.format(port=public, plain=plain, admin=self.admin, dir=folder, limits=limits, tls=lines,
                                h2c=str(h2c).lower())
        self.file, self.log = folder / "tollgate.toml", folder / "gateway.log"
        self.configure(rules)
        self.files, self.started = files, []
        ports = [self.port, self.admin, *filter(None, [self.secure])] if kept else []
        self.sockets = [socket.create_server(("127.0.0.1", port), backlog=1024) for port in ports]
        self.out = open(self.log, "ab")
        RUNNING.append(self)
        self.pid = self.serve()

    def configure(self, rules):
        """Puts another configuration in the place of the one that is there, whole at once."""
        new = self.file.with_suffix(".new")
        new.write_text(self.head + rules)
        new.rename(self.file)

    def serve(self, *more):
        """Starts one and waits until it decides requests; returns its process."""
        count = len(self.sockets)

        def begin():
            if self.files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (self.files, self.files))
            if count:
                os.environ.update(LISTEN_FDS=str(count), LISTEN_PID=str(os.getpid()))
            # Out of the way first, for they may have these numbers.
            for number, copy in enumerate([fcntl.fcntl(kept, fcntl.F_DUPFD, 3 + count) for kept in self.sockets]):
                os.dup2(copy, 3 + number)

        process = subprocess.Popen([self.program, "--config", self.file, "serve", *more], stdin=subprocess.DEVNULL,
                                   stdout=self.out, stderr=self.out, cwd=self.dir, preexec_fn=begin,
                                   pass_fds=range(3, 3 + count))
        self.started.append(process)
        self.follow(process.pid)
        return process.pid

    def said(self):
        return self.log.read_text(errors="replace")

    def pids(self):
        """Who has begun to serve, in this order."""
        return [int(pid) for pid in re.findall(r"tollgate starts.*?\bpid=(\d+)", self.said())]

    def follow(self, pid):
        """Waits until this process decides requests."""
        def ready():
            if is_over(pid):
                raise Failed(f"the gateway ended: {self.said()[-2000:]}")
            return self.pids()[-1:] == [pid] and self.said().count("requests are decided") >= len(self.pids())

        wait_until("a gateway decides requests", 60, ready)

    def replace(self, by_hand):
        """Another binary takes its place; returns once the old one is gone."""
        old = self.pid
        if by_hand:
            self.pid = self.serve("--take-over")
        else:
            before = len(self.pids())
            os.kill(old, signal.SIGUSR2)
            wait_until("the successor starts", 30, lambda: len(self.pids()) > before)
            self.pid = self.pids()[-1]
            self.follow(self.pid)
        wait_until("the old gateway ends", 60, lambda: is_over(old))
        for process in self.started:
            if process.pid == old and process.wait() != 0:
                raise Failed(f"the old gateway ended with {process.returncode}")

    def again(self):
        """It is stopped, and started once it has ended."""
        os.kill(self.pid, signal.SIGTERM)
        if self.started[-1].wait(60) != 0:
            raise Failed(f"the gateway ended with {self.started[-1].returncode}")
        self.pid = self.serve()

    def run(self, *arguments):
        return subprocess.run([self.program, "--config", self.file, *arguments], capture_output=True, text=True)

    def command(self, *arguments):
        done = self.run(*arguments)
        if done.returncode:
            raise Failed(f"tollgate {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def token(self, name, *more):
        """Makes one of alice; returns its id and its secret."""
        made = json.loads(self.command("token", "create", "--owner", "alice", "--name", name, "--json", *more))
        return made["token"]["id"], made["secret"]

    def metric(self, name):
        """The sum over the series of a metric, as the administrative address tells it."""
        text = monitor(self.admin, "/metrics")
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)", text, re.M))

    def cpu(self):
        """Seconds of processors that it has used."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self, what="VmRSS"):
        """KiB of memory."""
        if is_over(self.pid):
            raise Failed("the gateway was killed")
        return int(re.search(rf"{what}:\s+(\d+)", pathlib.Path(f"/proc/{self.pid}/status").read_text())[1])

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def stop(self):
        """Ends it in good order; says what is wrong with how it lived."""
        RUNNING.remove(self)
        if not is_over(self.pid):
            os.kill(self.pid, signal.SIGTERM)
        try:
            wait_until("the gateway stops", 45, lambda: is_over(self.pid))
        except Failed as failed:
            os.kill(self.pid, signal.SIGKILL)
            yield str(failed)
        for process in self.started:
            if process.wait() != 0:
                yield f"the gateway ended with {process.returncode}"
        self.out.close()
        for kept in self.sockets:
            kept.close()
        if "panic" in self.said():
            yield "the gateway panicked"


def is_over(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def monitor(port, path):
    """What is answered at an administrative address; it must be 200."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stream:
        stream.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := stream.recv(65536):
            answer += piece
    if not answer.startswith(b"HTTP/1.1 200"):
        raise Failed(f"{path}: {answer[:200]}")
    return answer.decode(errors="replace")
