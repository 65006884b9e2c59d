"""HTTP/1.1 and frames of WebSocket, as much as the soak needs of them."""

import asyncio
import os
import struct


def head_of(text):
    """The first line of a head, and its fields."""
    line, *rest = text.decode("latin-1").split("\r\n")
    fields = (field.partition(":") for field in rest if field)
    return line, {name.lower(): value.strip() for name, _, value in fields}


def frame(opcode, payload, mask=False):
    """A frame; those of clients are masked."""
    first, kind = bytes([0x80 | opcode]), 0x80 if mask else 0
    size = bytes([kind | len(payload)]) if len(payload) < 126 else struct.pack(">BH", kind | 126, len(payload))
    if not mask:
        return first + size + payload
    key = os.urandom(4)
    return first + size + key + masked(payload, key)


def masked(payload, key):
    return bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


async def read_frame(reader):
    """What the next frame is, and its payload, unmasked."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        size = struct.unpack(">H", await reader.readexactly(2))[0]
    key = await reader.readexactly(4) if second & 0x80 else bytes(4)
    return first & 0x0F, masked(await reader.readexactly(size), key)


class Client:
    """One connection."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port, tls=None, **how):
        name = "localhost" if tls else None
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name, limit=1 << 18, **how))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        # No farewell: whether the other side is there to hear it is not what is tried.
        self.writer.transport.abort()

    def begin(self, method, path, token, fields=""):
        self.writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{fields}\r\n".encode())

    async def head(self):
        """The status of the next answer, and its fields."""
        line, fields = head_of(await self.reader.readuntil(b"\r\n\r\n"))
        return int(line.split()[1]), fields

    async def pieces(self, fields):
        """The body of an answer, piece by piece."""
        if fields.get("transfer-encoding") == "chunked":
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                yield (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
            return
        left = int(fields.get("content-length", 0))
        while left:
            piece = await self.reader.read(min(left, 1 << 16))
            if not piece:
                raise asyncio.IncompleteReadError(b"", left)
            left -= len(piece)
            yield piece

    async def answer(self):
        """The status of the next answer, and its body."""
        status, fields = await self.head()
        return status, b"".join([piece async for piece in self.pieces(fields)])

    async def ask(self, method, path, token, body=None):
        """The status and the body of an answer."""
        fields = "" if body is None else f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self.begin(method, path, token, fields)
        self.writer.write(body or b"")
        return await self.answer()
