"""The load tester against other people's servers, npm `ws` and Python `websockets`: its counts must be theirs,
to the message and byte.

Usage: python bench.py PATH_OF_DUNLIN (with `websockets` installed, and `ws` in node_modules beside this file)
"""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 60
SERVERS = {
    "ws": ["node", os.path.join(HERE, "counting.mjs")],
    "websockets": [sys.executable, os.path.join(HERE, "counting.py")],
}
# What is measured is short: counts are compared, not speed.
SHORT = ["--json", "--quiet", "--warmup", "100ms", "--duration", "500ms"]
RUNS = [
    ("echo", "idle --connections 50"),
    ("echo", "echo --connections 10 --window 4 --size 5"),
    ("echo", "echo --connections 10 --deflate --size 300"),
    ("echo", "echo --connections 4 --binary --size 70000 --workers 2"),
    ("echo", "echo --connections 3 --rate 777.5"),
    ("echo", "churn --connections 5 --visit 3"),
    ("echo", "churn --connections 5 --rate 100"),
    ("echo", "storm --connections 20"),
    ("broadcast", "broadcast --connections 20 --senders 3 --window 2"),
    ("broadcast", "broadcast --connections 20 --senders 2 --rate 200 --workers 2"),
    ("broadcast", "slow --connections 10 --slow 2"),
]


def equal(name, got, wanted):
    if got != wanted:
        raise AssertionError(f"{name}: got {got!r}, wanted {wanted!r}")


def measured(binary, server, mode, flags):
    """What dunlin found, and what the server counted."""
    process = subprocess.Popen([*SERVERS[server], mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        try:
            port = int(process.stdout.readline())
            scenario, *rest = flags.split()
            command = [binary, "bench", scenario, f"ws://127.0.0.1:{port}/", *rest, *SHORT]
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
            # 3: the machine was busy, which takes nothing from the counts.
            if done.returncode not in (0, 3):
                raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
            # The end of its input is the server's order to tell and to end.
            process.stdin.close()
            return json.loads(done.stdout), json.loads(process.stdout.readline())
        finally:
            process.kill()


def compare(name, found, counted):
    messages, connections = found["messages"], found["connections"]
    got = {
        "opened": connections["opened"],
        "received": messages["sent"],
        "receivedBytes": messages["sent_bytes"],
        "sent": messages["received"],
        "sentBytes": messages["received_bytes"],
    }
    equal(name, got, counted)
    equal(name, messages["answered"] + messages["cut"], messages["expected"])
    for fault in ("lost", "cut", "duplicates", "reordered", "others"):
        equal(f"{name}, {fault}", messages[fault], 0)
    equal(name, (found["ended"], found["errors"], found["closes"]), ("complete", {}, {}))
    if "--deflate" in name:
        equal(f"{name}, deflated", connections["deflated"], connections["opened"])


def main(binary):
    for server in SERVERS:
        for mode, flags in RUNS:
            name = f"{server}: {flags}"
            found, counted = measured(binary, server, mode, flags)
            compare(name, found, counted)
            print(f"ok {name}: {counted['received']} messages, {counted['sent']} answers", flush=True)


main(os.path.abspath(sys.argv[1]))
