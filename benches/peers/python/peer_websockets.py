"""`/echo` and `/broadcast` with websockets (asyncio), on uvloop."""

import sys

import uvloop
from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

subscribers = set()


async def handle(connection):
    try:
        if connection.request.path == "/broadcast":
            await relay(connection)
        else:
            async for message in connection:
                await connection.send(message)
    except ConnectionClosed:
        pass


async def relay(connection):
    subscribers.add(connection)
    try:
        async for message in connection:
            # Pushes to all and waits for none, as its documentation on broadcasting recommends.
            broadcast(subscribers, message)
    finally:
        subscribers.discard(connection)


async def main():
    port = int(sys.argv[1])
    extensions = []
    if "--deflate" in sys.argv:
        extensions.append(
            ServerPerMessageDeflateFactory(
                server_no_context_takeover=True,
                client_no_context_takeover=True,
                # Its documentation recommends a low memory level; level 1 is what all peers here have.
                compress_settings={"level": 1, "memLevel": 5},
            )
        )
    server = serve(handle, "127.0.0.1", port, compression=None, extensions=extensions, backlog=4096)
    async with server as running:
        await running.serve_forever()


uvloop.run(main())
