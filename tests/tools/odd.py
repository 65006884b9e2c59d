"""An upstream for soaks: takes and gives bodies of any length without keeping them, echoes WebSockets, sends events without an
end, and under /faulty/ does what upstreams do at their worst.
"""

import asyncio
import os
import signal
import socket
import struct
import sys
import zlib
from urllib.parse import parse_qs, urlsplit

from wire import frame, head_of, read_frame

# Whatever is given, is this over and over.
PATTERN = bytes(range(256)) * 256
EVENTS_A_SECOND = 20


def crc_of(length):
    """The checksum of as many bytes of the pattern."""
    crc, left = 0, length
    while left:
        crc = zlib.crc32(PATTERN[:left], crc)
        left -= min(left, len(PATTERN))
    return crc


async def pieces(reader, fields):
    """The body of a request, piece by piece."""
    if fields.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            while size:
                piece = await reader.read(min(size, 1 << 16))
                if not piece:
                    raise EOFError
                size -= len(piece)
                yield piece
            await reader.readline()
        await reader.readline()
        return
    left = int(fields.get("content-length", 0))
    while left:
        piece = await reader.read(min(left, 1 << 16))
        if not piece:
            raise EOFError
        left -= len(piece)
        yield piece


async def take(reader, writer, fields, query):
    count = crc = 0
    async for piece in pieces(reader, fields):
        count, crc = count + len(piece), zlib.crc32(piece, crc)
    body = f"{count} {crc}".encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def give(reader, writer, fields, query):
    left, chunked = int(query["n"][0]), "chunked" in query
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % left
    writer.write(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
    while left:
        piece = PATTERN[:left]
        left -= len(piece)
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        await writer.drain()
    if chunked:
        writer.write(b"0\r\n\r\n")


async def events(reader, writer, fields, query):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    number = 0
    # Nothing comes but the end.
    gone = asyncio.create_task(reader.read(1))
    while not gone.done():
        event = b"id: %d\ndata: still here\n\n" % number
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await writer.drain()
        number += 1
        await asyncio.wait([gone], timeout=1 / EVENTS_A_SECOND)
    raise EOFError


async def talk(reader, writer, fields, query):
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    while True:
        opcode, payload = await read_frame(reader)
        writer.write(frame(opcode, payload))
        await writer.drain()
        if opcode == 8:
            raise EOFError


async def faulty(reader, writer, path):
    part = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + PATTERN
    said = {"/faulty/garbage": b"\x16\x03\x01 this is no HTTP\r\n\r\n", "/faulty/close": b"", "/faulty/stall": b"",
            "/faulty/reset": part, "/faulty/half": part, "/faulty/late": part}[path]
    writer.write(said)
    await writer.drain()
    if path in ("/faulty/stall", "/faulty/late"):
        await reader.read()
    if path == "/faulty/reset":
        # An end with RST: nothing lingers.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise EOFError


async def serve(reader, writer):
    ways = {"/odd/take": take, "/odd/give": give, "/odd/events": events, "/odd/talk": talk}
    try:
        while True:
            line, fields = head_of(await reader.readuntil(b"\r\n\r\n"))
            target = urlsplit(line.split()[1])
            if target.path in ways:
                await ways[target.path](reader, writer, fields, parse_qs(target.query, keep_blank_values=True))
            else:
                await faulty(reader, writer, target.path)
            await writer.drain()
    except (EOFError, ConnectionError, ValueError):
        writer.close()


async def main(port):
    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=4096, limit=1 << 18)
    await server.serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    asyncio.run(main(int(sys.argv[1])))
