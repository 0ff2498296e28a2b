"""Many WebSocket clients in one process, without a library: what a hostile or an honest crowd needs and no more."""

import os
import selectors
import socket
import ssl
import struct
import time

REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(payload, opcode=1, fin=True):
    """A masked frame."""
    mask = os.urandom(4)
    head = bytes([(0x80 if fin else 0) | opcode])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    elif len(payload) < 65536:
        head += struct.pack(">BH", 0x80 | 126, len(payload))
    else:
        head += struct.pack(">BQ", 0x80 | 127, len(payload))
    whole, rest = divmod(len(payload), 4)
    key = mask * whole + mask[:rest]
    body = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return head + mask + body.to_bytes(len(payload), "big")


def plain_context():
    """A client's TLS that takes any certificate: what is tested is the server on this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(port, is_secure=False, source=None, receive_buffer=None):
    """A connected socket, blocking, with TLS where that is wanted."""
    raw = socket.socket()
    if receive_buffer:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if source:
        raw.bind((source, 0))
    raw.settimeout(20)
    raw.connect(("127.0.0.1", port))
    return plain_context().wrap_socket(raw) if is_secure else raw


class Client:
    """One session: its socket, what arrived, and the frames that are whole."""

    def __init__(self, port, path, **options):
        self.socket = connect(port, **options)
        self.socket.sendall(REQUEST.format(path=path, port=port).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            got = self.socket.recv(4096)
            if not got:
                raise ConnectionError(f"no answer to the upgrade: {head[:80]!r}")
            head += got
        head, self.bytes = head.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            self.socket.close()
            raise ConnectionError(head.split(b"\r\n")[0].decode())
        self.socket.setblocking(False)
        self.is_over = False
        self.close_code = None
        self.frames = []

    def send(self, payload, opcode=1):
        self.socket.setblocking(True)
        try:
            self.socket.sendall(frame(payload, opcode))
        except OSError:
            self.is_over = True
        finally:
            self.socket.setblocking(False)

    def receive(self):
        """Takes what has arrived."""
        try:
            while True:
                got = self.socket.recv(65536)
                if not got:
                    self.is_over = True
                    break
                self.bytes += got
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except OSError:
            self.is_over = True
        self.split()

    def split(self):
        while len(self.bytes) >= 2:
            length, at = self.bytes[1] & 127, 2
            if length == 126 and len(self.bytes) >= 4:
                length, at = struct.unpack(">H", self.bytes[2:4])[0], 4
            elif length == 127 and len(self.bytes) >= 10:
                length, at = struct.unpack(">Q", self.bytes[2:10])[0], 10
            elif length > 125:
                return
            if len(self.bytes) < at + length:
                return
            opcode, payload = self.bytes[0] & 15, self.bytes[at : at + length]
            self.bytes = self.bytes[at + length :]
            if opcode == 9:
                self.send(payload, 10)
            elif opcode == 8:
                self.close_code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
            else:
                self.frames.append((opcode, payload))

    def end(self):
        self.socket.close()


class Crowd:
    """Sessions that one thread looks after."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.clients = []

    def add(self, client):
        self.clients.append(client)
        self.selector.register(client.socket, selectors.EVENT_READ, client)
        return client

    def remove(self, client):
        self.clients.remove(client)
        self.selector.unregister(client.socket)
        client.end()

    def run(self, seconds, on_frames=None):
        """Receives for so long; `on_frames(client)` after each arrival."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for key, _ in self.selector.select(min(left, 0.2)):
                client = key.data
                client.receive()
                if on_frames:
                    on_frames(client)
                if client.is_over:
                    self.selector.unregister(client.socket)
                    client.end()

    def is_quiet(self):
        return all(client.is_over for client in self.clients)

    def end(self):
        for client in self.clients:
            client.end()
        self.selector.close()
