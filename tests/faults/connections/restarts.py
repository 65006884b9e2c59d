"""The binary is replaced under load, by the signal and by hand, between reloads: nothing fails, nothing revoked passes.

Clients ask at a steady rate, over HTTP/1.1 and HTTP/2, with and without TLS, on connections that they keep and on new ones.
Tokens are revoked all the while, some just as the binary is replaced: what is asked for after the revocation was acknowledged
must be refused.
"""

import threading
import time

import clients
from load import FORK, Kept, Seen, Worker
from stage import Gateway, wait_until
from upstream import Said, Upstream

RULES = """
[[apis]]
name = "all"
upstream = "http://127.0.0.1:{port}"
[[apis.rules]]
path = "/x/{{*rest}}"
"""
# What clients speak, and how many there are of each. Where only HTTP/1.1 without TLS is spoken, nobody has to be told in time
# that a connection ends, and the pause is shorter.
ALL = {"HTTP/1.1": 3, "HTTP/1.1, new": 2, "HTTP/2": 1, "HTTP/1.1 in TLS": 1, "HTTP/2 in TLS": 1, "HTTP/1.1 in TLS, new": 1,
       "HTTP/1.1 in TLS, seldom": 6}
PLAIN = {"HTTP/1.1": 4, "HTTP/1.1, new": 3}
# Without those whose connections lie idle for so long that they close when the gateway stops.
BUSY = {kind: number for kind, number in ALL.items() if "seldom" not in kind}
DOOMED = 24
# Requests a second of a client that asks seldom: it learns too late that its connection is to end.
SELDOM = 0.8


def asker(kind, gateway, secret, count):
    """A client whose token lives."""
    client = Kept(kind, gateway.secure if "TLS" in kind else gateway.port)

    def ask():
        with count.get_lock():
            count.value += 1
        try:
            answer = client.ask("GET", "/x/y", secret)
        except (clients.Lost, OSError) as lost:
            return f"{kind} failed: {lost}"
        good = answer.status == 200 and answer.whole and b'"path": "/x/y"' in answer.body
        return None if good else f"{kind} failed: status {answer.status}, {answer.body[:80]}"

    return ask


def doomed(kind, gateway, secrets, acts, count):
    """A client whose tokens are revoked one by one; `acts` holds when each revocation began and was acknowledged."""
    client, turn = Kept(kind, gateway.port), [0]

    def ask():
        turn[0] += 1
        at = turn[0] % len(secrets)
        with count.get_lock():
            count.value += 1
        begun = time.monotonic()
        try:
            answer = client.ask("GET", "/x/y", secrets[at])
        except (clients.Lost, OSError) as lost:
            return f"{kind} failed: {lost}"
        asked, acknowledged = acts[2 * at:2 * at + 2]
        if answer.status == 200 and acknowledged and begun > acknowledged:
            return "wrongly permitted"
        if answer.status not in (200, 401) or answer.status == 401 and not asked:
            return f"{kind} failed: status {answer.status}"
        return None

    return ask


class Revocations(threading.Thread):
    """Revokes one token after the other, spread over the requests, and one whenever `now` is set."""

    def __init__(self, gateway, ids, acts, count, requests):
        super().__init__(daemon=True)
        self.gateway, self.ids, self.acts, self.count, self.requests = gateway, ids, acts, count, requests
        self.now, self.longest, self.faults = threading.Event(), 0, []

    def run(self):
        for number, one in enumerate(self.ids):
            while self.count.value < self.requests * (number + 1) / (len(self.ids) + 1) and not self.now.wait(0.02):
                pass
            self.now.clear()
            begun = self.acts[2 * number] = time.monotonic()
            done = self.gateway.run("token", "revoke", one)
            if done.returncode:
                self.faults.append(done.stderr.strip())
                continue
            self.acts[2 * number + 1] = time.monotonic()
            self.longest = max(self.longest, time.monotonic() - begun)


