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
server = subprocess.Popen(
    [*emulator, binary, "serve", "--listen", "127.0.0.1:0", "--log", "warn"], stdout=subprocess.PIPE, text=True
)
started = time.monotonic()


def resident():
    """KiB in memory of the server, emulator and all."""
    status = open(f"/proc/{server.pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


def run(*arguments, given=None):
    """The command of this machine; its output."""
    done = subprocess.run([native, *arguments], input=given, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def idle(address, count):
    """KiB in memory with so many idle sessions, when what it took to let them in is given back."""
    load = ["bench", "idle", f"ws://{address}/echo-raw", "--connections", str(count), "--duration", "3s", "--json", "--quiet"]
    held = subprocess.Popen([native, *load], stdout=subprocess.DEVNULL)
    least = None
    while held.poll() is None:
        if len(os.listdir(f"/proc/{server.pid}/fd")) >= count:
            least = min(least or resident(), resident())
        time.sleep(0.05)
    assert held.returncode == 0 and least, f"{load}: {held.returncode}"
    return least


try:
    line = server.stdout.readline()
    ready = time.monotonic() - started
    address = re.search(r"http://([0-9.:]+)/", line).group(1)
    at_start = resident()
    run("check", f"ws://{address}/echo-raw")
    said = run("chat", f"ws://{address}/echo", "--wait", "500ms", given="Ana\n")
    assert "Hi, Ana!" in said, said
    page = urllib.request.urlopen(f"http://{address}/", timeout=60).read()
    assert b"<html" in page, page[:200]
    room = urllib.request.Request(f"http://{address}/chat?name=small", method="POST")
    assert b'"roomId"' in urllib.request.urlopen(room, timeout=60).read()
    few, many = (1000, 4000) if emulator else (2000, 10000)
    # The few first: what a crowd has left behind would hide them.
    with_few = idle(address, few)
    slope = (idle(address, many) - with_few) * 1024 / (many - few)
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 0, "it did not end with success"
finally:
    if server.poll() is None:
        server.kill()
emulated = " (with the emulator)" if emulator else ""
print(
    f"| {label} | {os.path.getsize(binary)} B | {at_start} KiB{emulated} | {ready * 1000:.1f} ms{emulated} "
    f"| {slope:.0f} B |"
)
