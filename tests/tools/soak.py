"""Hours of mixed load in minutes: one gateway under everything that mixed.py does, with wrk and h2load beside it, reloads, broken
configurations and new certificates, at about 70 % of what this machine gives. Everything is done twice: first to warm up, and then
for `--seconds`; behind each the gateway is left alone until its connections are closed. It has held when

- left alone, it holds no more memory (VmRSS) than behind the warm-up but for 8 MiB, 4 KiB for each token that was made meanwhile, and
  32 KiB for each life of tokens, 32 MiB at the most: buffers of what the index wrote, which sled frees 64 at a time; under load the
  median of the last third is no higher than that of the first but for 24 MiB and as much for tokens (what is under way differs from
  moment to moment);
- descriptors and threads are what they were but for 16 and 4, and no connection is open;
- the 99th percentile of an honest client in the last third is no more than a tenth above that of the first, and 5 ms;
- every answer was what it had to be, of millions: no 5xx but where the upstream's fault is the cause, no token wrongly let through;
- no line of the log is an error or tells of a panic, and it is the same process that ends with 0 at SIGTERM.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import mixed
from tools import Stage, free_port

HERE = pathlib.Path(__file__).parent
GATEWAY = """
[listen]
public = "127.0.0.1:{public}"
plain = "127.0.0.1:{plain}"
admin = "127.0.0.1:{admin}"
cores = 2
h2c = true
[[tls.certificates]]
chain = "cert.pem"
key = "key.pem"
[store]
path = "data"
[cache]
unknown = 10_000
[limits]
requests_per_connection = 0
idle_timeout = "10s"
stall_timeout = "20s"
[limits.failures]
slow_after = 0
refuse_after = 0
[telemetry]
format = "json"
[flags]
view = 0x200
[contexts.stock]
title = "Stock"
[[apis]]
name = "fast"
path = "/fast"
upstream = "http://127.0.0.1:{fast}"
upstream_idle_timeout = "5s"
rules = [{{ path = "/fast/{{*rest}}", context = "stock", flags = ["view"] }}]
[[apis]]
name = "odd"
path = "/odd"
upstream = "http://127.0.0.1:{odd}"
upstream_idle_timeout = "5s"
rules = [{{ path = "/odd/{{*rest}}" }}]
[[apis]]
name = "faulty"
path = "/faulty"
upstream = "http://127.0.0.1:{odd}"
upstream_idle_timeout = "5s"
upstream_response_timeout = "3s"
upstream_stall_timeout = "3s"
rules = [{{ path = "/faulty/{{*rest}}" }}]
"""
# What a line of the access log looks like; of the others each is kept.
ACCESS = '"target":"access"'
RELOAD_EVERY, SAMPLE_EVERY, CONNECTIONS = 5, 2, 96


class Soak(Stage):
    """The gateway, nginx for what is quick, and odd.py for the rest."""

    def begin(self):
        self.ports = {name: free_port() for name in ("public", "plain", "admin", "odd")}
        self.ports["fast"] = self.nginx()
        self.start("odd", self.ports["odd"], sys.executable, HERE / "odd.py", self.ports["odd"])
        # Two of one authority, which take turns.
        for name in ("other", "first"):
            self.certificates()
            for file in ("cert.pem", "key.pem", "ca.pem"):
                shutil.copy(self.dir / file, self.dir / f"{name}-{file}")
        (self.dir / "ca.pem").write_text("".join((self.dir / f"{name}-ca.pem").read_text() for name in ("first", "other")))
        self.file = self.dir / "soak.toml"
        self.file.write_text(GATEWAY.format(**self.ports))
        self.gateway = self.start("gateway", self.ports["plain"], "bash", "-c",
                                  f"exec \"$0\" \"$@\" 2> >(exec grep --line-buffered -v '{ACCESS}')",
                                  self.program, "--config", self.file, "serve")

    def seed(self, unknown):
        """Tokens of each kind, written to a file for wrk; one of each is returned."""
        self.run(self.program, "--config", self.file, "user", "add", "soak", "--role", "administrator")
        create = (self.program, "--config", self.file, "token", "create", "--owner", "soak", "--secret-only", "--name", "soak")
        kinds = {"good": (200, ("--contexts", "stock", "--flags", "view")), "poor": (20, ("--contexts", "stock")),
                 "expired": (20, ("--contexts", "stock", "--flags", "view", "--lifetime", "1s")),
                 "revoked": (20, ("--contexts", "stock", "--flags", "view")), "admin": (1, ("--flags=-1",))}
        found = {kind: [self.run(*create, *how).strip() for _ in range(count)] for kind, (count, how) in kinds.items()}
        (self.dir / "leaked").write_text("\n".join(found["revoked"]))
        self.run(self.program, "--config", self.file, "token", "leak", self.dir / "leaked")
        found["unknown"] = [f"nobody-has-this-one-{os.urandom(12).hex()}" for _ in range(unknown)]
        lines = [f"{kind} {token}\n" for kind, tokens in found.items() if kind != "admin" for token in tokens]
        (self.dir / "tokens").write_text("".join(lines))
        time.sleep(1.5)
        return {kind: tokens[0] for kind, tokens in found.items()}

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['admin']}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}

    def sample(self):
        """What the gateway holds: MiB, descriptors, threads, connections."""
        memory, files = self.held(self.gateway)
        threads = len(os.listdir(f"/proc/{self.gateway.pid}/task"))
        return memory, files, threads, self.metrics()["tollgate_connections_open"]

    def reload(self, turn):
        """Another configuration, a broken one, the same again by a signal and by a command, another certificate."""
        good, replace = GATEWAY.format(**self.ports), self.dir / "new.toml"
        if turn % 5 == 0:
            replace.write_text(good.replace('"20s"', f'"{20 + turn % 7}s"') + f'[[apis]]\nname = "n{turn}"\nhost = "n{turn}.example"\n'
                               f'upstream = "http://127.0.0.1:1"\nrules = [{{ path = "/" }}]\n')
            replace.replace(self.file)
        elif turn % 5 == 1:
            replace.write_text(good + "[[apis]\nname = ")
            replace.replace(self.file)
        elif turn % 5 == 2:
            replace.write_text(good)
            replace.replace(self.file)
            self.gateway.send_signal(signal.SIGHUP)
        elif turn % 5 == 3:
            self.run(self.program, "--config", self.file, "reload")
        else:
            name = ("first", "other")[turn // 5 % 2]
            for file in ("key.pem", "cert.pem"):
                shutil.copy(self.dir / f"{name}-{file}", self.dir / f"{file}.new")
                (self.dir / f"{file}.new").replace(self.dir / file)

    def wrk(self, seconds, connections, pause, *how):
        return subprocess.Popen(list(map(str, ("wrk", "-t", 1, "-c", connections, "-d", f"{seconds}s", "--timeout", "10s", "-s",
                                               HERE / "soak.lua", f"http://127.0.0.1:{self.ports['plain']}", "--",
                                               self.dir / "tokens", pause, *how))), stdout=subprocess.PIPE, text=True)

    def h2load(self, turn, token):
        """Ten seconds of HTTP/2 without TLS, within TLS, and with bodies."""
        port, scheme, path, more = (("plain", "http", "/fast/x", ()), ("public", "https", "/fast/x", ()),
                                    ("public", "https", "/odd/take", ("-d", self.dir / "body")))[turn % 3]
        count = 500 if more else 8_000
        command = ("h2load", "-n", count, "-c", 10, "-m", 10, "--rps", count // 100, "-H", f"authorization: Bearer {token}", *more,
                   f"{scheme}://localhost:{self.ports[port]}{path}")
        return count, subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def told_by_wrk(output):
    """How many answers came, and what is wrong with them."""
    asked_good, good, asked_dead, dead, asked_poor, poor, other, errors, micros = map(int, output.split("RESULT ")[1].split())
    # What is under way when the time is over was asked, and not answered.
    same = all(0 <= asked - got <= CONNECTIONS for asked, got in ((asked_good, good), (asked_dead, dead), (asked_poor, poor)))
    fault = [] if same and not other and not errors else [f"wrk: {output.split('RESULT ')[1].strip()}"]
    return good + dead + poor + other, micros / 1e6, fault


class Load:
    """All of the load for some seconds."""

    def __init__(self, stage, plan, pause, seconds):
        self.stage, self.plan, self.pause = stage, dict(plan, seconds=seconds), pause
        self.seconds, self.samples, self.done, self.faults = seconds, [], {}, []

    def run(self):
        stage, began = self.stage, time.monotonic()
        pipes = []
        for client in (mixed.run, mixed.honest):
            mine, theirs = multiprocessing.Pipe(duplex=False)
            multiprocessing.Process(target=client, args=(self.plan, theirs)).start()
            pipes.append(mine)
        (stage.dir / "body").write_bytes(os.urandom(1 << 18))
        kept = stage.wrk(self.seconds, CONNECTIONS, self.pause)
        new = stage.wrk(self.seconds, 8, 20, "close")
        busy, turn, reloads, two = cpu(stage.gateway.pid), 0, 0, (0, None)
        while (now := time.monotonic() - began) < self.seconds:
            if now >= reloads * RELOAD_EVERY + 2:
                stage.reload(reloads)
                reloads += 1
            if two[1] is None or two[1].poll() is not None:
                self.h2load_told(*two)
                if now < self.seconds - 11:
                    two, turn = stage.h2load(turn, self.plan["good"]), turn + 1
                else:
                    two = (0, None)
            self.samples.append((now, *stage.sample()))
            time.sleep(SAMPLE_EVERY)
        self.used = [(after - before) / (time.monotonic() - began) for before, after in zip(busy, cpu(stage.gateway.pid))]
        # Whatever ends otherwise would be missed.
        (self.counts, faults), (self.took, more) = (pipe.recv() for pipe in pipes)
        self.faults += [f"{count} times: {fault}" for fault, count in (*faults.items(), *more.items())]
        self.h2load_told(*two)
        for name, process in (("wrk, kept connections", kept), ("wrk, new connections", new)):
            count, _, fault = told_by_wrk(process.communicate()[0])
            self.done[name], self.faults = count, self.faults + fault
        self.done |= self.counts | {"honest client": len(self.took), "reloads": reloads}
        # The last of them was a broken one, perhaps.
        stage.reload(2)

    def h2load_told(self, count, process):
        if process is None:
            return
        output = process.communicate()[0]
        good = re.search(r"status codes: (\d+) 2xx", output)
        self.done["h2load"] = self.done.get("h2load", 0) + count
        if not good or int(good[1]) != count:
            self.faults.append(f"h2load: {count} asked: {output[-800:]}")

    def thirds(self, column):
        """The middle value of a column of the samples in the first third of the time, and in the last."""
        return [statistics.median(row[column] for row in self.samples if begin <= row[0] < begin + self.seconds / 3)
                for begin in (0, self.seconds * 2 / 3)]

    def tails(self):
        """The 99th percentile of the honest client in each third, in ms."""
        parts = [sorted(ms for at, ms in self.took if third <= 3 * at / self.seconds < third + 1) for third in range(3)]
        return [part[len(part) * 99 // 100] for part in parts]


def cpu(pid):
    """Seconds of the processors: what the machine was at work, and what the gateway was."""
    ticks = os.sysconf("SC_CLK_TCK")
    machine = list(map(int, pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]))
    own = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (sum(machine) - machine[3] - machine[4]) / ticks, (int(own[11]) + int(own[12])) / ticks


def left_alone(stage):
    """What is held once all connections are closed, and idle ones to upstreams, too."""
    until = time.monotonic() + 60
    while stage.metrics()["tollgate_connections_open"] and time.monotonic() < until:
        time.sleep(1)
    time.sleep(12)
    return stage.sample()


def verdict(stage, load, before, after):
    lives = load.done.get("lives of tokens", 0)
    tokens = (8 * lives + min(32 * lives, 32 * 1024)) / 1024
    first, last = load.thirds(1)
    for what, grown, allowed in (("left alone", after[0] - before[0], 8), ("under load", last - first, 24)):
        if grown > allowed + tokens:
            yield f"{what} it holds {grown:.1f} MiB more, where {allowed + tokens:.1f} are allowed"
    if after[1] > before[1] + 16 or after[2] > before[2] + 4 or after[3]:
        yield f"left alone it has {after[1]} descriptors, {after[2]} threads and {after[3]:.0f} connections; before {before[1:]}"
    tails = load.tails()
    # A tenth, and what two cores that others share are off by.
    if tails[2] > 1.1 * tails[0] + 5:
        yield f"the 99th percentile of the honest client went from {tails[0]:.1f} to {tails[2]:.1f} ms"
    yield from load.faults
    if not all(load.done.values()):
        yield f"something was never done: {load.done}"
    metrics = stage.metrics()
    for name, count in metrics.items():
        bad = re.match(r'tollgate_requests_total{api="(?!faulty).*outcome="(failed|5xx)"', name)
        if bad and count:
            yield f"{name} is {count:.0f}"
    if metrics["tollgate_config_generation"] < load.done["reloads"] / 5 or not metrics["tollgate_config_reload_failures_total"]:
        yield "configurations were not taken, or broken ones were not refused"
    for line in (stage.dir / "gateway.log").read_text().splitlines():
        # Of a broken configuration it has to tell.
        if "panic" in line or '"level":"ERROR"' in line and "app::reload" not in line:
            yield f"the log says: {line[:300]}"
    if stage.gateway.poll() is not None:
        yield "the gateway has ended"


def show(load, before, after):
    columns = ("memory, MiB", "descriptors", "threads", "connections")
    print(f"\n| {'':26} | " + " | ".join(f"{column:>11}" for column in columns) + " |")
    print("| --- |" + " ---: |" * len(columns))
    thirds = [load.thirds(column) for column in range(1, 5)]
    rows = (("left alone, warm", before), ("under load, first third", [first for first, _ in thirds]),
            ("under load, last third", [last for _, last in thirds]), ("most", [max(row[at] for row in load.samples) for at in range(1, 5)]),
            ("left alone, at the end", after))
    for name, values in rows:
        print(f"| {name:26} | {values[0]:11.1f} | " + " | ".join(f"{value:11.0f}" for value in values[1:]) + " |")
    print("\nthe honest client's 99th percentile in each third, ms: " + ", ".join(f"{tail:.1f}" for tail in load.tails()))
    cores = os.cpu_count()
    print(f"the machine was {load.used[0] / cores:.0%} at work, of which the gateway {load.used[1] / cores:.0%}")
    print("done: " + ", ".join(f"{name} {count:,}" for name, count in load.done.items()))


def main():
    parser = argparse.ArgumentParser(prog="tests/tools/run soak", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, required=True, help="the binary; a release build is made by default")
    parser.add_argument("--seconds", type=int, default=420, help="of the load that counts")
    parser.add_argument("--warm", type=int, default=120, help="seconds of the load before it")
    parser.add_argument("--share", type=float, default=0.3, help="of what wrk gets alone, that it asks for beside the others")
    parser.add_argument("--idle", type=int, default=300, help="idle connections")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tollgate-soak-"))
    stage, faults = Soak(options.program.absolute(), folder), []
    try:
        stage.begin()
        tokens = stage.seed(1_000)
        count, seconds, _ = told_by_wrk(stage.wrk(5, CONNECTIONS, 0).communicate()[0])
        pause = max(1, round(CONNECTIONS / (options.share * count / seconds) * 1000))
        print(f"wrk alone: {count / seconds:,.0f} requests a second; each of its {CONNECTIONS} connections will wait {pause} ms", flush=True)
        plan = dict(tokens, ca=str(folder / "ca.pem"), idle=options.idle, administration=stage.ports["admin"],
                    **{name: stage.ports[name] for name in ("public", "plain")})
        Load(stage, plan, pause, options.warm).run()
        before = left_alone(stage)
        load = Load(stage, plan, pause, options.seconds)
        load.run()
        after = left_alone(stage)
        show(load, before, after)
        faults.extend(verdict(stage, load, before, after))
    finally:
        faults.extend(stage.stop())
        if not options.keep and not faults:
            shutil.rmtree(folder, ignore_errors=True)
    for fault in faults:
        print(f"FAILED: {fault}")
    print("failed; the log stands in " + str(folder) if faults else "OK")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
