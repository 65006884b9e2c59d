"""Idle connections by the thousand, from many addresses, under a limit of memory: no kill, so much for each, others are served.

As many are opened as the limit of open files lets the gateway serve. Each has been answered once. Then a thousand of them send
a large head that they never finish. Fewer, within TLS, follow: so much for each of those.
"""

import math
import os
import pathlib
import resource
import socket
import ssl
import time

from load import FORK, Kept, Seen, Worker
from stage import Failed, Gateway, clear, is_over, wait_until
from upstream import Said, Upstream

RULES = """
[[apis]]
name = "all"
upstream = "http://127.0.0.1:{port}"
rules = [{{ path = "/x" }}]
"""
OF_ONE_ADDRESS = 500
# Left free for those who are served meanwhile.
FREE = 40
UNFINISHED, HEAD = 1_000, 15_000
WITHIN_TLS = 3_000
SECONDS = 8


class Crowd:
    """A process that opens connections and keeps them; they begin at address 127.`number`."""

    def __init__(self, number, port, secret, wanted, secure=False):
        self.mine, theirs = FORK.Pipe()
        self.process = FORK.Process(target=self.work, args=(theirs, number, port, secret, wanted, secure), daemon=True)
        self.process.start()

    @staticmethod
    def work(pipe, number, port, secret, wanted, secure):
        request = f"GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\r\n".encode()
        held, context = [], ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # The certificate is one of this run.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            while len(held) < wanted:
                at = len(held) // OF_ONE_ADDRESS
                stream = socket.create_connection(("127.0.0.1", port), timeout=30,
                                                  source_address=(f"127.{number + 1}.{at // 250}.{at % 250 + 1}", 0))
                stream = context.wrap_socket(stream) if secure else stream
                stream.sendall(request)
                if not stream.recv(4096).startswith(b"HTTP/1.1 200"):
                    break
                held.append(stream)
        except OSError:
            pass
        for stream in held[wanted - FREE:] if len(held) == wanted else held[-FREE:]:
            stream.close()
            held.remove(stream)
        pipe.send(len(held))
        count = pipe.recv()  # Until the flood.
        for stream in held[:count]:
            stream.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\nX: " + b"x" * HEAD)
        pipe.send(count)
        pipe.recv()  # Until the end.
        lost = 0
        for stream in held[count:]:
            stream.setblocking(False)
            try:
                lost += stream.recv(1) == b""
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
            except OSError:
                lost += 1
        pipe.send(lost)

    def tell(self, word):
        self.mine.send(word)
        return self.hear()

    def hear(self):
        if not self.mine.poll(300):
            raise Failed("a crowd of clients hangs")
        return self.mine.recv()


class Group:
    """A group of processes whose memory is limited, as version 1 or 2 of cgroups has it; none where that may not be made."""

    def __init__(self):
        root, self.dir = pathlib.Path("/sys/fs/cgroup"), None
        v2 = (root / "cgroup.controllers").exists()
        self.names = ("memory.max", "memory.peak") if v2 else ("memory.limit_in_bytes", "memory.max_usage_in_bytes")
        folder = (root if v2 else root / "memory") / f"tollgate-faults-{os.getpid()}"
        try:
            folder.mkdir()
            if (folder / self.names[0]).exists():
                self.dir = folder
            else:
                folder.rmdir()
        except OSError:
            pass

    def take(self, pid, size):
        if self.dir:
            (self.dir / self.names[0]).write_text(str(size << 20))
            (self.dir / "cgroup.procs").write_text(str(pid))

    def peak(self):
        """MiB, with what the system holds for the sockets; 0 where nothing is known."""
        try:
            return int((self.dir / self.names[1]).read_text()) / (1 << 20) if self.dir else 0
        except OSError:
            return 0

    def drop(self):
        """Takes it away once nobody is in it any more."""
        def gone():
            try:
                self.dir.rmdir()
            except OSError:
                return False
            return True

        if self.dir:
            wait_until("the group is empty", 10, gone)


def served(port, secret, seconds=SECONDS):
    """Two honest clients for so many seconds: one on its connection, one on new ones."""
    def asker(kind):
        client = Kept(kind, port)

        def ask():
            try:
                answer = client.ask("GET", "/x", secret)
            except Exception as lost:
                return f"{kind}: {lost or type(lost).__name__}"
            return None if answer.status == 200 and answer.whole else f"{kind}: status {answer.status}"

        return ask

    workers = [Worker(asker("HTTP/1.1"), 100), Worker(asker("HTTP/1.1, new"), 20)]
    time.sleep(seconds)
    return Seen(workers)


