"""An upstream that says in each answer what it was asked, in a process of its own."""

import asyncio
import json
import socket

from load import FORK


class Said(asyncio.Protocol):
    """A connection over HTTP/1.1, on which requests come one after another."""

    def __init__(self, name):
        self.name, self.read = name, b""

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        self.read += data
        while request := self.request():
            self.answer(*request)

    def request(self):
        """The next whole request: its line, its fields and its body."""
        end = self.read.find(b"\r\n\r\n")
        if end < 0:
            return None
        line, *rest = self.read[:end].decode("latin-1").split("\r\n")
        fields = dict(field.lower().split(": ", 1) if ": " in field else (field, "") for field in rest)
        body, used = b"", end + 4
        if "content-length" in fields:
            length = int(fields["content-length"])
            body, used = self.read[used:used + length], used + length
        elif "transfer-encoding" in fields:
            stop = self.read.find(b"0\r\n\r\n", used)
            if stop < 0:
                return None
            body, used = self.read[used:stop], stop + 5
        if len(self.read) < used:
            return None
        self.read = self.read[used:]
        return line, fields, body

    def answer(self, line, fields, _body):
        method, path, _ = line.split(" ")
        mine = {name: value for name, value in fields.items() if name.endswith("-owner")}
        self.reply(json.dumps({"by": self.name, "method": method, "path": path, "host": fields.get("host"), "owner": mine}))

    def reply(self, text):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                             % (len(text), text.encode()))


class Upstream:
    """Listens on a port of its own until it is stopped; `protocol` makes what serves a connection."""

    def __init__(self, protocol):
        listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = listening.getsockname()[1]
        self.process = FORK.Process(target=self.serve, args=(listening, protocol), daemon=True)
        self.process.start()
        listening.close()

    @staticmethod
    def serve(listening, protocol):
        async def forever():
            server = await asyncio.get_running_loop().create_server(protocol, sock=listening, backlog=4096)
            await server.serve_forever()

        asyncio.run(forever())

    def stop(self):
        self.process.terminate()
        self.process.join()
