"""Which servers are measured, how each is started, and which version it is."""

import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
BUILT = ROOT / "target" / "peers"
VENV = BUILT / "venv"


@dataclass(frozen=True)
class Peer:
    """A server. `command` gets the port and whether compression is wanted."""

    name: str
    kind: str  # what has to be installed: dunlin, cargo, npm, python, lws or nchan
    runtime: str
    command: Callable[[int, bool, Path], list[str]]
    executable: Path
    echo: str | None = "/echo"
    broadcast: str | None = "/broadcast"
    deflate: bool = False


def rust(name: str, runtime: str, deflate: bool = False) -> Peer:
    executable = BUILT / "release" / f"peer-{name}"
    return Peer(name, "cargo", runtime, arguments(str(executable)), executable, deflate=deflate)


def arguments(*start: str) -> Callable[[int, bool, Path], list[str]]:
    """PORT, and `--deflate` when it is wanted: what all servers of this folder take."""
    return lambda port, deflate, _: [
        *start,
        str(port),
        *(["--deflate"] if deflate else []),
    ]


def python(name: str, deflate: bool) -> Peer:
    executable = VENV / "bin" / "python"
    script = HERE / "python" / f"peer_{name}.py"
    command = arguments(str(executable), str(script))
    return Peer(name, "python", "Python, uvloop", command, executable, deflate=deflate)


def nginx_command(port: int, deflate: bool, folder: Path) -> list[str]:
    values = {
        "MODULE": "/usr/lib/nginx/modules/ngx_nchan_module.so",
        "FOLDER": str(folder),
        "PORT": str(port),
        "DEFLATE": "nchan_deflate_message_for_websocket on;" if deflate else "",
    }
    template = (HERE / "nginx-nchan" / "nginx.conf").read_text()
    text = re.sub("|".join(values), lambda word: values[word.group()], template)
    path = folder / "nginx.conf"
    path.write_text(text)
    return ["/usr/sbin/nginx", "-p", str(folder), "-c", str(path)]


def all_peers(dunlin: Path) -> list[Peer]:
    """dunlin first: everything is set against it."""
    serve = [str(dunlin), "serve", "--log", "warn", "--listen"]
    node = BUILT / "npm" / "server.js"
    return [
        Peer(
            "dunlin",
            "dunlin",
            "Rust, mio",
            lambda port, _deflate, _folder: [*serve, f"127.0.0.1:{port}"],
            dunlin,
            echo="/echo-raw",
            broadcast="/chatt",
            deflate=True,
        ),
        rust("tokio-tungstenite", "Rust, tokio"),
        rust("tokio-websockets", "Rust, tokio"),
        rust("fastwebsockets", "Rust, tokio and hyper"),
        rust("sockudo-ws", "Rust, tokio", deflate=True),
        rust("yawc", "Rust, tokio and hyper", deflate=True),
        rust("axum", "Rust, tokio and hyper"),
        rust("actix-ws", "Rust, tokio and actix"),
        Peer("ws", "npm", "Node.js", arguments("node", str(node)), node, deflate=True),
        python("websockets", deflate=True),
        python("picows", deflate=False),
        Peer(
            "libwebsockets",
            "lws",
            "C, libuv",
            arguments(str(BUILT / "peer-libwebsockets")),
            BUILT / "peer-libwebsockets",
            deflate=True,
        ),
        Peer(
            "nginx-nchan",
            "nchan",
            "C, nginx",
            nginx_command,
            Path("/usr/lib/nginx/modules/ngx_nchan_module.so"),
            echo=None,
            deflate=True,
        ),
    ]


def output(*command: str) -> str:
    """What a command prints, or nothing where it is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def debian_version(package: str) -> str:
    return output("dpkg-query", "-W", "--showformat=${Version}", package)


def versions(peers: list[Peer]) -> dict[str, str]:
    """By the lock files, or as Debian has it."""
    lock = tomllib.loads((HERE / "Cargo.lock").read_text())["package"]
    crates = {package["name"]: package["version"] for package in lock}
    npm = json.loads((HERE / "npm-ws" / "package-lock.json").read_text())["packages"]
    lines = (HERE / "python" / "requirements.txt").read_text().splitlines()
    wheels = dict(line.split("==") for line in lines if "==" in line)
    found = {}
    for peer in peers:
        match peer.kind:
            case "dunlin":
                found[peer.name] = output(str(peer.executable), "--version")
                commit = output("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
                found[peer.name] += f", commit {commit}" if commit else ""
            case "cargo":
                found[peer.name] = crates.get(peer.name, "")
            case "npm":
                found[peer.name] = npm["node_modules/ws"]["version"]
                found[peer.name] += f", Node.js {output('node', '--version')}"
            case "python":
                found[peer.name] = wheels[peer.name]
                python_version = output(str(VENV / "bin" / "python"), "--version")
                found[peer.name] += f", {python_version}, uvloop {wheels['uvloop']}"
            case "lws":
                found[peer.name] = debian_version("libwebsockets-dev")
            case "nchan":
                found[peer.name] = debian_version("libnginx-mod-nchan")
                found[peer.name] += f", nginx {debian_version('nginx')}"
    return found
