"""The tables, in Markdown, and the file of a recorded run."""

import datetime
import os
import platform
import statistics
from pathlib import Path

from .measure import Row
from .peers import ROOT, Peer, output, versions

# Most per cent of the measured time that others may have the server's core, in the median.
QUIET = 5.0


class Results:
    """What each peer gave in each row, round by round."""

    def __init__(self):
        self.figures = {}  # (peer, row key) -> {round: Figures}
        self.failures = {}  # (peer, row key) -> {round: text}

    def add(self, peer: Peer, row: Row, number: int, figures) -> None:
        self.figures.setdefault((peer.name, row.key), {})[number] = figures

    def fail(self, peer: Peer, row: Row, number: int, why: str) -> None:
        self.failures.setdefault((peer.name, row.key), {})[number] = why

    def value(self, name: str, key: str, metric: str) -> float | None:
        rounds = self.figures.get((name, key), {}).values()
        values = [one.values[metric] for one in rounds if metric in one.values]
        return statistics.median(values) if values else None

    def ratio(self, name: str, key: str, metric: str) -> float | None:
        """The median of the rounds in which both were measured."""
        own, base = (self.figures.get((who, key), {}) for who in (name, "dunlin"))
        ratios = [
            own[number].values[metric] / base[number].values[metric]
            for number in own.keys() & base.keys()
            if base[number].values.get(metric) and metric in own[number].values
        ]
        return statistics.median(ratios) if ratios else None

    def is_bound(self, name: str, key: str) -> bool:
        return any(one.is_bound for one in self.figures.get((name, key), {}).values())

    def waited(self) -> list[float]:
        """Parts of the measured spans in which a server could have run and others had its core."""
        all_figures = [one for rounds in self.figures.values() for one in rounds.values()]
        return [one.values["waited"] for one in all_figures if "waited" in one.values]

    def failure(self, name: str, key: str) -> str | None:
        found = self.failures.get((name, key), {})
        return next(iter(found.values()), None)


def table(head: list[str], lines: list[list[str]], are_words: bool = False) -> str:
    widths = [max(3, *(len(line[i]) for line in [head, *lines])) for i in range(len(head))]

    def write(cells: list[str]) -> str:
        # The first column is words, the others are figures, or words as well.
        padded = [
            cell.ljust(width) if i == 0 or are_words else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths))
        ]
        return "| " + " | ".join(padded) + " |"

    rule = [
        "-" * (width + 2) if i == 0 or are_words else "-" * (width + 1) + ":"
        for i, width in enumerate(widths)
    ]
    return "\n".join([write(head), "|" + "|".join(rule) + "|", *map(write, lines)]) + "\n"


def time_of(nanoseconds: float) -> str:
    for limit, unit, size in [(1e3, "ns", 1), (1e6, "µs", 1e3), (1e9, "ms", 1e6)]:
        if nanoseconds < limit * 0.9995:
            return f"{short(nanoseconds / size)} {unit}"
    return f"{short(nanoseconds / 1e9)} s"


def size_of(count: float) -> str:
    for limit, unit, size in [(1e3, "B", 1), (1e6, "kB", 1e3), (1e9, "MB", 1e6)]:
        if count < limit * 0.9995:
            return f"{short(count / size)} {unit}"
    return f"{short(count / 1e9)} GB"


