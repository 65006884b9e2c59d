"""Clients of HTTP/1.1 and HTTP/2 that tell how an answer ended, on connections that they keep."""

import socket
import ssl
import struct

PATIENCE = 30


class Lost(Exception):
    """There was no answer."""


class NotTaken(Lost):
    """The other side says that it has not looked at the request (RFC 9113 section 6.8): ask again elsewhere."""


class Answer:
    """`whole` is whether the body came to its end in good order."""

    def __init__(self, status, body, whole):
        self.status, self.body, self.whole = status, body, whole


def connect(port, source=None, tls=None):
    stream = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE, source_address=source and (source, 0))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return tls.wrap_socket(stream, server_hostname="localhost") if tls else stream


def trusting(protocol):
    """A client's side of TLS that takes any certificate: what is proved here is another thing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return context


TLS = {protocol: trusting(protocol) for protocol in ("http/1.1", "h2")}


class Http1:
    host = "a.example"

    def __init__(self, port, source=None, tls=False):
        self.stream = connect(port, source, TLS["http/1.1"] if tls else None)
        self.read, self.over = b"", False

    def close(self):
        self.stream.close()

    def more(self):
        """Whether anything more came."""
        try:
            piece = self.stream.recv(65536)
        except OSError:
            piece = b""
        self.read += piece
        return bool(piece)

    def up_to(self, mark):
        while mark not in self.read:
            if not self.more():
                return None
        part, self.read = self.read.split(mark, 1)
        return part

    def exactly(self, count):
        while len(self.read) < count and self.more():
            pass
        part, self.read = self.read[:count], self.read[count:]
        return part

    def ask(self, method, path, token, body=None):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", f"Authorization: Bearer {token}"]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        try:
            self.stream.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))
        except OSError:
            pass  # An answer may be there all the same.
        while (head := self.up_to(b"\r\n\r\n")) and head[9:10] == b"1":
            pass
        if not head:
            raise Lost("the connection was closed without an answer")
        status, fields = int(head[9:12]), head.lower()
        self.over = b"\r\nconnection: close" in fields
        if b"\r\ntransfer-encoding: chunked" in fields:
            answer = Answer(status, *self.chunks())
        elif b"\r\ncontent-length:" in fields:
            length = int(fields.split(b"\r\ncontent-length:")[1].split(b"\r\n")[0])
            got = self.exactly(length)
            answer = Answer(status, got, len(got) == length)
        else:
            while self.more():
                pass
            answer, self.over = Answer(status, self.read, True), True
        self.over |= not answer.whole
        return answer

    def chunks(self):
        body = b""
        while (line := self.up_to(b"\r\n")) is not None:
            size = int(line.split(b";")[0], 16)
            part = self.exactly(size)
            body += part
            if len(part) < size or self.up_to(b"\r\n") is None:
                break
            if size == 0:
                return body, True
        return body, False


DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM = ACK = 1
END_HEADERS = 4


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def text(value):
    """HPACK (RFC 7541 section 5.2), without Huffman."""
    value = value.encode()
    if len(value) < 127:
        return bytes([len(value)]) + value
    rest, length = len(value) - 127, b"\x7f"
    while rest > 127:
        length += bytes([rest & 127 | 128])
        rest >>= 7
    return length + bytes([rest]) + value


def fields(*pairs):
    """A block that leaves nothing in the table of the other side."""
    return b"".join(b"\x00" + text(name) + text(value) for name, value in pairs)


def status_of(block):
    """The status, which stands first, behind changes of the table's size."""
    while block[0] & 0xe0 == 0x20:
        block = block[1:]
    if 0x88 <= block[0] <= 0x8e:
        return (200, 204, 206, 304, 400, 404, 500)[block[0] - 0x88]
    value = block[2:2 + (block[1] & 127)]
    if not block[1] & 128:
        return int(value)
    bits, digits = "".join(f"{byte:08b}" for byte in value), ""
    while len(digits) < 3:  # 0 to 2 have five bits, the others six (appendix B).
        five = int(bits[:5], 2)
        size = 5 if five <= 2 else 6
        digits += str(five if five <= 2 else int(bits[:6], 2) - 22)
        bits = bits[size:]
    return int(digits)


class Frames:
    """Frames on a connection, either way."""

    def __init__(self, stream):
        self.stream, self.read = stream, b""

    def take(self, count):
        while len(self.read) < count:
            try:
                piece = self.stream.recv(65536)
            except OSError:
                piece = b""
            if not piece:
                raise Lost("the connection was closed")
            self.read += piece
        part, self.read = self.read[:count], self.read[count:]
        return part

    def next(self):
        head = self.take(9)
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        return kind, flags, stream, self.take(int.from_bytes(head[:3], "big"))


class Http2(Frames):
    """One request at a time."""

    def __init__(self, port, source=None, tls=False):
        super().__init__(connect(port, source, TLS["h2"] if tls else None))
        room = 0x7fff_ffff
        # No table for its heads, and room for whatever comes.
        self.stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                            + frame(SETTINGS, 0, 0, struct.pack(">HIHI", 1, 0, 4, room))
                            + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", room - 65535)))
        self.id, self.over, self.tls = -1, False, tls

    def close(self):
        self.stream.close()

    def ask(self, method, path, token, body=None):
        self.id += 2
        block = fields((":method", method), (":scheme", "https" if self.tls else "http"), (":path", path),
                       (":authority", "a.example"), ("authorization", f"Bearer {token}"))
        sent = frame(HEADERS, END_HEADERS | (END_STREAM if body is None else 0), self.id, block)
        if body is not None:
            sent += frame(DATA, END_STREAM, self.id, body)
        try:
            self.stream.sendall(sent)
        except OSError:
            pass
        status, got, begun = None, b"", False
        try:
            while True:
                kind, flags, stream, payload = self.next()
                if kind == SETTINGS and not flags & ACK:
                    self.stream.sendall(frame(SETTINGS, ACK, 0))
                elif kind == PING and not flags & ACK:
                    self.stream.sendall(frame(PING, ACK, 0, payload))
                elif kind == GOAWAY:
                    self.over = True
                    if struct.unpack(">I", payload[:4])[0] < self.id:
                        raise NotTaken("GOAWAY")
                elif stream == self.id:
                    begun = True
                    if kind == RST_STREAM:
                        if payload == struct.pack(">I", 7):
                            raise NotTaken("REFUSED_STREAM")
                        break
                    if kind == HEADERS and (status is None or status < 200):
                        status = status_of(payload)
                    elif kind == DATA:
                        got += payload
                    if kind in (HEADERS, DATA) and flags & END_STREAM:
                        return Answer(status, got, True)
        except (Lost, OSError) as lost:
            self.over = True
            if isinstance(lost, NotTaken) or not begun or status is None:
                raise lost if isinstance(lost, Lost) else Lost(str(lost))
        if status is None:
            raise Lost("the stream was reset without an answer")
        return Answer(status, got, False)
