"""Half an hour with 2000 sessions, of which a tenth is replaced each minute, and hostile clients beside them: what is
in memory and how many descriptors are open must not grow. Usage: soak.py BINARY [MINUTES] [CERTIFICATE KEY]"""

import contextlib
import os
import random
import socket
import subprocess
import sys
import threading
import time

from clients import Client, Crowd
from server import Server

binary = sys.argv[1]
minutes = float((sys.argv[2:] or ["30"])[0])
if minutes < 6:
    sys.exit(f"soak: {minutes} minutes show no slope; wanted: 6 or more")
files = sys.argv[3:5]
COUNT = 2000
PATHS = ["/echo-raw", "/echo-raw", "/chat/login", "/flow", "/you-said"]
stop = threading.Event()


def hostile(server):
    """One flood after another, half heads, lies and vanishing peers between them."""
    names = ["empty", "ping", "fragments-64k", "inflate-text"]
    known = subprocess.run([binary, "bench", "bystander", "--list"], capture_output=True, text=True).stdout
    names = [name for name in names if name in known] or [known.split()[0]]
    while not stop.is_set():
        command = [binary, "bench", "bystander", server.url("/echo-raw"), "--span", "2s", "--quiet", "-c", "20"]
        command += ["--flood", random.choice(names)] + (["--insecure"] if server.is_secure else [])
        subprocess.run(["nice", "-n", "10", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(50):
            with contextlib.suppress(OSError):
                raw = socket.create_connection(("127.0.0.1", server.port), 5)
                raw.sendall(random.choice([b"GET / HT", os.urandom(300), b"PRI * HTTP/2.0\r\n\r\n", b""]))
                raw.close()
        stop.wait(3)


def slope(samples):
    """By the method of least squares: the growth of the second figure with the first."""
    mean = [sum(column) / len(samples) for column in zip(*samples)]
    above = sum((x - mean[0]) * (y - mean[1]) for x, y in samples)
    return above / sum((x - mean[0]) ** 2 for x, _ in samples)


with Server(binary, *(["--cert", files[0], "--key", files[1]] if files else []), log="error") as server:
    crowd = Crowd()

    def join():
        with contextlib.suppress(OSError):
            crowd.add(Client(server.port, random.choice(PATHS), is_secure=server.is_secure))

    while len(crowd.clients) < COUNT:
        join()
    attacker = threading.Thread(target=hostile, args=(server,))
    attacker.start()
    started, samples, told, replaced, lost = time.monotonic(), [], 0.0, 0, {}
    while (now := time.monotonic() - started) < minutes * 60:
        for client in random.sample(crowd.clients, 20):
            client.send(b"hello " * random.choice([1, 10, 100]))
        crowd.run(0.3, lambda client: client.frames.clear())
        for client in [client for client in crowd.clients if client.is_over]:
            crowd.clients.remove(client)
            lost[client.close_code] = lost.get(client.close_code, 0) + 1
        # A tenth a minute: one goes and one comes each 0.3 s.
        for client in random.sample(crowd.clients, 1):
            crowd.remove(client)
            replaced += 1
        while len(crowd.clients) < COUNT and not crowd.is_quiet():
            join()
        if now >= told:
            told += 10
            samples.append((now / 60, server.rss(), server.descriptors()))
            if len(samples) % 6 == 1:
                minute, rss, descriptors = samples[-1]
                print(f"soak: {minute:5.1f} min, RSS {rss} KiB, {descriptors} descriptors, {replaced} replaced", flush=True)
    stop.set()
    attacker.join()
    # The first minutes fill pools; what grows must do so afterwards. A flood of long messages is memory while it
    # lasts, so the least of each two minutes counts.
    later = [sample for sample in samples if sample[0] >= min(5, minutes / 3)]
    windows = [later[at : at + 12] for at in range(0, len(later), 12)]
    if len(windows[-1]) < 6 and len(windows) > 2:
        windows[-2] += windows.pop()
    quiet = [(window[0][0], min(rss for _, rss, _ in window)) for window in windows]
    rss = slope(quiet)
    descriptors = slope([(minute, count) for minute, _, count in later])
    print(
        f"soak: {minutes} min: RSS between floods {quiet[0][1]} to {quiet[-1][1]} KiB, {rss:+.1f} KiB a minute, at most "
        f"{max(rss for _, rss, _ in samples)} KiB; descriptors {descriptors:+.2f} a minute; the server closed {lost}"
    )
    crowd.end()
    time.sleep(3)
    print(f"soak: with nobody left: RSS {server.rss()} KiB, {server.descriptors()} descriptors")
    assert server.descriptors() < 32
    assert server.stop()[0] == 0
    assert rss < 20, "memory grows"
    assert abs(descriptors) < 2, "descriptors grow"
