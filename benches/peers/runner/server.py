"""A server process on its own core; ended by its process ids and nothing else."""

import os
import resource
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .peers import Peer

START_LIMIT = 15.0
STOP_LIMIT = 3.0


class Failed(Exception):
    """A cell without a figure, and why, in a few words."""


def cores() -> tuple[int, int]:
    """The first two that this process may use: the server's and the client's."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1] if len(allowed) > 1 else allowed[0]


def raise_open_files() -> int:
    """To the hard limit; the servers inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """`with Server(peer, deflate) as server`: it listens, and it is gone behind the block."""

    def __init__(self, peer: Peer, deflate: bool):
        self.peer, self.deflate = peer, deflate

    def __enter__(self) -> "Server":
        self.folder = tempfile.TemporaryDirectory(prefix=f"{self.peer.name}-")
        folder = Path(self.folder.name)
        # nginx gives up its rights, and its worker wants to write here.
        folder.chmod(0o755)
        self.port = free_port()
        command = self.peer.command(self.port, self.deflate, folder)
        self.log = folder / "log"
        with self.log.open("wb") as log:
            try:
                self.process = subprocess.Popen(
                    ["taskset", "-c", str(cores()[0]), *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # One talker stands for many.
                    env=os.environ | {"DUNLIN_MESSAGE_RATE": "off"},
                )
            except OSError as error:
                self.folder.cleanup()
                raise Failed(f"does not start: {error.strerror}") from error
        try:
            self.wait_until_listening()
        except Failed:
            self.__exit__()
            raise
        return self

    def wait_until_listening(self) -> None:
        deadline = time.monotonic() + START_LIMIT
        while True:
            if self.process.poll() is not None:
                raise Failed(f"does not start: {self.ending()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise Failed(f"does not listen after {START_LIMIT:.0f} s") from None
                time.sleep(0.01)

    def pids(self) -> list[int]:
        """The process and what it started, as nginx does."""
        found = [self.process.pid]
        for pid in found:
            path = Path(f"/proc/{pid}/task/{pid}/children")
            try:
                found += [int(word) for word in path.read_text().split()]
            except OSError:
                pass
        return found

    def resident(self) -> int:
        """Bytes of resident memory, of all its processes."""
        pages = 0
        for pid in self.pids():
            try:
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except OSError:
                pass
        return pages * resource.getpagesize()

    def ending(self) -> str | None:
        """How it ended, if it did, with the last line that it wrote."""
        code = self.process.poll()
        if code is None:
            return None
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        lines = self.log.read_text(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"{how}: {last[:160]}" if last else how

    def url(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.port}{path}"

    def __exit__(self, *_) -> None:
        children = self.pids()[1:]
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                for pid in children:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except OSError:
                        pass
        self.folder.cleanup()
