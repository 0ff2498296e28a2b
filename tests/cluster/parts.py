"""What scripts about several nodes have in common: ports, questions over HTTP, and the bytes of a WebSocket client."""

import base64
import os
import socket
import struct
import urllib.request


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def engine_command(engine, port, folder):
    """An engine of one's own that keeps nothing on disk."""
    command = [engine, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    return [*command, "--dir", folder]


def node_command(dunlin, port, engine_port):
    """A node without rates; without a port of an engine, one whose rooms are in memory."""
    command = [dunlin, "serve", "--listen", f"127.0.0.1:{port}", "--log", "warn", "--max-per-address", "off"]
    command += ["--message-rate", "off", "--join-rate", "off", "--metrics", "public"]
    return command + (["--engine", f"redis://127.0.0.1:{engine_port}"] if engine_port else [])


def fetch(method, port, path):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def upgrade(path, protocol=None):
    """The head of a request."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    head += f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
    head += f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
    return (head + "\r\n").encode()


def frame(payload, opcode=1):
    """A whole message of less than 64 KiB, masked with zeros."""
    length = len(payload)
    head = struct.pack("!BB", 0x80 | opcode, 0x80 | length) if length < 126 else struct.pack("!BBH", 0x80 | opcode, 0xFE, length)
    return head + bytes(4) + payload
