"""Slow and half-open clients, plain and over TLS, beside an honest pair whose round trips are measured meanwhile:
slowhttptest in its modes, 10 000 connections that say nothing, handshakes of one byte a second, a storm of
ClientHellos that are never gone on with, and the floods of `dunlin bench bystander`.
Only those attacks whose name has the text of the variable ONLY, where that is set.
Usage: slow.py BINARY [CERTIFICATE KEY]"""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

from clients import REQUEST, connect, plain_context
from server import Server

binary, *files = sys.argv[1:]
ONLY = os.environ.get("ONLY", "")
SECONDS = 8
# The server has a core of its own where there are two; the honest pair goes before the attackers on the other.
CORES = os.cpu_count() or 1
ON_SERVER = ["taskset", "-c", "0", "nice", "-n", "-10"] if CORES > 1 else []
ON_OTHER = ["taskset", "-c", str(CORES - 1)]
P99_MS = 5.0


def honest(server, seconds):
    """Round trips of a pair, in milliseconds: 50th and 99th percentile, the worst, and what was missing."""
    command = [*ON_OTHER, "nice", "-n", "-10", binary, "bench", "echo", server.url("/echo-raw"), "-c", "2"]
    command += ["--rate", "200", "-d", f"{seconds}s", "--json"] + (["--insecure"] if server.is_secure else [])
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        raise RuntimeError(f"the honest pair failed: {done.stderr}")
    report = json.loads(done.stdout)
    trip = report["service"]
    return [trip[name] / 1e6 for name in ("p50", "p99", "max")] + [seconds * 200 - trip["count"]]


def hello():
    """The first flight of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = plain_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def half_open(server, count, first=b"", each_second=b""):
    """Opens so many connections, from addresses of 127.0.0.0/8, says `first`, then one byte of `each_second` a
    second; ends when the event is set."""
    stop, sockets = threading.Event(), []

    def attack():
        for index in range(count):
            if stop.is_set():
                break
            raw = socket.socket()
            raw.setblocking(False)
            with contextlib.suppress(BlockingIOError, OSError):
                raw.bind((f"127.0.{1 + index // 250 % 250}.{1 + index % 250}", 0))
                raw.connect_ex(("127.0.0.1", server.port))
            sockets.append(raw)
            if index % 100 == 99:
                time.sleep(0.01)
        for raw in sockets:
            if first and not stop.is_set():
                with contextlib.suppress(OSError):
                    raw.send(first)
        at = 0
        while not stop.wait(1):
            for raw in sockets if at < len(each_second) else []:
                with contextlib.suppress(OSError):
                    raw.send(each_second[at : at + 1])
            at += 1

    thread = threading.Thread(target=attack)
    thread.start()

    @contextlib.contextmanager
    def running():
        try:
            yield
        finally:
            stop.set()
            thread.join()
            for raw in sockets:
                raw.close()

    return running()


@contextlib.contextmanager
def tool(*command):
    """A program that attacks until it is ended."""
    process = subprocess.Popen([*ON_OTHER, "nice", "-n", "10", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def slowhttptest(server, *mode, path="/"):
    return tool("slowhttptest", *mode, "-c", "1000", "-r", "500", "-l", str(SECONDS + 15), "-u", server.web(path))


def attacks(server):
    """Name and attack, one after another."""
    request = REQUEST.format(path="/echo-raw", port=server.port).encode()
    yield "nobody", lambda: contextlib.nullcontext()
    yield "slowhttptest, headers", lambda: slowhttptest(server, "-H", "-i", "2")
    yield "slowhttptest, body", lambda: slowhttptest(server, "-B", "-i", "2", path="/chat?name=x")
    yield "slowhttptest, read", lambda: slowhttptest(server, "-X", "-w", "10", "-y", "20", "-n", "2", "-z", "32", "-k", "3")
    yield "slowhttptest, range", lambda: slowhttptest(server, "-R", "-a", "5", "-b", "2000")
    yield "10 000 that say nothing", lambda: half_open(server, 10_000)
    if server.is_secure:
        yield "1000, a ClientHello of one byte a second", lambda: half_open(server, 1000, each_second=hello())
        yield "10 000 ClientHellos at once, none goes on", lambda: half_open(server, 10_000, first=hello())
    else:
        yield "1000, an upgrade of one byte a second", lambda: half_open(server, 1000, each_second=request)
        yield "10 000 half heads at once", lambda: half_open(server, 10_000, first=request[:40])


def floods(server):
    """The table of `dunlin bench bystander`."""
    command = [*ON_OTHER, binary, "bench", "bystander", server.url("/echo-raw"), "--span", "1s", "--quiet"]
    command += ["--insecure"] if server.is_secure else []
    done = subprocess.run(command, capture_output=True, text=True)
    print(done.stdout or done.stderr)


def round_of_attacks(label, *arguments):
    worst = 0.0
    with Server(binary, *arguments, log="error", prefix=ON_SERVER) as server:
        for name, attack in attacks(server):
            if ONLY not in name:
                continue
            with attack():
                time.sleep(2)
                p50, p99, most, missing = honest(server, SECONDS)
                share = server.cpu_share(1)
            print(
                f"slow: {label}: {name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, worst {most:.2f} ms, missing {missing}, "
                f"server {share:.0%} of a core",
                flush=True,
            )
            worst = max(worst, p99)
            # One may be under way when the time is over.
            assert missing <= 2, "answers are missing"
            time.sleep(2)
        if not ONLY:
            floods(server)
        assert server.stop()[0] == 0
    return worst


# 20 000 open files here: those of 10 000 attackers are this process's.
worst = round_of_attacks("plain")
if files:
    worst = max(worst, round_of_attacks("TLS", "--cert", files[0], "--key", files[1]))
print(f"slow: the worst p99 was {worst:.2f} ms")
sys.exit(0 if worst <= P99_MS else 1)
