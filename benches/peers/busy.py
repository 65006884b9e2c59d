"""What a proxied request costs in Tollgate while tokens are made and revoked through its local socket, as
a ratio to what it costs in quiet. Rounds come in pairs, quiet and busy, in turning order, within one run
of the real program.

The headline is the CPU of the threads that proxy (`tollgate-core-*`) for each request: the acts
themselves are paid for by other threads. Those run on the core of the load and of the upstream, as they
would on a machine with a core to spare; with `--together` all of the gateway shares one core, so that its
requests also wait for the acts.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from bench import OTHER_CORE, TARGET, Bench, spread, table


def tasks(pid):
    """The threads of a process, and whether each one proxies."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        yield task, (task / "comm").read_text().startswith("tollgate-core")


def core_seconds(pid):
    """CPU seconds of the threads that proxy."""
    spent = [int((task / "schedstat").read_text().split()[0]) for task, proxies in tasks(pid) if proxies]
    return sum(spent) / 1e9


def move_others(pid):
    """Moves the threads that do not proxy to the other core; threads that they start follow them."""
    for task, proxies in tasks(pid):
        if not proxies:
            os.sched_setaffinity(int(task.name), {int(OTHER_CORE)})


class Acts:
    """Creations and revocations, from before a measurement until after it."""

    def __init__(self, bench, seconds):
        command = ["taskset", "-c", OTHER_CORE, TARGET / "release/examples/peers-acts",
                   bench.dir / "tollgate.sock", str(bench.options.acts / 2), str(seconds)]
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)

    def end(self):
        output, _ = self.process.communicate()
        pairs, errors, rate, middle, high = map(float, output.split())
        if self.process.returncode or errors:
            sys.exit(f"error: {errors} of {2 * pairs} acts failed")
        return rate, middle, high


def measure(bench, busy):
    """CPU microseconds a request of the proxying threads and of all, latencies, and what acts saw."""
    port, pid = bench.peers["Tollgate"]
    options, tokens = bench.options, bench.dir / "hot.txt"
    acts = Acts(bench, options.seconds + options.latency_seconds + 3) if busy else None
    cores, whole = core_seconds(pid), bench.cpu(pid)
    requests, _, bad, broken = bench.wrk(port, options.seconds, tokens)
    cores, whole = core_seconds(pid) - cores, bench.cpu(pid) - whole
    if bad or broken > requests / 1000:
        sys.exit(f"error: {bad} bad statuses, {broken} broken of {requests}")
    latency = bench.latency("Tollgate")
    seen = acts.end() if acts else (0, 0, 0)
    return (cores / requests * 1e6, whole / requests * 1e6, latency[0], latency[1], *seen)


def main():
    parser = argparse.ArgumentParser(prog="benches/peers/run busy", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--hot", type=int, help="tokens that the load is spread over; all by default")
    parser.add_argument("--acts", type=int, default=1000, help="creations and revocations a second, half of each")
    parser.add_argument("--together", action="store_true", help="all of the gateway on one core")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=5, help="of one measurement under full load")
    parser.add_argument("--latency-seconds", type=int, default=5)
    parser.add_argument("--rate", type=int, default=1000, help="requests a second for latencies")
    options = parser.parse_args()
    options.only, options.runtimes, options.beside = ["Tollgate"], False, None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tollgate-busy-"))
    bench = Bench(options, folder)
    try:
        bench.seed()
        bench.start_all()
        bench.wrk(bench.peers["Tollgate"][0], options.tokens // 20_000 + 2, folder / "hot.txt")
        if not options.together:
            move_others(bench.peers["Tollgate"][1])
        quiet, busy = [], []
        for turn in range(options.rounds):
            for is_busy in (turn % 2 == 1, turn % 2 == 0):
                (busy if is_busy else quiet).append(measure(bench, is_busy))
            print(f"round {turn + 1} of {options.rounds}", file=sys.stderr)
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)
    names = ("CPU µs of the proxying threads", "CPU µs of the whole process",
             "p50 µs at a fixed rate", "p99 µs at a fixed rate")
    rows = []
    for at, name in enumerate(names):
        ratios = [b[at] / q[at] for b, q in zip(busy, quiet)]
        cells = [spread([one[at] for one in found], ".1f") for found in (quiet, busy)]
        rows.append((name, *cells, spread(ratios, ".2f")))
    rate, middle, high = (statistics.median(one[at] for one in busy) for at in (4, 5, 6))
    table(f"a proxied request, {options.tokens} tokens, {options.rounds} pairs of rounds, median (least to most)",
          ("for a request", "quiet", "busy", "ratio"), rows)
    print(f"\nbusy: {rate:.0f} creations and as many revocations each second, median {middle:.0f} µs, "
          f"99th percentile {high:.0f} µs")


if __name__ == "__main__":
    main()
