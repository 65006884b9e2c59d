"""The servers that are compared, and how one of them is measured; see compare.py."""

import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

TICK = os.sysconf("SC_CLK_TCK")
PROXY_CORE, OTHER_CORE = "0", "1"
CONNECTIONS = 64
BIG_MIB = 100
FEW = "Tollgate, 1,000 tokens"
BESIDE = "Tollgate, another build"
HERE = pathlib.Path(__file__).parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target"))

NGINX = """
worker_processes 1; daemon off; pid {dir}/{name}.pid; error_log {dir}/{name}.log;
events {{ worker_connections 16384; }}
http {{ access_log off; client_max_body_size 0; keepalive_timeout 600s; keepalive_requests 1000000000; {http}
  client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir};
  uwsgi_temp_path {dir}; scgi_temp_path {dir};
  upstream up {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{port}; location / {{ {location} }} }} }}
"""
PASS = 'proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";'
MAP = """map_hash_max_size 4194304; map_hash_bucket_size 128;
  map $http_authorization $known {{ default 0; include {dir}/nginx-tokens.map; }}"""

HAPROXY = """
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout client 600s
  timeout server 60s
  timeout connect 5s
  timeout http-request 10s
  timeout http-keep-alive 600s
  http-reuse always
frontend in
  bind 127.0.0.1:{port}
  {check}
  default_backend up
backend up
  server one 127.0.0.1:{upstream}
"""

