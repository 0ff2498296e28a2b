"""What rooms of several nodes cost, on a real engine: CPU of engine and nodes for each message and each delivery, with
one, two and three nodes in one run; and what a bystander sees while a thousand rooms are repaired.

Usage: python3 benches/nodes/cost.py DUNLIN ENGINE [MEMBERS] [RATE] [SECONDS]; ENGINE is the path of redis-server or
valkey-server, MEMBERS (240) share a room and RATE messages a second (400) for so many SECONDS (5). CPU is what the kernel
counts for each process (/proc/PID/schedstat), so that other work on the machine matters less than it does to time.
"""

import json
import os
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests/cluster"))
from parts import engine_command, fetch, frame, free_port, node_command, upgrade

DUNLIN, ENGINE = sys.argv[1:3]
MEMBERS, RATE, SECONDS = [int(word) for word in sys.argv[3:6]] + [240, 400, 5][len(sys.argv[3:6]) :]
ROUNDS, ROOMS, OF_A_SESSION = 5, 1000, 50
TALK = b'"type":"TALK"'
started = []


def start(*command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    started.append(process)
    return process


def stop(process):
    process.kill()
    process.wait()
    started.remove(process)


def engine(port):
    process = start(*engine_command(ENGINE, port, tempfile.gettempdir()))
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return process
        except OSError:
            time.sleep(0.05)
    raise SystemExit("cost: the engine does not start")


def operate(port, *words):
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall((" ".join(words) + "\r\n").encode())
        return line.recv(1 << 16)


class Node:
    def __init__(self, engine_port):
        self.port = free_port()
        self.process = start(*node_command(DUNLIN, self.port, engine_port))
        self.wait()

    def wait(self):
        for _ in range(400):
            try:
                return fetch("GET", self.port, "/readyz")
            except OSError:
                time.sleep(0.05)
        raise SystemExit("cost: a node is not ready")


def connect(port, path, protocol=None):
    session = socket.create_connection(("127.0.0.1", port))
    session.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    session.sendall(upgrade(path, protocol))
    answer = session.recv(4096)
    if b" 101 " not in answer:
        raise SystemExit(f"cost: {answer}")
    return session


class Crowd:
    """Sessions whose messages are counted and thrown away, in a thread."""

    def __init__(self):
        self.poll, self.sessions, self.tails = select.epoll(), {}, {}
        self.talks = self.entered = 0
        self.is_over = False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def add(self, session):
        self.sessions[session.fileno()] = session
        self.tails[session.fileno()] = b""
        self.poll.register(session, select.EPOLLIN)

    def listen(self):
        while not self.is_over:
            for at, _ in self.poll.poll(0.1):
                data = self.sessions[at].recv(1 << 18)
                if not data:
                    self.poll.unregister(at)
                data = self.tails[at] + data
                self.talks += data.count(TALK)
                self.entered += data.count(b'"type":"ENTERED"')
                # Shorter than what is counted, so that nothing counts twice.
                self.tails[at] = data[-(len(TALK) - 1) :]

    def end(self):
        self.is_over = True
        self.thread.join()
        for session in self.sessions.values():
            session.close()


def enter(session, room, name):
    words = {"type": "ENTER", "roomId": room, "sender": name, "client": name.ljust(16, "-")}
    session.sendall(frame(json.dumps(words).encode()))


def create(node):
    return json.loads(fetch("POST", node.port, "/chat?name=one"))["roomId"]


def until(what, is_so, seconds=30):
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise SystemExit(f"cost: {what} takes too long")
        time.sleep(0.01)


def cpu(process):
    """Nanoseconds that a process, all its threads, was on a processor."""
    path = f"/proc/{process.pid}/task"
    return sum(int(open(f"{path}/{task}/schedstat").read().split()[0]) for task in os.listdir(path))


def cost(count):
    """Microseconds of the engine and of all nodes for a message, and of the nodes for a delivery."""
    port = free_port() if count else None
    running = [engine(port)] if count else []
    nodes = [Node(port) for _ in range(count or 1)]
    room, crowd, sessions = create(nodes[0]), Crowd(), []
    for at in range(MEMBERS):
        session = connect(nodes[at % len(nodes)].port, "/ws/chat", "dunlin.v1")
        crowd.add(session)
        enter(session, room, f"member{at}")
        sessions.append(session)
    until("entering", lambda: crowd.entered == MEMBERS)
    time.sleep(1.5)  # Those who came are told to the others.
    processes = [node.process for node in nodes] + running
    before = [cpu(process) for process in processes]
    count_of, began = RATE * SECONDS, time.monotonic()
    for at in range(count_of):
        message = {"type": "TALK", "roomId": room, "message": "x" * 64, "ref": f"r{at}"}
        sessions[at * 7 % MEMBERS].sendall(frame(json.dumps(message).encode()))
        time.sleep(max(0, began + (at + 1) / RATE - time.monotonic()))
    until("talking", lambda: crowd.talks >= count_of * MEMBERS)
    used = [after - before for after, before in zip([cpu(process) for process in processes], before)]
    crowd.end()
    for process in processes:
        stop(process)
    of_nodes, of_engine = sum(used[: len(nodes)]), sum(used[len(nodes) :])
    if crowd.talks != count_of * MEMBERS:
        raise SystemExit(f"cost: {crowd.talks} deliveries instead of {count_of * MEMBERS}")
    return of_engine / count_of / 1e3, of_nodes / count_of / 1e3, of_nodes / count_of / MEMBERS


class Bystander:
    def __init__(self, node):
        self.session, self.times = connect(node.port, "/echo-raw"), []
        self.session.settimeout(20)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        try:
            while True:
                began = time.perf_counter()
                self.session.sendall(frame(b"x"))
                self.session.recv(16)
                self.times.append(time.perf_counter() - began)
                time.sleep(0.002)
        except OSError:
            pass


def repair():
    """Two nodes, each with a member in each of a thousand rooms, and an engine that goes and comes back."""
    port = free_port()
    running = engine(port)
    nodes = [Node(port) for _ in range(2)]
    rooms, crowd = [create(nodes[0]) for _ in range(ROOMS)], Crowd()
    for at, node in enumerate(nodes):
        for first in range(0, ROOMS, OF_A_SESSION):
            session = connect(node.port, "/ws/chat", "dunlin.v1")
            crowd.add(session)
            for room in rooms[first : first + OF_A_SESSION]:
                enter(session, room, f"node{at}")
    until("entering", lambda: crowd.entered == 2 * ROOMS)
    time.sleep(2)
    watching = [Bystander(node) for node in nodes]

    def row(what):
        times = sorted(time for one in watching for time in one.times)
        for one in watching:
            one.times = []
        mended = [metric(node, "dunlin_engine_mended_total") for node in nodes]
        p99, worst = times[len(times) * 99 // 100] * 1e3, times[-1] * 1e3
        print(f"| {what} | {p99:.2f} | {worst:.2f} | {len(times)} | {sum(mended):.0f} |", flush=True)

    print("\n| a thousand rooms, two nodes | p99, ms | worst, ms | round trips | readings of rooms so far |\n|---|---|---|---|---|")
    time.sleep(5)
    row("nothing happens")
    operate(port, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    operate(port, "CLIENT", "KILL", "TYPE", "pubsub")
    time.sleep(5)
    row("all lines cut")
    stop(running)
    time.sleep(3)
    row("the engine is away")
    running = engine(port)
    for node in nodes:
        node.wait()
    time.sleep(8)
    row("it is back without data")
    members = [json.loads(fetch("GET", nodes[0].port, f"/chat/{room}/members"))["members"] for room in rooms]
    if members != [2] * ROOMS:
        raise SystemExit(f"cost: {sum(count != 2 for count in members)} rooms do not have their two members")
    for process in [node.process for node in nodes] + [running]:
        stop(process)


def metric(node, name):
    lines = fetch("GET", node.port, "/metrics").decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))


try:
    print(f"{MEMBERS} members of one room, {RATE} messages of 64 B a second for {SECONDS} s, medians of {ROUNDS} rounds\n")
    found = {count: [] for count in range(4)}
    for _ in range(ROUNDS):
        for count in found:
            found[count].append(cost(count))
    print("| nodes | engine, us a message | nodes together, us a message | nodes, ns a delivery |\n|---|---|---|---|")
    for count, rows in found.items():
        of_engine, of_nodes, of_delivery = (statistics.median(column) for column in zip(*rows))
        name = count or "1, rooms in memory"
        print(f"| {name} | {of_engine:.1f} | {of_nodes:.1f} | {of_delivery:.0f} |")
    repair()
finally:
    for process in started:
        process.kill()