def honest(seen, when):
    failed = seen.faulty()
    return (f"{seen.count()} requests of honest clients {when}", f"{failed} failed{f' ({seen.told()})' if failed else ''}; "
            f"median {seen.quantile(0.5):.1f} ms, 99 % {seen.quantile(0.99):.1f} ms, longest {seen.longest():.0f} ms",
            failed == 0 and seen.quantile(0.99) < 250)


def run(options, folder):
    group = Group()
    try:
        yield from crowded(options, folder, group)
        yield from within_tls(options, folder.with_name(folder.name + "-tls"))
    finally:
        clear()
        group.drop()


def crowded(options, folder, group):
    upstream = Upstream(lambda: Said("up"))
    gateway = Gateway(options.program, folder, RULES.format(port=upstream.port),
                      limits=f'idle_timeout = "30m"\nconnections = {options.idle + 1_000}\ndrain_timeout = "1s"')
    gateway.command("user", "add", "alice")
    secret = gateway.token("one")[1]
    served(gateway.port, secret, 1)
    hard = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)[0]
    wanted = min(options.idle, hard // 2)
    limit = options.memory or 96 + wanted * 24 // 1024
    group.take(gateway.pid, limit)
    before, each = gateway.memory(), resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200
    crowds = [Crowd(number, gateway.port, secret, min(each, wanted - number * each)) for number in range(math.ceil(wanted / each))]
    begun = time.monotonic()
    held = sum(crowd.hear() for crowd in crowds)
    opened = time.monotonic() - begun
    time.sleep(options.rest)
    memory = gateway.memory() - before
    resting = gateway.metric("tollgate_connections_resting")
    yield (f"{held:,} idle connections ({options.idle:,} wanted, {hard:,} files allowed), opened in {opened:.0f} s",
           f"{memory / held:.1f} KiB for each, {before / 1024:.0f} MiB before; {resting:,.0f} rest without buffers",
           held >= 0.9 * min(options.idle, hard / 2 - 400))
    cpu = gateway.cpu()
    time.sleep(2)
    yield ("CPU that they take", f"{(gateway.cpu() - cpu) / 2 * 100:.1f} % of a core", gateway.cpu() - cpu < 0.4)
    yield honest(served(gateway.port, secret), "beside them")
    count = min(UNFINISHED, held) // len(crowds)
    for crowd in crowds:
        crowd.tell(count)
    yield honest(served(gateway.port, secret), f"beside {count * len(crowds):,} heads of {HEAD // 1000} KB without end")
    lost = sum(crowd.tell("end") for crowd in crowds)
    yield ("idle connections that were closed meanwhile", f"{lost}", lost == 0)
    for crowd in crowds:
        crowd.process.join()
    time.sleep(2)
    under = f"under a limit of {limit} MiB: {group.peak():.0f} MiB at the most, with the system's share" if group.dir else "without a limit"
    yield ("all of it " + under, f"{gateway.memory('VmHWM') / 1024:.0f} MiB of the process at the most, {gateway.memory() / 1024:.0f} MiB "
           f"when they are gone; {'killed' if is_over(gateway.pid) else 'no kill'}", not is_over(gateway.pid))
    for fault in gateway.stop():
        yield ("the gateway", fault, False)
    upstream.stop()


def within_tls(options, folder):
    upstream = Upstream(lambda: Said("up"))
    gateway = Gateway(options.program, folder, RULES.format(port=upstream.port), tls=True,
                      limits='idle_timeout = "30m"\ndrain_timeout = "1s"')
    gateway.command("user", "add", "alice")
    secret = gateway.token("one")[1]
    served(gateway.port, secret, 1)
    hard = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)[0]
    wanted, before = min(WITHIN_TLS, hard // 2 - 400), gateway.memory()
    crowd = Crowd(0, gateway.secure, secret, wanted, secure=True)
    held = crowd.hear()
    time.sleep(options.rest)
    yield (f"{held:,} idle connections within TLS", f"{(gateway.memory() - before) / held:.1f} KiB for each", held >= 0.9 * wanted)
    crowd.tell(0)
    lost = crowd.tell("end")
    yield ("those that were closed meanwhile", f"{lost}", lost == 0)
    crowd.process.join()
    for fault in gateway.stop():
        yield ("the gateway", fault, False)
    upstream.stop()
