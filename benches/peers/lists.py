"""How long lists, searches, details and pages take over the administrative address, for an administrator, for a
company's administrator and for the owner of a thousandth of the tokens, one request after another.
"""

import argparse
import http.client
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from bench import TARGET, Bench, free_port, table

PROGRAM = TARGET / "release" / "tollgate"
OWNER = "owner-0007@example.com"
# Of the tokens so many are given a flag that the others have not; half of these are rotated and used since.
SOME = 100

CALLS = {
    "newest": "/api/v1/tokens",
    "of an owner": f"/api/v1/tokens?owner={OWNER}",
    "of a company": "/api/v1/tokens?company=acme",
    "active": "/api/v1/tokens?state=active",
    "revoked (few)": "/api/v1/tokens?state=revoked",
    "disabled (none)": "/api/v1/tokens?state=disabled",
    "blocked (none)": "/api/v1/tokens?state=blocked",
    "with a context": "/api/v1/tokens?context=stock",
    "with a flag that all have": "/api/v1/tokens?flags=view",
    "with a flag that some have": "/api/v1/tokens?flags=0x4",
    "with a flag that none has": "/api/v1/tokens?flags=0x8000",
    "a name": "/api/v1/tokens?name=integration%20{half}",
    "a hint": "/api/v1/tokens?hint={hint}",
    "made lately (all), the oldest first": "/api/v1/tokens?created_from=2020-01-01&order=oldest",
    "expires within days (none)": "/api/v1/tokens?expires_before={soon}",
    "expired (none)": "/api/v1/tokens?state=expired",
    "unused for too long (none)": "/api/v1/tokens?state=idle_expired",
    "not yet begun (none)": "/api/v1/tokens?state=pending",
    "used up (none)": "/api/v1/tokens?state=used_up",
    "of a company, with a context, active, a text of one":
        "/api/v1/tokens?company=acme&context=stock&state=active&text=integration%20{half}",
    "made before all": "/api/v1/tokens?created_before=2001-01-01",
    "ends within days (none)": "/api/v1/tokens?ends_before={soon}",
    "used before (all)": "/api/v1/tokens?last_used_before={soon}",
    "never used": "/api/v1/tokens?never_used=true",
    "text of one": "/api/v1/tokens?text=integration%20{half}",
    "text of nobody": "/api/v1/tokens?text=zebra",
    "rotated (some)": "/api/v1/tokens?rotated=any",
    "rotated and used since (some)": "/api/v1/tokens?rotated=in_use",
    "one token": "/api/v1/tokens/{id}",
    "users": "/api/v1/users",
    "history": "/api/v1/history",
    "overview": "/api/v1/overview",
}
PAGES = {
    "page: tokens": "/tokens",
    "page: active": "/tokens?state=active",
    "page: disabled (none)": "/tokens?state=disabled",
    "page: of a company": "/tokens?company=acme",
    "page: with a context": "/tokens?context=stock",
    "page: with a flag that some have": "/tokens?flags=0x4",
    "page: expires within days (none)": "/tokens?expires_before={soon}",
    "page: ends within days (none)": "/tokens?ends_before={soon}",
    "page: never used": "/tokens?never_used=yes",
    "page: rotated and used since (some)": "/tokens?rotated=in_use",
    "page: text of one": "/tokens?text=integration%20{half}",
    "page: text of nobody": "/tokens?text=zebra",
    "page: of a company, with a context, active, never used, a text of one":
        "/tokens?company=acme&context=stock&state=active&never_used=yes&text=integration%20{half}",
    "page: one token": "/tokens/{id}",
    "page: users": "/users",
    "page: history": "/history",
    "page: overview": "/",
}


def run(*command):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout


class Visitor:
    """Somebody with a token of their own, or with a session."""

    def act(self, method, path, body):
        self.connection.close()
        self.connection.request(method, path, json.dumps(body), {"Content-Type": "application/json", **self.fields})
        answer = self.connection.getresponse()
        said = answer.read()
        if answer.status not in (200, 201):
            sys.exit(f"error: {method} {path}: {answer.status}: {said[:300]!r}")
        return json.loads(said)

    def __init__(self, address, fields):
        self.address, self.fields = address, fields
        self.connection = http.client.HTTPConnection(address)

    def get(self, path):
        # The gateway closes connections that grow old.
        self.connection.close()
        self.connection.connect()
        begin = time.perf_counter()
        self.connection.request("GET", path, headers=self.fields)
        answer = self.connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - begin
        if answer.status not in (200, 403):
            sys.exit(f"error: {path}: {answer.status}: {body[:300]!r}")
        return took * 1000 if answer.status == 200 else None, body


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def main():
    parser = argparse.ArgumentParser(prog="benches/peers/run lists", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=200, help="requests of each kind")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tollgate-lists-"))
    bench = Bench(options, folder)
    try:
        measure(options, folder, bench)
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)


