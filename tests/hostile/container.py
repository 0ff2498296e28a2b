"""A control group of 64 MiB and 2000 slow readers: the process stays under it and serves. Needs the right to make a
memory control group (version 1 or 2). Usage: container.py BINARY"""

import os
import sys
import time

from clients import Client, connect, frame, REQUEST
from server import Server

binary = sys.argv[1]
LIMIT = 64 << 20
READERS = 2000

if os.path.isdir("/sys/fs/cgroup/memory"):
    group, limit_file, peak_file = "/sys/fs/cgroup/memory/dunlin-test", "memory.limit_in_bytes", "memory.max_usage_in_bytes"
else:
    group, limit_file, peak_file = "/sys/fs/cgroup/dunlin-test", "memory.max", "memory.peak"
os.makedirs(group, exist_ok=True)
try:
    with open(f"{group}/{limit_file}", "w") as file:
        file.write(str(LIMIT))
    join = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$0" "$@"']
    with Server(binary, log="warn", prefix=join) as server:
        honest = Client(server.port, "/echo-raw")
        slow = []
        echo = frame(b"y" * 65536)
        for index in range(READERS):
            raw = connect(server.port, receive_buffer=4096)
            # Half of them are members whose backlog is a log that all share, half have one of their own.
            path = "/flow" if index % 2 else "/echo-raw"
            raw.sendall(REQUEST.format(path=path, port=server.port).encode())
            slow.append(raw)  # its answer stays unread, like all that follows
            raw.setblocking(False)

        def ask():
            """What the echoes are asked for and do not read."""
            for raw in slow[::2]:
                try:
                    raw.send(echo)
                except OSError:
                    pass  # it does not take more, or is over
        talker = Client(server.port, "/flow")
        worst, refused = 0.0, 0
        start = time.monotonic()
        asked = 0.0
        while time.monotonic() - start < 30:
            if time.monotonic() - asked > 0.5:
                asked = time.monotonic()
                ask()
            talker.send(b"x" * 32768)
            talker.receive()
            talker.frames.clear()
            if talker.is_over:
                refused += 1
                try:
                    talker = Client(server.port, "/flow")
                except OSError:
                    time.sleep(0.1)
            sent = time.monotonic()
            honest.send(b"there?")
            while not honest.frames and not honest.is_over:
                honest.receive()
                time.sleep(0.0005)
            assert not honest.is_over, "the honest one was cut"
            honest.frames.clear()
            worst = max(worst, time.monotonic() - sent)
        peak = int(open(f"{group}/{peak_file}").read())
        print(
            f"container: limit 64 MiB, {READERS} slow readers, 30 s of texts of 32 KiB to half of them and echoes of 64 KiB for the others: peak of the group "
            f"{peak / (1 << 20):.1f} MiB, RSS {server.rss() / 1024:.1f} MiB, worst round trip {worst * 1000:.1f} ms, "
            f"talker cut {refused} times"
        )
        assert server.process.poll() is None, "it was killed"
        Client(server.port, "/echo-raw").end()
        for raw in slow:
            raw.close()
        assert server.stop()[0] == 0
finally:
    try:
        os.rmdir(group)
    except OSError:
        pass
