"""A WebSocket client of Python's standard library alone: texts, pings, closing (RFC 6455)."""

import base64
import hashlib
import os
import socket
import struct

SECONDS = 10
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
# RFC 6455, section 1.3.
MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class WebSocket:
    def __init__(self, host, port, path, protocol=None):
        self.socket = socket.create_connection((host, port), SECONDS)
        self.file = self.socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        fields = [f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade"]
        fields += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        if protocol:
            fields.append(f"Sec-WebSocket-Protocol: {protocol}")
        head = "\r\n".join([f"GET {path} HTTP/1.1", *fields, "", ""])
        self.socket.sendall(head.encode())
        status = self.file.readline().decode()
        self.fields = {}
        while line := self.file.readline().decode().strip():
            name, value = line.split(": ", 1)
            self.fields[name.lower()] = value
        accept = base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()
        if " 101 " not in status or self.fields.get("sec-websocket-accept") != accept:
            raise ConnectionError(f"no WebSocket: {status}{self.fields}")
        self.protocol = self.fields.get("sec-websocket-protocol")

    def _send(self, opcode, payload):
        mask, length = os.urandom(4), len(payload)
        if length < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | length)
        elif length < 1 << 16:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, length)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.socket.sendall(head + mask + masked)

    def send(self, text):
        self._send(TEXT, text.encode())

    def _exactly(self, count):
        got = self.file.read(count)
        if len(got) < count:
            raise ConnectionError(f"the end came after {len(got)} of {count} bytes")
        return got

    def _frame(self):
        first, length = self._exactly(2)
        if first & 0x70 or not first & 0x80 or length & 0x80:
            raise ConnectionError(f"a frame that begins {first:#x} {length:#x}")
        if length == 126:
            (length,) = struct.unpack("!H", self._exactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._exactly(8))
        return first & 0x0F, self._exactly(length)

    def receive(self):
        """The next text; a Close is a pair of its code and its reason, and is answered."""
        while True:
            opcode, payload = self._frame()
            if opcode == TEXT:
                return payload.decode()
            if opcode == PING:
                self._send(PONG, payload)
            elif opcode == CLOSE:
                self._send(CLOSE, payload[:2])
                return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    def close(self):
        """The closing handshake from this side; what was under way is passed over."""
        self._send(CLOSE, struct.pack("!H", 1000))
        while self._frame()[0] != CLOSE:
            pass
        self.file.close()
        self.socket.close()
