"""Upstreams break under load: no broken body ends well, no connection goes on, no POST comes twice, other requests go through.

Each way to break is met many times by clients of HTTP/1.1 and of HTTP/2, in a mixed order, with GET and with POST. Beside them
honest clients ask the same upstreams: where only streams break over HTTP/2, on the same connections.
"""

import itertools
import json
import random

import breaking
import clients
from load import DONE, Kept, Seen, Worker
from stage import Gateway, wait_until
from upstream import Upstream

RULES = """
[[apis]]
name = "one"
path = "/one"
upstream = "http://127.0.0.1:{one}"
upstream_stall_timeout = "1s"
upstream_response_timeout = "3s"
rules = [{{ path = "/one/{{*rest}}" }}]
[[apis]]
name = "two"
path = "/two"
upstream = "http://127.0.0.1:{two}"
upstream_http2 = true
upstream_stall_timeout = "1s"
upstream_response_timeout = "3s"
rules = [{{ path = "/two/{{*rest}}" }}]
[[apis]]
name = "three"
path = "/three"
upstream = "http://127.0.0.1:{three}"
upstream_http2 = true
upstream_response_timeout = "3s"
rules = [{{ path = "/three/{{*rest}}" }}]
"""
KINDS = ("HTTP/1.1", "HTTP/2")
# Of which the head of an answer never came.
HEADLESS = {"garbage", "garbage-closed", "interim-answers", "head-cut", "head-reset", "header-too-long", "headers-too-many",
            "nothing", "silent", "reset-at-once", "garbage-at-once", "only-interim-answers"}


def request(api, kind, name, method):
    """Over HTTP/2 the upstream is told by the body."""
    if api == "one":
        return method, f"/one/{kind}/{name}", "body" * 100 if method == "POST" else None
    return "POST", f"/{api}/x", f"{kind}/{name}"


def judge(api, kind, answer):
    """What is wrong with what a client got of a broken answer."""
    at = f"{api} {kind}"
    if kind == "more-than-asked-for":
        return None if (answer.status, answer.body, answer.whole) == (200, b"bad", True) else f"{at} failed: {answer.status}"
    if answer.status == 200 and answer.whole:
        return f"{at}: a clean end of {len(answer.body)} bytes"
    if answer.status == 200:
        # Unfinished, as it has to be.
        return f"{at}: the beginning of an answer without a head" if kind in HEADLESS else None
    wanted = {"silent": (504,), "only-interim-answers": (502, 504)}.get(kind, (502,))
    return None if answer.status in wanted else f"{at} failed: status {answer.status}"


def breaker(number, kind, port, secret, jobs, names):
    """A client that asks for one broken answer after the other."""
    client, jobs = Kept(kind, port), jobs * 1
    random.Random(number).shuffle(jobs)
    jobs = iter(jobs)

    def ask():
        api, way, method = next(jobs, (None, None, None))
        if api is None:
            return DONE
        method, path, body = request(api, way, f"{number}-{next(names)}", method)
        try:
            answer = client.ask(method, path, secret, body and body.encode())
        except (clients.Lost, OSError) as lost:
            return f"{api} {way} failed: over {kind}: {lost}"
        return judge(api, way, answer)

    return ask


def honest(number, kind, port, secret, api, names):
    client, methods = Kept(kind, port), itertools.cycle(("GET", "POST"))

    def ask():
        name = f"honest-{number}-{next(names)}"
        method, path, body = request(api, "good", name, next(methods))
        try:
            answer = client.ask(method, path, secret, body and body.encode())
        except (clients.Lost, OSError) as lost:
            return f"{api} over {kind}: {lost}"
        good = (answer.status, answer.body, answer.whole) == (200, f"good {name}".encode(), True)
        return None if good else f"{api} over {kind}: status {answer.status}, {answer.body[:40]}"

    return ask


def run(options, folder):
    upstreams = {"one": Upstream(breaking.Breaking), "two": breaking.Breaking2(), "three": breaking.Breaking2()}
    rules = RULES.format(**{name: upstream.port for name, upstream in upstreams.items()})
    gateway = Gateway(options.program, folder, rules, limits='drain_timeout = "2s"')
    gateway.command("user", "add", "alice")
    secret, names = gateway.token("one")[1], itertools.count()
    quick = [("one", way, method) for way in breaking.HTTP1 for method in ("GET", "POST")]
    quick += [("two", way, "POST") for way in breaking.STREAMS] + [("three", way, "POST") for way in breaking.CONNECTIONS]
    slow = [("one", way, method) for way in breaking.SLOW1 for method in ("GET", "POST")]
    slow += [("two", way, "POST") for way in breaking.SLOW2]
    # Numbers of requests begin apart, since each process counts for itself.
    beside = [Worker(honest(number, kind, gateway.port, secret, api, names), 50)
              for number, (kind, api) in enumerate(itertools.product(KINDS, ("one", "two")))]
    crowd = [Worker(breaker(100 + number, KINDS[number % 2], gateway.port, secret, quick * options.rounds, names), 10_000)
             for number in range(8)]
    crowd += [Worker(breaker(200 + number, KINDS[number % 2], gateway.port, secret, slow * (options.rounds // 16 + 1), names), 10_000)
              for number in range(32)]
    broken = Seen(crowd, wait=300)
    well = Seen(beside)
    yield from report(gateway, secret, broken, well, quick, slow)
    for fault in gateway.stop():
        yield ("the gateway", fault, False)
    for upstream in upstreams.values():
        upstream.stop()


def report(gateway, secret, broken, well, quick, slow):
    clean, beginning, failed = broken.faulty("clean"), broken.faulty("beginning"), broken.faulty("failed")
    ways = len({(api, way) for api, way, _ in quick + slow})
    yield (f"{broken.count():,} requests whose answer breaks, in {ways} ways", f"{clean} clean ends of a broken body", clean == 0)
    yield ("clients that were told otherwise than 502, 504 or by a broken end", f"{beginning + failed}"
           + (f" ({broken.told()})" if broken.faults else ""), beginning + failed == 0)
    asking, counted = clients.Http1(gateway.port), {}
    for api in ("one", "two", "three"):
        answer = asking.ask(*("GET", "/one/good/counted", secret) if api == "one" else ("POST", f"/{api}/x", secret, b"counted/"))
        for name, number in json.loads(answer.body).items():
            counted[name] = counted.get(name, 0) + number
    yield ("broken by the upstreams; requests on a connection that was broken", f"{counted['broken']:,}; {counted['reused']}",
           counted["reused"] == 0 and counted["broken"] > 0)
    yield (f"POST, {counted['posts']:,} times", f"{counted['twice']} sent twice", counted["twice"] == 0)
    failed = well.faulty()
    yield (f"{well.count():,} other requests to the same upstreams", f"{failed} failed{f' ({well.told()})' if failed else ''}; "
           f"median {well.quantile(0.5):.1f} ms, 99 % {well.quantile(0.99):.0f} ms", failed == 0 and well.count() > 0)
    wait_until("nothing is under way any more", 10, lambda: gateway.metric("tollgate_requests_under_way") == 0)
