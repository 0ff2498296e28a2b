"""A server that echoes, or sends every message to everybody, and counts. It prints its port, and at the end of
its input what it counted, as JSON.

Usage: python counting.py echo|broadcast
"""

import asyncio
import json
import sys

from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed

COUNT = {"opened": 0, "received": 0, "receivedBytes": 0, "sent": 0, "sentBytes": 0}
clients = set()


def sent(number, length):
    COUNT["sent"] += number
    COUNT["sentBytes"] += number * length


async def visit(client):
    COUNT["opened"] += 1
    clients.add(client)
    try:
        async for message in client:
            length = len(message.encode() if isinstance(message, str) else message)
            COUNT["received"] += 1
            COUNT["receivedBytes"] += length
            if sys.argv[1] == "echo":
                await client.send(message)
                sent(1, length)
            else:
                broadcast(clients, message)
                sent(len(clients), length)
    except ConnectionClosed:
        pass
    finally:
        clients.discard(client)


async def main():
    async with serve(visit, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        print(json.dumps(COUNT), flush=True)


asyncio.run(main())
