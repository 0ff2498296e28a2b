"""From a report of the Autobahn TestSuite to a table by section and a verdict.

Usage: summary.py INDEX_JSON AGENT TITLE --expect CASES [--write SUMMARY_MD] [--tolerate]

Prints the table, and every case that is neither OK nor informational. The exit code is 1 when there is
such a case (unless tolerated), or when the report has another number of cases than expected. With
--write the table replaces the part of this title in a page, and the other parts stay.
"""

import argparse
import datetime
import json
import pathlib
import sys

PREFACE = """# The Autobahn TestSuite

Written by `tests/autobahn/run`: the cases of Autobahn TestSuite 25.10.1 by section. *Bad close* counts cases
whose messages were right and whose closing was not. A case is informational when RFC 6455 leaves open what
happens; there are three of those.
"""

SECTIONS = {
    1: "Framing",
    2: "Pings and pongs",
    3: "Reserved bits",
    4: "Opcodes",
    5: "Fragmentation",
    6: "UTF-8",
    7: "Closing",
    9: "Limits and performance",
    10: "Automatic fragmentation",
    12: "Compression, payloads",
    13: "Compression, parameters",
}
KINDS = ["OK", "NON-STRICT", "INFORMATIONAL", "FAILED"]
GOOD = ["OK", "INFORMATIONAL"]


def kind(case):
    """UNIMPLEMENTED and whatever else the suite may say is a failure."""
    return case["behavior"] if case["behavior"] in KINDS else "FAILED"


def bad_close(case):
    return kind(case) in GOOD and case["behaviorClose"] not in GOOD


def row(name, cases):
    kinds = [sum(kind(case) == wanted for case in cases) for wanted in KINDS]
    seconds = sum(case["duration"] for case in cases) / 1000
    cells = [name, len(cases), *kinds, sum(map(bad_close, cases)), f"{seconds:.1f}"]
    return f"| {' | '.join(map(str, cells))} |"


def table(cases):
    lines = [f"| section | cases | {' | '.join(KINDS)} | bad close | seconds |", "|---" + "|--:" * 7 + "|"]
    by_section = {}
    for number, case in cases.items():
        by_section.setdefault(int(number.split(".")[0]), []).append(case)
    for section, of_section in sorted(by_section.items()):
        lines.append(row(f"{section} {SECTIONS.get(section, '')}", of_section))
    lines.append(row("all", list(cases.values())))
    return "\n".join(lines)


def write(path, title, part):
    """Puts the part of this title into the page, in the place that it had."""
    page = path.read_text() if path.exists() else ""
    parts = dict(known.split("\n", 1) for known in page.split("\n## ")[1:])
    parts[title] = part
    text = "".join(f"\n## {title}\n\n{part.strip()}\n" for title, part in parts.items())
    path.write_text(PREFACE + text)


parser = argparse.ArgumentParser()
parser.add_argument("index", type=pathlib.Path)
parser.add_argument("agent")
parser.add_argument("title")
parser.add_argument("--expect", type=int, required=True)
parser.add_argument("--write", type=pathlib.Path)
parser.add_argument("--tolerate", action="store_true")
options = parser.parse_args()

cases = json.loads(options.index.read_text()).get(options.agent, {})
if len(cases) != options.expect:
    sys.exit(f"autobahn: the report has {len(cases)} of {options.expect} cases: {options.index}")
shown = table(cases)
print(shown)
if options.write:
    date = datetime.datetime.now(datetime.timezone.utc).date()
    write(options.write, options.title, f"{date}, {len(cases)} cases.\n\n{shown}")

wrong = {number: case for number, case in cases.items() if kind(case) not in GOOD or bad_close(case)}
for number, case in sorted(wrong.items()):
    print(f"{number}: {case['behavior']}, close {case['behaviorClose']}: {options.index.parent / case['reportfile']}")
if wrong and not options.tolerate:
    sys.exit(f"autobahn: {len(wrong)} of {len(cases)} cases are wrong")
