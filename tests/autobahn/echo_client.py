"""Walks the cases of the suite's server with Python's websockets: the other client.

Usage: python echo_client.py URL AGENT
"""

import sys

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect


def opened(url):
    return connect(url, max_size=None, ping_interval=None)


def echo(url):
    try:
        with opened(url) as socket:
            for message in socket:
                socket.send(message)
    except (ConnectionClosed, InvalidHandshake):
        pass  # how a case ends is for the suite to judge


url, agent = sys.argv[1:]
with opened(f"{url}/getCaseCount") as socket:
    count = int(socket.recv())
for case in range(1, count + 1):
    echo(f"{url}/runCase?case={case}&agent={agent}")
with opened(f"{url}/updateReports?agent={agent}") as socket:
    for _ in socket:
        pass