TOLLGATE = """
[listen]
public = "127.0.0.1:{port}"
admin = "127.0.0.1:{admin}"
socket = "{dir}/tollgate{suffix}.sock"
cores = 1
[store]
path = "{dir}/data{suffix}"
[cache]
records = 1200000
[limits]
requests_per_connection = 0
[limits.failures]
slow_after = 0
refuse_after = 0
[telemetry]
access_log = false
[flags]
online = 0x100
view = 0x200
[contexts.sales]
title = "Sales"
[contexts.stock]
title = "Stock"
[[apis]]
name = "bench"
path = "/api"
upstream = "http://127.0.0.1:{upstream}"
[[apis.rules]]
path = "/api/{{*rest}}"
methods = ["GET", "POST"]
context = "stock"
flags = ["view"]
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process, log):
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if process.poll() is not None:
            sys.exit(f"error: `{process.args}` ended: {pathlib.Path(log).read_text()[-2000:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    sys.exit(f"error: nothing listens on port {port}: see {log}")


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.dir = folder
        self.processes = []
        self.upstream = free_port()
        self.peers = {}
        self.starts = {}

    def start(self, core, port, *command):
        log = self.dir / f"{port}.out"
        with open(log, "wb") as out:
            process = subprocess.Popen(
                ["taskset", "-c", core, *map(str, command)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir,
            )
        self.processes.append(process)
        wait_for(port, process, log)
        return process

    def stop(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()

    def nginx(self, name, core, port, location, http=""):
        file = self.dir / f"{name}.conf"
        file.write_text(NGINX.format(dir=self.dir, name=name, port=port, location=location,
                                     http=http, upstream=self.upstream))
        return self.start(core, port, "nginx", "-p", self.dir, "-c", file, "-e", "stderr")

    def haproxy(self, name, port, check):
        file = self.dir / f"{name}.cfg"
        file.write_text(HAPROXY.format(port=port, check=check, upstream=self.upstream))
        return self.start(PROXY_CORE, port, "haproxy", "-db", "-f", file)

    def tollgate_file(self, port, suffix=""):
        file = self.dir / f"tollgate{suffix}.toml"
        file.write_text(TOLLGATE.format(port=port, admin=free_port(), dir=self.dir, suffix=suffix,
                                        upstream=self.upstream))
        return file

    def tollgate(self, port, suffix="", program=TARGET / "release" / "tollgate"):
        file = self.tollgate_file(port, suffix)
        return self.start(PROXY_CORE, port, program, "serve", "--config", file)

    def runtime(self, kind, port):
        program = TARGET / "release" / "examples" / "peers-runtimes"
        return self.start(PROXY_CORE, port, program, kind, f"127.0.0.1:{port}", f"127.0.0.1:{self.upstream}")

    def start_all(self):
        body = "x" * 1024
        with open(self.dir / "big", "wb") as big:
            big.write(os.urandom(1 << 20) * BIG_MIB)
        self.nginx("upstream", OTHER_CORE, self.upstream,
                   f"return 200 '{body}'; }} location = /api/big {{ alias {self.dir}/big;")
        deny = "http-request return status 401 unless "
        ways = {
            "nginx, no check": lambda p: self.nginx("plain", PROXY_CORE, p, PASS),
            "nginx `map`": lambda p: self.nginx(
                "map", PROXY_CORE, p, "if ($known = 0) { return 401; } " + PASS,
                MAP.format(dir=self.dir)),
            "HAProxy, no check": lambda p: self.haproxy("ha-plain", p, ""),
            "HAProxy map": lambda p: self.haproxy(
                "ha-map", p,
                deny + f"{{ http_auth_bearer,map({self.dir}/haproxy-tokens.map) -m found }}"),
            "Tollgate": self.tollgate,
            FEW: lambda p: self.tollgate(p, "-few"),
        }
        if self.options.beside:
            ways[BESIDE] = lambda p: self.tollgate(p, "-beside", self.options.beside)
        if self.options.runtimes:
            ways["hyper, own runtime, no check"] = lambda p: self.runtime("own", p)
            ways["hyper, shared runtime, no check"] = lambda p: self.runtime("shared", p)
        for name, way in ways.items():
            if self.options.only and not any(only in name for only in self.options.only):
                continue
            port = free_port()
            begin = time.monotonic()
            process = way(port)
            self.starts[name] = time.monotonic() - begin
            print(f"{name}: up after {self.starts[name]:.1f} s", file=sys.stderr)
            self.peers[name] = (port, process.pid)

    def seed(self):
        seed = TARGET / "release" / "examples" / "peers-seed"
        begin = time.monotonic()
        tokens, unknown = self.dir / "tokens.txt", self.dir / "unknown.txt"
        subprocess.run([seed, self.tollgate_file(free_port()), str(self.options.tokens), tokens, unknown],
                       check=True)
        subprocess.run([seed, self.tollgate_file(free_port(), "-few"), "1000", self.dir / "hot-few.txt",
                        self.dir / "unknown-few.txt"], check=True)
        if self.options.beside:
            shutil.copytree(self.dir / "data", self.dir / "data-beside")
        print(f"made {self.options.tokens} tokens in {time.monotonic() - begin:.1f} s", file=sys.stderr)
        lines = tokens.read_text().split()
        (self.dir / "hot.txt").write_text("\n".join(lines[:self.options.hot]) + "\n")
        with open(self.dir / "nginx-tokens.map", "w") as out:
            out.writelines(f'"Bearer {token}" 1;\n' for token in lines)
        with open(self.dir / "haproxy-tokens.map", "w") as out:
            out.writelines(f"{token} 1\n" for token in lines)

    def cpu(self, pid):
        """CPU seconds of a process and its descendants, dead children included."""
        total, waiting = 0, [pid]
        parents = {}
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                except OSError:
                    continue
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
                if int(entry.name) == pid:
                    total += sum(map(int, fields[11:15]))
        while waiting:
            for child in parents.get(waiting.pop(), []):
                fields = pathlib.Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()
                total += sum(map(int, fields[11:15]))
                waiting.append(child)
        return total / TICK

    def resident_mb(self, pid):
        """Memory of a process and its children, in MB; what they share counts for each."""
        total = 0
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    status = (entry / "status").read_text()
                except OSError:
                    continue
                fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
                if str(pid) in (entry.name, fields["PPid"].strip()):
                    total += int(fields.get("VmRSS", "0 kB").split()[0])
        return total / 1024

    def wrk(self, port, seconds, tokens, how=()):
        command = ["taskset", "-c", OTHER_CORE, "wrk", "-t", "1", "-c", str(CONNECTIONS),
                   "-d", f"{seconds}s", "-s", str(HERE / "tokens.lua"), f"http://127.0.0.1:{port}/",
                   "--", str(tokens), *map(str, how)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        line = next(line for line in output.splitlines() if line.startswith("RESULT "))
        requests, micros, bad_status, broken = map(int, line.split()[1:])
        return requests, micros / 1e6, bad_status, broken

    def see_each(self, port):
        """Uses every hot token once."""
        tokens = self.dir / "hot.txt"
        count, seen = len(tokens.read_text().split()), 0
        while seen < count:
            seen += self.wrk(port, 5, tokens, [seen])[0]

    def tokens_of(self, name):
        return self.dir / ("hot-few.txt" if name == FEW else "hot.txt")

    def measure(self, name, variant):
        """CPU microseconds a request, and requests a second."""
        port, pid = self.peers[name]
        refused = variant == "refused"
        tokens = self.dir / "unknown.txt" if refused else self.tokens_of(name)
        how = ["close"] if variant == "new connection" else []
        self.wrk(port, 1, tokens, how)
        before = self.cpu(pid)
        requests, seconds, bad, broken = self.wrk(port, self.options.seconds, tokens, how)
        spent = self.cpu(pid) - before
        if broken > requests / 1000 or (bad != requests if refused else bad):
            sys.exit(f"error: {name}, {variant}: {bad} bad statuses, {broken} broken of {requests}")
        return spent / requests * 1e6, requests / seconds

    def latency(self, name):
        """Microseconds at the 50th, 99th and 99.9th percentile."""
        port, _ = self.peers[name]
        command = ["taskset", "-c", OTHER_CORE, TARGET / "release/examples/peers-load",
                   f"127.0.0.1:{port}", self.tokens_of(name), str(self.options.rate),
                   str(CONNECTIONS), str(self.options.latency_seconds)]
        output = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
        count, errors, *percentiles = map(float, output.stdout.split())
        if errors:
            sys.exit(f"error: {name}: {errors} of {count} requests at a fixed rate failed")
        return percentiles


def spread(values, form):
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


def table(title, columns, rows):
    print(f"\n{title}\n\n| " + " | ".join(columns) + " |")
    print("| --- |" + " ---: |" * (len(columns) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")
