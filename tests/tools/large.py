"""Bodies of several GB through the gateway within TLS, over HTTP/1.1 and HTTP/2, up and down, with their length told or not: all of
each arrives, and the gateway takes at no time more than 8 MiB beyond what it held before. The client is curl; the upstream
keeps nothing. Everything is done twice: the upstream speaks HTTP/1.1, or HTTP/2, for which another gateway stands before it.
"""

import argparse
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from tools import Stage
from wire import head_of

PIECE = bytes(1 << 18)
ALLOWED_MIB = 8


class Upstream(threading.Thread):
    """Counts what it is sent, and sends as many bytes as it is asked for."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]

    def run(self):
        while True:
            threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, client):
        stream = client.makefile("rb", buffering=len(PIECE))
        while head := b"".join(iter(stream.readline, b"\r\n")):
            line, fields = head_of(head)
            if "100-continue" in fields.get("expect", ""):
                client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            method, path, _ = line.split()
            if method == "GET":
                self.give(client, *path.split("/")[2:])
                continue
            count = str(self.take(stream, fields)).encode()
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(count), count))

    def take(self, stream, fields):
        room, count = memoryview(bytearray(len(PIECE))), 0
        chunked = fields.get("transfer-encoding") == "chunked"
        sizes = iter(lambda: int(stream.readline(), 16), 0) if chunked else iter([int(fields.get("content-length", 0))])
        for size in sizes:
            while size:
                read = stream.readinto(room[:size])
                size, count = size - read, count + read
                if not read:
                    return count
            if chunked:
                stream.readline()
        if chunked:
            stream.readline()
        return count

    def give(self, client, framing, length):
        left, chunked = int(length), framing == "chunked"
        told = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {left}"
        client.sendall(f"HTTP/1.1 200 OK\r\n{told}\r\n\r\n".encode())
        while left:
            piece = PIECE[:left]
            left -= len(piece)
            client.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            client.sendall(b"0\r\n\r\n")


def memory(pid, name):
    """In MiB: `VmRSS` is what is held, `VmHWM` the most since that was forgotten."""
    return int(re.search(rf"{name}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def transfer(stage, name, version, way, framing, length, file):
    """How long it took, how many bytes came, what was held before, and the most while it was under way."""
    pid = dict(stage.gateways())[name].pid
    held = memory(pid, "VmRSS")
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
    address = f"https://localhost:{stage.ports[name]}/{way}/{framing}/{length}"
    told = ("-T", file if framing == "length" else "-") if way == "up" else ("-o", "/dev/null", "-w", "%{size_download}")
    began = time.monotonic()
    with open(file, "rb") as source:
        # `-T -` reads its input without knowing how long it is.
        came = subprocess.run(["curl", "-sS", "--fail", f"--{version}", "--cacert", stage.dir / "ca.pem", "--max-time", "900", "-H",
                               f"Authorization: Bearer {stage.tokens[name]}", *told, address],
                              stdin=source, capture_output=True, text=True)
    return time.monotonic() - began, came.stdout + came.stderr, held, memory(pid, "VmHWM")


def main():
    parser = argparse.ArgumentParser(prog="tests/tools/run large", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, required=True, help="the binary; a release build is made by default")
    parser.add_argument("--gib", type=float, default=4, help="of each body")
    options = parser.parse_args()
    length = int(options.gib * (1 << 30))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tollgate-large-"))
    stage, faults, upstream = Stage(options.program.absolute(), folder), [], Upstream()
    upstream.start()
    try:
        stage.begin(upstream.port)
        tls = f'[[tls.certificates]]\nchain = "{folder}/cert.pem"\nkey = "{folder}/key.pem"'
        stage.gateway("behind", upstream.port, h2c="true", public="true")
        stage.gateway("secure-http2", stage.ports["behind"], tls=tls, of_api="upstream_http2 = true")
        file = folder / "body"
        with open(file, "wb") as body:
            # A hole, which takes no room on the disk.
            body.truncate(length)
        ways = [(name, version, way, framing) for name in ("secure", "secure-http2") for version in ("http1.1", "http2")
                for way in ("up", "down") for framing in ("length", "chunked")]
        for way in ways:
            # What a first request makes is not looked at.
            transfer(stage, *way, 1 << 20, __file__)
        print(f"| {options.gib:g} GiB | MB a second | held before, MiB | the most, MiB |\n| --- | ---: | ---: | ---: |")
        for name, *way in ways:
            seconds, came, held, most = transfer(stage, name, *way, length, file)
            told = "{} {}, {}".format(*way) + (", to HTTP/2" if name != "secure" else "")
            print(f"| {told} | {length / seconds / 1e6:.0f} | {held:.1f} | {most:.1f} |", flush=True)
            if came != str(length):
                faults.append(f"{told}: {came[-300:]} of {length} bytes came")
            if most > held + ALLOWED_MIB:
                faults.append(f"{told}: {most - held:.1f} MiB more, where {ALLOWED_MIB} are allowed")
    finally:
        faults.extend(stage.stop())
        shutil.rmtree(folder, ignore_errors=True)
    for fault in faults:
        print(f"FAILED: {fault}")
    print("failed" if faults else "OK")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
