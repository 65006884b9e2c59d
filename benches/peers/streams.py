"""What WebSockets cost that say nothing, and how soon they end when the owner of their token is blocked: half of them are
his, the others have to stay.
"""

import argparse
import asyncio
import json
import pathlib
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

from bench import OTHER_CORE, PROXY_CORE, TARGET, Bench, free_port, table

PROGRAM = TARGET / "release" / "tollgate"
SWITCHES = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
HANDSHAKE = ("GET /api/talk HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nConnection: Upgrade\r\n"
             "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


async def upstream(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(SWITCHES)
    await reader.read()
    writer.close()


async def connect(port, secret):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HANDSHAKE.format(secret).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    return reader, writer


async def closed(stream, ends):
    """When a close frame came, and with which code."""
    frame = await stream[0].readexactly(4)
    ends.append((time.monotonic(), int.from_bytes(frame[2:], "big")))
    stream[1].close()


async def measure(options, folder, bench):
    server = await asyncio.start_server(upstream, "127.0.0.1", bench.upstream, backlog=4096)
    port = free_port()
    file = bench.tollgate_file(port)

    def tollgate(*words):
        command = ["taskset", "-c", OTHER_CORE, PROGRAM, "--json", *words, "--config", file]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def token(owner):
        tollgate("user", "add", owner)
        return tollgate("token", "create", "--owner", owner, "--name", "bench", "--flags", "-1")["secret"]

    pid = bench.start(PROXY_CORE, port, PROGRAM, "serve", "--config", file).pid
    secrets = [token("leaver"), token("stayer")]
    warm = await connect(port, secrets[0])
    warm[1].close()
    before = bench.resident_mb(pid)
    halves = [[], []]
    for number in range(options.streams):
        halves[number % 2].append(await connect(port, secrets[number % 2]))
    await asyncio.sleep(1)
    grown = bench.resident_mb(pid) - before
    begin = bench.cpu(pid)
    await asyncio.sleep(options.seconds)
    cpu = (bench.cpu(pid) - begin) / options.seconds
    ends, stays = [], []
    tasks = [asyncio.create_task(closed(stream, ends)) for stream in halves[0]]
    tasks += [asyncio.create_task(closed(stream, stays)) for stream in halves[1]]
    await asyncio.to_thread(tollgate, "user", "block", "leaver", "--reason", "bench")
    blocked = time.monotonic()
    await asyncio.sleep(3)
    late = [end - blocked for end, code in ends if code == 1008]
    # Those that are still open are given up.
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    for task in tasks:
        task.cancel()
    server.close()
    rows = [
        ("memory for each", f"{grown * 1024 / options.streams:.1f} KiB"),
        ("CPU while nobody says anything", f"{cpu * 100:.1f} % of a core"),
        ("closed with 1008, of those that had to", f"{len(late)} of {len(halves[0])}"),
        ("closed, of the others", f"{len(stays)} of {len(halves[1])}"),
        ("behind the answer to the block: median, 99 %, the last",
         f"{statistics.median(late) * 1000:.0f}, {sorted(late)[len(late) * 99 // 100] * 1000:.0f}, "
         f"{max(late) * 1000:.0f} ms"),
    ]
    table(f"{options.streams:,} WebSockets on one core", ("", ""), rows)


def main():
    parser = argparse.ArgumentParser(prog="benches/peers/run streams", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=4_000)
    parser.add_argument("--seconds", type=int, default=10, help="how long they say nothing")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tollgate-streams-"))
    bench = Bench(options, folder)
    try:
        asyncio.run(measure(options, folder, bench))
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
