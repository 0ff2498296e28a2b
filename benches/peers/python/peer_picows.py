"""`/echo` and `/broadcast` with the core API of picows, on uvloop, after the example of its README."""

import sys

import uvloop
from picows import WSListener, WSMsgType, ws_create_server

subscribers = set()


class Echo(WSListener):
    def on_ws_frame(self, transport, frame):
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type not in (WSMsgType.PING, WSMsgType.PONG):
            transport.send(frame.msg_type, frame.get_payload_as_memoryview(), frame.fin)


class Broadcast(WSListener):
    def on_ws_connected(self, transport):
        subscribers.add(transport)

    def on_ws_disconnected(self, transport):
        subscribers.discard(transport)

    def on_ws_frame(self, transport, frame):
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type not in (WSMsgType.PING, WSMsgType.PONG):
            payload = frame.get_payload_as_bytes()
            for subscriber in subscribers:
                subscriber.send(frame.msg_type, payload, frame.fin)


def choose(request):
    return Broadcast() if request.path == b"/broadcast" else Echo()


async def main():
    server = await ws_create_server(choose, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await server.serve_forever()


uvloop.run(main())
