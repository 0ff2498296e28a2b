"""Walks every string of the ready applications with Python's websockets.

Usage: python ready.py PATH_OF_DUNLIN
"""

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

SECONDS = 10


def opened(base, path, compression="deflate"):
    client = connect(
        base.replace("http", "ws") + path,
        compression=compression,
        max_size=None,
        open_timeout=SECONDS,
        close_timeout=SECONDS,
    )
    agreed = client.response.headers.get("Sec-WebSocket-Extensions", "")
    equal("permessage-deflate" in agreed, compression is not None)
    return client


def receive(client):
    return client.recv(timeout=SECONDS)


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"got {got!r}, wanted {wanted!r}")


def exchange(client, message, wanted):
    client.send(message)
    equal(receive(client), wanted)


def closed(client):
    """The code and reason of the server's Close, which must come next."""
    try:
        got = receive(client)
    except ConnectionClosed as end:
        return end.rcvd.code, end.rcvd.reason
    raise AssertionError(f"got {got!r}, wanted a Close")


def echo(base):
    for bye in ["bye", "BYE", "bYe"]:
        with opened(base, "echo") as client:
            equal(receive(client), "Please enter your name")
            exchange(client, "JetBrains", "Hi, JetBrains!")
            client.send(b"not a text")
            exchange(client, "세계", "Hi, 세계!")
            client.send(bye)
            equal(closed(client), (1000, "Client said BYE"))


def you_said(base):
    with opened(base, "you-said") as client:
        client.send(b"not a text")
        exchange(client, "hello", "YOU SAID: hello")
        exchange(client, "Bye", "YOU SAID: Bye")
        equal(closed(client), (1000, "Client said BYE"))


def echo_raw(base):
    for compression in ["deflate", None]:
        raw_messages(base, compression)


def raw_messages(base, compression):
    with opened(base, "echo-raw", compression) as client:
        for message in ["", "text", "bye", b"", b"\x00\xff", "한글" * 100_000, bytes(range(256)) * 40_000]:
            exchange(client, message, message)
        client.send(["in ", "three ", "fragments"])
        equal(receive(client), "in three fragments")
        client.ping().wait(SECONDS)


def chat(base):
    with opened(base, "chat") as first, opened(base, "chat") as second:
        equal(receive(first), "You are connected! There are 1 users here.")
        equal(receive(second), "You are connected! There are 2 users here.")
        first.send("hello")
        second.send(b"not a text")
        for client in (first, second):
            equal(receive(client), "[user0]: hello")
        second.send("hi")
        for client in (first, second):
            equal(receive(client), "[user1]: hi")
    with opened(base, "chat") as third:
        equal(receive(third), "You are connected! There are 1 users here.")
        exchange(third, "who", "[user2]: who")
        third.send("a" * (65536 + 1))
        equal(closed(third)[0], 1009)


def chat_login(base):
    with opened(base, "chat/login") as first, opened(base, "chat/login") as second:
        equal(receive(first), "You've logged in as [user0]")
        equal(receive(second), "You've logged in as [user1]")
        second.send("hello")
        for client in (first, second):
            equal(receive(client), "[user1]: hello")


def flow(base):
    with opened(base, "flow") as first, opened(base, "flow", None) as second:
        for client in (first, second):
            equal(receive(client), "You are connected to WebSocket!")
        for text in ["one", "둘"]:
            first.send(text)
            for client in (first, second):
                equal(receive(client), text)


def flow_events(base):
    """The events of the flow, from the first and from where a reader left."""

    def follow(fields={}):
        request = urllib.request.Request(base + "flow/events", headers=fields)
        return urllib.request.urlopen(request, timeout=SECONDS)

    def event(answer):
        """The lines of the next event."""
        lines = []
        while (line := answer.readline().decode().rstrip("\n")) or not lines:
            lines.append(line)
        return lines

    with opened(base, "flow") as speaker, follow() as reader:
        equal(reader.headers["Content-Type"], "text/event-stream")
        receive(speaker)
        for text in ["one", "둘\nlines"]:
            exchange(speaker, text, text)
        id, data = event(reader)
        equal(data, "data: one")
        equal(event(reader)[1:], ["data: 둘", "data: lines"])
        with follow({"Last-Event-ID": id.removeprefix("id: ")}) as again:
            equal(event(again)[1:], ["data: 둘", "data: lines"])


def chatt(base):
    line = '{"mid":"게스트","msg":"안녕...","date":"2023. 2. 8. 오전 2:25:14"}'
    with opened(base, "chatt") as first, opened(base, "chatt", None) as second:
        texts = [line, "not json", " { } ", line * 100]
        for text in texts:
            first.send(text)
        for client in (first, second):
            for text in texts:
                equal(receive(client), text)


def pages(base):
    for path, part in [("", "/js/rooms.js"), ("about", "/chattstart"), ("chattstart", "웹 소켓 채팅"), ("css/chatt.css", "#talk"), ("js/chatt.js", "WebSocket")]:
        with urllib.request.urlopen(base + path, timeout=SECONDS) as answer:
            equal(answer.status, 200)
            if part not in answer.read().decode():
                raise AssertionError(f"/{path} has no {part}")
    for path in ["echo", "chat/login", "flow", "chatt", "ws/chat"]:
        try:
            urllib.request.urlopen(base + path, timeout=SECONDS)
            raise AssertionError(f"/{path} answered a plain GET")
        except urllib.error.HTTPError as error:
            equal(error.code, 426)


def main():
    binary = sys.argv[1]
    server = subprocess.Popen(
        [binary, "serve", "--listen", "127.0.0.1:0", "--log", "warn"], stdout=subprocess.PIPE, text=True
    )
    try:
        base = re.search(r"http://\S+", server.stdout.readline()).group()
        for walk in [echo, you_said, echo_raw, chat, chat_login, flow, flow_events, chatt, pages]:
            walk(base)
            print(f"ok  websockets {walk.__name__}")
        with opened(base, "chat") as last:
            receive(last)
            server.send_signal(signal.SIGTERM)
            equal(closed(last)[0], 1001)
        equal(server.wait(SECONDS), 0)
        print("ok  websockets shutdown")
    finally:
        server.kill()


main()
