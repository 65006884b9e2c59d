"""A server and a client of WebSocket, over a library that we did not write.

`serve` says where it listens, sends back what it gets, and prints how each conversation ended. `talk ADDRESS SECRET` says something long and something short and
prints what came back, and then how the conversation ended.
"""

import asyncio
import json
import sys

import websockets


async def echo(connection):
    async for message in connection:
        await connection.send(message)
    print(json.dumps([connection.close_code, connection.close_reason]), flush=True)


async def serve():
    async with websockets.serve(echo, "127.0.0.1", 0, max_size=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


async def talk(address, secret):
    fields = {"Authorization": f"Bearer {secret}"}
    try:
        async with websockets.connect(address, additional_headers=fields, max_size=None) as connection:
            for message in ("hello", "x" * 300_000, b"\x00\x01" * 50_000):
                await connection.send(message)
                print(json.dumps(await connection.recv() == message), flush=True)
            try:
                await connection.recv()
            except websockets.ConnectionClosed as closed:
                print(json.dumps([closed.rcvd.code, closed.rcvd.reason]), flush=True)
    except websockets.InvalidStatus as refused:
        print(json.dumps(refused.response.status_code), flush=True)


asyncio.run({"serve": serve, "talk": talk}[sys.argv[1]](*sys.argv[2:]))