def measure(options, folder, bench):
    port = free_port()
    file = bench.tollgate_file(port)
    run(TARGET / "release/examples/peers-seed", file, options.tokens, folder / "tokens", folder / "unknown")
    admin = re.search(r'admin = "([^"]+)"', file.read_text())[1]

    def tollgate(*words):
        return json.loads(run(PROGRAM, "--json", *words, "--config", file))

    tollgate("user", "add", "boss", "--role", "administrator")
    tollgate("user", "add", "chief", "--role", "company-administrator", "--company", "acme")
    tokens = {
        who: tollgate("token", "create", "--owner", who, "--name", "bench", "--flags", "-1")["secret"]
        for who in ("boss", "chief", OWNER)
    }
    password = tollgate("user", "password", "boss", "--generate")["password"]
    pid = bench.start("0,1", port, PROGRAM, "serve", "--config", file).pid
    while not ready(admin):
        time.sleep(0.05)
    visitors = [Visitor(admin, {"Authorization": f"Bearer {secret}"}) for secret in tokens.values()]
    visitors.append(signed_in(admin, password))
    one = json.loads(visitors[2].get("/api/v1/tokens?limit=2")[1])["tokens"][-1]
    distinguish(visitors[0], port, (folder / "tokens").read_text().split())
    names = {
        "half": options.tokens // 2 - options.tokens // 2 % 1000 + 7, "id": one["id"], "hint": one["hint"],
        "soon": time.strftime("%Y-%m-%d", time.gmtime(time.time() + 3 * 86400)),
    }
    # Once each, so that what is kept for all lists is there.
    for path in CALLS.values():
        for visitor in visitors[:3]:
            visitor.get(path.format(**names))
    for path in PAGES.values():
        visitors[3].get(path.format(**names))
    before = bench.resident_mb(pid)
    rows = [row(name, visitors[:3], path.format(**names), options) for name, path in CALLS.items()]
    rows += [row(name, [visitors[3]], path.format(**names), options) for name, path in PAGES.items()]
    table(f"{options.tokens:,} tokens, {options.rounds} requests each, ms: median and 99th percentile",
          ("", "administrator", "company's administrator", "owner of 1,000"), rows)
    print(f"\n{before:.0f} MB resident behind the first of each, {bench.resident_mb(pid):.0f} MB behind all")


def distinguish(boss, port, secrets):
    """Gives some tokens, a half of them the owner's, a flag; rotates every second, and uses what it succeeds."""
    some = {at * len(secrets) // SOME for at in range(SOME)}
    some = sorted({at - at % 1000 + 7 if nth % 2 else at for nth, at in enumerate(sorted(some))})
    gate = http.client.HTTPConnection("127.0.0.1", port)
    for nth, at in enumerate(at for at in some if at < len(secrets)):
        found = json.loads(boss.get(f"/api/v1/tokens?name=integration%20{at}")[1])["tokens"]
        path = f"/api/v1/tokens/{found[0]['id']}"
        boss.act("PATCH", path, {"flags": 0x304})
        if nth % 4 < 2:
            boss.act("POST", f"{path}/rotate", {"grace": "30d"})
            gate.request("GET", "/api/x", headers={"Authorization": f"Bearer {secrets[at]}"})
            used = gate.getresponse()
            used.read()
            # There is nothing behind it, and what is let through is used.
            if used.status not in (200, 502, 503):
                sys.exit(f"error: a rotated token is answered {used.status}")
    # Until that is written down, with the next flush.
    until = time.monotonic() + 60
    while not json.loads(boss.get("/api/v1/tokens?rotated=in_use&limit=1")[1])["tokens"]:
        if time.monotonic() > until:
            sys.exit("error: no rotated token counts as used since")
        time.sleep(0.1)


def row(name, visitors, path, options):
    cells = []
    for visitor in visitors:
        # Of what is searched through at length, such as the history by whoever sees little of it, fewer.
        taken, slow = [], time.perf_counter() + 60
        while len(taken) < options.rounds and (len(taken) < 20 or time.perf_counter() < slow):
            taken.append(visitor.get(path)[0])
        may = None not in taken
        cells.append(f"{statistics.median(taken):.1f}, {percentile(taken, 0.99):.1f}" if may else "may not")
    print(f"measured: {name}: {' | '.join(cells)}", file=sys.stderr)
    return (name, *cells, *[""] * (3 - len(cells)))


def ready(address):
    connection = http.client.HTTPConnection(address)
    connection.request("GET", "/ready")
    return connection.getresponse().status == 200


def signed_in(address, password):
    connection = http.client.HTTPConnection(address)
    connection.request("POST", "/api/v1/session", json.dumps({"user": "boss", "password": password}),
                       {"Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status != 200:
        sys.exit(f"error: nobody can sign in: {answer.status}: {answer.read()[:300]!r}")
    cookie = answer.headers["Set-Cookie"].split(";")[0]
    return Visitor(address, {"Cookie": cookie})


if __name__ == "__main__":
    main()
