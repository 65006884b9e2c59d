"""Whether administration slows with the number of tokens: creations by 32 clients at once, and pages of a
hundred, each behind the one before, through REST. Two gateways, one with ten times as many tokens as the
other, take the same work in alternating rounds, so that what else the machine does falls on both.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from bench import HERE, TARGET, Bench, free_port, spread, table

PROGRAM = TARGET / "release" / "tollgate"
KINDS = {"create": ("a creation", 32), "pages": ("a page of 100 tokens", 1)}


def run(*command):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout


class Sized:
    """A gateway with so many tokens, and an administrator's token."""

    def __init__(self, bench, tokens):
        self.bench, suffix, port = bench, f"-{tokens}", free_port()
        file = bench.tollgate_file(port, suffix)
        run(TARGET / "release/examples/peers-seed", file, tokens, bench.dir / "tokens", bench.dir / "unknown")
        run(PROGRAM, "user", "add", "boss", "--role", "administrator", "--config", file)
        made = json.loads(run(PROGRAM, "--json", "token", "create", "--owner", "boss", "--name", "bench",
                              "--flags", "-1", "--config", file))
        self.secret = made["secret"]
        self.admin = re.search(r'admin = "([^"]+)"', file.read_text())[1]
        self.pid = bench.start("0,1", port, PROGRAM, "serve", "--config", file).pid

    def measure(self, kind, seconds):
        """Acts a second, and CPU microseconds of the gateway for each."""
        cpu = self.bench.cpu(self.pid)
        output = run("wrk", "-t", "1", "-c", KINDS[kind][1], "-d", f"{seconds}s", "-s", HERE / "acts.lua",
                     f"http://{self.admin}", "--", kind, self.secret)
        cpu = self.bench.cpu(self.pid) - cpu
        line = next(line for line in output.splitlines() if line.startswith("RESULT "))
        acts, micros, bad = map(int, line.split()[1:])
        if bad or not acts:
            sys.exit(f"error: {bad} of {acts} acts failed")
        return acts / micros * 1e6, cpu / acts * 1e6


def main():
    parser = argparse.ArgumentParser(prog="benches/peers/run sizes", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=1_000_000, help="of the larger; the smaller has a tenth")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=2, help="of one measurement")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tollgate-sizes-"))
    bench = Bench(options, folder)
    rows = []
    try:
        both = [Sized(bench, tokens) for tokens in (options.tokens // 10, options.tokens)]
        for kind, (name, _) in KINDS.items():
            found = [[], []]
            for turn in range(-1, options.rounds):
                for of in (0, 1) if turn % 2 else (1, 0):
                    measured = both[of].measure(kind, options.seconds)
                    if turn >= 0:
                        found[of].append(measured)
            for at, unit in enumerate(("a second", "CPU µs")):
                few, many = ([one[at] for one in of] for of in found)
                ratios = [b / a for a, b in zip(few, many)]
                rows.append((f"{name}, {unit}", spread(few, ",.0f"), spread(many, ",.0f"), spread(ratios, ".2f")))
            print(f"measured: {name}", file=sys.stderr)
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)
    table(f"{options.rounds} alternating rounds, median (least to most)",
          ("", f"{options.tokens // 10:,} tokens", f"{options.tokens:,} tokens", "ratio"), rows)


if __name__ == "__main__":
    main()
