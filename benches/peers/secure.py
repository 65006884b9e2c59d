"""What TLS and HTTP/2 cost in nginx and in Tollgate, side by side: a request on a connection that is kept within TLS 1.3, a
handshake with a request, full or resumed, of TLS 1.3 and 1.2, and requests over HTTP/2 within TLS and by prior knowledge. Both show the same
certificate (ECDSA P-256). nginx checks no token.
"""

import argparse
import pathlib
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import tempfile

from bench import CONNECTIONS, NGINX, OTHER_CORE, PASS, PROXY_CORE, TARGET, Bench, free_port, spread, table

PROGRAM = TARGET / "release" / "tollgate"
TLS = """
[tls]
[[tls.certificates]]
chain = "{dir}/cert.pem"
key = "{dir}/key.pem"
"""
SSL = """ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem; ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:s:10m; ssl_session_tickets on;"""
REQUEST = "GET /api/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n"


class Pair:
    """nginx and Tollgate within TLS, and both without TLS but with HTTP/2."""

    def __init__(self, options, folder):
        self.options, self.dir, self.bench = options, folder, Bench(options, folder)
        self.ports, self.pids = {}, {}

    def run(self, *command):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"error: `{command[0]}`: {done.stderr[-1000:]}")
        return done.stdout

    def begin(self, peers=("nginx", "Tollgate")):
        bench = self.bench
        self.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                 "-keyout", self.dir / "key.pem", "-out", self.dir / "cert.pem", "-subj", "/CN=localhost",
                 "-addext", "subjectAltName=DNS:localhost")
        bench.nginx("upstream", OTHER_CORE, bench.upstream, f"return 200 '{'x' * 1024}';")
        for kind in ("tls", "h2c"):
            if "nginx" in peers:
                self.start_nginx(kind)
            self.start_tollgate(kind)

    def start_nginx(self, kind):
        port, name = free_port(), f"nginx-{kind}"
        file = self.dir / f"{name}.conf"
        text = NGINX.format(dir=self.dir, name=name, port=port, location=PASS, http="", upstream=self.bench.upstream)
        listen = f"listen 127.0.0.1:{port}"
        if kind == "tls":
            text = text.replace(listen, f"{SSL.format(dir=self.dir)} {listen} ssl http2")
        else:
            text = text.replace(listen, f"{listen} http2")
        file.write_text(text)
        pid = self.bench.start(PROXY_CORE, port, "nginx", "-p", self.dir, "-c", file, "-e", "stderr").pid
        self.ports["nginx", kind], self.pids["nginx", kind] = port, pid

    def start_upstream(self):
        """The same upstream by prior knowledge of HTTP/2."""
        port, file = free_port(), self.dir / "upstream-http2.conf"
        text = NGINX.format(dir=self.dir, name="upstream-http2", port=port, location=f"return 200 '{'x' * 1024}';", http="",
                            upstream=port)
        file.write_text(text.replace(f"listen 127.0.0.1:{port}", f"listen 127.0.0.1:{port} http2"))
        self.bench.start(OTHER_CORE, port, "nginx", "-p", self.dir, "-c", file, "-e", "stderr")
        return port

    def start_tollgate(self, kind):
        port = free_port()
        file = self.bench.tollgate_file(port, f"-{kind}")
        more = TLS.format(dir=self.dir) if kind == "tls" else ""
        text = file.read_text()
        if kind in ("h2c", "up-http2"):
            text = text.replace("cores = 1", "cores = 1\nh2c = true")
        if kind == "up-http2":
            own = f'"http://127.0.0.1:{self.bench.upstream}"'
            text = text.replace(own, f'"http://127.0.0.1:{self.start_upstream()}"\nupstream_http2 = true')
        file.write_text(text.replace("[store]", f"{more}[store]", 1))
        process = self.bench.start(PROXY_CORE, port, PROGRAM, "serve", "--config", file)
        self.run(PROGRAM, "--config", file, "user", "add", "bench")
        token = self.run(PROGRAM, "--config", file, "token", "create", "--owner", "bench", "--name", "bench", "--flags", "-1",
                         "--secret-only").strip()
        self.ports["Tollgate", kind], self.pids["Tollgate", kind] = port, process.pid
        (self.dir / f"token-{kind}").write_text(token + "\n")

    def secret(self, kind):
        return (self.dir / f"token-{kind}").read_text().strip()

    def cost(self, peer, kind, work):
        """CPU microseconds of each of the requests that `work` makes."""
        port, pid = self.ports[peer, kind], self.pids[peer, kind]
        before = self.bench.cpu(pid)
        count = work(port)
        return (self.bench.cpu(pid) - before) / count * 1e6

    def kept(self, port):
        output = self.run("taskset", "-c", OTHER_CORE, "wrk", "-t", 1, "-c", CONNECTIONS, "-d", f"{self.options.seconds}s",
                          "-H", f"Authorization: Bearer {self.secret('tls')}", f"https://localhost:{port}/api/x")
        if "Non-2xx" in output or " 0 requests in" in output:
            raise SystemExit(f"error: {output}")
        return int(re.search(r"(\d+) requests in", output)[1])

    def http2(self, scheme, kind):
        def work(port):
            output = self.run("taskset", "-c", OTHER_CORE, "h2load", "-n", self.options.requests, "-c", 16, "-m", 16,
                              "-H", f"authorization: Bearer {self.secret(kind)}", f"{scheme}://localhost:{port}/api/x")
            good = int(re.search(r"status codes: (\d+) 2xx", output)[1])
            if good != self.options.requests:
                raise SystemExit(f"error: {output}")
            return good
        return work

    def handshakes(self, resumed, version=ssl.TLSVersion.TLSv1_3):
        def work(port):
            context = ssl.create_default_context(cafile=self.dir / "cert.pem")
            context.minimum_version = context.maximum_version = version
            context.set_alpn_protocols(["http/1.1"])
            request, session, reused = REQUEST.format(self.secret("tls")).encode(), None, 0
            for _ in range(self.options.handshakes):
                with socket.create_connection(("127.0.0.1", port)) as plain:
                    # In TLS 1.2 a resumed client speaks last, and would wait for an answer to that before it asks.
                    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    with context.wrap_socket(plain, server_hostname="localhost", session=session) as secure:
                        secure.sendall(request)
                        answer = b""
                        while part := secure.recv(65536):
                            answer += part
                        assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
                        reused += secure.session_reused
                        # A ticket of TLS 1.3 comes behind the handshake.
                        session = secure.session if resumed else None
            wanted = self.options.handshakes - 1 if resumed else 0
            assert reused >= wanted * 0.99 if resumed else reused == 0, f"{reused} of {wanted} resumed"
            return self.options.handshakes
        return work


