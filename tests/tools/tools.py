"""Aims tools that others wrote at a gateway on 127.0.0.1, and fails if one of them finds something.

Two gateways stand in front of one nginx: one speaks HTTP/1.1 and HTTP/2 by prior knowledge, the other TLS. Each tool
is bounded in time and in connections. While slow clients are at work, an honest one asks ten times a second. At the
end the gateways must be alive, have said nothing of a panic, and hold no more files and hardly more memory than before.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOLLGATE = """
[listen]
public = "127.0.0.1:{port}"
admin = "127.0.0.1:{admin}"
cores = 1
h2c = {h2c}
[store]
path = "{dir}/data-{name}"
[limits]
head_timeout = "5s"
[telemetry]
access_log = false
{tls}
[[apis]]
name = "all"
upstream = "http://127.0.0.1:{upstream}"
{of_api}
rules = [
  {{ path = "/", public = true }},
  {{ path = "/{{*rest}}", public = {public} }},
]
"""
NGINX = """
daemon off; master_process off; pid nginx.pid; error_log nginx.log; {user}
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; client_max_body_size 0;
  client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{body}"; }} }} }}
"""

# Findings of testssl.sh about the certificate of this test, which an authority of its own signed.
OF_THE_CERTIFICATE = re.compile(r"cert_(trust|chain_of_trust|revocation|caIssuers|certificatePolicies|crl|mustStaple|validity)"
                                r"|OCSP|CRL|CAA|certificate_transparency|DNS|HSTS|security_headers|overall_grade|grade_cap")
# What we leave as it is: of our suites, which are all strong, a client takes the one that it is fast at.
LEFT_TO_CLIENTS = {"cipher_order"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stage:
    """The gateways and what stands behind them."""

    def __init__(self, program, folder):
        self.program, self.dir = program, folder
        self.processes, self.ports, self.tokens = [], {}, {}

    def run(self, *command, **how):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **how)
        if done.returncode:
            sys.exit(f"error: `{command[0]}` ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def start(self, name, port, *command):
        log = open(self.dir / f"{name}.log", "wb")
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.dir)
        self.processes.append((name, process))
        until = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"error: {name} does not start: {(self.dir / f'{name}.log').read_text()[-2000:]}")
            time.sleep(0.05)
        return process

    def certificates(self):
        ask = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "100")
        self.run(*ask, "-keyout", self.dir / "ca.key", "-out", self.dir / "ca.pem", "-subj", "/CN=An authority of this test")
        self.run(*ask, "-keyout", self.dir / "key.pem", "-out", self.dir / "cert.pem", "-subj", "/CN=localhost",
                 "-addext", "subjectAltName=DNS:localhost", "-CA", self.dir / "ca.pem", "-CAkey", self.dir / "ca.key",
                 "-addext", "basicConstraints=critical,CA:false", "-addext", "extendedKeyUsage=serverAuth")

    def nginx(self):
        """Starts it, and says where."""
        port = free_port()
        (self.dir / "t").mkdir()
        user = "user root;" if os.geteuid() == 0 else ""
        (self.dir / "nginx.conf").write_text(NGINX.format(port=port, body="x" * 1024, user=user))
        self.start("nginx", port, "nginx", "-p", self.dir, "-c", self.dir / "nginx.conf", "-e", "stderr")
        return port

    def begin(self, upstream):
        """Starts both gateways in front of an upstream at this port."""
        self.certificates()
        tls = f'[[tls.certificates]]\nchain = "{self.dir}/cert.pem"\nkey = "{self.dir}/key.pem"'
        for name, h2c, more in (("plain", "true", ""), ("secure", "false", tls)):
            self.gateway(name, upstream, h2c=h2c, tls=more)

    def gateway(self, name, upstream, h2c="false", tls="", of_api="", public="false"):
        """Starts one, with a token that may everything."""
        port, file = free_port(), self.dir / f"{name}.toml"
        file.write_text(TOLLGATE.format(name=name, port=port, admin=free_port(), dir=self.dir, h2c=h2c, tls=tls, upstream=upstream,
                                        of_api=of_api, public=public))
        self.start(name, port, self.program, "--config", file, "serve")
        self.run(self.program, "--config", file, "user", "add", "tools")
        token = self.run(self.program, "--config", file, "token", "create", "--owner", "tools", "--name", "tools",
                         "--secret-only")
        self.ports[name], self.tokens[name] = port, token.strip()

    def gateways(self):
        return [(name, process) for name, process in self.processes if name != "nginx"]

    def held(self, process):
        """Memory in MiB, and open files."""
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024, len(os.listdir(f"/proc/{process.pid}/fd"))

    def stop(self):
        for _, process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for name, process in self.processes:
            try:
                code = process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                code = "killed"
            if name != "nginx" and code != 0:
                yield f"{name} ended with {code}"


# What h2, the library, does otherwise than RFC 9113 has it, and we leave: each is refused, or never reaches an upstream.
ANOTHER_CODE = re.compile(r"Expected GOAWAY.*but got ProtocolError")
OF_H2 = {
    "sends headers frame with mismatched host authority": "answered 400 instead of a reset",
    "sends connect without authority": "answered 405 instead of a reset",
    "sends headers frame with leading space in field value": "answered 400 instead of a reset",
    "sends headers frame with trailing tab in field value": "answered 400 instead of a reset",
    "sends headers frame with pseudo header in trailer": "h2 drops it, so that no upstream sees it",
}


def httpwg(stage, options):
    """RFC 9113 case by case."""
    output = subprocess.run(["httpwg", "--address", f"127.0.0.1:{stage.ports['plain']}", "--frame-timeout", "3000"],
                            capture_output=True, text=True, timeout=600)
    text = re.sub(r"\x1b\[[0-9;]*m", "", output.stdout + output.stderr)
    (stage.dir / "httpwg.out").write_text(text)
    summary = re.search(r"Passed (\d+)/(\d+) tests", text)
    if not summary or int(summary[2]) < 100:
        yield f"httpwg did not run: see {stage.dir}/httpwg.out"
        return
    failed = re.findall(r"Test failed: RFC 9113 :: [^:]*:: ([^\n]*)\n(.*?)(?=Test passed|Test failed|Passed \d)", text, re.S)
    codes = sum(bool(ANOTHER_CODE.search(why)) for _, why in failed)
    known = sum(name.strip() in OF_H2 for name, _ in failed)
    print(f"{summary[0]}; {codes} end with another code than the one asked for, {known} are known of h2")
    for name, why in failed:
        if name.strip() not in OF_H2 and not ANOTHER_CODE.search(why):
            yield f"httpwg: {name.strip()}: see {stage.dir}/httpwg.out"


def h2load(stage, options):
    """Much of HTTP/2, and every answer counted."""
    for name, scheme in (("plain", "http"), ("secure", "https")):
        count = options.requests
        output = stage.run("h2load", "-n", count, "-c", 50, "-m", 20, "-H", f"authorization: Bearer {stage.tokens[name]}",
                           f"{scheme}://localhost:{stage.ports[name]}/x", timeout=600)
        line = re.search(r"status codes: (\d+) 2xx.*", output)
        print(f"{name}: {line[0]}; {re.search('finished in.*', output)[0]}")
        if int(line[1]) != count:
            yield f"h2load, {name}: {line[0]}"


def wrk(stage, options):
    """Much of HTTP/1.1."""
    for name, scheme in (("plain", "http"), ("secure", "https")):
        output = stage.run("wrk", "-t", 1, "-c", 200, "-d", f"{options.seconds}s", "-H",
                           f"Authorization: Bearer {stage.tokens[name]}", f"{scheme}://localhost:{stage.ports[name]}/x")
        print(f"{name}: {re.search('.*requests in.*', output)[0].strip()}")
        for trouble in re.findall(r"Socket errors.*|Non-2xx.*", output):
            # A connection that is open when wrk's time is over counts as a timeout of its own.
            yield f"wrk, {name}: {trouble}"


def slow(stage, options):
    """Slow heads, slow bodies, slow readers, by the hundred, beside an honest client."""
    port, token = stage.ports["plain"], stage.tokens["plain"]
    for way, more in (("-H", ("-i", 2)), ("-B", ("-i", 2, "-s", 65536)), ("-X", ("-w", 512, "-y", 1024, "-n", 2, "-z", 32, "-k", 3))):
        worst, over = [0.0], threading.Event()

        def ask():
            while not over.wait(0.1):
                begin = time.monotonic()
                client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                client.request("GET", "/x", headers={"Authorization": f"Bearer {token}"})
                status = client.getresponse().status
                worst[0] = max(worst[0], 99 if status != 200 else time.monotonic() - begin)

        honest = threading.Thread(target=ask)
        honest.start()
        output = subprocess.run(list(map(str, ("slowhttptest", way, "-c", 500, "-r", 200, "-l", options.seconds, "-p", 5, *more,
                                               "-u", f"http://127.0.0.1:{port}/x"))), capture_output=True, text=True)
        over.set()
        honest.join()
        text = re.sub(r"\x1b\[[0-9;]*m", "", output.stdout)
        closed = re.findall(r"closed:\s+(\d+)", text)
        print(f"{way}: {closed[-1] if closed else '?'} of 500 closed by the gateway; the honest client waited {worst[0] * 1000:.0f} ms "
              "at the most")
        if worst[0] > 2 or "service available:   NO" in text:
            yield f"slowhttptest {way}: an honest client waited {worst[0]:.1f} s"


def sslyze(stage, options):
    """Versions, ciphers and the known holes of TLS."""
    out = stage.dir / "sslyze.json"
    subprocess.run(["sslyze", "--quiet", f"--json_out={out}", f"localhost:{stage.ports['secure']}"], capture_output=True)
    result = json.loads(out.read_text())["server_scan_results"][0]["scan_result"]
    take = lambda name: result[name]["result"]
    for old in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"):
        if take(f"{old}_cipher_suites")["accepted_cipher_suites"]:
            yield f"sslyze: {old} is spoken"
    holes = {"heartbleed": take("heartbleed")["is_vulnerable_to_heartbleed"],
             "ccs injection": take("openssl_ccs_injection")["is_vulnerable_to_ccs_injection"],
             "robot": "VULNERABLE" in take("robot")["robot_result"] and "NOT" not in take("robot")["robot_result"],
             "compression": take("tls_compression")["supports_compression"],
             "renegotiation by clients": take("session_renegotiation")["is_vulnerable_to_client_renegotiation_dos"]}
    found = [hole for hole, there in holes.items() if there]
    print(f"sslyze: {len(holes)} holes looked for; TLS 1.2: {len(take('tls_1_2_cipher_suites')['accepted_cipher_suites'])} suites, "
          f"TLS 1.3: {len(take('tls_1_3_cipher_suites')['accepted_cipher_suites'])}")
    for hole in found:
        yield f"sslyze: {hole}"


def testssl(stage, options):
    """What testssl.sh rates as medium or worse, but for what concerns the certificate of this test."""
    out = stage.dir / "testssl.json"
    # Versions, ciphers by category, forward secrecy, what the server prefers and tells, all known holes: without what takes longest
    # and finds no fault, as which of 40 browsers would settle on what.
    subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--jsonfile", str(out),
                    "--protocols", "--std", "--fs", "--server-preference", "--server-defaults", "--vulnerable",
                    f"localhost:{stage.ports['secure']}"], capture_output=True, timeout=1800)
    findings = json.loads(out.read_text())
    print(f"testssl: {len(findings)} findings in all")
    for finding in findings:
        name, severe = finding["id"], finding["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "FATAL")
        if severe and name not in LEFT_TO_CLIENTS and not OF_THE_CERTIFICATE.match(name):
            yield f"testssl: {name}: {finding['finding']}"


TOOLS = {tool.__name__: tool for tool in (httpwg, h2load, wrk, slow, sslyze, testssl)}


def leftovers(stage, before):
    time.sleep(3)
    for name, process in stage.gateways():
        if process.poll() is not None:
            yield f"{name} has ended"
            continue
        (memory, files), (memory_before, files_before) = stage.held(process), before[name]
        print(f"{name}: {memory_before:.0f} MiB and {files_before} files before, {memory:.0f} MiB and {files} files after")
        if files > files_before + 80 or memory > memory_before + 64:
            yield f"{name} holds more than before"
        log = (stage.dir / f"{name}.log").read_text()
        if "panic" in log:
            yield f"{name} panicked: see {stage.dir}/{name}.log"


def main():
    parser = argparse.ArgumentParser(prog="tests/tools/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, required=True, help="the binary; a release build is made by default")
    parser.add_argument("--only", action="append", choices=TOOLS, help="one tool; may be repeated")
    parser.add_argument("--requests", type=int, default=50_000, help="of h2load to each gateway")
    parser.add_argument("--seconds", type=int, default=20, help="of wrk and of each kind of slow client")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the reports of the tools")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tollgate-tools-"))
    stage, faults = Stage(options.program.absolute(), folder), []
    try:
        stage.begin(stage.nginx())
        # What a first request makes is no leak.
        list(h2load(stage, argparse.Namespace(requests=1_000)))
        before = {name: stage.held(process) for name, process in stage.gateways()}
        for name in options.only or TOOLS:
            print(f"-- {name}: {TOOLS[name].__doc__}", flush=True)
            faults.extend(TOOLS[name](stage, options))
        faults.extend(leftovers(stage, before))
    finally:
        faults.extend(stage.stop())
        if not options.keep and not faults:
            shutil.rmtree(folder, ignore_errors=True)
    for fault in faults:
        print(f"FOUND: {fault}")
    print(f"{len(faults)} found" + (f"; reports stand in {folder}" if faults or options.keep else ""))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
