"""An open-file limit of 64 and 100 clients; and EMFILE that strace makes up: nothing spins, the log stays quiet, those
that are connected notice nothing, and accepting goes on when there are descriptors again.
Usage: descriptors.py BINARY"""

import shutil
import socket
import subprocess
import sys
import time

from clients import Client
from server import Server

binary = sys.argv[1]




def echoes(client):
    client.send(b"still there")
    end = time.monotonic() + 10
    while not client.frames and time.monotonic() < end:
        client.receive()
        time.sleep(0.01)
    assert client.frames.pop(0) == (1, b"still there")


with Server(binary, log="info", prefix=["prlimit", "--nofile=64:64"]) as server:
    honest = Client(server.port, "/echo-raw")
    waiting = [socket.create_connection(("127.0.0.1", server.port), 5) for _ in range(100)]
    time.sleep(1)
    before = len(server.lines())
    share = server.cpu_share(5)
    lines = len(server.lines()) - before
    echoes(honest)
    print(f"descriptors: limit 64, 100 clients: {share:.1%} of a core, {lines} log lines in 5 s")
    assert share < 0.05 and lines <= 5
    for raw in waiting:
        raw.close()
    time.sleep(1)
    echoes(Client(server.port, "/echo-raw"))
    assert server.stop()[0] == 0

if not shutil.which("strace"):
    sys.exit("descriptors: strace is missing")
with Server(binary, log="info") as server:
    honest = Client(server.port, "/echo-raw")
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-e", "trace=accept4", "-e", "inject=accept4:error=EMFILE", "-p", str(server.pid)],
        stderr=subprocess.DEVNULL,
    )
    time.sleep(1)
    waiting = [socket.create_connection(("127.0.0.1", server.port), 5) for _ in range(100)]
    time.sleep(1)
    before = len(server.lines())
    share = server.cpu_share(5)
    lines = len(server.lines()) - before
    echoes(honest)
    tracer.terminate()
    tracer.wait()
    print(f"descriptors: EMFILE by strace, 100 clients: {share:.1%} of a core, {lines} log lines in 5 s")
    assert share < 0.05 and lines <= 5
    end = time.monotonic() + 10
    while True:
        try:
            echoes(Client(server.port, "/echo-raw"))
            break
        except (OSError, AssertionError):
            assert time.monotonic() < end, "accepting did not go on"
    assert server.stop()[0] == 0
print("descriptors: all well")
