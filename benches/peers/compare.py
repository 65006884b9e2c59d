"""Runs nginx, HAProxy and Tollgate in alternating rounds on one upstream and one load, and prints what a
request costs in each, as ratios to nginx without any check. `run` beside this file installs and builds.

The headline is CPU microseconds of the proxy's processes for each request (user and system, from
/proc/PID/stat): proxy, load and upstream share a small machine, so requests per second say as much about
the other two. Only ratios within one run carry over to other machines.
"""

import argparse
import pathlib
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from bench import BESIDE, BIG_MIB, FEW, OTHER_CORE, Bench, spread, table


def throughput(bench, variant, skip):
    names = [name for name in bench.peers if name not in skip]
    found = {name: [] for name in names}
    for turn in range(bench.options.rounds):
        order = names[turn % len(names):] + names[:turn % len(names)]
        for name in order:
            found[name].append(bench.measure(name, variant))
        print(f"{variant}: round {turn + 1} of {bench.options.rounds}", file=sys.stderr)
    base = found[names[0]]
    rows = []
    for name, rounds in found.items():
        ratios = [mine[0] / theirs[0] for mine, theirs in zip(rounds, base)]
        rows.append((name, spread([r[0] for r in rounds], ".1f"), spread(ratios, ".2f"),
                     f"{statistics.median(r[1] for r in rounds):,.0f}"))
    rounds = bench.options.rounds
    table(f"{variant}: {rounds} rounds, median (least to most)",
          ("proxy and check", "CPU µs/request", f"ratio to {names[0]}", "requests/s"), rows)


def latencies(bench):
    # A bare proxy gives up an upstream connection that was closed, and so fails requests after a pause.
    found = {name: [] for name in bench.peers if not name.startswith("hyper")}
    for turn in range(bench.options.rounds):
        names = list(found)
        for name in names[turn % len(names):] + names[:turn % len(names)]:
            found[name].append(bench.latency(name))
        print(f"latency: round {turn + 1} of {bench.options.rounds}", file=sys.stderr)
    base = next(iter(found.values()))
    rows = []
    for name, rounds in found.items():
        cells = [name]
        for at in range(3):
            middle = statistics.median(r[at] for r in rounds)
            ratio = statistics.median(r[at] / b[at] for r, b in zip(rounds, base))
            cells.append(f"{middle:,.0f} ({ratio:.2f})")
        rows.append(cells)
    table(f"{bench.options.rate} requests a second: µs (ratio to {next(iter(found))})",
          ("proxy and check", "p50", "p99", "p99.9"), rows)


def streaming(bench):
    """A large body in each direction, as often as there are rounds."""
    names = [name for name in bench.peers if name != FEW and not name.startswith("hyper")]
    found = {name: ([], []) for name in names}
    for turn in range(bench.options.rounds):
        for name in names[turn % len(names):] + names[:turn % len(names)]:
            port, pid = bench.peers[name]
            token = (bench.dir / "hot.txt").open().readline().strip()
            ways = (["-o", "/dev/null", f"http://127.0.0.1:{port}/api/big"],
                    ["-X", "POST", "-T", bench.dir / "big", f"http://127.0.0.1:{port}/api/up"])
            for spent, way in zip(found[name], ways):
                curl = ["taskset", "-c", OTHER_CORE, "curl", "-sSf", "-H", "Expect:"]
                before = bench.cpu(pid)
                subprocess.run([*curl, "-H", f"Authorization: Bearer {token}", *way],
                               check=True, stdout=subprocess.DEVNULL)
                spent.append((bench.cpu(pid) - before) * 1000 / (BIG_MIB * 1.048576))
        print(f"streaming: round {turn + 1} of {bench.options.rounds}", file=sys.stderr)
    base = [statistics.median(spent) for spent in found[names[0]]]
    table(f"a body of {BIG_MIB} MiB: CPU s for a GB (ratio to {names[0]})", ("proxy", "down", "up"),
          [(name, *(f"{statistics.median(spent):.2f} ({statistics.median(spent) / of:.2f})"
                    for spent, of in zip(ways, base))) for name, ways in found.items()])


def idle(bench):
    """What a client costs that asked once and stays."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    rows = []
    for name, (port, pid) in bench.peers.items():
        if name == FEW or name.startswith("hyper"):
            continue
        token = bench.tokens_of(name).open().readline().strip()
        head = f"GET /api/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        before, clients = bench.resident_mb(pid), []
        for _ in range(bench.options.idle):
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(head)
            answer = b""
            while len(answer) < 1024:
                answer += client.recv(65536)
            clients.append(client)
        # A client that stays does so for longer than a moment.
        time.sleep(3)
        rows.append((name, f"{(bench.resident_mb(pid) - before) * 1024 / len(clients):.1f}"))
        for client in clients:
            client.close()
    table(f"{bench.options.idle} clients that asked once and stay", ("proxy", "KiB for each"), rows)


MORE = {"latency": latencies, "streaming": streaming, "idle": idle}


def main():
    parser = argparse.ArgumentParser(prog="benches/peers/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=1_000_000, help="tokens in every store and map")
    parser.add_argument("--hot", type=int, help="tokens that the load is spread over; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of one measurement under full load")
    parser.add_argument("--latency-seconds", type=int, default=10)
    parser.add_argument("--rate", type=int, default=1000, help="requests a second for latencies")
    parser.add_argument("--idle", type=int, default=4000, help="idle clients")
    parser.add_argument("--only", action="append", help="peers whose name holds this; may be repeated")
    parser.add_argument("--variant", action="append", 
                        help="keep-alive, refused, new connection, latency, streaming, idle")
    parser.add_argument("--runtimes", action="store_true",
                        help="also bare proxies that differ in their runtime alone")
    parser.add_argument("--beside", metavar="PROGRAM", type=lambda path: pathlib.Path(path).absolute(),
                        help="another build of Tollgate, such as one of before a change")
    parser.add_argument("--folder", help="where to work, instead of a new temporary folder")
    options = parser.parse_args()
    folder = pathlib.Path(options.folder or tempfile.mkdtemp(prefix="tollgate-peers-")).absolute()
    folder.mkdir(exist_ok=True)
    bench = Bench(options, folder)
    variants = options.variant or ["keep-alive", "refused", "new connection", "latency", "streaming", "idle"]
    try:
        bench.seed()
        bench.start_all()
        for name, (port, _) in bench.peers.items():
            # Every token once, so that the rounds find each store's memory as it is in the long run.
            if name in ("Tollgate", BESIDE):
                bench.see_each(port)
            else:
                bench.wrk(port, 2, bench.tokens_of(name))
        table(f"{options.tokens} tokens, each seen once", ("proxy and check", "start, s", "memory, MB"),
              [(name, f"{bench.starts[name]:.2f}", f"{bench.resident_mb(pid):.0f}")
               for name, (_, pid) in bench.peers.items()])
        unchecked = [name for name in bench.peers if "no check" in name]
        for variant in variants:
            if variant in MORE:
                MORE[variant](bench)
            else:
                # The bare proxies show runtimes at work, and know nothing of closing connections.
                bare = [name for name in bench.peers if name.startswith("hyper")]
                skip = {"refused": unchecked, "new connection": bare}
                throughput(bench, variant, skip.get(variant, []))
    finally:
        bench.stop()
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
