"""Upstreams that break what they were asked to: one over HTTP/1.1, one over HTTP/2.

Each is told how by the request: over HTTP/1.1 by its path, `/.../KIND/ID`, over HTTP/2 by its body, `KIND/ID`. A `POST` that
comes twice, and a request that comes on a connection on which something was broken, is counted.
"""

import asyncio
import json
import random
import socket
import struct
import threading
import time

from clients import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS,
                     WINDOW_UPDATE, Frames, Lost, fields, frame)
from load import FORK
from upstream import Said

OK = b"HTTP/1.1 200 OK\r\n"
HALF = b"x" * 50_000
LENGTH = OK + b"Content-Length: 100000\r\n\r\n" + HALF
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"C350\r\n" + HALF + b"\r\n"
GOOD = OK + b"Content-Length: 3\r\n\r\nbad"
NOISE = bytes(random.Random(1).randrange(256) for _ in range(3_000))
CLOSE, RESET, STAY, WATCH = "closed", "reset", "open", "watched"
# What is sent, and what becomes of the connection then.
HTTP1 = {
    "length-reset": (LENGTH, RESET),
    "length-closed": (LENGTH, CLOSE),
    "chunk-reset": (CHUNKED + b"C350\r\nxxxx", RESET),
    "chunk-closed": (CHUNKED + b"C350\r\nxxxx", CLOSE),
    "chunks-closed": (CHUNKED, CLOSE),
    "chunks-cut-at-their-end": (CHUNKED + b"0\r\n", CLOSE),
    "chunk-without-a-size": (CHUNKED + b"zz\r\nxx\r\n0\r\n\r\n", STAY),
    "until-the-end-reset": (OK + b"Connection: close\r\n\r\n" + HALF, RESET),
    "garbage": (NOISE + b"\r\n\r\n", STAY),
    "garbage-closed": (NOISE, CLOSE),
    "interim-answers": (b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" * 5_000 + GOOD, STAY),
    "head-cut": (GOOD[:30], CLOSE),
    "head-reset": (GOOD[:30], RESET),
    "header-too-long": (OK + b"X: " + b"x" * 1_000_000 + b"\r\nContent-Length: 3\r\n\r\nbad", STAY),
    "headers-too-many": (OK + b"X: x\r\n" * 20_000 + b"Content-Length: 3\r\n\r\nbad", STAY),
    "nothing": (b"", CLOSE),
    "more-than-asked-for": (GOOD + GOOD, STAY),
}
SLOW1 = {"length-stalled": (LENGTH, STAY), "chunk-stalled": (CHUNKED, STAY), "silent": (b"", STAY)}


def counters():
    return {"broken": 0, "posts": 0, "twice": 0, "reused": 0}


class Breaking(Said):
    """`GET /counted` tells what was counted."""

    counted, posted = counters(), set()

    def __init__(self):
        super().__init__("up")
        self.broken = False

    def data_received(self, data):
        if self.broken:
            self.counted["reused"] += 1
        else:
            super().data_received(data)

    def answer(self, line, asked, body):
        method, path, _ = line.split(" ")
        kind, _, name = path[1:].rpartition("/")
        kind = kind.rpartition("/")[2]
        if name == "counted":
            return self.reply(json.dumps(self.counted))
        if method == "POST":
            self.counted["posts"] += 1
            self.counted["twice"] += name in self.posted
            self.posted.add(name)
        if kind not in HTTP1 and kind not in SLOW1:
            return self.reply(f"good {name}")
        self.counted["broken"] += 1
        self.broken = True
        sent, then = (HTTP1 | SLOW1)[kind]
        self.transport.write(sent)
        # Time for the gateway to see what came before.
        if then != STAY:
            asyncio.get_running_loop().call_later(0.01, self.end, then)

    def end(self, how):
        if how == RESET:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()


OK2 = fields((":status", "200"), ("content-length", "100000"))
INTERIM = fields((":status", "103"), ("link", "a"))
LONG = fields(("x", "x" * 16_000))


def half(stream):
    return frame(HEADERS, END_HEADERS, stream, OK2) + b"".join(frame(DATA, 0, stream, HALF[:10_000]) for _ in range(5))


def reset(stream, reason):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", reason))


# The frames by which a stream breaks, and what becomes of its connection: `WATCH` leaves it to the gateway to end it.
HTTP2 = {
    "reset": (lambda at: half(at) + reset(at, 2), STAY),
    "cancelled": (lambda at: half(at) + reset(at, 8), STAY),
    "no-error": (lambda at: half(at) + reset(at, 0), STAY),
    "reset-at-once": (lambda at: reset(at, 2), STAY),
    "ended-early": (lambda at: half(at) + frame(DATA, END_STREAM, at, b"x"), STAY),
    "stalled": (half, STAY),
    "silent": (lambda _: b"", STAY),
    "only-interim-answers": (lambda at: frame(HEADERS, END_HEADERS, at, INTERIM) * 20_000, STAY),
    "closed": (half, CLOSE),
    "connection-reset": (half, RESET),
    "frame-cut": (lambda at: half(at) + frame(DATA, 0, at, HALF[:10_000])[:5_000], CLOSE),
    "told-to-go": (lambda at: half(at) + frame(GOAWAY, 0, 0, struct.pack(">II", at, 2)), CLOSE),
    "then-garbage": (lambda at: half(at) + NOISE, WATCH),
    "garbage-at-once": (lambda _: NOISE, WATCH),
    "header-too-long": (lambda at: frame(HEADERS, 0, at, OK2) + frame(CONTINUATION, 0, at, LONG) * 200, WATCH),
}
STREAMS = ("reset", "cancelled", "no-error", "reset-at-once", "ended-early")
SLOW2 = ("stalled", "silent")
# Those by which other streams break, too.
CONNECTIONS = tuple(kind for kind in HTTP2 if kind not in STREAMS + SLOW2)


class Breaking2:
    """Over HTTP/2 by prior knowledge; a body of `counted` asks what was counted."""

    def __init__(self):
        listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = listening.getsockname()[1]
        self.process = FORK.Process(target=self.serve, args=(listening,), daemon=True)
        self.process.start()
        listening.close()

    def stop(self):
        self.process.terminate()
        self.process.join()

    def serve(self, listening):
        self.counted, self.posted, self.lock = counters(), set(), threading.Lock()
        while True:
            stream, _ = listening.accept()
            threading.Thread(target=self.connection, args=(stream,), daemon=True).start()

    def connection(self, stream):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        frames, bodies, broken = Frames(stream), {}, None
        try:
            frames.take(24)
            stream.sendall(frame(SETTINGS, 0, 0))
            while True:
                kind, flags, number, payload = frames.next()
                if kind == SETTINGS and not flags & ACK:
                    stream.sendall(frame(SETTINGS, ACK, 0))
                elif kind == PING and not flags & ACK:
                    stream.sendall(frame(PING, ACK, 0, payload))
                elif kind == HEADERS:
                    bodies.setdefault(number, b"")
                    if broken and time.monotonic() > broken + 0.5:
                        self.counted["reused"] += 1
                elif kind == DATA and payload:
                    bodies[number] = bodies.get(number, b"") + payload
                    stream.sendall(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", len(payload))))
                if kind in (HEADERS, DATA) and flags & END_STREAM:
                    broken = self.answer(stream, number, bodies.pop(number, b"").decode()) or broken
        except (Lost, OSError):
            pass
        stream.close()

    def answer(self, stream, number, body):
        """Breaks it, or answers; the moment at which the connection was broken, if it was."""
        kind, _, name = body.partition("/")
        if kind in HTTP2:
            with self.lock:
                self.counted["broken"] += 1
                self.counted["posts"] += 1
                self.counted["twice"] += name in self.posted
                self.posted.add(name)
            sent, then = HTTP2[kind]
            stream.sendall(sent(number))
            if then == STAY:
                return None
            time.sleep(0.01)
            if then == CLOSE:
                stream.shutdown(socket.SHUT_WR)
            elif then == RESET:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise Lost("by itself")
            else:
                stream.settimeout(2)
            return time.monotonic()
        said = json.dumps(self.counted) if kind == "counted" else f"good {name}"
        stream.sendall(frame(HEADERS, END_HEADERS, number, fields((":status", "200")))
                       + frame(DATA, END_STREAM, number, said.encode()))
        return None
