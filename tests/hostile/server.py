"""A dunlin of one's own: started, looked at in /proc, and ended by its id."""

import os
import re
import signal
import subprocess
import tempfile
import time


class Server:
    """`dunlin serve` on a port of the system's choice."""

    def __init__(self, binary, *arguments, log="info", prefix=(), stderr=None, environment=None):
        self.log = tempfile.NamedTemporaryFile(mode="w+", prefix="dunlin-log-", suffix=".txt")
        command = [*prefix, binary, "serve", "--listen", "127.0.0.1:0", "--log", log, *arguments]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self.log if stderr is None else stderr,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        line = self.process.stdout.readline()
        found = re.search(r"(https?)://127\.0\.0\.1:(\d+)/", line)
        if not found:
            self.process.wait(10)
            raise RuntimeError(f"it did not start: {line!r} {self.lines()}")
        self.is_secure, self.port = found.group(1) == "https", int(found.group(2))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def pid(self):
        return self.process.pid

    def url(self, path):
        return f"ws{'s' if self.is_secure else ''}://127.0.0.1:{self.port}{path}"

    def web(self, path):
        return f"http{'s' if self.is_secure else ''}://127.0.0.1:{self.port}{path}"

    def lines(self):
        return open(self.log.name, errors="replace").read().splitlines()

    def rss(self):
        """KiB in memory."""
        status = open(f"/proc/{self.pid}/status").read()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu(self):
        """Seconds of CPU that it used so far."""
        fields = open(f"/proc/{self.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cpu_share(self, seconds):
        """The share of a core that it uses for so long."""
        before, start = self.cpu(), time.monotonic()
        time.sleep(seconds)
        return (self.cpu() - before) / (time.monotonic() - start)

    def stop(self, seconds=30):
        """SIGTERM; the exit code and how long the end took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds), time.monotonic() - start
