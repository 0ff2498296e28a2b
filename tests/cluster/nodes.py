"""Three nodes and a real engine: members talk while the engine is stopped, killed, cut off and replaced by a replica that
lags, and while a node is killed. Every member holds what it gets against the order of its room.

Usage: nodes.py DUNLIN ENGINE MEMBERS; ENGINE is the path of redis-server or valkey-server.
"""

import asyncio
import json
import os
import signal
import struct
import subprocess
import sys
import time

from parts import engine_command, fetch, frame, free_port, node_command, upgrade

DUNLIN, ENGINE, MEMBERS = sys.argv[1], sys.argv[2], int(sys.argv[3])
SCRATCH = os.environ["SCRATCH"]
started = []


def engine(port, *more):
    command = [*engine_command(ENGINE, port, SCRATCH), "--repl-diskless-sync-delay", "0", *more]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    started.append(process)
    return process


async def ask(port, *words):
    """One command to an engine; the first line of its answer, or None when nobody answers."""
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 2)
        text = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        writer.write(text.encode())
        line = (await asyncio.wait_for(reader.readline(), 2)).decode().strip()
        if line.startswith("$"):
            line = (await reader.readexactly(int(line[1:]))).decode()
        writer.close()
        return line
    except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
        return None


class Forwarder:
    """Where the nodes find the engine: a port that leads to whichever is the master."""

    def __init__(self, to):
        self.to, self.writers = to, set()

    async def start(self):
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def accept(self, reader, writer):
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.close()
            return
        self.writers |= {writer, up_writer}

        async def copy(source, target):
            try:
                while data := await source.read(1 << 16):
                    target.write(data)
                    await target.drain()
            except (OSError, ConnectionError):
                pass
            target.close()

        try:
            await asyncio.gather(copy(reader, up_writer), copy(up_reader, writer))
        except asyncio.CancelledError:
            pass
        self.writers -= {writer, up_writer}

    def cut(self):
        for writer in self.writers:
            writer.transport.abort()


class Session:
    """A WebSocket client, unfragmented texts alone."""

    @classmethod
    async def open(cls, port, path, protocol=None):
        self = cls()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        self.writer.write(upgrade(path, protocol))
        answer = await self.reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in answer, answer
        return self

    def send(self, text):
        self.writer.write(frame(text.encode()))

    async def receive(self):
        while True:
            first, length = await self.reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
            payload = await self.reader.readexactly(length)
            if first & 15 == 1:
                return payload.decode()
            if first & 15 == 9:
                self.writer.write(frame(payload, 10))
            elif first & 15 == 8:
                raise ConnectionError("closed", payload)


problems = []
order = {}
lost_receipts = []


class Member:
    def __init__(self, name, room):
        self.name, self.room, self.at, self.sent, self.receipts = name, room, None, 0, {}
        self.got = self.errors = self.epochs = self.gaps = 0
        self.task = None

    async def enter(self, port):
        self.session = await Session.open(port, "/ws/chat", "dunlin.v1")
        enter = {"type": "ENTER", "roomId": self.room, "sender": self.name, "client": self.name.ljust(16, "-")}
        if self.at:
            enter["since"] = {"epoch": self.at[0], "id": self.at[1]}
        self.session.send(json.dumps(enter))
        while True:
            told = json.loads(await asyncio.wait_for(self.session.receive(), 15))
            if told["type"] == "ENTERED":
                if self.at and told["recovered"]:
                    wanted = list(range(self.at[1] + 1, told["id"] + 1))
                    if [message["id"] for message in told["messages"]] != wanted:
                        problems.append(f"{self.name}: recovered, and something is missing")
                self.at = (told["epoch"], told["id"])
                break
            if told["type"] == "ERROR":
                await asyncio.sleep(0.2)
                self.session.send(json.dumps(enter))
        self.task = asyncio.create_task(self.listen())

    async def listen(self):
        try:
            while True:
                self.take(json.loads(await self.session.receive()))
        except (ConnectionError, OSError, asyncio.IncompleteReadError):
            pass

    def take(self, told):
        kind = told["type"]
        if kind == "TALK":
            epoch, last = self.at
            self.got += 1
            if told["id"] != last + 1:
                problems.append(f"{self.name} is at {epoch}:{last} and gets {told['id']}")
            self.at = (epoch, told["id"])
            said = (told["sender"], told["message"])
            if order.setdefault((epoch, told["id"]), said) != said:
                problems.append(f"two messages are {epoch}:{told['id']}")
            if "ref" in told:
                self.receipts[told["ref"]] = (epoch, told["id"])
        elif kind == "EPOCH":
            self.epochs += 1
            self.at = (told["epoch"], told["id"])
        elif kind == "GAP":
            self.gaps += 1
            if told["from"] != self.at[1] + 1:
                problems.append(f"{self.name} is at {self.at} and has a gap from {told['from']}")
            self.at = (self.at[0], told["to"])
        elif kind == "ERROR":
            self.errors += 1

    def talk(self):
        self.sent += 1
        reference = f"{self.name}.{self.sent}"
        self.session.send(
            json.dumps({"type": "TALK", "roomId": self.room, "message": reference, "ref": reference})
        )


async def http(method, port, path):
    """In a thread: the way to the engine is in this one."""
    return await asyncio.to_thread(fetch, method, port, path)


