"""Many reloads under load, every fifth of a broken file: no request fails, and none is judged by a mixture.

Two configurations swap everything that a request meets: which token may which path, the upstream, the path and the host
there, the header that names the owner, and how refusals are written. Each answer must be that of the one or of the other in
all of this; while one is known to be in force, that of this one.
"""

import json
import os
import signal
import time

import clients
from load import FORK, Kept, Seen, Worker
from stage import Gateway, wait_until
from upstream import Said, Upstream

RULES = """
[identity]
owner = "x-{name}-owner"
[contexts.left]
title = "Left"
[contexts.right]
title = "Right"
[[apis]]
name = "swap"
path = "/swap"
dialect = "{dialect}"
upstream = "http://127.0.0.1:{port}"
upstream_host = "{name}.internal"
upstream_path = "/{name}"
rules = [
  {{ path = "/swap/one", context = "{one}" }},
  {{ path = "/swap/two", context = "{two}" }},
]
"""
BROKEN = ("nonsense = true\n", "[limits\n", '[[apis]]\nname = "swap"\n', "[listen]\ncores = 7\n",
          '[[apis]]\nname = "b"\nupstream = "http://127.0.0.1:1"\nrules = [{ path = "/x", context = "nobody" }]\n')
# By whose word which token passes where.
PASSES = {("left", "one"): "a", ("right", "two"): "a", ("left", "two"): "b", ("right", "one"): "b"}
KINDS = ("HTTP/1.1", "HTTP/1.1", "HTTP/1.1, new", "HTTP/2", "HTTP/2")
EITHER, NAMES = 0, "?ab"


def judged_by(answer, context, path):
    """By which configuration a request was judged."""
    if answer.status == 200 and answer.whole:
        said, name = json.loads(answer.body), PASSES[context, path]
        wanted = {"by": name, "method": "GET", "path": f"/{name}/{path}", "host": f"{name}.internal",
                  "owner": {f"x-{name}-owner": "alice"}}
        return name if said == wanted else f"a mixture: {said}"
    if answer.status == 403 and answer.whole:
        name = "b" if b'"success":false' in answer.body else "a"
        return f"a mixture: {name} has refused /{path} to {context}" if name == PASSES[context, path] else name
    return f"status {answer.status}"


def asker(number, kind, port, secrets, known):
    """A client that asks for both paths with both tokens, by turns."""
    client, turn = Kept(kind, port), [number]

    def ask():
        turn[0] += 1
        context, path = ("left", "right")[turn[0] % 2], ("one", "two")[turn[0] // 2 % 2]
        epoch, name = known[:]
        try:
            answer = client.ask("GET", f"/swap/{path}", secrets[context])
        except (clients.Lost, OSError) as lost:
            return f"{kind} failed: {lost}"
        by = judged_by(answer, context, path)
        if by not in ("a", "b"):
            return by if by.startswith("a mixture") else f"{kind} failed: {by}"
        if name != EITHER and known[0] == epoch and NAMES[name] != by:
            return "judged by the configuration that was in force before"
        return None

    return ask


def reload(gateway, number, broken):
    """Has the file read anew, by the command or by the signal, and waits until that is done."""
    told = "tollgate_config_reload_failures_total" if broken else "tollgate_config_generation"
    if number % 2:
        done = gateway.run("reload")
        return (done.returncode != 0) == broken
    before = gateway.metric(told)
    os.kill(gateway.pid, signal.SIGHUP)
    wait_until("a reload", 5, lambda: gateway.metric(told) > before)
    return True


def run(options, folder):
    upstreams = {name: Upstream(lambda name=name: Said(name)) for name in "ab"}

    def rules(name):
        one, two = ("left", "right") if name == "a" else ("right", "left")
        return RULES.format(name=name, port=upstreams[name].port, one=one, two=two,
                            dialect="bearer" if name == "a" else "elma365")

    gateway = Gateway(options.program, folder, rules("a"))
    gateway.command("user", "add", "alice")
    secrets = {context: gateway.token(context, "--contexts", context)[1] for context in ("left", "right")}
    known = FORK.Array("i", [0, 1], lock=False)
    workers = [Worker(asker(number, kind, gateway.port, secrets, known), options.rate / len(KINDS))
               for number, kind in enumerate(KINDS)]
    begun, name, wrong, broken = time.monotonic(), "a", 0, 0
    for number in range(options.reloads):
        other = "b" if name == "a" else "a"
        if number % 5 == 4:
            # The other one, with a mistake at its end: nothing of it may hold.
            gateway.configure(rules(other) + BROKEN[broken % len(BROKEN)])
            wrong, broken = wrong + (not reload(gateway, number // 5, True)), broken + 1
        else:
            known[0], known[1] = known[0] + 1, EITHER
            gateway.configure(rules(other))
            wrong += not reload(gateway, number, False)
            name = other
            known[0], known[1] = known[0] + 1, NAMES.index(name)
        due = begun + (number + 1) * 60 / options.reloads
        time.sleep(max(0, due - time.monotonic()))
    took, seen = time.monotonic() - begun, Seen(workers)
    yield (f"{options.reloads} reloads in {took:.0f} s, {broken} of them broken",
           f"{wrong} not as they should be", wrong == 0 and took < 66)
    mixed = seen.faulty("mixture")
    failed = seen.faulty("failed")
    late = seen.faulty("before")
    yield (f"{seen.count():,} requests meanwhile", f"{failed} failed" + seen_as(seen, failed), failed == 0 and seen.count() > 0)
    yield ("judged by a mixture; by an old configuration", f"{mixed}; {late}" + seen_as(seen, mixed + late), mixed + late == 0)
    yield ("the longest answer; 99.9 %", f"{seen.longest():.0f} ms; {seen.quantile(0.999):.1f} ms", seen.longest() < 1_000)
    for fault in gateway.stop():
        yield ("the gateway", fault, False)
    for upstream in upstreams.values():
        upstream.stop()


def seen_as(seen, count):
    return f" ({seen.told()})" if count else ""
