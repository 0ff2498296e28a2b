"""Holds many WebSocket connections to one server and answers its pings: python3 holder.py PORT N SOURCE.

SOURCE is an address of 127.0.0.0/8. Says "ready" when all are open, then the pings it has answered since when
its standard input ends.
"""

import resource
import select
import socket
import sys

REQUEST = (
    b"GET /echo-raw HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
# What is on its way at a time: opened soon enough that the pings of those before are answered in between.
AT_ONCE = 100


def open_batch(port, count, source):
    """So many connections, upgraded."""
    batch = []
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port), 20, (source, 0))
        one.sendall(REQUEST)
        batch.append(one)
    for one in batch:
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = one.recv(1024)
            if not more:
                sys.exit(f"holder: the server ended a connection; it answered {answer!r}")
            answer += more
        if not answer.startswith(b"HTTP/1.1 101 "):
            sys.exit(f"holder: no 101 but {answer!r}")
        one.setblocking(False)
    return batch


def answer(connection):
    """Answers the pings that have come; their number."""
    frames, pongs = connection.recv(1024), 0
    if not frames:
        sys.exit("holder: the server ended a connection")
    while frames:
        length = frames[1]
        payload, opcode = frames[2 : 2 + length], frames[0] & 15
        frames = frames[2 + length :]
        if opcode == 8:
            sys.exit(f"holder: the server closed a connection: {payload!r}")
        if opcode == 9:
            # Under the mask of zeros.
            connection.send(bytes([0x8A, 0x80 | length]) + bytes(4) + payload)
            pongs += 1
    return pongs


def main():
    port, count, source = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    events, connections = select.epoll(), {}
    while len(connections) < count:
        for one in open_batch(port, min(AT_ONCE, count - len(connections)), source):
            connections[one.fileno()] = one
            events.register(one.fileno(), select.EPOLLIN)
        # Opening takes longer than the first ones may be silent.
        for number, _ in events.poll(0):
            answer(connections[number])
    events.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
    print("ready", flush=True)
    pongs = 0
    while True:
        for number, _ in events.poll():
            if number == sys.stdin.fileno():
                print("pongs", pongs, flush=True)
                return
            pongs += answer(connections[number])


main()
