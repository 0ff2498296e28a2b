"""Walks the rooms with nothing but curl and Python's standard library, every byte of them.

Usage: python rooms.py PATH_OF_DUNLIN
"""

import json
import re
import signal
import subprocess
import sys
import urllib.request

from websocket import SECONDS, WebSocket

JSON = "application/json;charset=UTF-8"
NOBODY = "00000000-0000-4000-8000-000000000000"
CLIENT = "a secret of sixteen or more"


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"got {got!r}, wanted {wanted!r}")


def match(got, pattern):
    found = re.fullmatch(pattern, got)
    if not found:
        raise AssertionError(f"got {got!r}, wanted {pattern!r}")
    return found


def written(value):
    """JSON as the server writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def curl(*arguments):
    """Status, header fields and body of an answer."""
    command = ["curl", "--silent", "--show-error", "--include", "--max-time", str(SECONDS), *arguments]
    answer = subprocess.run(command, check=True, capture_output=True).stdout.decode()
    head, body = answer.split("\r\n\r\n", 1)
    status, *lines = head.split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines)
    return int(status.split(" ")[1]), {name.lower(): value for name, value in fields.items()}, body


def answers(status, body, *arguments):
    """The header fields of an answer that must be this one."""
    got, fields, text = curl(*arguments)
    equal((got, text), (status, body))
    if body:
        equal(fields["content-type"], JSON)
    return fields


def problem(status, error, message, path, *arguments):
    body = written({"status": status, "error": error, "message": message, "path": path})
    return answers(status, body, *arguments)


class CurlStream:
    """The events of a room by `curl -N`."""

    def __init__(self, url, *more):
        command = ["curl", "--silent", "--no-buffer", "--max-time", str(SECONDS), *more, url]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.file = self.process.stdout

    def end(self):
        """All that still comes, to the end of the stream."""
        rest = self.file.read().decode()
        equal(self.process.wait(SECONDS), 0)
        return rest


class PythonStream:
    """The same by urllib."""

    def __init__(self, url, fields={}):
        self.file = urllib.request.urlopen(urllib.request.Request(url, headers=fields), timeout=SECONDS)
        equal(self.file.headers["Content-Type"], "text/event-stream")

    def end(self):
        return self.file.read().decode()


def event(stream):
    """The lines of the next event; comments and times to wait are passed over."""
    while True:
        lines = []
        while line := stream.file.readline().decode().rstrip("\n"):
            lines.append(line)
        lines = [line for line in lines if not line.startswith((":", "retry:"))]
        if lines:
            return lines


class Walk:
    def __init__(self, base):
        self.base = base
        self.host, port = match(base, r"http://([^:]+):(\d+)/").groups()
        self.port = int(port)

    def open(self, protocol=None):
        client = WebSocket(self.host, self.port, "/ws/chat", protocol)
        equal(client.protocol, protocol)
        return client

    def make(self):
        """Rooms are made, listed and looked at."""
        url = self.base + "chat"
        status, fields, body = curl("-X", "POST", url + "?name=first%20room")
        equal((status, fields["content-type"]), (200, JSON))
        self.key = match(fields["room-key"], "[0-9a-f]{64}").group()
        uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
        self.room = match(body, f'{{"roomId":"({uuid})","name":"first room","sessions":0}}').group(1)
        self.url = f"{url}/{self.room}"
        self.path = f"/chat/{self.room}"
        status, _, second = curl("--data-urlencode", "name=두 번째", url)
        match(second, f'{{"roomId":"{uuid}","name":"두 번째","sessions":0}}')
        answers(200, body, self.url)
        answers(200, f"[{body},{second}]", url)
        problem(400, "Bad Request", "Required parameter 'name' is not present", "/chat", "-X", "POST", url)
        unknown = "no room has this id; GET /chat lists the rooms"
        for behind in ["", "/messages", "/members"]:
            path = f"/chat/{NOBODY}{behind}"
            problem(404, "Not Found", unknown, path, self.base + path[1:])
        status, fields, _ = curl("-X", "PUT", url)
        equal((status, fields["allow"]), (405, "GET, HEAD, POST"))
        equal(curl(self.base + "ws/chat")[0], 426)

    def line(self, kind, sender, message):
        return written({"type": kind, "roomId": self.room, "sender": sender, "message": message})

    def enter(self, session, **more):
        session.send(written({"type": "ENTER", "roomId": self.room, **more}))

    def talk(self):
        """Members of both formats enter, talk and leave."""
        kim = self.open()
        entered = self.line("ENTER", "김", "김님이 입장했습니다.")
        for _ in range(2):
            kim.send(self.line("ENTER", "김", None))
            equal(kim.receive(), entered)
        kim.send(self.line("TALK", "김", "안녕"))
        equal(kim.receive(), self.line("TALK", "김", "안녕"))
        kim.send("no json")
        match(kim.receive(), r'\{"type":"ERROR","roomId":null,"sender":"server","message":".+"\}')
        kim.send(self.line("TALK", "박", "hi"))
        match(kim.receive(), f'{{"type":"ERROR","roomId":"{self.room}","sender":"server","message":".+"}}')
        lee = self.open("dunlin.v1")
        self.enter(lee, sender="lee", client=CLIENT, last=10)
        told = lee.receive()
        first = {"type": "TALK", "roomId": self.room, "sender": "김", "message": "안녕", "id": 1}
        first["date"] = json.loads(told)["messages"][0]["date"]
        self.epoch = match(json.loads(told)["epoch"], "[0-9a-f]{16}").group()
        wanted = {"type": "ENTERED", "roomId": self.room, "name": "lee", "epoch": self.epoch, "id": 1}
        equal(told, written(wanted | {"recovered": True, "members": 2, "messages": [first]}))
        equal(kim.receive(), self.line("ENTER", "lee", "lee님이 입장했습니다."))
        self.first, self.kim, self.lee = first, kim, lee
        lee.send(written({"type": "TALK", "roomId": self.room, "message": "hello", "ref": "a"}))
        receipt = lee.receive()
        date = json.loads(receipt)["date"]
        self.second = self.first | {"sender": "lee", "message": "hello", "id": 2, "date": date}
        equal(receipt, written(self.second | {"ref": "a"}))
        equal(kim.receive(), self.line("TALK", "lee", "hello"))
        members = {"roomId": self.room, "members": 2, "names": ["lee", "김"]}
        answers(200, written(members), self.url + "/members")

    def history(self):
        """A script says something, and reads what was said."""
        url = self.url + "/messages"
        receipt = {"epoch": self.epoch, "id": 3}
        answers(200, written(receipt), "-H", "Content-Type: text/plain", "--data-raw", "from a script", url)
        equal(self.kim.receive(), self.line("TALK", "guest", "from a script"))
        third = json.loads(self.lee.receive())
        third_wanted = {"sender": "guest", "message": "from a script", "id": 3, "date": third["date"]}
        equal(third, self.first | third_wanted)
        said = written({"sender": "cron", "message": "by JSON", "ref": "1"})
        for _ in range(2):
            answers(200, written(receipt | {"id": 4}), "-H", "Content-Type: application/json", "-d", said, url)
        equal(self.kim.receive(), self.line("TALK", "cron", "by JSON"))
        fourth = json.loads(self.lee.receive())
        taken = "another member of this room has this name; choose another"
        problem(409, "Conflict", taken, self.path + "/messages", "-d", "x", url + "?sender=lee")
        page = {"roomId": self.room, "epoch": self.epoch, "id": 4, "recovered": True}
        newest = written(page | {"messages": [self.first, self.second, third, fourth]})
        answers(200, newest, url)
        behind = f"{url}?after=2&epoch={self.epoch}"
        answers(200, written(page | {"messages": [third, fourth]}), behind)
        part = written(page | {"recovered": False, "messages": [third]})
        answers(200, part, behind + "&limit=1")
        other = written(page | {"recovered": False, "messages": [fourth]})
        answers(200, other, url + "?after=2&epoch=0123456789abcdef&limit=1")
        self.fourth = fourth

    def publish(self, text):
        body = json.loads(curl("--data-raw", text, self.url + "/messages")[2])
        self.kim.receive()
        return json.loads(self.lee.receive()) | {"id": body["id"]}

    def is_talk(self, stream, talk):
        equal(event(stream), [f"id: {self.epoch}:{talk['id']}", "event: talk", "data: " + written(talk)])

    def events(self):
        """Events come by curl and by Python, and go on behind the last one."""
        url = self.url + "/events"
        behind = f"{self.epoch}:3"
        streams = [CurlStream(url, "-H", f"Last-Event-ID: {behind}"), PythonStream(f"{url}?since={behind}")]
        for stream in streams:
            self.is_talk(stream, self.fourth)
        # Two lines of a text are one line of JSON.
        fifth = self.publish("one\ntwo")
        for stream in streams:
            self.is_talk(stream, fifth)
            stream.file.close()
        streams[0].process.wait(SECONDS)
        sixth = self.publish("while they are away")
        self.streams = [CurlStream(f"{url}?since={self.epoch}:5"), PythonStream(url, {"Last-Event-ID": f"{self.epoch}:5"})]
        for stream in self.streams:
            self.is_talk(stream, sixth)
        unknown = CurlStream(url, "-H", "Last-Event-ID: 0123456789abcdef:5")
        for talk in [self.first, self.second]:
            self.is_talk(unknown, talk)
        unknown.process.kill()
        equal(curl(self.base + f"chat/{NOBODY}/events")[0], 404)

    def come_back(self):
        """Somebody comes back, is told what it missed, takes its name over, and leaves."""
        again = self.open("dunlin.v1")
        since = {"epoch": self.epoch, "id": 5}
        self.enter(again, sender="lee", client=CLIENT, since=since)
        told = json.loads(again.receive())
        equal((told["recovered"], told["id"], told["members"]), (True, 6, 2))
        equal([talk["id"] for talk in told["messages"]], [6])
        closed = {"type": "CLOSED", "roomId": self.room, "reason": "replaced"}
        equal(self.lee.receive(), written(closed))
        self.lee.close()
        thief = self.open("dunlin.v1")
        self.enter(thief, sender="lee")
        refused = {"type": "ERROR", "roomId": self.room, "code": "name-taken"}
        refused["message"] = "another member of this room has this name; choose another"
        equal(thief.receive(), written(refused))
        thief.close()
        again.send(written({"type": "TALK", "roomId": self.room, "message": "hello", "ref": "a"}))
        equal(again.receive(), written(self.second | {"ref": "a"}))
        again.send(written({"type": "LEAVE", "roomId": self.room}))
        equal(self.kim.receive(), self.line("LEAVE", "lee", "lee님이 퇴장했습니다."))
        left = {"type": "LEFT", "roomId": self.room, "sender": "lee", "members": 1}
        for stream in self.streams:
            equal(event(stream), ["event: left", "data: " + written(left)])
        self.lee = again

    def delete(self):
        """The room is deleted by its key, and everybody is told."""
        self.enter(self.lee, sender="lee")
        self.lee.receive()
        self.kim.receive()
        joined = {"type": "JOINED", "roomId": self.room, "sender": "lee", "members": 2}
        for stream in self.streams:
            equal(event(stream), ["event: joined", "data: " + written(joined)])
        wrong = "the Room-Key is not that of this room"
        for more in [[], ["-H", "Room-Key: " + "0" * 64]]:
            problem(403, "Forbidden", wrong, self.path, "-X", "DELETE", *more, self.url)
        answers(204, "", "-X", "DELETE", "-H", f"Room-Key: {self.key}", self.url)
        equal(self.kim.receive(), (1000, "Room closed"))
        closed = written({"type": "CLOSED", "roomId": self.room, "reason": "Room closed"})
        equal(self.lee.receive(), closed)
        self.lee.close()
        for stream in self.streams:
            equal(stream.end(), f"event: closed\ndata: {closed}\n\n")
        equal(curl(self.url)[0], 404)


def main():
    server = subprocess.Popen(
        [sys.argv[1], "serve", "--listen", "127.0.0.1:0", "--log", "warn"], stdout=subprocess.PIPE, text=True
    )
    try:
        walk = Walk(re.search(r"http://\S+", server.stdout.readline()).group())
        for step in [walk.make, walk.talk, walk.history, walk.events, walk.come_back, walk.delete]:
            step()
            print(f"ok  curl and python: {step.__doc__}")
        server.send_signal(signal.SIGTERM)
        equal(server.wait(SECONDS), 0)
    finally:
        server.kill()


main()