async def bystander(port, times, stop):
    """Round trips on a session that has nothing to do with rooms."""
    session = await Session.open(port, "/echo-raw")
    while not stop.is_set():
        began = time.perf_counter()
        session.send("x")
        await session.receive()
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0.005)


async def node(forwarder):
    port = free_port()
    command = node_command(DUNLIN, port, forwarder.port)
    log = open(f"{SCRATCH}/node-{port}.log", "w")
    process = subprocess.Popen(command, stdout=log, stderr=log)
    started.append(process)
    for _ in range(100):
        try:
            await http("GET", port, "/readyz")
            return port, process
        except OSError:
            if process.poll() is not None:
                break
            await asyncio.sleep(0.1)
    raise SystemExit(f"nodes: a node does not start: {open(log.name).read()}")


async def settled(members, what, seconds=25):
    """All members are at one place, and the engine answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if len({member.at for member in members}) == 1:
            return
        await asyncio.sleep(0.2)
    places = sorted({str(member.at) for member in members})
    problems.append(f"after {what} members are at {places}")


async def chat(members, seconds, every=0.01):
    """Some member says something now and then."""
    until, at = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        members[at % len(members)].talk()
        at += 7
        await asyncio.sleep(every)


async def main():
    ports = [free_port(), free_port()]
    engines = [engine(ports[0]), engine(ports[1], "--replicaof", "127.0.0.1", str(ports[0]))]
    while await ask(ports[0], "PING") != "+PONG" or "up" not in (await ask(ports[1], "INFO", "replication") or ""):
        await asyncio.sleep(0.1)
    forwarder = Forwarder(ports[0])
    await forwarder.start()
    nodes = [await node(forwarder) for _ in range(3)]
    room = json.loads(await http("POST", nodes[0][0], "/chat?name=one"))["roomId"]
    members = [Member(f"member{at}", room) for at in range(MEMBERS)]
    for at, member in enumerate(members):
        await member.enter(nodes[at % 3][0])
    times, stop = [], asyncio.Event()
    watching = [asyncio.create_task(bystander(port, times, stop)) for port, _ in nodes]

    def step(what):
        worst = sorted(times)[int(len(times) * 0.99)] * 1000 if times else 0
        got, errors = sum(m.got for m in members), sum(m.errors for m in members)
        epochs, gaps = sum(m.epochs for m in members), sum(m.gaps for m in members)
        print(
            f"nodes: {what}: {got} deliveries, {errors} refused, {epochs} epochs told, {gaps} gaps;"
            f" a bystander's p99 {worst:.1f} ms of {len(times)}",
            flush=True,
        )
        times.clear()

    await chat(members, 3)
    await settled(members, "a quiet while")
    step("quiet")
    await asyncio.gather(chat(members, 4), kill_clients(ports[0]))
    await settled(members, "CLIENT KILL")
    step("CLIENT KILL twice a second")
    engines[0].send_signal(signal.SIGSTOP)
    await chat(members, 8)
    engines[0].send_signal(signal.SIGCONT)
    await chat(members, 2)
    await settled(members, "SIGSTOP of the engine")
    step("engine stopped for 8 s")
    # The replica stops hearing its master, falls behind, and is promoted.
    await ask(ports[1], "REPLICAOF", "NO", "ONE")
    await chat(members, 1)
    forwarder.to = ports[1]
    engines[0].kill()
    forwarder.cut()
    await chat(members, 4)
    await settled(members, "a failover to a replica that lagged")
    step("failover to a replica a second behind")
    if not sum(member.epochs for member in members):
        problems.append("a failover that lost messages began no epoch")
    # An engine that comes back without anything.
    engines[1].kill()
    engines[1].wait()
    forwarder.cut()
    await chat(members, 1)
    engines.append(engine(ports[1]))
    await chat(members, 5)
    await settled(members, "kill -9 of the engine, and its return without data")
    step("engine killed, and back without data")
    # A node dies; its members come back to another one.
    nodes[2][1].kill()
    watching[2].cancel()
    gone = [member for at, member in enumerate(members) if at % 3 == 2]
    await asyncio.sleep(0.5)
    back, away = gone[: len(gone) // 2], gone[len(gone) // 2 :]
    for member in back:
        await member.enter(nodes[0][0])
    there = [member for member in members if member not in away]
    await chat(there, 2)
    await settled(there, "kill -9 of a node")
    step("a node killed")
    began = time.monotonic()
    while True:
        listed = json.loads(await http("GET", nodes[1][0], f"/chat/{room}/members"))
        count = listed["members"]
        if count == len(there):
            break
        if time.monotonic() > began + 20:
            problems.append(f"20 s after a node died the room has {count} members and not {len(there)}")
            break
        await asyncio.sleep(0.5)
    print(f"nodes: members of the dead node were out after {time.monotonic() - began:.0f} s more", flush=True)
    stop.set()
    await asyncio.gather(*watching, return_exceptions=True)
    if not problems and sum(member.got for member in members) < 1000:
        problems.append("hardly anything was said")


async def kill_clients(port):
    for _ in range(6):
        await asyncio.sleep(0.5)
        await ask(port, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await ask(port, "CLIENT", "KILL", "TYPE", "pubsub")


try:
    asyncio.run(main())
finally:
    for process in started:
        process.kill()
for problem in problems[:20]:
    print(f"nodes: {problem}", file=sys.stderr)
if problems:
    print(f"nodes: {len(problems)} problems", file=sys.stderr)
    sys.exit(1)
print("nodes: all well")
