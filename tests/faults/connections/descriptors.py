"""File descriptors run out: no crash, no spin, the administrative address answers, back within a second.

First a gateway with few files is flooded with connections, some of which only lie there, some of which ask an upstream that
does not answer. Then its limit is taken below what it has open, so that every `accept` fails while clients wait.
"""

import resource
import socket
import threading
import time

import clients
from stage import Failed, Gateway, monitor
from upstream import Said, Upstream

FILES = 512
FLOODERS = 4
SECONDS = 5
RULES = """
[[apis]]
name = "all"
upstream = "http://127.0.0.1:{port}"
rules = [{{ path = "/x" }}, {{ path = "/silent" }}]
"""


class Silent(Said):
    """Answers all but `/silent`."""

    def answer(self, line, fields, body):
        if "/silent" not in line:
            super().answer(line, fields, body)


class Monitor(threading.Thread):
    """Asks the administrative address ten times a second, each time on a new connection unless `kept`."""

    def __init__(self, port, kept):
        super().__init__(daemon=True)
        self.port, self.kept = port, clients.Http1(port) if kept else None
        if kept:
            self.kept.host = "localhost"
        self.over, self.asked, self.longest, self.faults = threading.Event(), 0, 0, []
        self.start()

    def run(self):
        while not self.over.wait(0.1):
            begun = time.monotonic()
            try:
                if self.kept is None:
                    monitor(self.port, "/health")
                elif (status := self.kept.ask("GET", "/health", "-").status) != 200:
                    raise Failed(f"status {status}")
            except (Failed, clients.Lost, OSError) as failed:
                self.faults.append(str(failed))
            self.asked, self.longest = self.asked + 1, max(self.longest, time.monotonic() - begun)

    def row(self):
        self.over.set()
        self.join()
        return (f"the administrative address, asked {self.asked} times meanwhile, on "
                + ("a connection that it has" if self.kept else "new connections"),
                f"{len(self.faults)} without an answer {self.faults[:1] or ''}; longest {self.longest * 1000:.0f} ms",
                not self.faults and self.asked > 0 and self.longest < 1)


def flood(number, port, request, over, made):
    """Opens connections as fast as it can and keeps them, at most a thousand."""
    held = []
    while not over.is_set():
        try:
            stream = socket.create_connection(("127.0.0.1", port), timeout=1, source_address=(f"127.0.{number + 1}.1", 0))
            if number % 2:
                stream.send(request)
            held.append(stream)
            made[number] += 1
        except OSError:
            pass
        if len(held) > 1_000:
            held.pop(0).close()
    for stream in held:
        stream.close()


def back_after(port, secret):
    """Seconds until a new client is served."""
    begun = time.monotonic()
    while time.monotonic() < begun + 30:
        try:
            client = clients.Http1(port)
            answer = client.ask("GET", "/x", secret)
            client.close()
            if answer.status == 200:
                return time.monotonic() - begun
        except (clients.Lost, OSError):
            pass
    return 99


def lived(gateway):
    yield from (("the gateway", fault, False) for fault in gateway.stop())
    if "damaged" in gateway.said():
        yield ("it says", "that its store is damaged", False)


def flooded(gateway, secret):
    over, made = threading.Event(), [0] * FLOODERS
    request = f"GET /silent HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\r\n".encode()
    monitored, cpu = Monitor(gateway.admin, kept=False), gateway.cpu()
    crowd = [threading.Thread(target=flood, args=(number, gateway.port, request, over, made), daemon=True)
             for number in range(FLOODERS)]
    for one in crowd:
        one.start()
    time.sleep(SECONDS)
    spent, held = gateway.cpu() - cpu, gateway.open_files()
    yield (f"a flood of {sum(made):,} connections on {FILES} files for {SECONDS} s",
           f"{held} files open; {spent / SECONDS * 100:.0f} % of a core, {spent / max(sum(made), 1) * 1e6:.0f} µs for each",
           held <= FILES and sum(made) > FILES)
    yield monitored.row()
    over.set()
    for one in crowd:
        one.join()
    took = back_after(gateway.port, secret)
    yield ("the flood ends: a new client is served after", f"{took * 1000:.0f} ms", took < 1)


def exhausted(gateway, secret):
    monitored = Monitor(gateway.admin, kept=True)
    time.sleep(0.3)
    kept = clients.Http1(gateway.port)
    kept.ask("GET", "/x", secret)
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (1, FILES))
    # Fewer than one address may have, which is a quarter of what 512 files leave.
    waiting = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(90)]
    time.sleep(0.2)
    cpu = gateway.cpu()
    time.sleep(SECONDS)
    spent = gateway.cpu() - cpu
    yield (f"no file can be opened for {SECONDS} s, {len(waiting)} clients wait", f"{spent / SECONDS * 100:.1f} % of a core",
           spent < SECONDS / 10 and "no connection can be accepted" in gateway.said())
    status = kept.ask("GET", "/x", secret).status
    yield ("meanwhile a client that was there is answered", f"{status}", status == 200)
    yield monitored.row()
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
    took = back_after(gateway.port, secret)
    yield ("there are files again: a new client is served after", f"{took * 1000:.0f} ms", took < 1)
    for stream in waiting:
        stream.close()


def run(options, folder):
    upstream = Upstream(lambda: Silent("up"))
    for number, part in enumerate((flooded, exhausted)):
        gateway = Gateway(options.program, folder.with_name(f"{folder.name}-{number}"), RULES.format(port=upstream.port),
                          limits='drain_timeout = "1s"', files=FILES)
        gateway.command("user", "add", "alice")
        secret = gateway.token("one")[1]
        yield from part(gateway, secret)
        yield from lived(gateway)
    upstream.stop()
