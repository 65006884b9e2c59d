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
# What clients speak, and how many there are of each.
KINDS = {"HTTP/1.1": 3, "HTTP/1.1, new": 2, "HTTP/2": 1, "HTTP/1.1 in TLS": 1, "HTTP/2 in TLS": 1, "HTTP/1.1 in TLS, new": 1}
DOOMED = 24


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
    upstream = Upstream(lambda: Said("up"))
    gateway = Gateway(options.program, folder, RULES.format(port=upstream.port), tls=True)
    gateway.command("user", "add", "alice")
    secret = gateway.token("alive")[1]
    ids, secrets = zip(*(gateway.token(f"doomed-{number}") for number in range(DOOMED)))
    acts, count = FORK.Array("d", 2 * DOOMED, lock=False), FORK.Value("q")
    kinds = [kind for kind, number in KINDS.items() for _ in range(number)]
    rate = options.rate / (len(kinds) + 2)
    workers = [Worker(asker(kind, gateway, secret, count), rate) for kind in kinds]
    vain = [Worker(doomed(kind, gateway, secrets, acts, count), rate) for kind in ("HTTP/1.1", "HTTP/2")]
    revocations = Revocations(gateway, ids, acts, count, options.requests)
    revocations.start()
    steps, pauses = 2 * options.restarts + 1, []
    for step in range(1, 2 * options.restarts + 1):
        wait_until("requests are answered", 120, lambda: count.value >= options.requests * step / steps)
        if step % 2:
            before = gateway.metric("tollgate_config_generation")
            gateway.configure(RULES.format(port=upstream.port) + f'[[apis.rules]]\npath = "/new{step}"\n')
            wait_until("a reload", 5, lambda: gateway.metric("tollgate_config_generation") > before)
        else:
            revocations.now.set()
            begun = time.monotonic()
            gateway.replace(by_hand=step % 4 == 0)
            pauses.append(time.monotonic() - begun)
    wait_until("requests are answered", 120, lambda: count.value >= options.requests)
    revocations.join(60)
    time.sleep(1)
    by_kind = {kind: Seen([one for name, one in zip(kinds, workers) if name == kind]) for kind in KINDS}
    refused = Seen(vain)
    yield from report(options, by_kind, refused, revocations, pauses)
    for fault in gateway.stop():
        yield ("the gateway", fault, False)
    upstream.stop()


def report(options, by_kind, refused, revocations, pauses):
    for kind, seen in by_kind.items():
        failed = seen.faulty()
        yield (f"{kind}: {seen.count():,} requests", f"{failed} failed{f' ({seen.told()})' if failed else ''}; "
               f"longest {seen.longest():.0f} ms, 99.9 % {seen.quantile(0.999):.1f} ms", failed == 0 and seen.longest() < 1_000)
    permitted, failed = refused.faulty("permitted"), refused.faulty("failed")
    done = len(revocations.ids) - len(revocations.faults)
    yield (f"{refused.count():,} requests with {done} tokens that are revoked meanwhile",
           f"{permitted} wrongly permitted, {failed} failed{f' ({refused.told()})' if failed else ''}; "
           f"longest {refused.longest():.0f} ms", permitted == 0 and failed == 0)
    yield ("revocations; the slowest", f"{len(revocations.faults)} failed {revocations.faults[:1] or ''}; "
           f"{revocations.longest * 1000:.0f} ms", not revocations.faults and not revocations.is_alive())
    total = sum(seen.count() for seen in by_kind.values()) + refused.count()
    longest = max(seen.longest() for seen in [*by_kind.values(), refused])
    yield (f"in all {total:,} requests, {len(pauses)} restarts, {options.restarts} reloads",
           f"the longest pause {longest:.0f} ms; a restart, until the old process is gone, {max(pauses):.1f} s at the most",
           total >= options.requests)
