"""How many instructions of ours a request takes, counted by callgrind: the same from run to run within a few in a hundred, where
times on a shared machine are not. Without what the kernel does.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import tempfile

from bench import OTHER_CORE, Bench, table
from secure import Pair


class Counted(Bench):
    """Starts Tollgate under callgrind; what serves as its upstream runs by itself."""

    def start(self, core, port, program, *arguments):
        if pathlib.Path(program).name != "tollgate":
            return super().start(core, port, program, *arguments)
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.dir}/{port}.callgrind", "--quiet"]
        return super().start(core, port, *valgrind, program, *arguments)

    def since(self, port, pid):
        """Instructions since this was asked before."""
        for old in self.dir.glob(f"{port}.callgrind*"):
            old.unlink()
        subprocess.run(["callgrind_control", "--dump", str(pid)], check=True, capture_output=True)
        # One file for each thread, or one for all.
        totals = [re.search(r"^(?:totals|summary): (\d+)", dump.read_text(errors="replace"), re.M)
                  for dump in self.dir.glob(f"{port}.callgrind*")]
        return sum(int(total[1]) for total in totals if total)


def load(pair, kind, *how, secret=None, wanted="2xx"):
    def work(port, count):
        secure = kind == "tls"
        token = secret or pair.secret(kind)
        output = pair.run("taskset", "-c", OTHER_CORE, "h2load", "-n", count, "-c", 8, *how, "-H", f"authorization: Bearer {token}",
                          f"{'https' if secure else 'http'}://localhost:{port}/api/x")
        answered = int(re.search(rf"(\d+) {wanted}", output)[1])
        if answered != count:
            raise SystemExit(f"error: {output}")
    return work


def fresh(pair):
    """Each request on a connection of its own."""
    def work(port, count):
        config = pair.dir / "fresh.txt"
        config.write_text("\n".join(f'url = "http://127.0.0.1:{port}/api/x"\noutput = "/dev/null"' for _ in range(count)))
        pair.run("taskset", "-c", OTHER_CORE, "curl", "-sSf", "-H", "Connection: close", "-H", f"Authorization: Bearer {pair.secret('h2c')}", "-K", config)
    return work


def main():
    parser = argparse.ArgumentParser(prog="benches/peers/run instructions", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5_000, help="of one measurement")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tollgate-instructions-"))
    pair = Pair(options, folder)
    pair.bench = Counted(options, folder)
    nobody = "nobody-has-this-" + "x" * 24
    works = [
        ("a request on a kept connection", "h2c", load(pair, "h2c", "--h1")),
        ("a refused one: a token that nobody has", "h2c", load(pair, "h2c", "--h1", secret=nobody, wanted="4xx")),
        ("a request on a connection of its own", "h2c", fresh(pair)),
        ("a request over HTTP/2", "h2c", load(pair, "h2c", "-m", "16")),
        ("a request on a kept connection within TLS 1.3", "tls", load(pair, "tls", "--h1")),
        ("a request over HTTP/2 within TLS 1.3", "tls", load(pair, "tls", "-m", "16")),
        ("a request on a kept connection, to an upstream of HTTP/2", "up-http2", load(pair, "up-http2", "--h1")),
    ]
    try:
        pair.begin(peers=("Tollgate",))
        pair.start_tollgate("up-http2")
        rows = []
        for name, kind, work in works:
            port, pid = pair.ports["Tollgate", kind], pair.pids["Tollgate", kind]
            found = []
            for _ in range(3):
                work(port, options.requests)
                found.append(pair.bench.since(port, pid) / options.requests)
            # The first round warms up.
            rows.append((name, f"{min(found[1:]):,.0f}"))
            print(rows[-1])
        table(f"instructions of Tollgate for each, of {options.requests:,} requests", ("", "instructions"), rows)
    finally:
        pair.bench.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
