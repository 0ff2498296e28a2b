"""SIGTERM under 5000 chatting connections: everybody gets 1001, nothing that was answered before is lost, and the
process ends with success in time. Usage: drain.py BINARY [COUNT]"""

import signal
import sys
import time

from clients import Client, Crowd
from server import Server

binary, count = sys.argv[1], int((sys.argv[2:] or ["5000"])[0])
with Server(binary, "--drain", "10s", log="warn") as server:
    crowd = Crowd()
    for _ in range(count):
        client = crowd.add(Client(server.port, "/echo-raw"))
        client.sent, client.heard, client.closed_at = 0, 0, None

    def heard(client):
        for _, payload in client.frames:
            # In order and without a gap: none was lost, none came twice.
            assert int(payload) == client.heard, f"{payload!r} where {client.heard} was due"
            client.heard += 1
        client.frames.clear()
        if client.close_code and not client.closed_at:
            client.closed_at = time.monotonic()
            client.send((1001).to_bytes(2, "big"), opcode=8)

    def talk(share):
        for client in crowd.clients[:: len(crowd.clients) // share]:
            if not client.is_over and not client.closed_at:
                client.send(str(client.sent).encode())
                client.sent += 1

    for _ in range(20):
        talk(500)
        crowd.run(0.1, heard)
    crowd.run(1, heard)
    lost = sum(client.sent - client.heard for client in crowd.clients)
    assert lost == 0, f"{lost} answers are missing before the end"
    server.process.send_signal(signal.SIGTERM)
    start = time.monotonic()
    while server.process.poll() is None and time.monotonic() - start < 20:
        talk(50)
        crowd.run(0.1, heard)
    took = time.monotonic() - start
    crowd.run(0.5, heard)
    codes = {}
    for client in crowd.clients:
        codes[client.close_code] = codes.get(client.close_code, 0) + 1
    times = sorted(client.closed_at - start for client in crowd.clients if client.closed_at)
    print(f"drain: {count} sessions, close codes {codes}, exit {server.process.returncode} after {took:.2f} s")
    print(f"drain: first close after {times[0]:.3f} s, half of them {times[len(times) // 2]:.2f} s, last {times[-1]:.2f} s")
    assert codes == {1001: count}, "everybody is to be told 1001"
    assert server.process.returncode == 0
    assert took < 10.5
    crowd.end()