def run(options, folder):
    everything, part = options.requests * 3 // 4, (options.restarts + 1) // 2
    yield from replaced(options, folder, ALL, everything, options.restarts)
    yield from replaced(options, folder.with_name(folder.name + "-plain"), PLAIN, options.requests - everything, part)
    yield from managed(options, folder.with_name(folder.name + "-managed"), options.requests // 10, part)


def managed(options, folder, requests, restarts):
    """Somebody else keeps the sockets, where clients wait while nobody takes them in."""
    upstream = Upstream(lambda: Said("up"))
    gateway = Gateway(options.program, folder, RULES.format(port=upstream.port), tls=True, kept=True)
    gateway.command("user", "add", "alice")
    secret, count = gateway.token("alive")[1], FORK.Value("q")
    rate = options.rate / sum(BUSY.values()) / 2
    workers = [Worker(asker(kind, gateway, secret, count), rate) for kind, number in BUSY.items() for _ in range(number)]
    for step in range(1, restarts + 1):
        wait_until("requests are answered", 120, lambda: count.value >= requests * step / (restarts + 1))
        gateway.again()
    wait_until("requests are answered", 120, lambda: count.value >= requests)
    seen = Seen(workers)
    failed = seen.faulty()
    yield (f"{seen.count():,} requests, {restarts} times stopped and started, with sockets that somebody else keeps",
           f"{told(seen, failed)}; longest {seen.longest():.0f} ms", failed == 0 and seen.longest() < 3_000)
    for fault in gateway.stop():
        yield ("the gateway", fault, False)
    upstream.stop()


def replaced(options, folder, kinds, requests, restarts):
    upstream, more = Upstream(lambda: Said("up")), kinds is ALL
    gateway = Gateway(options.program, folder, RULES.format(port=upstream.port), tls=more, h2c=more)
    gateway.command("user", "add", "alice")
    secret = gateway.token("alive")[1]
    ids, secrets = zip(*(gateway.token(f"doomed-{number}") for number in range(DOOMED)))
    acts, count = FORK.Array("d", 2 * DOOMED, lock=False), FORK.Value("q")
    vain = ("HTTP/1.1", "HTTP/2" if more else "HTTP/1.1, new")
    rate = options.rate / (sum(kinds.values()) + len(vain))
    workers = {kind: [Worker(asker(kind, gateway, secret, count), SELDOM if "seldom" in kind else rate) for _ in range(number)]
               for kind, number in kinds.items()}
    vain = [Worker(doomed(kind, gateway, secrets, acts, count), rate) for kind in vain]
    revocations = Revocations(gateway, ids, acts, count, requests)
    revocations.start()
    changes = []
    for step in range(1, 2 * restarts + 1):
        wait_until("requests are answered", 120, lambda: count.value >= requests * step / (2 * restarts + 1))
        if step % 2:
            before = gateway.metric("tollgate_config_generation")
            gateway.configure(RULES.format(port=upstream.port) + f'[[apis.rules]]\npath = "/new{step}"\n')
            wait_until("a reload", 5, lambda: gateway.metric("tollgate_config_generation") > before)
        else:
            revocations.now.set()
            begun = time.monotonic()
            gateway.replace(by_hand=step % 4 == 0)
            changes.append(time.monotonic() - begun)
    wait_until("requests are answered", 120, lambda: count.value >= requests)
    revocations.join(60)
    time.sleep(1)
    yield from report({kind: Seen(of_kind) for kind, of_kind in workers.items()}, Seen(vain), revocations, changes)
    for fault in gateway.stop():
        yield ("the gateway", fault, False)
    upstream.stop()


def told(seen, count):
    return f"{count} failed{f' ({seen.told()})' if count else ''}"


def report(by_kind, refused, revocations, changes):
    every = [*by_kind.values(), refused]
    yield (f"{sum(seen.count() for seen in every):,} requests, {len(changes)} restarts and as many reloads; the slowest restart, "
           "until the old process is gone", f"{max(changes):.1f} s", max(changes) < 10)
    for kind, seen in by_kind.items():
        failed = seen.faulty()
        yield (f"{kind}: {seen.count():,} requests", f"{told(seen, failed)}; longest {seen.longest():.0f} ms, "
               f"99 % {seen.quantile(0.99):.0f} ms", failed == 0 and seen.longest() < 1_500)
    permitted, failed = refused.faulty("permitted"), refused.faulty("failed")
    yield (f"{refused.count():,} requests with {len(revocations.ids)} tokens that are revoked meanwhile",
           f"{permitted} wrongly permitted, {told(refused, failed)}", permitted == 0 and failed == 0)
    yield ("revocations: the slowest", f"{revocations.longest * 1000:.0f} ms; {len(revocations.faults)} failed "
           f"{revocations.faults[:1] or ''}", not revocations.faults and not revocations.is_alive())