def short(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


class Report:
    def __init__(self, peers: list[Peer], rows: list[Row], results: Results):
        self.peers, self.results = peers, results
        self.rows = {row.key: row for row in rows}
        self.notes = {}  # text -> number

    def of(self, *scenarios: str) -> list[Row]:
        return [row for row in self.rows.values() if row.scenario in scenarios]

    def text(self) -> str:
        talking = [row for row in self.of("echo", "broadcast") if self.has(row)]
        parts = []
        if talking:
            parts.append(
                "## CPU of the server for each message\n\n"
                "Of a broadcast: for each delivery. In brackets the ratio to dunlin.\n\n"
                + self.table(talking, lambda name, key: self.cell(name, key, "cpu", time_of))
            )
            parts.append(
                "## Messages a second\n\n"
                "In thousands; of a broadcast: deliveries. ≥: the generator was the bottleneck, or others had its core.\n\n"
                + self.table(talking, self.rate)
            )
            parts.append(
                "## Latency in closed loop, p50 / p99\n\n"
                "With everything in flight that fits, so that it is little more than connections divided by rate.\n\n"
                + self.table(talking, self.latency)
            )
        if any(map(self.has, self.of("idle"))):
            parts.append(
                "## Memory\n\nResident, with no connection, and what each connection that says nothing adds.\n\n"
                + self.memory()
            )
        floods = [row for row in self.of("bystander") if self.has(row)]
        if floods:
            parts.append(
                "## A bystander's round trip while others flood, p99\n\n"
                "100 connections flood; one message of the bystander is in flight at a time.\n\n"
                + self.table(floods, lambda name, key: self.cell(name, key, "p99", time_of))
            )
        if self.notes:
            lines = [f"{number}. {text}" for text, number in self.notes.items()]
            parts.append("## Notes\n\n" + "\n".join(lines) + "\n")
        return "\n".join(parts)

    def has(self, row: Row) -> bool:
        """Whether anything was tried."""
        tried = [*self.results.figures, *self.results.failures]
        return any(key == row.key for _, key in tried)

    def table(self, rows: list[Row], cell) -> str:
        head = ["", *(row.title for row in rows)]
        lines = [[peer.name, *(cell(peer.name, row.key) for row in rows)] for peer in self.peers]
        return table(head, lines)

    def note(self, name: str, key: str, text: str) -> str:
        where = f"{name}, {self.rows[key].scenario} {self.rows[key].title}"
        number = self.notes.setdefault(f"{where}: {text}", len(self.notes) + 1)
        return f"[{number}]"

    def cell(self, name: str, key: str, metric: str, form, prefix: str = "") -> str:
        value = self.results.value(name, key, metric)
        why = self.results.failure(name, key)
        if value is None:
            if why in (None, "–"):
                return "–"
            return f"failed {self.note(name, key, why)}"
        ratio = self.results.ratio(name, key, metric)
        text = prefix + form(value)
        if ratio is not None:
            text += f" ({short(ratio)})"
        marks = [self.note(name, key, f"failed in some rounds: {why}")] if why else []
        figures = self.results.figures[name, key].values()
        remarks = next((one.remarks for one in figures if one.remarks), [])
        marks += [self.note(name, key, remark) for remark in remarks]
        return " ".join([text, *marks])

    def rate(self, name: str, key: str) -> str:
        bound = "≥ " if self.results.is_bound(name, key) else ""
        return self.cell(name, key, "rate", lambda value: short(value / 1e3), bound)

    def latency(self, name: str, key: str) -> str:
        middle, high = (self.results.value(name, key, metric) for metric in ("p50", "p99"))
        if not middle or not high:
            return "–"
        return f"{time_of(middle)} / {time_of(high)}"

    def memory(self) -> str:
        metrics = ["start", "connection"]
        lines = [
            [peer.name, *(self.cell(peer.name, "idle", metric, size_of) for metric in metrics)]
            for peer in self.peers
        ]
        return table(["", "at start", "for each idle connection"], lines)


def machine(peers: list[Peer], results: Results, load: float, rounds: str, began) -> str:
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(": ", 1)[1]
            break
    waited = sorted(results.waited()) or [0.0]
    middle, most = 100 * statistics.median(waited), 100 * waited[-1]
    facts = [
        f"{os.cpu_count()} cores, {model}; the server on one, the generator on another",
        f"Linux {platform.release()}",
        output("rustc", "--version") or "rustc unknown",
        f"load average at the start: {load:.2f}; others had the server's core for {middle:.0f} % of the "
        f"measured time in the median, {most:.0f} % at most",
        f"{rounds}; figures are medians, ratios medians of the ratios within a round",
        f"began at {began:%H:%M} UTC",
    ]
    if middle > QUIET:
        facts.append("the machine was not quiet: rates and latencies mean little, ratios are rough")
    known = versions(peers)
    lines = [[peer.name, peer.runtime, known.get(peer.name, "")] for peer in peers]
    head = "\n".join(f"- {fact}" for fact in facts)
    return head + "\n\n" + table(["", "runtime", "version"], lines, are_words=True)


def record(text: str) -> Path:
    """Keeps a run in `benches/runs/<date>-peers.md`, with a number behind when there is one already."""
    folder = ROOT / "benches" / "runs"
    date = datetime.datetime.now(datetime.UTC).date()
    path, number = folder / f"{date}-peers.md", 2
    while path.exists():
        path, number = folder / f"{date}-peers-{number}.md", number + 1
    path.write_text(text)
    return path
