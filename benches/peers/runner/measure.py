"""The rows: what is measured, by which command, and what is read from its JSON."""

import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from .peers import Peer
from .server import Failed, Server, cores

# Of `dunlin bench bystander`, each with 100 connections.
FLOODS = [
    ("empty", "empty texts"),
    ("ping-unread", "pings, pongs not read"),
    ("64k-text", "texts of 64 KiB"),
]
# Longer than any run of the tool should take, its waiting for late answers included.
MARGIN = 40.0


@dataclass(frozen=True)
class Row:
    """One measurement of each peer. `words` go to `dunlin bench`; `seconds` is what it needs at least."""

    key: str
    title: str
    scenario: str
    words: tuple[str, ...] = ()
    path: str = "echo"  # or "broadcast"
    deflate: bool = False
    flood: str | None = None
    seconds: float = 3.0


def rows(quick: bool) -> list[Row]:
    span = ("--warmup", "300ms", "--duration", "700ms" if quick else "1500ms")

    def echo(connections: int, window: int) -> Row:
        words = ("--connections", str(connections), "--window", str(window))
        title = f"{thousands(connections)} × {window}"
        key = f"echo-{connections}-{window}"
        return Row(key, title, "echo", (*words, "--size", "5", *span))

    echoes = [echo(512, 1), echo(512, 16)]
    if not quick:
        echoes += [echo(4096, 1), echo(4096, 16), echo(16_384, 1), echo(16_384, 16)]
    big = ("--connections", "64", "--window", "1", "--size", "16384")
    wide = ("--connections", "1000", "--senders", "10", "--size", "512")
    idle = ("--connections", "3000" if quick else "10000", "--ramp", "2s")
    found = [
        *echoes,
        Row("echo-big", "16 KiB, 64 × 1", "echo", (*big, *span)),
        Row("broadcast", "broadcast", "broadcast", (*wide, *span), "broadcast"),
        Row(
            "broadcast-deflate",
            "broadcast, deflate",
            "broadcast",
            (*wide, "--deflate", *span),
            "broadcast",
            deflate=True,
        ),
        Row("idle", "idle", "idle", (*idle, "--duration", "500ms")),
    ]
    words = ("--connections", "100", "--span", "1s" if quick else "1500ms")
    for flood, title in FLOODS[:1] if quick else FLOODS:
        found.append(Row(f"flood-{flood}", title, "bystander", words, flood=flood))
    return found


def thousands(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


@dataclass
class Figures:
    """What one run found; times in nanoseconds, memory in bytes."""

    values: dict[str, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    # The generator was the bottleneck, or others had its core: the rate is a lower bound.
    is_bound: bool = False


def measure(dunlin: Path, peer: Peer, row: Row, limit: float) -> Figures:
    """One cell. Raises `Failed` where the peer gives no figure."""
    path = peer.echo if row.path == "echo" else peer.broadcast
    if row.scenario == "idle":
        path = path or peer.broadcast
    if path is None or (row.deflate and not peer.deflate):
        raise Failed("–")
    if not peer.executable.exists():
        raise Failed("not built")
    with Server(peer, row.deflate) as server:
        time.sleep(0.2)
        at_start = server.resident()
        document = run_tool(dunlin, server, row, path, limit)
        figures = read(document, row)
        if row.scenario == "idle":
            figures.values["start"] = at_start
        return figures


def run_tool(dunlin: Path, server: Server, row: Row, path: str, limit: float) -> dict:
    command = ["taskset", "-c", str(cores()[1]), str(dunlin), "bench", row.scenario]
    command += [server.url(path), *row.words, "--json", "--quiet"]
    if row.scenario == "bystander":
        command += ["--flood", row.flood]
    else:
        for pid in server.pids():
            command += ["--pid", str(pid)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=min(MARGIN, max(limit, 1.0)),
        )
    except subprocess.TimeoutExpired:
        ended = server.ending()
        raise Failed(f"died: {ended}" if ended else "no end in time") from None
    ended = server.ending()
    if ended:
        raise Failed(f"died: {ended}")
    try:
        return json.loads(done.stdout)
    except ValueError:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise Failed(lines[0].removeprefix("dunlin: ")) from None


def read(document: dict, row: Row) -> Figures:
    if row.scenario == "bystander":
        return read_bystander(document)
    wanted = document["asked"]["connections"] + (document["asked"].get("senders") or 0)
    there = document["connections"]["open_at_end"]
    if document["ended"] != "complete":
        raise Failed(f"{document['ended']}; {trouble(document)}")
    if there < wanted * 0.99:
        open_ones = f"{thousands(there)} of {thousands(wanted)} open at the end"
        raise Failed(f"{open_ones}; {trouble(document)}")
    if row.deflate and not document["connections"]["deflated"]:
        raise Failed("compression is not agreed upon")
    figures = Figures(is_bound=bool(document["invalid"]))
    messages, server = document["messages"], document.get("server") or {}
    if row.scenario == "idle":
        slope = server.get("memory_per_connection")
        if slope is None:
            slope = (server["memory_open"] - server["memory_before"]) / max(there, 1)
        figures.values["connection"] = slope
    else:
        if not messages["answered_measured"]:
            raise Failed(f"no answers; {trouble(document)}")
        figures.values["cpu"] = server["cpu_per_message"]
        figures.values["waited"] = server["waited_ns"] / document["measured_ns"]
        figures.values["rate"] = messages["answer_rate"]
        figures.values["p50"] = document["response"]["p50"]
        figures.values["p99"] = document["response"]["p99"]
    if there < wanted:
        lacking = f"{wanted - there} of {thousands(wanted)} connections are lacking"
        figures.remarks.append(f"{lacking}; {trouble(document)}")
    expected = max(messages["expected"], 1)
    for name in ["lost", "cut", "duplicates", "reordered"]:
        if messages[name]:
            part = 100 * messages[name] / expected
            count = thousands(messages[name])
            figures.remarks.append(f"{count} messages {name} ({part:.2g} %)")
    return figures


def trouble(document: dict) -> str:
    """The most frequent error or close."""
    kinds = document["errors"] | document["closes"]
    if not kinds:
        return "no error"
    kind = max(kinds, key=kinds.get)
    return f"{thousands(kinds[kind])} × {kind}"


def read_bystander(document: dict) -> Figures:
    if not document["rows"]:
        raise Failed("nothing was measured")
    flood = document["rows"][0]
    beside = flood.get("beside")
    if flood.get("skipped") or not beside:
        raise Failed(f"not run: {flood.get('skipped') or '; '.join(flood['trouble'])}")
    trips = beside["round_trip"]
    if not trips["count"]:
        raise Failed("the bystander had no answer at all")
    figures = Figures({"p50": trips["p50"], "p99": trips["p99"]})
    figures.remarks = list(flood["trouble"])
    if flood.get("invalid"):
        figures.remarks.append(f"invalid: {flood['invalid']}")
    if beside["unanswered"]:
        figures.remarks.append(
            f"{beside['unanswered']} messages of the bystanders without an answer"
        )
    return figures
