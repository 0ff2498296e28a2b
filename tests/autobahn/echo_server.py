"""An echo server on a free port, of Python's websockets: the other server of the suite."""

import asyncio

from websockets.asyncio.server import serve


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def main():
    async with serve(echo, "127.0.0.1", 0, max_size=64 << 20, ping_interval=None) as server:
        host, port = server.sockets[0].getsockname()
        print(f"listening on http://{host}:{port}/", flush=True)
        await server.serve_forever()


asyncio.run(main())