def main():
    parser = argparse.ArgumentParser(prog="benches/peers/run secure", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of one measurement on kept connections")
    parser.add_argument("--requests", type=int, default=50_000, help="of one measurement over HTTP/2")
    parser.add_argument("--handshakes", type=int, default=2_000, help="of one measurement")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tollgate-secure-"))
    pair = Pair(options, folder)
    works = [
        ("a request on a kept connection, TLS 1.3", "tls", pair.kept),
        ("a full handshake and a request, TLS 1.3", "tls", pair.handshakes(False)),
        ("a resumed handshake and a request, TLS 1.3", "tls", pair.handshakes(True)),
        ("a full handshake and a request, TLS 1.2", "tls", pair.handshakes(False, ssl.TLSVersion.TLSv1_2)),
        ("a resumed handshake and a request, TLS 1.2", "tls", pair.handshakes(True, ssl.TLSVersion.TLSv1_2)),
        ("a request over HTTP/2 within TLS", "tls", pair.http2("https", "tls")),
        ("a request over HTTP/2 by prior knowledge", "h2c", pair.http2("http", "h2c")),
    ]
    try:
        pair.begin()
        rows = []
        for name, kind, work in works:
            found = {"nginx": [], "Tollgate": []}
            for turn in range(options.rounds + 1):
                for peer in (("nginx", "Tollgate"), ("Tollgate", "nginx"))[turn % 2]:
                    cost = pair.cost(peer, kind, work)
                    # The first round warms up.
                    if turn:
                        found[peer].append(cost)
            ratios = [mine / theirs for mine, theirs in zip(found["Tollgate"], found["nginx"])]
            rates = [f"{1e6 / statistics.median(found[peer]):,.0f}" for peer in ("nginx", "Tollgate")]
            rows.append((name, spread(found["nginx"], ".1f"), spread(found["Tollgate"], ".1f"), spread(ratios, ".2f"), *rates))
            print(rows[-1])
        table(f"{options.rounds} rounds, median (least to most)",
              ("work", "nginx, CPU µs", "Tollgate, CPU µs", "ratio", "nginx, a second of one core", "Tollgate"), rows)
    finally:
        pair.bench.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
