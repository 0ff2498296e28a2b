"""Starts a binary of dunlin, perhaps under an emulator, talks to it with the command of this machine, and
prints what it weighs. Usage: drive.py LABEL NATIVE BINARY [EMULATOR...]"""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

label, native, binary, *emulator = sys.argv[1:]


class Server:
    """A server on a free port, which ends with the block."""

    def __enter__(self):
        command = [*emulator, binary, "serve", "--listen", "127.0.0.1:0", "--log", "warn"]
        started = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.ready = time.monotonic() - started
        self.address = re.search(r"http://([0-9.:]+)/", line).group(1)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def resident(self):
        """KiB in memory, emulator and all."""
        status = open(f"/proc/{self.process.pid}/status").read()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, "it did not end with success"


def run(*arguments, given=None):
    """The command of this machine; its output."""
    done = subprocess.run([native, *arguments], input=given, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def idle(count):
    """KiB in memory of a fresh server with so many idle sessions, when what it took to let them in is given back.

    Fresh, because a C library keeps much of what a crowd before them took to leave.
    """
    with Server() as server:
        load = ["idle", f"ws://{server.address}/echo-raw", "--connections", str(count), "--duration", "3s"]
        held = subprocess.Popen([native, "bench", *load, "--json", "--quiet"], stdout=subprocess.DEVNULL)
        least = None
        while held.poll() is None:
            if server.descriptors() >= count:
                least = min(least or server.resident(), server.resident())
            time.sleep(0.05)
        assert held.returncode == 0 and least, f"{load}: {held.returncode}"
        return least


with Server() as server:
    # The pages that a start touches are all there when it first waits.
    time.sleep(0.3)
    at_start = server.resident()
    run("check", f"ws://{server.address}/echo-raw")
    said = run("chat", f"ws://{server.address}/echo", "--wait", "500ms", given="Ana\n")
    assert "Hi, Ana!" in said, said
    page = urllib.request.urlopen(f"http://{server.address}/", timeout=60).read()
    assert b"<html" in page, page[:200]
    room = urllib.request.Request(f"http://{server.address}/chat?name=small", method="POST")
    assert b'"roomId"' in urllib.request.urlopen(room, timeout=60).read()
    server.end()
starts = []
for _ in range(7):
    with Server() as server:
        starts.append(server.ready)
ready = sorted(starts)[3]
few, many = (1000, 4000) if emulator else (2000, 15000)
slope = (idle(many) - idle(few)) * 1024 / (many - few)
emulated = " (with the emulator)" if emulator else ""
print(
    f"| {label} | {os.path.getsize(binary)} B | {at_start} KiB{emulated} | {ready * 1000:.1f} ms{emulated} "
    f"| {slope:.0f} B |"
)
