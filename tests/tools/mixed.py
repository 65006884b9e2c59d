"""Clients of many kinds at once, for soak.py: each does one thing again and again, and says what came otherwise than it had to."""

import asyncio
import collections
import json
import os
import socket
import ssl
import time
import zlib

from odd import PATTERN, crc_of
from wire import Client, frame, read_frame

# Nothing that is waited for takes longer, on a machine that has other things to do as well.
PATIENCE = 60
SWITCH = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
LENGTH = 3_000_000
# What comes of each fault of an upstream: a status, or an answer that breaks off.
FAULTS = {"garbage": 502, "close": 502, "stall": 504, "reset": "broken", "half": "broken", "late": "broken"}


def expect(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found}, not {wanted}")


class Mixed:
    def __init__(self, plan):
        self.plan = plan
        self.done, self.faults = collections.Counter(), collections.Counter()
        self.tls = ssl.create_default_context(cafile=plan["ca"])
        self.sum = crc_of(LENGTH)
        self.turn = 0

    async def upload(self, tls=None, chunked=False):
        """A body up, and whether all of it came."""
        port = self.plan["public"] if tls else self.plan["plain"]
        async with await Client.open(port, tls) as client:
            framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {LENGTH}"
            client.begin("POST", "/odd/take", self.plan["good"], f"{framing}\r\n")
            left = LENGTH
            while left:
                piece = PATTERN[:left]
                left -= len(piece)
                client.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                await client.writer.drain()
            client.writer.write(b"0\r\n\r\n" if chunked else b"")
            expect(await client.answer(), (200, f"{LENGTH} {self.sum}".encode()), "an upload")

    async def download(self, tls=None, chunked=False, pause=0):
        """A body down, and whether all of it came; with a pause behind each piece for a slow reader."""
        port = self.plan["public"] if tls else self.plan["plain"]
        async with await Client.open(port, tls) as client:
            if pause:
                client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            client.begin("GET", f"/odd/give?n={LENGTH}{'&chunked' if chunked else ''}", self.plan["good"])
            status, fields = await client.head()
            count = crc = 0
            async for piece in client.pieces(fields):
                count, crc = count + len(piece), zlib.crc32(piece, crc)
                await asyncio.sleep(pause)
            expect((status, count, crc), (200, LENGTH, self.sum), "a download")

    async def leave(self):
        """Goes in the middle of an upload, and of a download."""
        async with await Client.open(self.plan["plain"]) as client:
            client.begin("POST", "/odd/take", self.plan["good"], f"Content-Length: {LENGTH}\r\n")
            client.writer.write(PATTERN)
            await client.writer.drain()
        async with await Client.open(self.plan["plain"]) as client:
            client.begin("GET", f"/odd/give?n={LENGTH}", self.plan["good"])
            expect((await client.head())[0], 200, "a download that is left")
            await client.reader.readexactly(50_000)

    async def handshake(self):
        """A new connection within TLS."""
        async with await Client.open(self.plan["public"], self.tls) as client:
            expect((await client.ask("GET", "/fast/x", self.plan["good"]))[0], 200, "a new connection")

    async def judged(self):
        """Each kind of token, over one connection."""
        async with await Client.open(self.plan["plain"]) as client:
            for kind, status in (("good", 200), ("expired", 401), ("unknown", 401), ("poor", 403), ("revoked", 401)):
                expect((await client.ask("GET", "/fast/x", self.plan[kind]))[0], status, f"a token that is {kind}")

    async def malformed(self):
        """What is no HTTP, and a head that does not end."""
        async with await Client.open(self.plan["plain"]) as client:
            client.writer.write(b"GET / HTTP/9\r\n\r\n")
            expect((await client.head())[0], 400, "a malformed head")
        async with await Client.open(self.plan["plain"]) as client:
            client.writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
            begin = time.monotonic()
            await client.reader.read()
            expect(time.monotonic() - begin < 20, True, "a slow head is over in time")

    async def idle(self):
        """A connection that is left open, and closed by the gateway."""
        async with await Client.open(self.plan["plain"]) as client:
            expect((await client.ask("GET", "/fast/x", self.plan["good"]))[0], 200, "an idle connection")
            expect(await client.reader.read(), b"", "the end of an idle connection")

    async def events(self):
        """Some events, and away."""
        async with await Client.open(self.plan["plain"]) as client:
            client.begin("GET", "/odd/events", self.plan["good"])
            status, fields = await client.head()
            expect(status, 200, "an event stream")
            count = 0
            async for piece in client.pieces(fields):
                count += piece.count(b"data:")
                if count >= 20:
                    return
            raise AssertionError("an event stream ended")

    async def switched(self, client, token):
        client.begin("GET", "/odd/talk", token, SWITCH)
        expect((await client.head())[0], 101, "a WebSocket")

    async def talk(self):
        """A WebSocket, ended in good order or not."""
        async with await Client.open(self.plan["plain"]) as client:
            await self.switched(client, self.plan["good"])
            for size in (5, 500, 50_000):
                client.writer.write(frame(2, PATTERN[:size], mask=True))
                expect(await read_frame(client.reader), (2, PATTERN[:size]), "an echo")
                await asyncio.sleep(0.3)
            self.turn += 1
            if self.turn % 2:
                client.writer.write(frame(8, b"\x03\xe8", mask=True))
                expect(await read_frame(client.reader), (8, b"\x03\xe8"), "a farewell")

    async def faulty(self):
        """Each fault of an upstream."""
        for fault, wanted in FAULTS.items():
            async with await Client.open(self.plan["plain"]) as client:
                client.begin("GET", f"/faulty/{fault}", self.plan["good"])
                try:
                    found = (await client.answer())[0]
                except (asyncio.IncompleteReadError, ConnectionError):
                    found = "broken"
                expect(found, wanted, f"an upstream that does {fault}")

    async def act(self, client, path, **body):
        status, answer = await client.ask("POST", f"/api/v1/tokens{path}", self.plan["admin"], json.dumps(body).encode())
        if status not in (200, 201):
            raise AssertionError(f"POST {path}: {status} {answer[:200]}")
        return json.loads(answer)

    async def administer(self):
        """The life of a token: made, used, rotated, used with a stream, revoked, and the stream ends."""
        async with await Client.open(self.plan["administration"]) as admin, await Client.open(self.plan["plain"]) as client, \
                await Client.open(self.plan["plain"]) as stream:
            first = await self.act(admin, "", owner="soak", name="for a moment", contexts=["stock"], flags=["view"], lifetime="1h")
            expect((await client.ask("GET", "/fast/x", first["secret"]))[0], 200, "a new token")
            second = await self.act(admin, f"/{first['token']['id']}/rotate", grace="1h")
            await self.switched(stream, second["secret"])
            expect((await client.ask("GET", "/fast/x", second["secret"]))[0], 200, "a successor")
            expect((await client.ask("GET", "/fast/x", first["secret"]))[0], 200, "its predecessor")
            for made in (first, second):
                await self.act(admin, f"/{made['token']['id']}/revoke", reason="soak")
                expect((await client.ask("GET", "/fast/x", made["secret"]))[0], 401, "a revoked token")
            async with asyncio.timeout(5):
                opcode, payload = await read_frame(stream.reader)
            expect((opcode, payload[:2]), (8, b"\x03\xf0"), "the end of a stream whose token was revoked")
            status, _ = await admin.ask("GET", "/api/v1/tokens?limit=20", self.plan["admin"])
            expect(status, 200, "a list")

    async def again(self, name, do, pause):
        """Does it until the time is over."""
        until = time.monotonic() + self.plan["seconds"] - 1
        while time.monotonic() < until:
            try:
                async with asyncio.timeout(PATIENCE):
                    await do()
                self.done[name] += 1
            except (AssertionError, OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
                self.faults[f"{name}: {error!r}"[:300]] += 1
            await asyncio.sleep(pause)

    async def run(self):
        tls = self.tls
        kinds = [
            ("bodies up", self.upload, 1, 1), ("bodies up, chunked, TLS", lambda: self.upload(tls, True), 1, 1),
            ("bodies down, chunked", lambda: self.download(None, True), 1, 1),
            ("bodies down, TLS", lambda: self.download(tls), 1, 1),
            ("slow readers", lambda: self.download(None, False, 0.1), 0.1, 6),
            ("clients that leave in the middle", self.leave, 0.2, 1), ("handshakes of TLS", self.handshake, 0.1, 2),
            ("kinds of tokens", self.judged, 0.1, 2), ("malformed and slow heads", self.malformed, 0.1, 5),
            ("idle connections", self.idle, 0.1, self.plan["idle"]), ("streams of events", self.events, 0.1, 10),
            ("WebSockets", self.talk, 0.5, 10), ("faults of upstreams", self.faulty, 0.1, 3),
            ("lives of tokens", self.administer, 1, 1),
        ]
        await asyncio.gather(*(self.again(name, do, pause) for name, do, pause, count in kinds for _ in range(count)))


def run(plan, pipe):
    """All of them for `plan["seconds"]`; sends what was done, and what was wrong."""
    mixed = Mixed(plan)
    asyncio.run(mixed.run())
    pipe.send((dict(mixed.done), dict(mixed.faults)))
    os._exit(0)


def honest(plan, pipe):
    """A client that asks 20 times a second, in a process of its own; sends when, how long each took in ms, and what was wrong."""
    took, faults, begin = [], collections.Counter(), time.monotonic()
    request = f"GET /fast/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {plan['good']}\r\n\r\n".encode()
    connection = socket.create_connection(("127.0.0.1", plan["plain"]), timeout=PATIENCE)
    while (now := time.monotonic()) - begin < plan["seconds"] - 1:
        connection.sendall(request)
        answer = connection.recv(65536)
        took.append((now - begin, (time.monotonic() - now) * 1000))
        if not answer.startswith(b"HTTP/1.1 200 "):
            faults[f"the honest client: {answer[:200]}"] += 1
        time.sleep(0.05)
    pipe.send((took, dict(faults)))
    os._exit(0)
